internal import Database
package import Vocabulary

// What a session sees of a mailbox. The calls with a completion wait until what had arrived is filed; those without block and do not
// wait. None holds a read transaction over a page.
extension MessageStore {
    /// Runs `job` when everything accepted until now is filed; at once if it is, and without the newest mail when that cannot be filed
    /// now. `job` must be short; it runs on the caller's or the store's thread.
    package func afterFiling(_ job: @escaping @Sendable () -> Void) { self.parts.folder.afterFiling(job) }

    /// What SELECT and STATUS need, from counters alone.
    package func openView(_ mailbox: MailboxID, completion: @escaping Answer<MailboxFacts>) {
        self.mailbox(mailbox, completion: completion)
    }

    // MARK: UIDs

    static let uidPage: Int64 = 20_000
    private static let uidsBelow = Statement("SELECT uid FROM message WHERE mailbox = ?1 AND uid >= ?2 AND uid < ?3 ORDER BY uid LIMIT ?4")
    private static let tombstones = Statement(
        "SELECT modseq, uid FROM tombstone WHERE mailbox = ?1 AND (modseq, uid) > (?2, ?3) ORDER BY modseq, uid LIMIT ?4")

    /// The UIDs exactly as they were when the mailbox had this MODSEQ and UIDNEXT: what is there now and what was removed since.
    /// Fails with `.forgotten` when removals since then are not known any more.
    package func uids(of mailbox: MailboxID, asOf modSeq: ModSeq, uidNext: UID, completion: @escaping Answer<UIDSet>) {
        self.reading(completion) { () throws(StoreError) in try self.uids(of: mailbox, asOf: modSeq, uidNext: uidNext) }
    }

    package func uids(of mailbox: MailboxID, asOf modSeq: ModSeq, uidNext: UID) throws(StoreError) -> UIDSet {
        try self.uids(of: mailbox, asOf: modSeq, from: UID(rawValue: 1), uidNext: uidNext)
    }

    /// First the rows, then the tombstones: what is removed while pages are read is found among the latter.
    private func uids(of mailbox: MailboxID, asOf modSeq: ModSeq, from: UID, uidNext: UID) throws(StoreError) -> UIDSet {
        let facts = try self.mailbox(mailbox)
        guard from < uidNext else { return UIDSet() }
        // As many messages as UIDs were given: none was ever removed.
        if facts.messages == Int(facts.uidNext.rawValue) - 1, uidNext <= facts.uidNext {
            return UIDSet(from.rawValue...(uidNext.rawValue - 1))
        }
        var found = UIDSet()
        var next = Int64(from.rawValue)
        var isMore = true
        while isMore {
            var count: Int64 = 0
            try self.readMail { db throws(DatabaseError) in
                try db.each(Self.uidsBelow, .int(mailbox.rawValue), .int(next), .int(uidNext.rawValue), .int(Self.uidPage)) {
                    row throws(DatabaseError) in
                    found.append(UInt32(clamping: row.int(0)))
                    count += 1
                    return true
                }
            }
            next = Int64(found.last?.rawValue ?? 0) + 1
            isMore = count == Self.uidPage
        }
        let removed = try self.removed(from: mailbox, after: modSeq, upTo: nil)
        guard removed.isWhole else { throw .forgotten }
        return found.union(removed.uids.intersection(UIDSet(from.rawValue...(uidNext.rawValue - 1))))
    }

    /// What was removed after one MODSEQ and not after another.
    private func removed(from mailbox: MailboxID, after modSeq: ModSeq, upTo: ModSeq?) throws(StoreError) -> (uids: UIDSet, isWhole: Bool) {
        var removed: [UInt32] = []
        var last = (modSeq: modSeq.rawValue, uid: Int64.max)
        var isMore = true
        while isMore {
            var count: Int64 = 0
            try self.readMail { db throws(DatabaseError) in
                try db.each(Self.tombstones, .int(mailbox.rawValue), .int(last.modSeq), .int(last.uid), .int(Self.uidPage)) {
                    row throws(DatabaseError) in
                    last = (row.int(0), row.int(1))
                    if let upTo, last.modSeq > upTo.rawValue { return false }
                    removed.append(UInt32(clamping: last.uid))
                    count += 1
                    return true
                }
            }
            isMore = count == Self.uidPage
        }
        // Asked last: what is forgotten while pages are read is missing among them.
        let forgotten = try self.readMail { db throws(DatabaseError) in
            try db.row(FolderSQL.forgotten, .int(mailbox.rawValue)) { $0.int(0) }
        }
        guard let forgotten else { throw .noSuchMailbox(mailbox) }
        return (UIDSet(ascending: removed.sorted()), forgotten <= modSeq.rawValue)
    }

    // MARK: Changes

    /// What happened after `since`, to a caller that knew the mailbox up to `uidNext` then. Costs as much as there is to tell.
    /// - Parameter limit: of changed flags, about; with more, `isMore` is set.
    package func changes(
        of mailbox: MailboxID, since: ModSeq, uidNext: UID, limit: Int, completion: @escaping Answer<StoredChanges>
    ) {
        self.reading(completion) { () throws(StoreError) in
            try self.changes(of: mailbox, since: since, uidNext: uidNext, limit: limit)
        }
    }

