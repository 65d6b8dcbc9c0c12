internal import Bytes
internal import Text

/// One `name=value` as it stands in a field; several make one parameter: `name*0*=`, `name*1=`. [RFC2231-3]
struct ParameterPiece {
    /// Lower-case, with what follows the asterisk.
    var name: String
    var value: [UInt8]

    /// Continuations of one parameter beyond these are ignored.
    private static let maximumPieces = 200

    private struct Part {
        var order: Int
        var isEncoded: Bool
        var value: [UInt8]
    }

    /// Parameters in the order in which they begin, values as text. Of two with one name the first counts.
    static func joined(_ pieces: [ParameterPiece]) -> [MediaType.Parameter] {
        if self.isPlain(pieces) { return pieces.map { MediaType.Parameter($0.name, HeaderText.decode($0.value)) } }
        let (order, parts) = self.sorted(pieces)
        return order.map { MediaType.Parameter($0, self.text(parts[$0] ?? [])) }
    }

    /// Nothing is in pieces or encoded, and nothing comes twice: nearly all fields.
    private static func isPlain(_ pieces: [ParameterPiece]) -> Bool {
        guard pieces.count <= 4 else { return false }
        for (index, piece) in pieces.enumerated() {
            if piece.name.utf8.contains(UInt8(ascii: "*")) || pieces[..<index].contains(where: { $0.name == piece.name }) { return false }
        }
        return true
    }

    private static func sorted(_ pieces: [ParameterPiece]) -> (order: [String], parts: [String: [Part]]) {
        var order: [String] = []
        var parts: [String: [Part]] = [:]
        for piece in pieces {
            let (base, part) = piece.part
            if parts[base] == nil { order.append(base) }
            let known = parts[base, default: []]
            guard known.count < Self.maximumPieces, !known.contains(where: { $0.order == part.order }) else { continue }
            parts[base, default: []].append(part)
        }
        return (order, parts)
    }

    /// A parameter as BODYSTRUCTURE shows it: continuations put together, the value otherwise as it stands. [RFC9051-7.5.2]
    struct Shown {
        /// With an asterisk where the value is `charset'language'` and percent-encoded text.
        var name: String
        var value: [UInt8]
        var isExtended: Bool
        /// The value as text.
        var text: String
    }

    static func shown(_ pieces: [ParameterPiece]) -> [Shown] {
        if self.isPlain(pieces) {
            return pieces.map { Shown(name: $0.name, value: $0.value, isExtended: false, text: HeaderText.decode($0.value)) }
        }
        let (order, parts) = self.sorted(pieces)
        return order.map { name in
            let all = parts[name] ?? []
            let numbered = all.filter { $0.order >= 0 }.sorted { $0.order < $1.order }
            let isExtended = numbered.contains { $0.isEncoded }
            let value = numbered.isEmpty ? all.first?.value ?? [] : numbered.flatMap { self.shown($0, isExtended) }
            return Shown(name: isExtended ? name + "*" : name, value: value, isExtended: isExtended, text: self.text(all))
        }
    }

    private static func shown(_ part: Part, _ isExtended: Bool) -> [UInt8] {
        isExtended && !part.isEncoded ? self.percentEncoded(part.value) : part.value
    }

    // RFC 2231 7:  attribute-char := <any (US-ASCII) CHAR except SPACE, CTLs, "*", "'", "%", or tspecials>
    static func percentEncoded(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for byte in bytes {
            if byte.isASCIILetter || byte.isASCIIDigit || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: "_")
            {
                out.append(byte)
            } else {
                out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return out
    }

    /// `name*3*` is the fourth piece, encoded; `name*` the only one, encoded; `name` a plain one, which yields to the others.
    private var part: (base: String, Part) {
        let words = self.name.split(separator: "*", omittingEmptySubsequences: false)
        guard words.count > 1, let base = words.first, !base.isEmpty else {
            return (self.name, Part(order: -1, isEncoded: false, value: self.value))
        }
        if words.count == 2, words[1].isEmpty { return (String(base), Part(order: 0, isEncoded: true, value: self.value)) }
        guard words.count <= 3, words[1].utf8.count <= 4, let number = Int(words[1]), number >= 0 else {
            return (self.name, Part(order: -1, isEncoded: false, value: self.value))
        }
        return (String(base), Part(order: number, isEncoded: words.count == 3 && words[2].isEmpty, value: self.value))
    }

    private static func text(_ parts: [Part]) -> String {
        let numbered = parts.filter { $0.order >= 0 }.sorted { $0.order < $1.order }
        guard let first = numbered.first else {
            // Against RFC 2047 5, but what most programs write for file names.
            return HeaderText.decode(parts.first?.value ?? [])
        }
        guard first.isEncoded, let (charset, start) = self.charset(first.value) else {
            return HeaderText.unlabelled(numbered.flatMap { $0.isEncoded ? self.percentDecoded($0.value[...]) : $0.value })
        }
        var bytes = self.percentDecoded(first.value[start...])
        for part in numbered.dropFirst() { bytes += part.isEncoded ? self.percentDecoded(part.value[...]) : part.value }
        return charset?.decode(bytes) ?? HeaderText.unlabelled(bytes)
    }

    /// `charset'language'`, and where the text starts; the charset is nil when it is none of ours. [RFC2231-4]
    private static func charset(_ value: [UInt8]) -> (Charset?, Int)? {
        let quote = UInt8(ascii: "'")
        guard let first = value.firstIndex(of: quote), let second = value[(first + 1)...].firstIndex(of: quote) else { return nil }
        return (Charset(named: String(decoding: value[..<first], as: UTF8.self)), second + 1)
    }

    private static func percentDecoded(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.endIndex, let high = bytes[index + 1].hexadecimal,
                let low = bytes[index + 2].hexadecimal
            {
                out.append(high << 4 | low)
                index += 3
            } else {
                out.append(bytes[index])
                index += 1
            }
        }
        return out
    }
}

extension UInt8 {
    /// Value of a hexadecimal digit in either case.
    var hexadecimal: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
