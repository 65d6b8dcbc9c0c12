import MIME

/// Reads a value of FETCH as a strict client does.
enum ValueChecker {
    /// One list, parentheses balanced, strings quoted or literal, atoms only NIL and numbers, nothing behind it.
    static func isList(_ bytes: [UInt8], _ form: MessageSummary.Form) -> Bool {
        var index = 0
        var depth = 0
        guard bytes.first == UInt8(ascii: "(") else { return false }
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"):
                depth -= 1
                if depth == 0 { return index == bytes.count }
            case UInt8(ascii: " "): guard depth > 0 else { return false }
            case UInt8(ascii: "\""): guard self.quoted(bytes, &index, form) else { return false }
            case UInt8(ascii: "{"): guard self.literal(bytes, &index) else { return false }
            default:
                index -= 1
                let atom = bytes[index...].prefix { $0 != 0x20 && $0 != 0x28 && $0 != 0x29 }
                let isNumber = atom.allSatisfy { (0x30...0x39).contains($0) }
                guard isNumber || Array(atom) == Array("NIL".utf8) else { return false }
                index = atom.endIndex
            }
        }
        return false
    }

    private static func quoted(_ bytes: [UInt8], _ index: inout Int, _ form: MessageSummary.Form) -> Bool {
        let start = index
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                return String(validating: bytes[start..<index], as: UTF8.self) != nil
            case UInt8(ascii: "\\"):
                guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") || bytes[index] == UInt8(ascii: "\\") else { return false }
                index += 1
            case 0, 0x0A, 0x0D: return false
            case 0x80... where form == .ascii: return false
            default: break
            }
        }
        return false
    }

    private static func literal(_ bytes: [UInt8], _ index: inout Int) -> Bool {
        guard let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")),
            let count = Int(String(decoding: bytes[index..<end], as: UTF8.self)),
            bytes[(end + 1)...].starts(with: [0x0D, 0x0A]), end + 3 + count <= bytes.count,
            !bytes[(end + 3)..<(end + 3 + count)].contains(0)
        else { return false }
        index = end + 3 + count
        return true
    }
}
