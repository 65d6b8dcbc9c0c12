internal import Database
internal import Vocabulary

// COPY and MOVE, inside transactions of the folder's thread.

extension MailWriter {
    private static let originals = Statement(
        "SELECT uid, flags, size, blob FROM message WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid")

    /// Messages that are to be copied, and where their neighbours are.
    private struct Originals {
        var uids = UIDSet()
        var flags = Flags()
        var references = ReferenceChange()
        var bytes: Int64 = 0
        var unseen: Int64 = 0
        var deleted: Int64 = 0
    }

    private func originals(_ mailbox: Int64, _ uids: UIDSet, _ mask: Flags) throws(DatabaseError) -> Originals {
        var found = Originals()
        var walk = UIDWalk(uids)
        while let range = walk.next() {
            try self.connection.numbers(
                Self.originals, .int(mailbox), .int(range.lowerBound), .int(range.upperBound), columns: 4
            ) { numbers in
                var at = 0
                while at + 3 < numbers.count {
                    defer { at += 4 }
                    guard walk.contains(numbers[at]) else { continue }
                    let flags = Flags(numbers[at + 1]).intersection(mask)
                    found.uids.append(UInt32(clamping: numbers[at]))
                    found.flags.formUnion(flags)
                    found.references.add(numbers[at + 3])
                    found.bytes += numbers[at + 2]
                    found.unseen += flags.contains(.seen) ? 0 : 1
                    found.deleted += flags.contains(.deleted) ? 1 : 0
                }
            }
        }
        return found
    }

    /// Copies messages that are there. A copy takes its reference while the original still holds one; with `isMove` the original gives it
    /// its own.
    /// - Parameters:
    ///   - mask: flags that come along.
    ///   - room: bytes that the account of the destination may still take; nil is unlimited. Asked only when it is needed.
    func copy(
        _ uids: UIDSet, from: Int64, to: Int64, isMove: Bool, flags mask: Flags, room: (Int64) throws(StoreError) -> Int64?
    ) throws(StoreError) -> CopyResult {
        let source = try self.known(from)
        var target = try self.known(to)
        let originals = try StoreError.wrap { () throws(DatabaseError) in try self.originals(from, uids, mask) }
        // A move inside an account takes no room.
        let isGrowing = !(isMove && source.account == target.account)
        if isGrowing, let room = try room(target.account), originals.bytes > room - (self.effects.filed[target.account]?.bytes ?? 0) {
            throw .overQuota
        }
        let count = Int64(originals.uids.count)
        let keywords = originals.flags.isSubset(of: .system) ? nil : try self.translation(originals.flags, from, to)
        let copies = try StoreError.wrap { () throws(DatabaseError) in
            let copies = try self.insertCopies(of: originals.uids, from, to, target, mask, keywords)
            if !isMove { try originals.references.take(self) }
            return copies
        }
        if count > 0 {
            target.uidNext += count
            target.modSeq += count
            target.messages += count
            target.bytes += originals.bytes
            target.unseen += originals.unseen
            target.deleted += originals.deleted
            self.effects.filed[target.account, default: .init()] += .init(bytes: originals.bytes, messages: count)
            self.set(to, target)
        }
        // The originals of a move: their references are the copies' now.
        if isMove && count > 0 { _ = try self.expunge(from, originals.uids, keepReferences: true) }
        return CopyResult(
            uidValidity: UIDValidity(rawValue: UInt32(clamping: target.uidValidity)), sources: originals.uids, copies: copies,
            modSeq: ModSeq(rawValue: try self.known(isMove ? from : to).modSeq))
    }

    private static let copyRun = Statement(
        """
        INSERT INTO message(mailbox, uid, flags, modseq, edited, size, date, blob, middle, whole, saved)
        SELECT ?4, uid + ?5, flags & ?8, uid + ?6, 0, size, date, blob, middle, whole, ?7
        FROM message WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid
        """)
    private static let keyworded = Statement(
        "SELECT uid, flags FROM message WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 AND flags > ?4 ORDER BY uid")
    private static let setFlags = Statement("UPDATE message SET flags = ?3 WHERE mailbox = ?1 AND uid = ?2")

