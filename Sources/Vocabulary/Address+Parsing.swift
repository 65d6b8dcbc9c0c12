package import Bytes
import NIOCore

/// What a reader of addresses takes beside the grammar of RFC 5321.
package struct AddressSyntax: Sendable {
    /// A local part without domain: a submitting client's short address, completed later.
    package var allowsBareLocalPart = false
    /// Dots at the ends of, or side by side in, an unquoted local part. Not RFC 5321, but given out by Japanese mobile carriers
    /// for years (`a..b.@docomo.ne.jp`); we write such an address quoted, which everybody takes.
    package var allowsStrayDots = false

    package init(allowsBareLocalPart: Bool = false, allowsStrayDots: Bool = false) {
        self.allowsBareLocalPart = allowsBareLocalPart
        self.allowsStrayDots = allowsStrayDots
    }
}

extension Address {
    package static let maximumLocalPart = 64  // [RFC5321-4.5.3.1.1]
    package static let maximumDomain = 255  // [RFC5321-4.5.3.1.2]
    /// A path is at most 256 octets with its angle brackets. [RFC5321-4.5.3.1.3]
    package static let maximumLength = 254
    package static let maximumLabel = 63  // [RFC1035-2.3.4]

    /// The whole of `text` as a mailbox: what a person types, without angle brackets.
    package init(parsing text: String, _ syntax: AddressSyntax = AddressSyntax()) throws(AddressError) {
        let result = ByteBuffer(string: text).withUnsafeReadableBytes { bytes -> Result<Address, AddressError> in
            Result { () throws(AddressError) -> Address in
                var cursor = ByteCursor(bytes)
                let address = try Address(readingMailbox: &cursor, syntax)
                guard cursor.isAtEnd else { throw .trailing }
                return address
            }
        }
        self = try result.get()
    }

    // RFC 5321 4.1.2:  Reverse-path = Path / "<>"
    /// nil is the null reverse-path.
    package static func readReversePath(_ cursor: inout ByteCursor, _ syntax: AddressSyntax) throws(AddressError) -> Address? {
        if cursor.peek() == UInt8(ascii: "<"), cursor.peek(after: 1) == UInt8(ascii: ">") {
            _ = cursor.next()
            _ = cursor.next()
            return nil
        }
        return try self.readPath(&cursor, syntax)
    }

    // RFC 5321 4.1.1.3:  "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path )
    /// `<postmaster>` gives an address without domain. [RFC5321-4.5.1]
    package static func readForwardPath(_ cursor: inout ByteCursor, _ syntax: AddressSyntax) throws(AddressError) -> Address {
        var ahead = cursor
        if ahead.takeIgnoringCase("<postmaster>") {
            cursor = ahead
            return Address(localPart: "postmaster", domain: "")
        }
        return try self.readPath(&cursor, syntax)
    }

    // RFC 5321 4.1.2:  Path = "<" [ A-d-l ":" ] Mailbox ">"
    private static func readPath(_ cursor: inout ByteCursor, _ syntax: AddressSyntax) throws(AddressError) -> Address {
        guard cursor.take(UInt8(ascii: "<")) else { throw .missingBracket }
        if cursor.peek() == UInt8(ascii: "@") { try self.skipSourceRoute(&cursor) }
        let address = try Address(readingMailbox: &cursor, syntax)
        guard cursor.take(UInt8(ascii: ">")) else { throw cursor.isAtEnd ? .missingBracket : .trailing }
        return address
    }

    // RFC 5321 4.1.2:  A-d-l = At-domain *( "," At-domain );  must be accepted, should be ignored. [RFC5321-C]
    private static func skipSourceRoute(_ cursor: inout ByteCursor) throws(AddressError) {
        repeat {
            guard cursor.take(UInt8(ascii: "@")), (try? self.readDomain(&cursor)) != nil else { throw .sourceRoute }
        } while cursor.take(UInt8(ascii: ","))
        guard cursor.take(UInt8(ascii: ":")) else { throw .sourceRoute }
    }

    // RFC 5321 4.1.2:  Mailbox = Local-part "@" ( Domain / address-literal )
    private init(readingMailbox cursor: inout ByteCursor, _ syntax: AddressSyntax) throws(AddressError) {
        let start = cursor.position
        guard let first = cursor.peek(), first != UInt8(ascii: ">") else { throw .empty }
        let local = first == UInt8(ascii: "\"") ? try Self.readQuotedString(&cursor) : try Self.readDotString(&cursor, syntax)
        if cursor.take(UInt8(ascii: "@")) {
            let domain = cursor.peek() == UInt8(ascii: "[") ? try Self.readLiteral(&cursor) : try Self.readDomain(&cursor)
            self.init(localPart: local, domain: domain)
        } else {
            guard cursor.isAtEnd || cursor.peek() == UInt8(ascii: ">") else { throw .localPart }
            guard syntax.allowsBareLocalPart else { throw .missingDomain }
            self.init(localPart: local, domain: "")
        }
        let length = cursor.position - start
        // With stray dots it is written with quotes, which count.
        guard length <= Self.maximumLength, length <= Self.maximumLength - 2 || self.description.utf8.count <= Self.maximumLength else {
            throw .tooLong
        }
    }
}

