internal import Bytes
package import NIOCore
package import Vocabulary

/// Reads the replies of a server, which may be any nonsense: a whole reply or nothing, with bounds on everything.
///
/// Strict where another reading could be abused or means that both sides no longer talk of the same thing: lines end in CRLF, all lines of a
/// reply have one code, the code is one that SMTP has.
package struct SMTPReplyReader: Sendable {
    package enum Fault: Error, Sendable, Hashable {
        /// A line or the reply is longer than any server needs.
        case tooLong
        /// No code, a code that SMTP does not have, or a line end that is not CRLF.
        case malformed
        /// Lines of one reply with different codes.
        case mixedCodes
    }

    /// Octets of a line with CRLF. RFC 5321 says 512; servers that quote addresses and URLs say more, and a refusal that is not read is tried
    /// again for days.
    package static let longestLine = 32_768  // [RFC5321-4.5.3.1.5]
    /// Lines of a reply: EHLO's list is the longest that makes sense.
    static let mostLines = 128
    /// Octets of text that are kept of a reply; the rest is dropped, the reply stays valid.
    static let keptText = 8192

    private var code: UInt16?
    private var status: EnhancedStatus?
    private var text: [UInt8] = []
    private var lines = 0
    /// Octets of the unfinished line that were searched already.
    private var searched = 0

    package init() {}

    /// The next reply, consumed; nil when it is not whole yet. After a fault nothing more can be read from this server.
    package mutating func next(_ input: inout ByteBuffer) throws(Fault) -> Reply? {
        while let line = try self.line(&input) {
            guard let isLast = try self.take(line) else { continue }
            if isLast { return self.finish() }
        }
        return nil
    }

    /// The next line without CRLF.
    private mutating func line(_ input: inout ByteBuffer) throws(Fault) -> ByteBuffer? {
        let start = self.searched
        let found = input.withUnsafeReadableBytes { $0.firstOffset(of: .lf, from: start) }
        guard let end = found else {
            self.searched = input.readableBytes
            guard input.readableBytes < Self.longestLine else { throw .tooLong }
            return nil
        }
        self.searched = 0
        guard end < Self.longestLine else { throw .tooLong }
        guard end > 0, input.getInteger(at: input.readerIndex + end - 1, as: UInt8.self) == .cr,
            let line = input.readSlice(length: end - 1)
        else { throw .malformed }
        input.moveReaderIndex(forwardBy: 2)
        return line
    }

    // RFC 5321 4.2:  Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
    /// True when the line is the last of its reply.
    private mutating func take(_ line: ByteBuffer) throws(Fault) -> Bool? {
        self.lines += 1
        guard self.lines <= Self.mostLines else { throw .tooLong }
        return try line.withUnsafeReadableBytes { (bytes) throws(Fault) -> Bool? in
            var cursor = ByteCursor(bytes)
            guard let code = Self.code(&cursor) else { throw .malformed }
            guard self.code == nil || self.code == code else { throw .mixedCodes }
            let separator = cursor.next()
            guard separator == nil || separator == .space || separator == UInt8(ascii: "-") else { throw .malformed }
            self.add(&cursor, code)
            self.code = code
            return separator != UInt8(ascii: "-")
        }
    }

    // RFC 5321 4.2:  Reply-code = %x32-35 %x30-35 %x30-39
    private static func code(_ cursor: inout ByteCursor) -> UInt16? {
        guard let first = cursor.next(), let second = cursor.next(), let third = cursor.next(),
            (0x32...0x35).contains(first), (0x30...0x35).contains(second), third.isASCIIDigit
        else { return nil }
        return UInt16(first - 0x30) * 100 + UInt16(second - 0x30) * 10 + UInt16(third - 0x30)
    }

    private mutating func add(_ cursor: inout ByteCursor, _ code: UInt16) {
        if let status = Self.status(&cursor, code) { self.status = self.status ?? status }
        if self.lines > 1 { self.text.append(.lf) }
        let rest = cursor.takeRest()
        self.text.append(contentsOf: rest.prefix(max(0, Self.keptText - self.text.count)))
    }

    // RFC 2034 4:  status-code SP in front of the text of 2xx, 4xx and 5xx; its class is that of the code
    private static func status(_ cursor: inout ByteCursor, _ code: UInt16) -> EnhancedStatus? {
        var ahead = cursor
        guard let digit = ahead.next(), UInt16(digit) == code / 100 + 0x30, digit != 0x33, ahead.take(UInt8(ascii: ".")),
            let subject = self.number(&ahead), ahead.take(UInt8(ascii: ".")), let detail = self.number(&ahead),
            ahead.isAtEnd || ahead.take(.space)
        else { return nil }
        cursor = ahead
        return EnhancedStatus(digit - 0x30, subject, detail)
    }

    private static func number(_ cursor: inout ByteCursor) -> UInt16? {
        let digits = cursor.takeWhile(\.isASCIIDigit)
        guard (1...3).contains(digits.count) else { return nil }
        return digits.reduce(UInt16(0)) { $0 * 10 + UInt16($1 - 0x30) }
    }

    private mutating func finish() -> Reply {
        let text = self.text.map { ($0 < 0x20 && $0 != .lf) || $0 == 0x7F ? UInt8(ascii: "?") : $0 }
        let reply = Reply(self.code ?? 0, self.status, String(decoding: text, as: UTF8.self))
        self = SMTPReplyReader()
        return reply
    }
}
