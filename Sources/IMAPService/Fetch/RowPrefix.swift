internal import MessageStore
internal import Synchronization
internal import Vocabulary

/// Rows of a mailbox from its first message on, as far as somebody has read them: what every mail program asks for when it begins, and what every
/// search goes through. They hold as long as nothing has changed; the feed says so before any change is answered.
struct RowPrefix: Sendable {
    /// Messages of one mailbox that are kept.
    static let most = 200_000
    static let octetsPerRow = MemoryLayout<MessageRow>.stride

    private(set) var rows: [MessageRow] = []
    /// The mailbox's newest MODSEQ when they were read.
    private(set) var stamp = ModSeq(rawValue: -1)

    var octets: Int { self.rows.capacity * Self.octetsPerRow }

    /// Rows of these UIDs from `first` on, as many as are known in order.
    func rows(_ uids: UIDSet, from first: UID, limit: Int, at newest: ModSeq) -> [MessageRow] {
        guard newest == self.stamp, let last = self.rows.last, first <= last.uid else { return [] }
        let start = self.place(of: first)
        // All of a stretch, as nearly always.
        let end = min(start + limit, self.rows.count)
        if start < end,
            uids.runs.contains(where: { $0.first <= self.rows[start].uid.rawValue && $0.last >= self.rows[end - 1].uid.rawValue })
        {
            return Array(self.rows[start..<end])
        }
        var out: [MessageRow] = []
        out.reserveCapacity(min(limit, self.rows.count - start, uids.count))
        var runs = uids.runs[...]
        for row in self.rows[start...] {
            while let run = runs.first, run.last < row.uid.rawValue { runs.removeFirst() }
            guard let run = runs.first else { break }
            guard run.first <= row.uid.rawValue else { continue }
            out.append(row)
            if out.count == limit { break }
        }
        return out
    }

    /// The first row at or behind a UID.
    private func place(of first: UID) -> Int {
        var (low, high) = (0, self.rows.count)
        while low < high {
            let middle = (low + high) / 2
            if self.rows[middle].uid < first { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// How far the rows go: `following` may begin right behind.
    func reaches(at newest: ModSeq) -> UID? { newest == self.stamp ? self.rows.last?.uid : nil }

    /// The rows that come right behind those that are known; all there are between.
    mutating func add(_ more: [MessageRow], startsAfter last: UID?, at newest: ModSeq) {
        if last == nil || newest != self.stamp { self = RowPrefix() }
        guard last == self.rows.last?.uid, self.rows.count + more.count <= Self.most else { return }
        self.stamp = newest
        self.rows += more
    }
}