// The parts of a mailbox.
extension Address {
    // RFC 5321 4.1.2:  Dot-string = Atom *("." Atom);  atext with the octets of UTF-8 of RFC 6531 3.3
    private static func readDotString(_ cursor: inout ByteCursor, _ syntax: AddressSyntax) throws(AddressError) -> String {
        let bytes = cursor.takeWhile { Self.isAtomText($0) || $0 == UInt8(ascii: ".") }
        guard let first = bytes.first, let last = bytes.last else { throw .localPart }
        var isStray = first == UInt8(ascii: ".") || last == UInt8(ascii: ".")
        var previous: UInt8 = 0
        for byte in bytes {
            if byte == UInt8(ascii: "."), previous == byte { isStray = true }
            previous = byte
        }
        guard !isStray || syntax.allowsStrayDots else { throw .localPart }
        // An address with stray dots is written with quotes, which count.
        guard bytes.count + (isStray ? 2 : 0) <= self.maximumLocalPart else { throw .localPartTooLong }
        return try self.text(bytes)
    }

    // RFC 5321 4.1.2:  Quoted-string = DQUOTE *QcontentSMTP DQUOTE
    /// The content, quoted pairs undone.
    private static func readQuotedString(_ cursor: inout ByteCursor) throws(AddressError) -> String {
        let start = cursor.position
        var content: [UInt8] = []
        guard cursor.take(UInt8(ascii: "\"")) else { throw .quotedString }
        while let byte = cursor.next() {
            switch byte {
            case UInt8(ascii: "\""):
                guard cursor.position - start <= self.maximumLocalPart else { throw .localPartTooLong }
                return try self.text(content)
            case UInt8(ascii: "\\"):
                guard let quoted = cursor.next(), quoted >= 0x20, quoted < 0x7F else { throw .quotedString }
                content.append(quoted)
            case 0x20...0x7E, 0x80...0xFF: content.append(byte)
            default: throw .quotedString
            }
        }
        throw .quotedString
    }

    // RFC 5321 4.1.2:  Domain = sub-domain *("." sub-domain);  sub-domain =/ U-label of RFC 6531 3.3
    /// A single dot at the end is taken and dropped.
    package static func readDomain(_ cursor: inout ByteCursor) throws(AddressError) -> String {
        let bytes = cursor.takeWhile {
            $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") || $0 >= 0x80
        }
        let name = bytes.last == UInt8(ascii: ".") ? UnsafeRawBufferPointer(rebasing: bytes.dropLast()) : bytes
        guard !name.isEmpty else { throw .domain }
        guard name.count <= self.maximumDomain else { throw .domainTooLong }
        var label = 0
        var previous = UInt8(ascii: ".")
        for byte in name {
            if byte == UInt8(ascii: ".") {
                guard previous != UInt8(ascii: "."), previous != UInt8(ascii: "-") else { throw .domain }
                label = 0
            } else {
                guard byte != UInt8(ascii: "-") || previous != UInt8(ascii: ".") else { throw .domain }
                label += 1
                // U-labels are counted in octets of UTF-8, which no A-label of 63 octets can exceed fourfold.
                guard label <= (byte < 0x80 ? self.maximumLabel : 4 * self.maximumLabel) else { throw .labelTooLong }
            }
            previous = byte
        }
        guard previous != UInt8(ascii: "-"), previous != UInt8(ascii: ".") else { throw .domain }
        return try self.text(name)
    }

    // RFC 5321 4.1.3:  address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]"
    package static func readLiteral(_ cursor: inout ByteCursor) throws(AddressError) -> String {
        let start = cursor.position
        guard cursor.take(UInt8(ascii: "[")) else { throw .literal }
        var tag = cursor
        if tag.takeIgnoringCase("IPv6:") {
            cursor = tag
            let digits = try self.text(cursor.takeWhile { self.isLiteralText($0) })
            guard digits.utf8.contains(UInt8(ascii: ":")), IPAddress(digits) != nil else { throw .literal }
        } else {
            let content = try self.text(cursor.takeWhile { self.isLiteralText($0) })
            guard IPAddress(content)?.isIPv6 == false || self.isGeneralLiteral(content) else { throw .literal }
        }
        guard cursor.take(UInt8(ascii: "]")) else { throw .literal }
        let whole = cursor.consumed(since: start)
        guard whole.count <= self.maximumDomain else { throw .domainTooLong }
        return try self.text(whole)
    }

    // RFC 5321 4.1.3:  General-address-literal = Standardized-tag ":" 1*dcontent
    private static func isGeneralLiteral(_ content: String) -> Bool {
        guard let colon = content.utf8.firstIndex(of: UInt8(ascii: ":")) else { return false }
        let tag = content.utf8[..<colon]
        guard let first = tag.first, let last = tag.last, first.isASCIILetter, last != UInt8(ascii: "-") else { return false }
        return tag.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-") }
            && !content.utf8[colon...].dropFirst().isEmpty
    }

    // RFC 5321 4.1.3:  dcontent = %d33-90 / %d94-126
    private static func isLiteralText(_ byte: UInt8) -> Bool { (33...90).contains(byte) || (94...126).contains(byte) }

    private static func text(_ bytes: some Sequence<UInt8>) throws(AddressError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
        return text
    }
}
