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
        self.each(in: field) { id in
            found.append(String(decoding: id, as: UTF8.self))
            return true
        }
        return found.count > self.most ? Array(found.suffix(self.most)) : found
    }

    /// The first of them, as bytes.
    package static func first(in field: some Sequence<UInt8>) -> [UInt8]? {
        var found: [UInt8]?
        self.each(in: field) { id in
            found = id
            return false
        }
        return found
    }

    /// - Parameter body: says whether to go on.
    private static func each(in field: some Sequence<UInt8>, _ body: ([UInt8]) -> Bool) {
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
                if !open.isEmpty, open.count <= self.longest, !body(open) { return }
                word = nil
            default: if open.count <= self.longest { word?.append(byte) }
            }
        }
    }
}
