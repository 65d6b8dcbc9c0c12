internal import Glibc
package import NIOCore

/// Byte-stuffs a body for POP3 and SMTP: a line that begins with a dot gets one more, and `.` CRLF ends it all.
/// [RFC1939-3] [RFC5321-4.5.2]
///
/// Bodies come in pieces cut anywhere. The cost is one `memchr` for dots and one copy, whatever the length of the lines.
/// A line begins after any LF: stored bodies have CRLF only, but were there ever a bare LF, a peer that takes it for a line end must not
/// find our terminator inside a message.
package struct DotEncoder: Sendable, Equatable {
    /// Last two octets seen, CR LF at the beginning: an empty body needs no line end of its own.
    private var previous: UInt8 = .lf
    private var beforePrevious: UInt8 = .cr

    package init() {}

    package mutating func encode(_ piece: ByteBuffer, into out: inout ByteBuffer) {
        piece.withUnsafeReadableBytes { bytes in self.encode(bytes, into: &out) }
    }

    /// The line end that the body may lack, then the terminator. The encoder is ready for the next body.
    package mutating func finish(into out: inout ByteBuffer) {
        if self.previous != .lf || self.beforePrevious != .cr { out.writeStaticString("\r\n") }
        out.writeStaticString(".\r\n")
        self = DotEncoder()
    }

    private mutating func encode(_ bytes: UnsafeRawBufferPointer, into out: inout ByteBuffer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        var copied = 0
        var searched = 0
        while searched < bytes.count, let found = memchr(base + searched, CInt(UInt8(ascii: ".")), bytes.count - searched) {
            let dot = base.distance(to: found)
            if (dot == 0 ? self.previous : bytes[dot - 1]) == .lf {
                // Up to and with the dot; the same dot is copied again with what follows.
                out.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[copied...dot]))
                copied = dot
            }
            searched = dot + 1
        }
        out.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[copied...]))
        self.beforePrevious = bytes.count > 1 ? bytes[bytes.count - 2] : self.previous
        self.previous = bytes[bytes.count - 1]
    }
}
