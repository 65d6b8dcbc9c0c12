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
    private var last: (flags: Flags, text: ByteBuffer)?

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

    /// Where nothing but flags and UIDs is asked for.
    mutating func write(_ uid: UID, _ flags: Flags, place: Int, to out: inout ByteBuffer) {
        // The rest of a row is not looked at.
        let row = MessageRow(
            uid: uid, flags: flags, modSeq: ModSeq(rawValue: 0), size: 0, date: 0, saved: 0, blob: BlobID(rawValue: 0))
        self.write(row, place: place, to: &out)
    }

    mutating func write(_ row: MessageRow, place: Int, to out: inout ByteBuffer) {
        if self.items.contains(.flags), row.flags.rawValue != self.last?.flags.rawValue {
            var text = ByteBuffer()
            text.writeFetchFlags(row.flags, keywords: self.keywords)
            self.last = (row.flags, text)
        }
        let flags = self.last?.text ?? ByteBuffer()
        // A client may ask for the same thing many times.
        let room = Self.longestNumber * 2 + self.items.count * (Self.longestItem + flags.readableBytes)
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { target in
            var line = LineWriter(target)
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
                case .flags: flags.withUnsafeReadableBytes { line.put($0) }
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
            return line.count
        }
    }
}
