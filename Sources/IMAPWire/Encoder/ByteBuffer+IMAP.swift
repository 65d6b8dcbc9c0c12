internal import Bytes
package import NIOCore
package import Vocabulary

// What every answer is made of. Each function writes exactly its item, without blanks around it.
extension ByteBuffer {
    /// Decimal digits without making a string.
    package mutating func writeIMAPNumber(_ number: some BinaryInteger) {
        guard let number = UInt64(exactly: number), number > 0 else {
            self.writeInteger(UInt8(ascii: "0"))
            return
        }
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { room in
            var rest = number
            var at = room.count
            repeat {
                at -= 1
                room[at] = UInt8(truncatingIfNeeded: 0x30 + rest % 10)
                rest /= 10
            } while rest > 0
            _ = self.writeBytes(UnsafeRawBufferPointer(rebasing: room[at...]))
        }
    }

    /// A string: quoted where that can hold it, else as a literal. [RFC9051-4.3]
    ///
    /// - Parameter isUTF8: quoted strings may hold UTF-8. [RFC6855-3]
    package mutating func writeIMAPString(_ bytes: some Collection<UInt8>, isUTF8: Bool = false) {
        switch QuotedFit(bytes, isUTF8: isUTF8) {
        case .plain:
            self.writeInteger(UInt8(ascii: "\""))
            self.writeBytes(bytes)
            self.writeInteger(UInt8(ascii: "\""))
        case .escaped: self.writeQuotedEscaping(bytes)
        case .never:
            self.writeIMAPLiteralHeader(bytes.count, isBinary: bytes.contains(0))
            self.writeBytes(bytes)
        }
    }

    package mutating func writeIMAPString(_ text: String, isUTF8: Bool = false) { self.writeIMAPString(text.utf8, isUTF8: isUTF8) }

    /// A string, or NIL. [RFC9051-4.5]
    package mutating func writeIMAPNString(_ bytes: (some Collection<UInt8>)?, isUTF8: Bool = false) {
        if let bytes { self.writeIMAPString(bytes, isUTF8: isUTF8) } else { self.writeStaticString("NIL") }
    }

    package mutating func writeIMAPNString(_ text: String?, isUTF8: Bool = false) {
        if let text { self.writeIMAPString(text.utf8, isUTF8: isUTF8) } else { self.writeStaticString("NIL") }
    }

    /// An astring: an atom where it can be one. [RFC9051-9]
    package mutating func writeIMAPAString(_ text: String, isUTF8: Bool = false) {
        let isAtom =
            !text.isEmpty && text.utf8.count <= QuotedFit.longest && text.utf8.allSatisfy(\.isAStringCharacter)
            && !equalIgnoringASCIICase(text.utf8, "NIL".utf8)
        if isAtom { self.writeString(text) } else { self.writeIMAPString(text.utf8, isUTF8: isUTF8) }
    }

    /// `{count}`, or `~{count}` where NUL may come, and CRLF; the octets must follow. [RFC9051-4.3] [RFC3516-4.2]
    package mutating func writeIMAPLiteralHeader(_ count: some BinaryInteger, isBinary: Bool = false) {
        self.writeStaticString(isBinary ? "~{" : "{")
        self.writeIMAPNumber(count)
        self.writeStaticString("}\r\n")
    }

    /// Octets from `start` on as a literal can hold them, one for one, so that sizes and offsets stay true: it has no NUL. Who wants a message
    /// that has some as it is asks for BINARY. [RFC9051-4.3] [RFC3516-4.3]
    package mutating func replaceNULs(from start: Int) {
        let offset = start - self.readerIndex
        guard offset >= 0, offset < self.readableBytes else { return }
        self.withUnsafeMutableReadableBytes { bytes in
            var at = offset
            while let found = UnsafeRawBufferPointer(bytes).firstOffset(of: 0, from: at) {
                bytes[found] = 0x80
                at = found + 1
            }
        }
    }

    /// Name of a mailbox, as the client reads it. [RFC9051-5.1] [RFC3501-5.1.3]
    package mutating func writeMailboxName(_ name: String, isUTF8: Bool) {
        self.writeIMAPAString(MailboxName.encoded(name, isUTF8: isUTF8), isUTF8: isUTF8)
    }

    /// `1:3,7`. An empty set has no spelling: the caller leaves the item out.
    package mutating func writeIMAPSet(_ set: UIDSet) {
        var isFirst = true
        for run in set.runs {
            if !isFirst { self.writeInteger(UInt8(ascii: ",")) }
            isFirst = false
            self.writeIMAPNumber(run.first)
            guard run.last != run.first else { continue }
            self.writeInteger(UInt8(ascii: ":"))
            self.writeIMAPNumber(run.last)
        }
    }

