internal import Database
internal import Vocabulary

// Changes of messages beside filing. Each runs inside a transaction of the folder's thread.

extension MailWriter {
    /// Rows of one slice of a larger change: a transaction that others may come after.
    static let slice = 500
    /// Messages that are removed in one transaction: set by set, a row costs less.
    static let removalSlice = 2500

    /// The mailbox's numbers, or the failure that it is gone.
    func known(_ mailbox: Int64) throws(StoreError) -> MailboxState {
        guard let box = try StoreError.wrap({ () throws(DatabaseError) in try self.mailbox(mailbox) }) else {
            throw .noSuchMailbox(MailboxID(rawValue: mailbox))
        }
        return box
    }

    // MARK: Flags

    private static let flagRange = Statement(
        "SELECT uid, flags, modseq FROM message WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid")

    /// Changes flags; messages whose flags do not change keep their MODSEQ. All that change in one call have the same. [RFC7162-3.1.3]
    func setFlags(
        _ mailbox: Int64, _ uids: UIDSet, _ change: MessageStore.FlagChange, unchangedSince: Int64? = nil,
        telling: MessageStore.FlagsTold = .changed
    ) throws(StoreError) -> FlagsChanged {
        var box = try self.known(mailbox)
        let modSeq = box.modSeq + 1
        var edit = FlagEdit(uids, change, modSeq: modSeq, unchangedSince: unchangedSince, telling: telling)
        try StoreError.wrap { () throws(DatabaseError) in
            while let range = edit.next() {
                try self.connection.numbers(
                    Self.flagRange, .int(mailbox), .int(range.lowerBound), .int(range.upperBound), columns: 3
                ) { edit.add($0) }
            }
        }
        guard edit.count > 0 else { return edit.result }
        try StoreError.wrap { () throws(DatabaseError) in
            let promises = self.mayPromise ? edit.promises(mailbox, of: uids, from: self.promisesFrom) : []
            if promises.isEmpty { try self.write(edit, mailbox, change, modSeq) } else { try self.promise(promises) }
            try self.noteEdits(mailbox, modSeq, edit.ranges)
        }
        box.unseen += edit.unseen
        box.deleted += edit.deleted
        box.modSeq = modSeq
        self.set(mailbox, box)
        edit.finish()
        return edit.result
    }

    private func write(_ edit: FlagEdit, _ mailbox: Int64, _ change: MessageStore.FlagChange, _ modSeq: Int64) throws(DatabaseError) {
        let (keep, add) = change.masks
        let update = try self.connection.prepare(MailSQL.setFlags)
        var count = 0
        for range in edit.ranges {
            try update.run([mailbox, range.lowerBound, range.upperBound, keep.stored, add.stored, modSeq])
            count += self.connection.changes
        }
        guard count == edit.count else {
            throw DatabaseError(code: 1, text: "changed \(count) rows of \(edit.count)", operation: "set flags")
        }
    }
}

// MARK: What was changed

extension MailWriter {
    private static let noteEdit = Statement("INSERT INTO edit(mailbox, modseq, first, last) VALUES(?1, ?2, ?3, ?4)")
    private static let trimEdits = Statement(
        """
        DELETE FROM edit WHERE mailbox = ?1
            AND modseq <= (SELECT modseq FROM edit WHERE mailbox = ?1 ORDER BY modseq DESC LIMIT 1 OFFSET ?2) RETURNING modseq
        """)
    private static let noteTrim = Statement("UPDATE mailbox SET edits_from = max(edits_from, ?2) WHERE id = ?1")
    /// Ranges that one change is noted in: more of them are joined, with what lies between.
    private static let mostRanges = 64
    /// Ranges of a mailbox that are kept. Who asks about what is older costs a look at every row.
    private static let mostEdits: Int64 = 4096
    /// How many changes of a mailbox lie between two looks at whether there are too many, about.
    private static let betweenTrims: Int64 = 256

    private func noteEdits(_ mailbox: Int64, _ modSeq: Int64, _ ranges: [ClosedRange<Int64>]) throws(DatabaseError) {
        let size = (ranges.count + Self.mostRanges - 1) / Self.mostRanges
        let note = try self.connection.prepare(Self.noteEdit)
        for start in stride(from: 0, to: ranges.count, by: max(1, size)) {
            let end = min(start + size, ranges.count) - 1
            try note.run([mailbox, modSeq, ranges[start].lowerBound, ranges[end].upperBound])
        }
        guard modSeq % Self.betweenTrims == 0 else { return }
        let dropped = try self.connection.rows(Self.trimEdits, .int(mailbox), .int(Self.mostEdits)) { $0.int(0) }
        if let newest = dropped.max() { try self.connection.run(Self.noteTrim, .int(mailbox), .int(newest)) }
    }
}

extension MessageStore.FlagChange {
    /// What of the old flags stays, and what comes.
    var masks: (keep: Flags, add: Flags) {
        let all = Flags(rawValue: UInt64(Int64.max))
        switch self {
        case .add(let more): return (all, more)
        case .remove(let less): return (all.subtracting(less), [])
        case .replace(let new): return ([], new)
        }
    }

    func with(_ keywords: Flags) -> Self {
        switch self {
        case .add(let more): .add(more.union(keywords))
        case .remove(let less): .remove(less.union(keywords))
        case .replace(let new): .replace(new.union(keywords))
        }
    }
}

/// Goes through a set of UIDs in ranges of a table: runs that lie close together are one range, and what lies between them is passed
/// over, because stepping over a few rows costs less than finding a place anew.
struct UIDWalk {
    private let runs: [UIDRun]
    private var at = 0
    private var current = 0
    private static let gap: UInt32 = 16

    init(_ uids: UIDSet, from first: UInt32 = 1) {
        self.runs = uids.runs
        // A set of a million single messages has as many runs: the place is searched for, not walked to.
        var (low, high) = (0, self.runs.count)
        while low < high {
            let middle = (low + high) / 2
            if self.runs[middle].last < first { low = middle + 1 } else { high = middle }
        }
        self.at = low
    }

    /// The next range.
    mutating func next() -> ClosedRange<UInt32>? {
        guard self.at < self.runs.count else { return nil }
        self.current = self.at
        let first = self.runs[self.at].first
        var last = self.runs[self.at].last
        self.at += 1
        while self.at < self.runs.count, self.runs[self.at].first - last <= Self.gap {
            last = self.runs[self.at].last
            self.at += 1
        }
        return first...last
    }

    /// Asked in ascending order about what lies in the range of now.
    mutating func contains(_ uid: Int64) -> Bool {
        while self.current < self.runs.count, Int64(self.runs[self.current].last) < uid { self.current += 1 }
        return self.current < self.runs.count && Int64(self.runs[self.current].first) <= uid
    }
}
