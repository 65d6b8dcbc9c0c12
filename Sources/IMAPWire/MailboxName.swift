internal import Bytes
internal import NIOCore
internal import Text

/// Names of mailboxes between the wire and UTF-8 NFC.
package enum MailboxName {
    /// From the wire; nil where it is malformed, empty is left to the caller.
    ///
    /// In UTF-8 the name must be Net-Unicode: no control characters, normalized by us. [RFC9051-5.1] [RFC5198-2] In modified UTF-7 every
    /// shift must be needed and closed, so that a name has one spelling. [RFC3501-5.1.3]
    package static func decoded(_ bytes: some Collection<UInt8>, isUTF8: Bool) -> String? {
        let text = isUTF8 ? String(validating: bytes, as: UTF8.self) : ModifiedUTF7.decode(bytes)
        guard let text, !text.unicodeScalars.contains(where: Self.isForbidden) else { return nil }
        return Self.withCanonicalInbox(text.utf8.allSatisfy { $0 < 0x80 } ? text : UnicodeText.nfc(text))
    }

    /// As it stands on the wire, before quoting.
    package static func encoded(_ name: String, isUTF8: Bool) -> String { isUTF8 ? name : ModifiedUTF7.encode(name) }

    /// INBOX is itself in any case of letters, also as the parent of others. [RFC9051-5.1]
    package static func withCanonicalInbox(_ name: String) -> String {
        let inbox = "INBOX".utf8
        guard name.utf8.count >= inbox.count, equalIgnoringASCIICase(name.utf8.prefix(inbox.count), inbox) else { return name }
        let rest = name.utf8.dropFirst(inbox.count)
        guard rest.isEmpty || rest.first == UInt8(ascii: "/") else { return name }
        return "INBOX" + String(Substring(rest))
    }

    /// C0, DEL, C1, and the separators of lines and paragraphs. [RFC5198-2]
    private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }
}

/// UTF-7 as IMAP4rev1 changed it: `&` shifts, `,` instead of `/`, no padding, printable ASCII always as itself. [RFC3501-5.1.3]
enum ModifiedUTF7 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,".utf8)
    private static let ampersand = UInt8(ascii: "&")
    private static let hyphen = UInt8(ascii: "-")

    static func encode(_ text: String) -> String {
        var out: [UInt8] = []
        var shifted: [UInt16] = []
        for scalar in text.unicodeScalars {
            guard (0x20...0x7E).contains(scalar.value) else {
                shifted += UTF16.encode(scalar).map(Array.init) ?? []
                continue
            }
            Self.flush(&shifted, to: &out)
            out.append(UInt8(truncatingIfNeeded: scalar.value))
            if scalar == "&" { out.append(self.hyphen) }
        }
        Self.flush(&shifted, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    private static func flush(_ units: inout [UInt16], to out: inout [UInt8]) {
        guard !units.isEmpty else { return }
        out.append(self.ampersand)
        var bits: UInt32 = 0
        var count = 0
        for unit in units {
            bits = bits << 16 | UInt32(unit)
            count += 16
            while count >= 6 {
                count -= 6
                out.append(self.alphabet[Int(bits >> UInt32(count)) & 0x3F])
            }
            bits &= 0x3F
        }
        if count > 0 { out.append(self.alphabet[Int(bits << UInt32(6 - count)) & 0x3F]) }
        out.append(self.hyphen)
        units.removeAll(keepingCapacity: true)
    }

    /// nil where it is malformed.
    static func decode(_ bytes: some Collection<UInt8>) -> String? {
        var out = String.UnicodeScalarView()
        var rest = Array(bytes)[...]
        var wasShifted = false
        while let byte = rest.popFirst() {
            guard byte == self.ampersand else {
                guard (0x20...0x7E).contains(byte) else { return nil }
                out.append(Unicode.Scalar(byte))
                wasShifted = false
                continue
            }
            guard let end = rest.firstIndex(of: self.hyphen) else { return nil }
            let code = rest[..<end]
            rest = rest[(end + 1)...]
            if code.isEmpty {
                out.append("&")
                wasShifted = false
                continue
            }
            // Two shifts in a row are one shift written otherwise.
            guard !wasShifted, let scalars = Self.scalars(code) else { return nil }
            out.append(contentsOf: scalars)
            wasShifted = true
        }
        return String(out)
    }

    private static func scalars(_ code: ArraySlice<UInt8>) -> [Unicode.Scalar]? {
        var units: [UInt16] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in code {
            guard let value = Self.value(byte) else { return nil }
            bits = bits << 6 | value
            count += 6
            if count >= 16 {
                count -= 16
                units.append(UInt16(truncatingIfNeeded: bits >> UInt32(count)))
                bits &= (1 << UInt32(count)) - 1
            }
        }
        // What is left over is less than a character of the alphabet, and nothing.
        guard count < 6, bits == 0, !units.isEmpty else { return nil }
        var decoder = UTF16()
        var iterator = units.makeIterator()
        var scalars: [Unicode.Scalar] = []
        while true {
            switch decoder.decode(&iterator) {
            case .scalarValue(let scalar):
                guard !(0x20...0x7E).contains(scalar.value) else { return nil }  // must be written as itself
                scalars.append(scalar)
            case .emptyInput: return scalars
            case .error: return nil
            }
        }
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x41...0x5A: UInt32(byte) - 0x41
        case 0x61...0x7A: UInt32(byte) - 0x61 + 26
        case 0x30...0x39: UInt32(byte) - 0x30 + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: ","): 63
        default: nil
        }
    }
}
