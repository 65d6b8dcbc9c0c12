package import NIOCore

/// Makes every line of a body end in CRLF, whatever came in: a bare CR or LF never leaves this host, where a peer could take it for a line
/// end that we do not see. Bodies come in pieces cut anywhere; pieces that are right, which is nearly all, pass uncopied. [RFC5321-2.3.8]
package struct LineEndFixer: Sendable, Equatable {
    /// The last octet was a CR that has not been given out, since it is not known whether an LF follows.
    private var holdsReturn = false
    /// What was given out ends a line. An empty body needs no line end.
    private var isAtLineStart = true

    package init() {}

    package mutating func fix(_ piece: ByteBuffer) -> ByteBuffer {
        guard piece.readableBytes > 0 else { return ByteBuffer() }
        if !self.holdsReturn, piece.withUnsafeReadableBytes(Self.isClean) {
            self.isAtLineStart = piece.readableBytesView.last == .lf
            return piece
        }
        return self.fixed(piece)
    }

    /// The line end that the body may lack. Ready for the next body.
    package mutating func finish() -> ByteBuffer {
        let isComplete = self.isAtLineStart && !self.holdsReturn
        self = LineEndFixer()
        return isComplete ? ByteBuffer() : ByteBuffer(bytes: [.cr, .lf])
    }

    /// Every CR is followed by LF, every LF follows a CR, and the last octet is no CR.
    private static func isClean(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var start = 0
        while let end = bytes.firstOffset(of: .lf, from: start) {
            guard end > start, bytes[end - 1] == .cr, bytes.firstOffset(of: .cr, from: start, to: end - 1) == nil else { return false }
            start = end + 1
        }
        return bytes.firstOffset(of: .cr, from: start) == nil
    }

    private mutating func fixed(_ piece: ByteBuffer) -> ByteBuffer {
        var out = ByteBuffer()
        out.reserveCapacity(piece.readableBytes + piece.readableBytes / 16 + 8)
        for byte in piece.readableBytesView {
            switch byte {
            case .lf:
                out.writeBytes([.cr, .lf])
                self.holdsReturn = false
            case .cr:
                if self.holdsReturn { out.writeBytes([.cr, .lf]) }
                self.holdsReturn = true
            default:
                if self.holdsReturn { out.writeBytes([.cr, .lf]) }
                self.holdsReturn = false
                out.writeInteger(byte)
            }
            self.isAtLineStart = byte == .lf || byte == .cr
        }
        return out
    }
}
