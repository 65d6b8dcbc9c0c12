internal import Database
internal import Vocabulary

// Changes of messages beside filing. Each runs inside a transaction of the folder's thread.

extension MailWriter {
    /// Rows of one slice of a larger change: a transaction that others may come after.
    static let slice = 500

    private static let readRange = Statement(
        "SELECT uid, flags, size, blob, modseq FROM message WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid")

    /// What stands in the way of changing a message.
    struct Standing {
        var uid: Int64
        var flags: Flags
        var size: Int64
        var blob: Int64
        var modSeq: Int64
    }

    func standing(_ mailbox: Int64, _ uids: UIDSet) throws(StoreError) -> [Standing] {
        try StoreError.wrap { () throws(DatabaseError) in
            var out: [Standing] = []
            var walk = UIDWalk(uids)
            while let range = walk.next() {
                try self.connection.each(Self.readRange, .int(mailbox), .int(range.lowerBound), .int(range.upperBound)) {
                    row throws(DatabaseError) in
                    if walk.contains(row.int(0)) {
                        out.append(
                            Standing(uid: row.int(0), flags: Flags(row.int(1)), size: row.int(2), blob: row.int(3), modSeq: row.int(4)))
                    }
                    return true
                }
            }
            return out
        }
    }

    /// The mailbox's numbers, or the failure that it is gone.
    func known(_ mailbox: Int64) throws(StoreError) -> MailboxState {
        guard let box = try StoreError.wrap({ () throws(DatabaseError) in try self.mailbox(mailbox) }) else {
            throw .noSuchMailbox(MailboxID(rawValue: mailbox))
        }
        return box
    }

    // MARK: Removing

    /// Removes messages. All removals of one call have the same MODSEQ.
    func expunge(
        _ mailbox: Int64, _ uids: UIDSet, onlyDeleted: Bool = false, keepTombstones: Bool = true
    ) throws(StoreError) -> Expunged {
        var box = try self.known(mailbox)
        var gone = try self.standing(mailbox, uids)
        if onlyDeleted { gone.removeAll { !$0.flags.contains(.deleted) } }
        guard !gone.isEmpty else { return Expunged(modSeq: ModSeq(rawValue: box.modSeq)) }
        box.modSeq += 1
        for message in gone { box.count(message.flags, message.size, -1) }
        try StoreError.wrap { () throws(DatabaseError) in
            try self.drop(mailbox, gone.map(\.uid), keepTombstones ? box.modSeq : nil)
            for message in gone { try self.release(message.blob) }
        }
        let bytes = gone.reduce(0) { $0 + $1.size }
        self.effects.filed[box.account, default: .init()] += .init(bytes: -bytes, messages: -Int64(gone.count))
        self.set(mailbox, box)
        return Expunged(uids: UIDSet(ascending: gone.lazy.map { UInt32(clamping: $0.uid) }), modSeq: ModSeq(rawValue: box.modSeq))
    }

    /// Rows of messages that are there, with tombstones of this MODSEQ or none.
    func drop(_ mailbox: Int64, _ uids: [Int64], _ modSeq: Int64?) throws(DatabaseError) {
        let now = self.now()
        let delete = try self.connection.prepare(MailSQL.deleteMessage)
        for uid in uids { try delete.run([mailbox, uid]) }
        guard let modSeq else { return }
        let bury = try self.connection.prepare(MailSQL.makeTombstone)
        for uid in uids { try bury.run([mailbox, modSeq, uid, now]) }
    }

    /// One reference less; the body is dead in this file when none is left, and its count never comes back.
    func release(_ blob: Int64) throws(DatabaseError) {
        self.watch.noteBlob(blob)
        let left = try self.connection.row(MailSQL.dropReference, .int(blob)) { row in
            (references: row.int(0), segment: UInt32(clamping: row.int(1)), bytes: row.int(2))
        }
        guard let left, left.references <= 0 else { return }
        try self.connection.prepare(MailSQL.deleteBlob).run([blob])
        self.change(left.segment, live: -1, bytes: -left.bytes)
    }

    // MARK: Flags

    /// Changes flags; messages whose flags do not change keep their MODSEQ. All that change in one call have the same. [RFC7162-3.1.3]
    func setFlags(
        _ mailbox: Int64, _ uids: UIDSet, _ change: MessageStore.FlagChange, unchangedSince: Int64? = nil
    ) throws(StoreError) -> FlagsChanged {
        var box = try self.known(mailbox)
        let modSeq = ModSeq(rawValue: box.modSeq + 1)
        var result = FlagsChanged(modSeq: ModSeq(rawValue: box.modSeq))
        // Rows that lie side by side and all change are one statement: it costs half of as many.
        var ranges: [ClosedRange<Int64>] = []
        var isSideBySide = false
        var runs = uids.runs[...]
        for message in try self.standing(mailbox, uids) {
            let uid = UID(rawValue: UInt32(clamping: message.uid))
            let new = change.applied(to: message.flags)
            if let unchangedSince, message.modSeq > unchangedSince { result.modified.append(uid.rawValue) }
            guard new != message.flags, message.modSeq <= unchangedSince ?? .max else {
                isSideBySide = false
                continue
            }
            box.change(message.flags, new)
            result.changed.append(ChangedFlags(uid: uid, flags: new, modSeq: modSeq))
            // Between two UIDs of one run there is no row that was not asked for.
            while let run = runs.first, Int64(run.last) < message.uid { runs.removeFirst() }
            if isSideBySide, let last = ranges.last, let run = runs.first, Int64(run.first) <= last.lowerBound {
                ranges[ranges.count - 1] = last.lowerBound...message.uid
            } else {
                ranges.append(message.uid...message.uid)
            }
            isSideBySide = true
        }
        guard !result.changed.isEmpty else { return result }
        let (keep, add) = change.masks
        try StoreError.wrap { () throws(DatabaseError) in
            let update = try self.connection.prepare(MailSQL.setFlags)
            var count = 0
            for range in ranges {
                try update.run([mailbox, range.lowerBound, range.upperBound, keep.stored, add.stored, modSeq.rawValue])
                count += self.connection.changes
            }
            guard count == result.changed.count else {
                throw DatabaseError(code: 1, text: "changed \(count) rows of \(result.changed.count)", operation: "set flags")
            }
            try self.noteEdits(mailbox, modSeq.rawValue, ranges)
        }
        box.modSeq = modSeq.rawValue
        self.set(mailbox, box)
        result.modSeq = modSeq
        return result
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
    func applied(to flags: Flags) -> Flags {
        switch self {
        case .add(let more): flags.union(more)
        case .remove(let less): flags.subtracting(less)
        case .replace(let new): new
        }
    }

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
