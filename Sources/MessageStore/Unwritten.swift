internal import Database
internal import Vocabulary

// Changes of flags that are promised before they stand in the rows of the messages. [docs/decisions: 0023]
//
// Invariants:
// 1. The promise, the counters and the range in `edit` are one synced transaction; the answer comes after it.
// 2. The folder's thread writes the rows before it does anything else. No other change of mail.db ever meets a promise.
// 3. Who reads flags or MODSEQs of rows looks first, in the same read transaction, whether there are promises for that mailbox, and waits.
// 4. After a crash the rows are written before the store opens; with a full disk, as soon as there is room.

/// One promise: what happens to the rows of a range.
struct UnwrittenChange: Sendable, Hashable {
    var mailbox: Int64
    var modSeq: Int64
    var first: Int64
    var last: Int64
    var keep: Int64
    var plus: Int64
    /// Rows of a greater MODSEQ stay as they are.
    var below: Int64

    private static let insert = Statement(
        "INSERT INTO unwritten(mailbox, modseq, first, last, keep, plus, below) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")
    private static let select = Statement(
        "SELECT mailbox, modseq, first, last, keep, plus, below FROM unwritten ORDER BY mailbox, modseq, first")
    private static let apply = Statement(
        """
        UPDATE message SET flags = (flags & ?4) | ?5, modseq = ?6, edited = 2
        WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 AND modseq <= ?7 AND (flags & ?4) | ?5 <> flags
        """)
    private static let clear = Statement("DELETE FROM unwritten")
    private static let any = Statement("SELECT 1 FROM unwritten LIMIT 1")
    static let isThere = Statement("SELECT 1 FROM unwritten WHERE mailbox = ?1 LIMIT 1")
    /// Runs of UIDs that a change may have to be promised.
    static let mostRanges = 64

    func promise(on db: Connection) throws(DatabaseError) {
        try db.prepare(Self.insert).run([self.mailbox, self.modSeq, self.first, self.last, self.keep, self.plus, self.below])
    }

    static func areThere(on db: Connection) throws(DatabaseError) -> Bool { try db.row(Self.any) { _ in true } ?? false }

    /// Brings all rows up to date, in the order of the promises. Answers whose.
    @discardableResult
    static func writeAll(on db: Connection) throws(DatabaseError) -> Set<Int64> {
        let promised = try db.rows(Self.select) { row in
            UnwrittenChange(
                mailbox: row.int(0), modSeq: row.int(1), first: row.int(2), last: row.int(3), keep: row.int(4), plus: row.int(5),
                below: row.int(6))
        }
        guard !promised.isEmpty else { return [] }
        let apply = try db.prepare(Self.apply)
        for one in promised { try apply.run([one.mailbox, one.first, one.last, one.keep, one.plus, one.modSeq, one.below]) }
        try db.run(Self.clear)
        return Set(promised.map(\.mailbox))
    }
}

extension Folder {
    /// Writes the rows of what was promised in the transaction before. Not synced by itself: the promise is.
    func writePromised(_ writer: MailWriter) {
        guard writer.owesRows else { return }
        self.pending.withLock { $0.isBehind = true }
        while writer.owesRows {
            do throws(DatabaseError) {
                try self.parts.mail.withWriter { _ throws(DatabaseError) in
                    try writer.begin(.repeatable)
                    do throws(DatabaseError) {
                        try writer.writePromised()
                        try writer.commit(self.parts.usage)
                    } catch {
                        writer.rollback()
                        throw error
                    }
                }
            } catch {
                guard self.mayTryAgain(after: error) else { break }
            }
        }
        self.pending.withLock { ($0.isBehind, $0.isStuck) = (false, false) }
        self.pending.broadcast()
    }

    /// Nothing else may happen to the rows before: with a full disk the folder waits here, until there is room or the store is closed. Who
    /// wants to change something meanwhile is told; who reads gets the rows as they are.
    private func mayTryAgain(after error: DatabaseError) -> Bool {
        guard error.kind == .full || error.kind == .busy else {
            self.recover(from: error, [], nil)
            return false
        }
        if error.kind == .full, self.parts.ballast.giveUp() { return true }
        let refused = self.pending.withLock { state in
            defer { state.edits = [] }
            state.isStuck = true
            return state.edits
        }
        for edit in refused { edit.failed(StoreError(error)) }
        self.hold()
        return !self.pending.withLock { $0.hasFailed }
    }

    /// Waits until rows that were promised are written. False where that may take long: the disk has failed or is full.
    func waitUntilWritten() -> Bool {
        self.pending.wait(until: { !$0.isBehind || $0.isHopeless || $0.isStuck }, then: { !$0.isHopeless && !$0.isStuck })
    }
}

extension MessageStore {
    /// For who reads flags or MODSEQs of messages: the body in a read transaction in which the mailbox's rows are as they were promised.
    /// Never on the folder's thread, which is the one that writes them.
    func readRows<T>(of mailbox: MailboxID, _ body: (Connection) throws(DatabaseError) -> T) throws(StoreError) -> T {
        var mayWait = true
        while true {
            let result: T? = try self.readMail { db throws(DatabaseError) in
                if mayWait, try db.row(UnwrittenChange.isThere, .int(mailbox.rawValue), read: { _ in true }) == true { return nil }
                return try body(db)
            }
            if let result { return result }
            // On a disk that fails or is full the flags of before are better than no mail.
            mayWait = self.parts.folder.waitUntilWritten()
        }
    }
}
