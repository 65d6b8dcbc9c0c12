internal import Bytes

/// Message identifiers in the fields that hold them, in the one form in which they are compared. [RFC5256-3]
package enum MessageIdentifiers {
    /// Identifiers of one field; the last ones count, since they are nearest.
    package static let most = 500
    /// Octets of one; longer ones are none.
    private static let longest = 1000

    /// What stands in angle brackets, quotes and blanks taken out, so that `<"a"@b>` and `<a@b>` are the same. The case of letters matters.
    package static func all(in field: some Sequence<UInt8>) -> [String] {
        var found: [String] = []
        var word: [UInt8]?
        var isEscaped = false
        for byte in field {
            guard let open = word else {
                if byte == UInt8(ascii: "<") { word = [] }
                continue
            }
            if isEscaped {
                isEscaped = false
                word?.append(byte)
                continue
            }
            switch byte {
            case UInt8(ascii: "\\"): isEscaped = true
            case UInt8(ascii: "\""), .space, .tab, .cr, .lf: break
            case UInt8(ascii: "<"): word = []
            case UInt8(ascii: ">"):
                if !open.isEmpty, open.count <= self.longest { found.append(String(decoding: open, as: UTF8.self)) }
                word = nil
            default: if open.count <= self.longest { word?.append(byte) }
            }
        }
        return found.count > self.most ? Array(found.suffix(self.most)) : found
    }
}
