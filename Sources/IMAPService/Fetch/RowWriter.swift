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

    mutating func write(_ row: MessageRow, place: Int, to out: inout ByteBuffer) {
        if self.items.contains(.flags), row.flags != self.last?.flags {
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

/// Puts text into memory that has room for it: more than its end is left out.
private struct LineWriter {
    private let target: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ target: UnsafeMutableRawBufferPointer) { self.target = target }

    mutating func put(_ text: StaticString) { text.withUTF8Buffer { self.put(UnsafeRawBufferPointer($0)) } }

    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let base = self.target.baseAddress, let source = bytes.baseAddress, bytes.count <= self.target.count - self.count else {
            return
        }
        (base + self.count).copyMemory(from: source, byteCount: bytes.count)
        self.count += bytes.count
    }

    mutating func put(_ number: UInt64) {
        var digits = 1
        var rest = number
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        guard digits <= self.target.count - self.count else { return }
        rest = number
        var at = self.count + digits
        self.count = at
        repeat {
            at -= 1
            self.target[at] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
    }
}