    /// `(\Seen $Forwarded)`. [RFC9051-2.3.2]
    ///
    /// - Parameter keywords: names by bit, from the first bit that is no system flag; an empty name is an unused bit.
    package mutating func writeIMAPFlags(_ flags: Flags, keywords: [String]) {
        self.writeInteger(UInt8(ascii: "("))
        var isFirst = true
        for (flag, name) in FlagNames.system where flags.contains(flag) {
            if !isFirst { self.writeInteger(UInt8.space) }
            isFirst = false
            self.writeStaticString(name)
        }
        var rest = UInt64(flags.rawValue) >> FlagNames.firstKeywordBit
        while rest != 0 {
            let bit = rest.trailingZeroBitCount
            rest &= rest - 1
            guard bit < keywords.count, !keywords[bit].isEmpty else { continue }
            if !isFirst { self.writeInteger(UInt8.space) }
            isFirst = false
            self.writeString(keywords[bit])
        }
        self.writeInteger(UInt8(ascii: ")"))
    }

    /// `"17-Jul-1996 02:44:25 -0700"`. [RFC9051-9]
    package mutating func writeIMAPDateTime(_ unixSeconds: Int64, offsetMinutes: Int = 0) {
        let time = CivilTime(unixSeconds: unixSeconds, offsetMinutes: offsetMinutes)
        self.writeInteger(UInt8(ascii: "\""))
        self.writeInteger(time.day < 10 ? UInt8.space : UInt8(truncatingIfNeeded: 0x30 + time.day / 10))
        self.writeInteger(UInt8(truncatingIfNeeded: 0x30 + time.day % 10))
        self.writeInteger(UInt8(ascii: "-"))
        self.writeStaticString(IMAPDate.months[(time.month + 11) % 12])
        self.writeInteger(UInt8(ascii: "-"))
        self.writeTwoDigits(time.year / 100)
        self.writeTwoDigits(time.year % 100)
        self.writeInteger(UInt8.space)
        self.writeTwoDigits(time.hour)
        self.writeInteger(UInt8(ascii: ":"))
        self.writeTwoDigits(time.minute)
        self.writeInteger(UInt8(ascii: ":"))
        self.writeTwoDigits(time.second)
        self.writeStaticString(time.offset < 0 ? " -" : " +")
        self.writeTwoDigits(abs(time.offset) / 60)
        self.writeTwoDigits(abs(time.offset) % 60)
        self.writeInteger(UInt8(ascii: "\""))
    }

    private mutating func writeTwoDigits(_ number: Int) {
        self.writeInteger(UInt8(truncatingIfNeeded: 0x30 + number / 10 % 10))
        self.writeInteger(UInt8(truncatingIfNeeded: 0x30 + number % 10))
    }

    private mutating func writeQuotedEscaping(_ bytes: some Collection<UInt8>) {
        self.writeInteger(UInt8(ascii: "\""))
        for byte in bytes {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { self.writeInteger(UInt8(ascii: "\\")) }
            self.writeInteger(byte)
        }
        self.writeInteger(UInt8(ascii: "\""))
    }
}

/// Whether a string can be quoted.
private enum QuotedFit {
    case plain, escaped, never

    /// Longer ones are literals: clients have buffers for lines. [RFC2683-3.2.1.5]
    static let longest = 1000

    init(_ bytes: some Collection<UInt8>, isUTF8: Bool) {
        guard bytes.count <= Self.longest else {
            self = .never
            return
        }
        var (isEscaped, isASCII) = (false, true)
        for byte in bytes {
            switch byte {
            case 0, .cr, .lf:
                self = .never
                return
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): isEscaped = true
            case 0x80...: isASCII = false
            default: break
            }
        }
        guard isASCII || (isUTF8 && String(validating: bytes, as: UTF8.self) != nil) else {
            self = .never
            return
        }
        self = isEscaped ? .escaped : .plain
    }
}

/// Spelling of flags.
package enum FlagNames {
    /// Keywords take the bits from here on.
    package static let firstKeywordBit = 5
    package static let system: [(Flags, StaticString)] = [
        (.answered, "\\Answered"), (.flagged, "\\Flagged"), (.deleted, "\\Deleted"), (.seen, "\\Seen"), (.draft, "\\Draft"),
    ]
}

enum IMAPDate {
    static let months: [StaticString] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}

extension UInt8 {
    /// May stand in an atom. [RFC9051-9]
    var isAtomCharacter: Bool {
        switch self {
        case 0x00...0x20, 0x7F...0xFF: false
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "{"), UInt8(ascii: "%"), UInt8(ascii: "*"), UInt8(ascii: "\""),
            UInt8(ascii: "\\"), UInt8(ascii: "]"):
            false
        default: true
        }
    }

    var isAStringCharacter: Bool { self.isAtomCharacter || self == UInt8(ascii: "]") }
}