    package func changes(of mailbox: MailboxID, since: ModSeq, uidNext: UID, limit: Int) throws(StoreError) -> StoredChanges {
        let facts = try self.mailbox(mailbox)
        var result = StoredChanges(modSeq: facts.highestModSeq, uidNext: facts.uidNext)
        guard facts.highestModSeq > since else {
            result.modSeq = since
            return result
        }
        // What happens while this reads has a greater MODSEQ and is told the next time.
        let known: UIDSet? = uidNext.rawValue > 1 ? UIDSet(1...(uidNext.rawValue - 1)) : nil
        let removed = try self.removed(from: mailbox, after: since, upTo: facts.highestModSeq)
        result.isWhole = removed.isWhole
        result.expunged = known.map { removed.uids.intersection($0) } ?? UIDSet()
        do throws(StoreError) {
            result.arrived = try self.uids(of: mailbox, asOf: facts.highestModSeq, from: uidNext, uidNext: facts.uidNext)
        } catch {
            guard case .forgotten = error else { throw error }
            result.isWhole = false
        }
        let edits = try self.edits(of: mailbox, after: since, upTo: facts.highestModSeq, limit: limit)
        result.changed = edits.changed.filter { $0.uid < uidNext }
        result.isMore = edits.upTo < facts.highestModSeq
        result.modSeq = edits.upTo
        return result
    }

    // MARK: Rows

    private static let rowPage = 10_000
    private static let rowRange = Statement(
        """
        SELECT uid, flags, modseq, size, date, coalesce(saved, date), blob FROM message
        WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid LIMIT ?4
        """)

    /// Rows of those of `uids` that are there, ascending, from `first` on, at most `limit`; with `changedSince` those of a greater MODSEQ.
    package func rows(
        of mailbox: MailboxID, uids: UIDSet, from first: UID = UID(rawValue: 1), limit: Int, completion: @escaping Answer<[MessageRow]>
    ) {
        self.reading(completion) { () throws(StoreError) in try self.rows(of: mailbox, uids: uids, from: first, limit: limit) }
    }

    package func rows(
        of mailbox: MailboxID, uids: UIDSet, from first: UID = UID(rawValue: 1), limit: Int, changedSince: ModSeq? = nil
    ) throws(StoreError) -> [MessageRow] {
        var uids = uids
        if let changedSince {
            let changed = try self.changed(in: mailbox, since: changedSince)
            uids = uids.intersection(UIDSet(ascending: changed.lazy.map(\.uid.rawValue)))
        }
        var out: [MessageRow] = []
        out.reserveCapacity(min(limit, uids.count, Self.rowPage))
        var next: UInt32? = first.rawValue
        while let from = next, out.count < limit {
            let end = min(limit, out.count + Self.rowPage)
            next = try self.readRows(of: mailbox) { db throws(DatabaseError) in
                try Self.readRows(mailbox, UIDWalk(uids, from: from), from: from, upTo: end, &out, db)
            }
        }
        return out
    }

    private static let flagPage = Statement("SELECT uid, flags FROM message WHERE mailbox = ?1 AND uid >= ?2 ORDER BY uid LIMIT ?3")

    /// UID and flags, in turn, of at most `limit` messages from `first` on, ascending; some messages at a time. One read transaction.
    package func flags(
        of mailbox: MailboxID, from first: UID, limit: Int, _ body: (UnsafeBufferPointer<Int64>) -> Void
    ) throws(StoreError) {
        try self.readRows(of: mailbox) { db throws(DatabaseError) in
            try db.numbers(Self.flagPage, .int(mailbox.rawValue), .int(first.rawValue), .int(limit), columns: 2, body: body)
        }
    }

    /// Where the next page begins; nil at the end.
    private static func readRows(
        _ mailbox: MailboxID, _ uids: UIDWalk, from first: UInt32, upTo count: Int, _ out: inout [MessageRow], _ db: Connection
    ) throws(DatabaseError) -> UInt32? {
        var walk = uids
        var ranges = 0
        while let range = walk.next() {
            ranges += 1
            if ranges > Self.rowPage { return range.lowerBound }
            try self.readRange(mailbox, max(range.lowerBound, first)...max(range.upperBound, first), &walk, upTo: count, &out, db)
            if out.count >= count { return out.last.flatMap { $0.uid.rawValue < .max ? $0.uid.rawValue + 1 : nil } }
        }
        return nil
    }

    /// Rows of one range, as many as are wanted.
    private static func readRange(
        _ mailbox: MailboxID, _ range: ClosedRange<UInt32>, _ walk: inout UIDWalk, upTo count: Int, _ out: inout [MessageRow],
        _ db: Connection
    ) throws(DatabaseError) {
        var next = Int64(range.lowerBound)
        while next <= Int64(range.upperBound), out.count < count {
            let wanted = count - out.count
            var seen = 0
            try db.numbers(
                Self.rowRange, .int(mailbox.rawValue), .int(next), .int(range.upperBound), .int(wanted), columns: 7
            ) { numbers in
                for start in stride(from: 0, to: numbers.count, by: 7) {
                    seen += 1
                    next = numbers[start] + 1
                    if walk.contains(numbers[start]) { out.append(MessageRow(numbers, start)) }
                }
            }
            if seen < wanted { return }
        }
    }
}

extension MessageRow {
    /// Seven numbers, as the statement gives them.
    fileprivate init(_ numbers: UnsafeBufferPointer<Int64>, _ start: Int) {
        self.init(
            uid: UID(rawValue: UInt32(clamping: numbers[start])), flags: Flags(numbers[start + 1]),
            modSeq: ModSeq(rawValue: numbers[start + 2]),
            size: numbers[start + 3], date: numbers[start + 4], saved: numbers[start + 5], blob: BlobID(rawValue: numbers[start + 6]))
    }
}
