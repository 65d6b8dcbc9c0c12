internal import Bytes
internal import Vocabulary

/// Takes an mbox file apart, fed with pieces of any length. A message begins at a line `From SENDER DATE` behind an empty line or at the
/// beginning; `>From ` within a message loses one `>` (mboxrd), CRLF and LF are the same. [RFC4155-A]
package struct MboxReader {
    package enum Event: Hashable, Sendable {
        /// `offset`: where its `From ` line stands in the file.
        case message(FiledMessage, uid: UInt32?, offset: Int64)
        /// Longer than the limit: left out.
        case tooLong(offset: Int64, octets: Int64)
        /// Octets before the first `From ` line: this is no mbox file, or its beginning is missing.
        case foreign(octets: Int64)
    }

    private struct Current {
        var offset: Int64
        var date: Int64
        var marks = MboxMarks()
        var content: [UInt8] = []
        var isInHeader = true
        /// Lines behind the header.
        var bodyLines = 0
        /// The line before was one of the marks: what continues it goes with it.
        var tookLast = false
        var octets: Int64 = 0
    }

    private let limit: Int
    private var line: [UInt8] = []
    private var lineOctets: Int64 = 0
    private var current: Current?
    private var wasEmpty = true
    private var foreign: Int64 = 0
    /// Octets taken apart.
    package private(set) var offset: Int64 = 0

    /// - Parameter limit: octets of a message; longer ones are left out.
    package init(limit: Int) { self.limit = limit }

    package mutating func read(_ bytes: UnsafeRawBufferPointer) -> [Event] {
        var events: [Event] = []
        var at = 0
        while at < bytes.count {
            let end = bytes.firstOffset(of: 10, from: at)
            let piece = UnsafeRawBufferPointer(rebasing: bytes[at..<(end ?? bytes.count)])
            self.lineOctets += Int64(piece.count) + (end == nil ? 0 : 1)
            // Nobody's line is longer than the longest message.
            if self.line.count <= self.limit { self.line.append(contentsOf: piece) }
            if end != nil { self.endLine(&events) }
            at += piece.count + 1
        }
        return events
    }

    /// What the file ends with.
    package mutating func finish() -> [Event] {
        var events: [Event] = []
        if self.lineOctets > 0 { self.endLine(&events) }
        self.endMessage(&events)
        if self.foreign > 0 { events.append(.foreign(octets: self.foreign)) }
        return events
    }

    private mutating func endLine(_ events: inout [Event]) {
        // Several, where a program has turned CRLF into CRLF.
        while self.line.last == 13 { self.line.removeLast() }
        defer {
            self.wasEmpty = self.line.isEmpty
            self.offset += self.lineOctets
            self.lineOctets = 0
            self.line.removeAll(keepingCapacity: self.line.capacity < 1 << 16)
        }
        if self.wasEmpty, self.line.first == UInt8(ascii: "F"), let postmark = PostmarkLine(self.line) {
            self.endMessage(&events)
            self.current = Current(offset: self.offset, date: postmark.date)
            return
        }
        guard self.current != nil else {
            if !self.line.isEmpty { self.foreign += self.lineOctets }
            return
        }
        self.add()
    }

    private mutating func add() {
        self.current?.octets += Int64(self.line.count) + 2
        if self.current?.isInHeader == false { self.current?.bodyLines += 1 }
        if self.line.isEmpty { self.current?.isInHeader = false }
        if self.current?.isInHeader == true, self.isMark() { return }
        guard let count = self.current?.content.count, count + self.line.count <= self.limit else { return }
        let text = self.unquoted
        self.current?.content.append(contentsOf: text)
        self.current?.content.append(contentsOf: [13, 10])
    }

    private mutating func isMark() -> Bool {
        let continues = self.line.first == 32 || self.line.first == 9
        let isTaken = continues ? self.current?.tookLast == true : self.current?.marks.take(self.line) == true
        self.current?.tookLast = isTaken
        return isTaken
    }

    /// `>From ` and `>>From ` are one level less.
    private var unquoted: ArraySlice<UInt8> {
        guard self.line.first == UInt8(ascii: ">"), self.line.drop(while: { $0 == UInt8(ascii: ">") }).starts(with: "From ".utf8) else {
            return self.line[...]
        }
        return self.line.dropFirst()
    }

    private mutating func endMessage(_ events: inout [Event]) {
        guard var current = self.current else { return }
        self.current = nil
        guard !current.marks.isFolderData else { return }
        // The empty line before the next one is the file's.
        if current.bodyLines > 0, current.content.suffix(4) == [13, 10, 13, 10] { current.content.removeLast(2) }
        guard current.octets <= Int64(self.limit) else {
            return events.append(.tooLong(offset: current.offset, octets: current.octets))
        }
        let message = FiledMessage(
            content: current.content, flags: current.marks.flags, keywords: current.marks.keywords, date: current.date)
        events.append(.message(message, uid: current.marks.uid, offset: current.offset))
    }
}
