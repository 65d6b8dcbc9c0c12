internal import MessageStore
internal import Vocabulary

/// The last changes of a mailbox, batch after batch without a gap.
struct RecentChanges {
    private struct Batch {
        var since: ModSeq
        /// Where new messages began for whoever read it. At one MODSEQ that is not the same for all: a part of very many changes tells of all
        /// new messages.
        var uidNext: UID
        var changes: StoredChanges
    }

    private static let mostBatches = 32
    private static let mostFlags = 20_000

    private var batches: [Batch] = []

    /// All that is known from exactly there on; nil where it does not reach back to a batch's beginning, or more flags changed.
    func changes(since: ModSeq, uidNext: UID, mostFlags: Int = .max) -> StoredChanges? {
        guard let first = self.batches.firstIndex(where: { $0.since == since && $0.uidNext == uidNext }) else { return nil }
        guard mostFlags == .max || self.batches[first...].reduce(0, { $0 + $1.changes.changed.count }) <= mostFlags else { return nil }
        var out = self.batches[first].changes
        for batch in self.batches[(first + 1)...] { out = out.followed(by: batch.changes, uidNext: uidNext) }
        return out
    }

    mutating func add(_ changes: StoredChanges, since: ModSeq, _ uidNext: UID) {
        guard changes.isWhole, changes.modSeq > since else { return }
        if let last = self.batches.last, last.changes.modSeq != since || last.changes.uidNext != uidNext {
            // Somebody else has read the same, or has begun further back.
            guard changes.modSeq > last.changes.modSeq else { return }
            self.batches = []
        }
        self.batches.append(Batch(since: since, uidNext: uidNext, changes: changes))
        var flags = self.batches.reduce(0) { $0 + $1.changes.changed.count }
        while let first = self.batches.first, self.batches.count > Self.mostBatches || flags > Self.mostFlags {
            flags -= first.changes.changed.count
            self.batches.removeFirst()
        }
    }
}

extension StoredChanges {
    /// These and then those, to who knew the mailbox up to `uidNext` before both.
    func followed(by later: StoredChanges, uidNext: UID) -> StoredChanges {
        var out = StoredChanges(modSeq: later.modSeq, uidNext: later.uidNext)
        out.isMore = later.isMore
        out.isWhole = self.isWhole && later.isWhole
        out.arrived = self.arrived.union(later.arrived).subtracting(later.expunged)
        let known = uidNext.rawValue > 1 ? UIDSet(1...(uidNext.rawValue - 1)) : UIDSet()
        out.expunged = self.expunged.union(later.expunged).intersection(known)
        let newer = Set(later.changed.map(\.uid))
        out.changed = self.changed.filter { !newer.contains($0.uid) && !later.expunged.contains($0.uid) } + later.changed
        return out
    }
}
