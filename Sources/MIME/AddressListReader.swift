internal import Bytes

/// Takes the addresses out of address fields, for programs that name the recipients of a message in its header alone.
/// It is generous: what is left of comments, names and groups is taken for an address.
package enum AddressListReader {
    /// Addresses of one field.
    package static let most = 10_000

    // RFC 5322 3.4:  address = mailbox / group;  mailbox = name-addr / addr-spec;  group = display-name ":" [group-list] ";"
    /// The addresses in the body of a field (what stands behind the colon), unfolded or not, in order.
    package static func addresses(in body: some Sequence<UInt8>) -> [String] {
        var reader = Reader()
        for byte in body { reader.take(byte) }
        reader.finish()
        return reader.found
    }

    private struct Reader {
        var found: [String] = []
        /// The address that is being read, blanks outside quotes left out.
        var text: [UInt8] = []
        /// What stands in angle brackets wins over what stands around them.
        var bracketed: [UInt8]?
        var comments = 0
        var isQuoted = false
        var isEscaped = false
        var isInBrackets = false

        mutating func take(_ byte: UInt8) {
            if self.isEscaped {
                self.isEscaped = false
                if self.comments == 0 { self.put(byte) }
                return
            }
            if byte == UInt8(ascii: "\\"), self.isQuoted || self.comments > 0 {
                self.isEscaped = true
                if self.comments == 0 { self.put(byte) }
                return
            }
            if self.comments > 0 {
                if byte == UInt8(ascii: "(") { self.comments += 1 }
                if byte == UInt8(ascii: ")") { self.comments -= 1 }
                return
            }
            if self.isQuoted {
                self.put(byte)
                if byte == UInt8(ascii: "\"") { self.isQuoted = false }
                return
            }
            self.takePlain(byte)
        }

        private mutating func takePlain(_ byte: UInt8) {
            switch byte {
            case UInt8(ascii: "\""):
                self.isQuoted = true
                self.put(byte)
            case UInt8(ascii: "("): self.comments = 1
            case UInt8(ascii: "<"):
                self.isInBrackets = true
                self.bracketed = []
            case UInt8(ascii: ">"): self.isInBrackets = false
            case UInt8(ascii: ","), UInt8(ascii: ";"): self.finish()
            // The name of a group, unless it is a route or an address literal.
            case UInt8(ascii: ":") where !self.isInBrackets && !self.text.contains(UInt8(ascii: "[")): self.text = []
            case 0x20, 0x09, 0x0D, 0x0A: break
            default: self.put(byte)
            }
        }

        private mutating func put(_ byte: UInt8) {
            if self.isInBrackets { self.bracketed?.append(byte) } else { self.text.append(byte) }
        }

        mutating func finish() {
            let address = self.bracketed ?? self.text
            (self.text, self.bracketed, self.isInBrackets, self.isQuoted, self.comments) = ([], nil, false, false, 0)
            guard !address.isEmpty, self.found.count < AddressListReader.most else { return }
            self.found.append(String(decoding: address, as: UTF8.self))
        }
    }
}
