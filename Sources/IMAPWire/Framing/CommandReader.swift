internal import Bytes
internal import NIOCore

/// Gathers the lines and literals of a command. How the bytes were cut into packets does not show. Only CRLF ends a line. [RFC9051-2.2.1]
struct CommandReader: Sendable {
    enum Event {
        /// A whole command, without its last CRLF.
        case command(ByteBuffer)
        /// The command announces a literal: what has come so far, the announcement and its CRLF included. `gatherLiteral`,
        /// `skipLiteral` or `abandon` must follow.
        case literal(LiteralMark, ByteBuffer)
        /// The command cannot be taken; what has come of its beginning. All of it was passed over, unless `mustClose`: then it goes on with
        /// more than we want to pass over.
        case refused(IMAPPhrase, ByteBuffer, mustClose: Bool)
    }

    /// Lines and literals so far, where the command has more than one line.
    private var gathered = ByteBuffer()
    /// Octets of the unfinished line that were searched already.
    private var searched = 0
    /// Octets of a literal that are still to come, to be kept or to be passed over.
    private var literalLeft: Int64 = 0
    private var isSkipping = false
    /// Why the command will be refused at its end.
    private var fault: IMAPPhrase?
    /// The end of a line that is too long and is passed over as it comes: it may announce a literal.
    private var tail: [UInt8]?

    /// In the middle of a command.
    var hasBegun: Bool { self.gathered.readableBytes > 0 || self.fault != nil || self.literalLeft > 0 || self.tail != nil }

    /// nil: more is needed. `line` bounds a line with its CRLF, `command` everything together.
    mutating func next(_ input: inout ByteBuffer, line: Int, command: Int) -> Event? {
        while true {
            if self.literalLeft > 0 {
                self.takeLiteral(&input)
                if self.literalLeft > 0 { return nil }
            }
            guard let end = self.lineEnd(&input, limit: line) else { return nil }
            if let event = self.line(&input, end, command: command) { return event }
        }
    }

    // MARK: Decisions about a literal

    mutating func gatherLiteral(_ mark: LiteralMark) {
        self.literalLeft = mark.size
        self.isSkipping = self.fault != nil
    }

    /// Passes over the literal and whatever follows, to the end of the command; then the command is refused.
    mutating func skipLiteral(_ mark: LiteralMark, _ fault: IMAPPhrase) {
        self.literalLeft = mark.size
        self.isSkipping = true
        self.fault = self.fault ?? fault
    }

    /// Forgets what was gathered: the command was answered, or is gone on with elsewhere.
    mutating func abandon() { self = CommandReader() }

    // MARK: Steps

    private mutating func takeLiteral(_ input: inout ByteBuffer) {
        let count = Int(min(Int64(input.readableBytes), self.literalLeft))
        guard count > 0 else { return }
        self.literalLeft -= Int64(count)
        if self.isSkipping {
            input.moveReaderIndex(forwardBy: count)
        } else if var slice = input.readSlice(length: count) {
            self.gathered.writeBuffer(&slice)
        }
    }

    /// Offset behind the LF of the next line.
    private mutating func lineEnd(_ input: inout ByteBuffer, limit: Int) -> Int? {
        let start = min(self.searched, input.readableBytes)
        let found = input.withUnsafeReadableBytes { $0.firstOffset(of: .lf, from: start) }
        if let found {
            self.searched = 0
            if self.tail == nil, found >= limit { self.beginTail(input, .lineTooLong) }
            return found + 1
        }
        if self.tail != nil || input.readableBytes >= limit {
            if self.tail == nil { self.beginTail(input, .lineTooLong) }
            self.feedTail(&input, input.readableBytes)
            self.searched = 0
        } else {
            self.searched = input.readableBytes
        }
        return nil
    }

    /// From here on the line is passed over; its beginning is kept for the tag.
    private mutating func beginTail(_ input: ByteBuffer, _ fault: IMAPPhrase) {
        self.tail = []
        self.refuse(fault, beginning: input)
    }

    private mutating func refuse(_ fault: IMAPPhrase, beginning: ByteBuffer) {
        guard self.fault == nil else { return }
        self.fault = fault
        let known = self.gathered.readableBytes > 0 ? self.gathered : beginning
        self.gathered = ByteBuffer(bytes: known.readableBytesView.prefix(Self.beginning))
    }

    private mutating func feedTail(_ input: inout ByteBuffer, _ count: Int) {
        let bytes = input.readBytes(length: count) ?? []
        self.tail = Array(((self.tail ?? []) + bytes.suffix(Self.longestMark)).suffix(Self.longestMark))
    }

    private mutating func line(_ input: inout ByteBuffer, _ length: Int, command: Int) -> Event? {
        if self.tail != nil {
            self.feedTail(&input, length)
            let end = self.tail ?? []
            self.tail = nil
            return self.ended(LiteralMark(endOf: end.dropLast(2)))
        }
        guard let line = input.readSlice(length: length) else { return nil }
        let view = line.readableBytesView
        guard length >= 2, view[view.endIndex - 2] == .cr else {
            self.refuse(.badLineEnd, beginning: line)
            return self.ended(nil)
        }
        let mark = LiteralMark(endOf: view.dropLast(2))
        if self.fault != nil { return self.ended(mark) }
        guard self.gathered.readableBytes + length <= command else {
            self.refuse(.commandTooLarge, beginning: line)
            return self.ended(mark)
        }
        return self.whole(line, mark)
    }

    private mutating func whole(_ line: ByteBuffer, _ mark: LiteralMark?) -> Event {
        var line = line
        if let mark {
            self.gathered.writeBuffer(&line)
            return .literal(mark, self.gathered)
        }
        guard self.gathered.readableBytes > 0 else {
            return .command(line.getSlice(at: line.readerIndex, length: line.readableBytes - 2) ?? ByteBuffer())
        }
        self.gathered.writeBuffer(&line)
        var command = self.gathered
        command.moveWriterIndex(to: command.writerIndex - 2)
        self.gathered = ByteBuffer()
        return .command(command)
    }

    /// The end of a line of a command that is refused.
    private mutating func ended(_ mark: LiteralMark?) -> Event? {
        // Behind a literal that does not wait for us the command goes on. One that waits will not come: we answer instead.
        if let mark, !mark.isSynchronizing {
            if mark.size > Self.longestSkip {
                defer { self.abandon() }
                return .refused(.literalTooLarge, self.gathered, mustClose: true)
            }
            self.literalLeft = mark.size
            self.isSkipping = true
            return nil
        }
        defer { self.abandon() }
        return .refused(self.fault ?? .badArguments, self.gathered, mustClose: false)
    }

    /// Octets of a refused command's beginning that are kept: its tag is there.
    private static let beginning = 256
    /// `~{` twenty digits `+}` CRLF.
    private static let longestMark = 48
    /// A literal that is passed over at all.
    static let longestSkip: Int64 = 256 << 20
}
