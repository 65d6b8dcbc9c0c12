internal import MessageStore
internal import Synchronization
internal import Vocabulary

/// Flags of a mailbox from its first message on, as far as somebody has read them: what every mail program asks for when it begins. They hold
/// as long as nothing has changed; the feed says so before any change is answered.
struct FlagPrefix: Sendable {
    struct Row: Sendable {
        var uid: UID
        var flags: Flags
        var modSeq: ModSeq
    }

    /// Messages of one mailbox that are kept.
    static let most = 200_000
    static let octetsPerRow = 24

    private(set) var rows: [Row] = []
    /// The mailbox's newest MODSEQ when they were read.
    private(set) var stamp = ModSeq(rawValue: -1)

    var octets: Int { self.rows.capacity * Self.octetsPerRow }

    /// Rows of these UIDs from `first` on, as many as are known in order.
    func rows(_ uids: UIDSet, from first: UID, limit: Int, at newest: ModSeq) -> [MessageRow] {
        guard newest == self.stamp, let last = self.rows.last, first <= last.uid else { return [] }
        var (low, high) = (0, self.rows.count)
        while low < high {
            let middle = (low + high) / 2
            if self.rows[middle].uid < first { low = middle + 1 } else { high = middle }
        }
        var out: [MessageRow] = []
        out.reserveCapacity(min(limit, self.rows.count - low))
        var runs = uids.runs[...]
        for row in self.rows[low...] {
            while let run = runs.first, run.last < row.uid.rawValue { runs.removeFirst() }
            guard let run = runs.first else { break }
            guard run.first <= row.uid.rawValue else { continue }
            out.append(
                MessageRow(uid: row.uid, flags: row.flags, modSeq: row.modSeq, size: 0, date: 0, saved: 0, blob: BlobID(rawValue: 0)))
            if out.count == limit { break }
        }
        return out
    }

    /// How far the rows go: `following` may begin right behind.
    func reaches(at newest: ModSeq) -> UID? { newest == self.stamp ? self.rows.last?.uid : nil }

    /// The rows that come right behind those that are known; all there are between.
    mutating func add(_ more: [MessageRow], startsAfter last: UID?, at newest: ModSeq) {
        if last == nil || newest != self.stamp { self = FlagPrefix() }
        guard last == self.rows.last?.uid, self.rows.count + more.count <= Self.most else { return }
        self.stamp = newest
        self.rows += more.lazy.map { Row(uid: $0.uid, flags: $0.flags, modSeq: $0.modSeq) }
    }
}
