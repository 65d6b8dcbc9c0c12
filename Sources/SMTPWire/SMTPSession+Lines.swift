import Bytes
import NIOCore
import Vocabulary

/// A line that is cut out of the input, not yet consumed.
private enum SMTPLine {
    /// Octets before CRLF.
    case whole(length: Int)
    case unfinished
    case tooLong
    /// LF without CR before it.
    case bareNewline
}

// From bytes to commands.
extension SMTPSession {
    /// Longest rest of an overlong line that we drop before we give up on the peer.
    private static let maximumSkipped = 64 << 10

    /// One line, if it is there. True when there may be more to do.
    mutating func readLine(_ input: inout ByteBuffer, _ out: inout SessionOutput<SMTPCall>) -> Bool {
        if case .skippingLine(let dropped) = self.phase { return self.skipLine(dropped, &input, &out) }
        let limit = self.lineLimit
        switch self.findLine(input, limit) {
        case .unfinished: return false
        case .tooLong:
            return self.skipLine(0, &input, &out)
        case .bareNewline:
            self.end(.bareNewline, &out)
        case .whole(let length):
            guard let line = input.readSlice(length: length) else { return false }
            input.moveReaderIndex(forwardBy: 2)
            if case .auth(let exchange) = self.phase {
                self.authLine(line, exchange, &out)
            } else {
                self.commandLine(line, &input, &out)
            }
        }
        return true
    }

    private var lineLimit: Int {
        if case .auth = self.phase { return self.profile.limits.authLine }
        return self.profile.limits.commandLine
    }

    private mutating func findLine(_ input: ByteBuffer, _ limit: Int) -> SMTPLine {
        let (searched, found) = input.withUnsafeReadableBytes { bytes -> (Int, SMTPLine) in
            // AUTH with an initial response may be as long as an answer to a challenge. [RFC4954-4]
            let allowed = bytes.count >= limit && Self.isAuth(bytes) ? self.profile.limits.authLine : limit
            guard let newline = bytes.firstOffset(of: .lf, from: self.searched) else {
                return bytes.count >= allowed ? (0, .tooLong) : (bytes.count, .unfinished)
            }
            guard newline < allowed else { return (0, .tooLong) }
            return newline > 0 && bytes[newline - 1] == .cr ? (0, .whole(length: newline - 1)) : (0, .bareNewline)
        }
        self.searched = searched
        return found
    }

    private static func isAuth(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var cursor = ByteCursor(bytes)
        return cursor.takeIgnoringCase("AUTH ")
    }

    private mutating func skipLine(_ dropped: Int, _ input: inout ByteBuffer, _ out: inout SessionOutput<SMTPCall>) -> Bool {
        let newline = input.withUnsafeReadableBytes { $0.firstOffset(of: .lf) }
        let count = newline.map { $0 + 1 } ?? input.readableBytes
        input.moveReaderIndex(forwardBy: count)
        let total = dropped + count
        if total > Self.maximumSkipped {
            self.end(.lineTooLong, &out)
        } else if newline != nil {
            self.complain(.lineTooLong, &out)
        } else {
            self.phase = .skippingLine(dropped: total)
            return false
        }
        return true
    }

    /// The first four bytes as a number, or 0.
    static func word(_ line: ByteBuffer) -> UInt32 { line.getInteger(at: line.readerIndex, as: UInt32.self) ?? 0 }

    /// Consumes the next line if it is a complete, clean RCPT.
    mutating func nextRecipientLine(_ input: inout ByteBuffer) -> ByteBuffer? {
        guard SMTPVerb.of(Self.word(input)) == .rcpt, case .whole(let length) = self.findLine(input, self.profile.limits.commandLine) else {
            return nil
        }
        guard let line = input.getSlice(at: input.readerIndex, length: length), Self.verb(line, Self.word(line)) == .rcpt,
            !Self.isDirty(line)
        else { return nil }
        input.moveReaderIndex(forwardBy: length + 2)
        return line
    }

    /// CR or NUL inside the line.
    static func isDirty(_ line: ByteBuffer) -> Bool {
        line.withUnsafeReadableBytes { $0.firstOffset(of: .cr) != nil || $0.firstOffset(of: 0) != nil }
    }
}