    /// At the end of the mailbox, in order, one MODSEQ each: while nobody edits them, it grows with UID. A statement for each run of UIDs that
    /// are all there.
    private func insertCopies(
        of uids: UIDSet, _ from: Int64, _ to: Int64, _ target: MailboxState, _ mask: Flags, _ keywords: Translation?
    ) throws(DatabaseError) -> UIDSet {
        let count = Int64(uids.count)
        guard count > 0 else { return UIDSet() }
        guard target.uidNext + count <= Int64(UInt32.max) else {
            throw DatabaseError(code: 1, text: "mailbox \(to) takes no more messages", operation: "copy")
        }
        let now = self.now()
        let copy = try self.connection.prepare(Self.copyRun)
        for run in uids.runs {
            let first = Int64(run.first)
            let place = Int64(run.before)
            try copy.run([
                from, first, Int64(run.last), to, target.uidNext + place - first, target.modSeq + 1 + place - first, now, mask.stored,
            ])
        }
        let copies = UIDSet(UInt32(clamping: target.uidNext)...UInt32(clamping: target.uidNext + count - 1))
        guard let keywords, let first = copies.first, let last = copies.last else { return copies }
        let rows = try self.connection.rows(
            Self.keyworded, .int(to), .int(first.rawValue), .int(last.rawValue), .int(Flags.system.stored)
        ) { (uid: $0.int(0), flags: Flags($0.int(1))) }
        let set = try self.connection.prepare(Self.setFlags)
        for row in rows { try set.run([to, row.uid, keywords.applied(to: row.flags).stored]) }
        return copies
    }

    // MARK: Keywords of another mailbox

    /// What a mailbox's keyword bits are in another one.
    private struct Translation {
        var bits: [(from: Flags, to: Flags)] = []

        func applied(to flags: Flags) -> Flags {
            guard !flags.isSubset(of: .system) else { return flags }
            var out = flags.intersection(.system)
            for pair in self.bits where flags.contains(pair.from) { out.formUnion(pair.to) }
            return out
        }
    }

    /// For those bits that messages have; keywords that the other mailbox does not have yet are made.
    private func translation(_ used: Flags, _ from: Int64, _ to: Int64) throws(StoreError) -> Translation {
        guard !used.isSubset(of: .system) else { return Translation() }
        let names = try StoreError.wrap { () throws(DatabaseError) in
            try self.connection.rows(FolderSQL.keywords, .int(from)) { (bit: Int($0.int(0)), name: $0.text(1)) }
        }
        var translation = Translation()
        for (bit, name) in names where used.contains(.keyword(bit)) {
            translation.bits.append((.keyword(bit), try self.keywordsOrFail([name], of: to, mayMake: .must)))
        }
        return translation
    }

    // MARK: Copies of very many

    private static let note = Statement("INSERT INTO copying(copy, mailbox, first, last) VALUES(?1, ?2, ?3, ?4)")
    private static let drop = Statement("DELETE FROM copying WHERE copy = ?1")
    private static let number = Statement(
        """
        SELECT 1 + max(coalesce((SELECT max(copy) FROM copying), 0), coalesce((SELECT max(subject) FROM job WHERE kind = ?1), 0))
        """)
    private static let isNoted = Statement("SELECT 1 FROM copying WHERE copy = ?1")

    /// Begins a copy that takes several transactions; answers its number, which no other has that is not finished or undone yet.
    func beginCopy(to mailbox: Int64) throws(StoreError) -> Int64 {
        _ = try self.known(mailbox)
        return try StoreError.wrap { () throws(DatabaseError) in
            let number = try self.connection.row(Self.number, .text(MailJobs.undoCopy)) { $0.int(0) } ?? 1
            // Nothing yet: a range that no UID will ever be in.
            try self.connection.run(Self.note, .int(number), .int(mailbox), 0, 0)
            return number
        }
    }

    /// Notes what one slice of a copy gave, so that it can be taken back.
    func noteCopied(_ copy: Int64, _ mailbox: Int64, _ copies: UIDSet) throws(StoreError) {
        try StoreError.wrap { () throws(DatabaseError) in
            for run in copies.runs { try self.connection.run(Self.note, .int(copy), .int(mailbox), .int(run.first), .int(run.last)) }
        }
    }

    /// All slices are made: the copy stays.
    func finishCopy(_ copy: Int64) throws(StoreError) {
        try StoreError.wrap { () throws(DatabaseError) in try self.connection.run(Self.drop, .int(copy)) }
    }

    /// The copy failed: a job takes back what was made.
    func undoCopy(_ copy: Int64) throws(StoreError) {
        try StoreError.wrap { () throws(DatabaseError) in
            guard try self.connection.row(Self.isNoted, .int(copy), read: { _ in true }) == true else { return }
            try Jobs.enqueue(MailJobs.undoCopy, subject: copy, on: self.connection)
        }
    }
}
