internal import NIOCore
internal import Vocabulary

/// Extended response codes. [RFC2449-8] [RFC3206-4] [RFC3206-5]
enum POP3Code {
    static let inUse: StaticString = "[IN-USE] "
    static let loginDelay: StaticString = "[LOGIN-DELAY] "
    static let temporary: StaticString = "[SYS/TEMP] "
    static let permanent: StaticString = "[SYS/PERM] "
    static let auth: StaticString = "[AUTH] "
    static let none: StaticString = ""
}

extension ByteBuffer {
    mutating func writeOK(_ phrase: POP3Phrase, _ language: Language) {
        self.writeStaticString("+OK ")
        self.writeStaticString(phrase.text(language))
        self.writeStaticString("\r\n")
    }

    mutating func writeError(_ phrase: POP3Phrase, _ language: Language, code: StaticString = POP3Code.none) {
        self.writeStaticString("-ERR ")
        self.writeStaticString(code)
        self.writeStaticString(phrase.text(language))
        self.writeStaticString("\r\n")
    }

    /// Decimal digits without making a string.
    mutating func writeDecimal(_ number: Int64) {
        guard number >= 0 else { return self.writeDecimal(0) }
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
}
