internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import Vocabulary

/// Writes responses that rows alone answer: flags and sizes of all messages are what mail programs ask for most, and there are many of them.
/// What it writes is what `FetchedMessage` would.
struct RowWriter {
    private enum Item { case uid, flags, modSeq, size }

    private static let longestNumber = 32
    private static let longestItem = 40

    private let items: [Item]
    private let isUIDOnly: Bool
    private let keywords: [String]
    /// Neighbours often have the same flags.
    private var flags: Flags?
    private var flagText: [UInt8] = []

    /// nil where something else is asked for.
    init?(_ request: FetchRequest, keywords: [String]) {
        var items: [Item] = []
        for item in request.items {
            switch item {
            case .uid: if !request.mode.isUIDOnly { items.append(.uid) }
            case .flags: items.append(.flags)
            case .modSeq: items.append(.modSeq)
            case .size: items.append(.size)
            default: return nil
            }
        }
        // Beside flags stands their MODSEQ, where the client keeps track of it. [RFC7162-3.1.4.2]
        if request.mode.isCondStore, items.contains(.flags), !items.contains(.modSeq) { items.append(.modSeq) }
        // Nothing at all would be no answer.
        self.items = items.isEmpty ? [.uid] : items
        self.isUIDOnly = request.mode.isUIDOnly
        self.keywords = keywords
    }

    /// Octets that a response about a message with these flags takes at most. A client may ask for the same thing many times.
    private mutating func room(for flags: Flags) -> Int {
        if flags.rawValue != self.flags?.rawValue {
            self.flags = flags
            var text = ByteBuffer()
            if self.items.contains(.flags) { text.writeFetchFlags(flags, keywords: self.keywords) }
            self.flagText = Array(text.readableBytesView)
        }
        return Self.longestNumber * 2 + self.items.count * (Self.longestItem + self.flagText.count)
    }

    /// Writes many responses in one piece of memory, which costs half of one after the other.
    struct Lines {
        fileprivate var writer: RowWriter
        fileprivate var line: LineWriter
        fileprivate let capacity: Int
        fileprivate var lacks = 0

        /// False where there is no room for it: it is to come again.
        mutating func write(_ row: MessageRow, place: Int) -> Bool {
            let room = self.writer.room(for: row.flags)
            guard room <= self.capacity - self.line.count else {
                self.lacks = room
                return false
            }
            self.writer.put(row, place: place, &self.line)
            return true
        }

        /// Where nothing but flags and UIDs is asked for.
        mutating func write(_ uid: UID, _ flags: Flags, place: Int) -> Bool {
            // The rest of a row is not looked at.
            let row = MessageRow(
                uid: uid, flags: flags, modSeq: ModSeq(rawValue: 0), size: 0, date: 0, saved: 0, blob: BlobID(rawValue: 0))
            return self.write(row, place: place)
        }
    }

    /// - Parameter some: writes as many as it wants and there is room for; called again as long as room was what it lacked.
    mutating func write(to out: inout ByteBuffer, upTo size: Int, _ some: (inout Lines) -> Void) {
        var wanted = Self.longestNumber
        while out.readableBytes < size, wanted > 0 {
            let least = max(wanted, size - out.readableBytes)
            var lacks = 0
            out.writeWithUnsafeMutableBytes(minimumWritableBytes: least) { target in
                let upTo = UnsafeMutableRawBufferPointer(rebasing: target[..<least])
                var lines = Lines(writer: self, line: LineWriter(upTo), capacity: least)
                some(&lines)
                (self, lacks) = (lines.writer, lines.lacks)
                return lines.line.count
            }
            wanted = lacks
        }
    }

    private func put(_ row: MessageRow, place: Int, _ line: inout LineWriter) {
        line.put("* ")
        line.put(self.isUIDOnly ? UInt64(row.uid.rawValue) : UInt64(place + 1))
        line.put(self.isUIDOnly ? " UIDFETCH (" : " FETCH (")
        var isFirst = true
        for item in self.items {
            if !isFirst { line.put(" ") }
            isFirst = false
            switch item {
            case .uid:
                line.put("UID ")
                line.put(UInt64(row.uid.rawValue))
            case .flags: self.flagText.withUnsafeBytes { line.put($0) }
            case .modSeq:
                line.put("MODSEQ (")
                line.put(UInt64(clamping: row.modSeq.rawValue))
                line.put(")")
            case .size:
                line.put("RFC822.SIZE ")
                line.put(UInt64(clamping: row.size))
            }
        }
        line.put(")\r\n")
    }
}
