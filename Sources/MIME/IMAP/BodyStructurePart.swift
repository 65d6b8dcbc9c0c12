import Bytes
package import NIOCore

/// Finds one part in a BODYSTRUCTURE as it is written for clients: what is kept of a message is the whole. [RFC5524-3.2]
package enum BodyStructurePart {
    /// The value of the part with these numbers; of no numbers the whole. nil where there is none.
    package static func find(_ part: [UInt32], in structure: ByteBuffer) -> ByteBuffer? {
        let bytes = Array(structure.readableBytesView)
        guard let end = Self.end(of: 0, in: bytes) else { return nil }
        var found = 0..<end
        var isMessage = true
        for number in part {
            guard number > 0, let values = Self.values(in: found, bytes) else { return nil }
            var within = (found: found, values: values)
            // What stands in a message is numbered as if the message stood alone.
            if !isMessage, let inner = Self.message(within.values, bytes), let values = Self.values(in: inner, bytes) {
                within = (inner, values)
                isMessage = true
            }
            found = within.found
            let parts = within.values.prefix { bytes[$0.lowerBound] == UInt8(ascii: "(") }
            if !parts.isEmpty {
                guard let index = Int(exactly: number - 1), parts.indices.contains(index) else { return nil }
                found = parts[index]
            } else if !isMessage || number != 1 {
                return nil
            }
            isMessage = false
        }
        return ByteBuffer(bytes: bytes[found])
    }

    /// The body of a message within: type, subtype, parameters, id, description, encoding, octets, envelope, body, lines. [RFC9051-7.5.2]
    private static func message(_ values: [Range<Int>], _ bytes: [UInt8]) -> Range<Int>? {
        guard values.count > 9, values[7...8].allSatisfy({ bytes[$0.lowerBound] == UInt8(ascii: "(") }) else { return nil }
        return values[8]
    }

    /// What a list holds; nil for what is none.
    private static func values(in list: Range<Int>, _ bytes: [UInt8]) -> [Range<Int>]? {
        guard bytes[list.lowerBound] == UInt8(ascii: "(") else { return nil }
        var values: [Range<Int>] = []
        var at = list.lowerBound + 1
        while at < list.upperBound - 1 {
            if bytes[at] == .space || bytes[at] == UInt8(ascii: ")") {
                at += 1
                continue
            }
            guard let end = self.end(of: at, in: bytes), end <= list.upperBound else { return nil }
            values.append(at..<end)
            at = end
        }
        return values
    }

    /// Behind the value that begins here; nil where it has no end.
    private static func end(of start: Int, in bytes: [UInt8]) -> Int? {
        var at = start
        var depth = 0
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "("):
                depth += 1
                at += 1
            case UInt8(ascii: ")"):
                depth -= 1
                at += 1
            case UInt8(ascii: "\""):
                guard let end = self.endOfQuoted(at, bytes) else { return nil }
                at = end
            case UInt8(ascii: "{"):
                guard let end = self.endOfLiteral(at, bytes) else { return nil }
                at = end
            case .space: at += 1
            default:
                while at < bytes.count, bytes[at] != .space, bytes[at] != UInt8(ascii: ")"), bytes[at] != UInt8(ascii: "(") { at += 1 }
            }
            if depth <= 0 { return depth == 0 ? at : nil }
        }
        return nil
    }

    private static func endOfQuoted(_ start: Int, _ bytes: [UInt8]) -> Int? {
        var at = start + 1
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "\"") { return at + 1 }
            at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1
        }
        return nil
    }

    /// `{3}` CR LF and the octets.
    private static func endOfLiteral(_ start: Int, _ bytes: [UInt8]) -> Int? {
        let digits = bytes[(start + 1)...].prefix { $0.isASCIIDigit }
        guard let count = Int(String(decoding: digits, as: UTF8.self)) else { return nil }
        let (end, isTooMuch) = (digits.endIndex + 3).addingReportingOverflow(count)
        return isTooMuch || end > bytes.count ? nil : end
    }
}
