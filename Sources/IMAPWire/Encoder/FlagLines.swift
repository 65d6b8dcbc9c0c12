internal import NIOCore
internal import Vocabulary

/// Writes FETCH responses about flags, of which a change can make very many.
struct FlagLines: Sendable {
    /// `* `, a number, ` UIDFETCH (`, `UID ` and another number.
    private static let longestBeginning = 64

    private let mode: WireMode
    private let keywords: [String]
    private let withUID: Bool
    private let withFlags: Bool
    /// What comes behind number and UID is the same for nearly all messages.
    private var tail: (flags: UInt64, modSeq: Int64, bytes: ByteBuffer)?

    init(_ mode: WireMode, keywords: [String], withUID: Bool, withFlags: Bool = true) {
        self.mode = mode
        self.keywords = keywords
        self.withUID = withUID && !mode.isUIDOnly
        self.withFlags = withFlags
    }

    mutating func write(_ change: MailboxChanges.Flagged, place: Int, to out: inout ByteBuffer) {
        let tail = self.tail(of: change)
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.longestBeginning + tail.readableBytes) { target in
            var line = LineWriter(target)
            line.put("* ")
            line.put(self.mode.isUIDOnly ? UInt64(change.uid.rawValue) : UInt64(clamping: place) + 1)
            line.put(self.mode.isUIDOnly ? " UIDFETCH (" : " FETCH (")
            if self.withUID {
                line.put("UID ")
                line.put(UInt64(change.uid.rawValue))
                line.put(" ")
            }
            tail.withUnsafeReadableBytes { line.put($0) }
            return line.count
        }
    }

    /// Flags, modseq, and the end of the response.
    private mutating func tail(of change: MailboxChanges.Flagged) -> ByteBuffer {
        if let tail = self.tail, tail.flags == change.flags.rawValue, tail.modSeq == change.modSeq.rawValue { return tail.bytes }
        var bytes = ByteBuffer()
        if self.withFlags { bytes.writeFetchFlags(change.flags, keywords: self.keywords) }
        if self.mode.isCondStore {
            if self.withFlags { bytes.writeFetchBlank() }
            bytes.writeFetchModSeq(change.modSeq)
        }
        bytes.endFetch()
        self.tail = (change.flags.rawValue, change.modSeq.rawValue, bytes)
        return bytes
    }
}
