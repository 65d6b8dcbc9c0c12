internal import Bytes
internal import NIOCore

/// Cuts input into lines that end with CRLF. Nothing is repaired: a bare LF ends a refused line.
struct LineReader: Sendable {
    enum Event {
        /// Without its CRLF.
        case line(ByteBuffer)
        /// The line ended with LF alone.
        case bareLF
        case tooLong
    }

    /// Octets of the unfinished line that were searched already: a slow sender must not cost us a search of the whole each time.
    private var searched = 0
    /// Inside a line that is too long: its rest is dropped as it comes.
    private var isDropping = false

    /// nil: more is needed. `limit` counts the CRLF.
    mutating func next(_ input: inout ByteBuffer, limit: Int) -> Event? {
        let view = input.readableBytesView
        guard let end = view[(view.startIndex + min(self.searched, view.count))...].firstIndex(of: .lf) else {
            return self.unfinished(&input, limit: limit)
        }
        let length = end + 1 - view.startIndex
        self.searched = 0
        guard let line = input.readSlice(length: length) else { return nil }
        if self.isDropping || length > limit {
            self.isDropping = false
            return .tooLong
        }
        let bytes = line.readableBytesView
        guard length >= 2, bytes[bytes.endIndex - 2] == .cr, let content = line.getSlice(at: line.readerIndex, length: length - 2) else {
            return .bareLF
        }
        return .line(content)
    }

    private mutating func unfinished(_ input: inout ByteBuffer, limit: Int) -> Event? {
        if self.isDropping || input.readableBytes >= limit {
            self.isDropping = true
            input.moveReaderIndex(forwardBy: input.readableBytes)
            self.searched = 0
        } else {
            self.searched = input.readableBytes
        }
        return nil
    }

    /// AUTH carries an initial response and may be longer than other commands. [RFC5034-4]
    static func startsWithAuth(_ input: ByteBuffer) -> Bool {
        equalIgnoringASCIICase(input.readableBytesView.prefix(5), Array("AUTH ".utf8))
    }
}
