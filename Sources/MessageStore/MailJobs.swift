internal import Database
internal import Vocabulary

/// Work of the store that takes many transactions.
enum MailJobs {
    static let removeAccount = "remove-account"
    /// Of a mailbox that is gone already: what its row left.
    static let removeMailbox = "remove-mailbox"
    /// Of a copy that was not finished: what it had copied.
    static let undoCopy = "undo-copy"

    static func slice(_ job: Jobs.Job, _ writer: MailWriter) throws(DatabaseError) {
        switch job.kind {
        case self.removeAccount: try self.removeSome(of: job, writer)
        case self.removeMailbox: if try self.purge(job.subject, writer) { try Jobs.finish(job, on: writer.connection) }
        case self.undoCopy: try self.undoSome(of: job, writer)
        default: try Jobs.finish(job, on: writer.connection)
        }
    }

    private static let page = Statement("SELECT uid, blob FROM message WHERE mailbox = ?1 ORDER BY uid LIMIT ?2")

    /// Removes some messages of a mailbox that has no row any more, then its tombstones. True when nothing is left.
    private static func purge(_ mailbox: Int64, _ writer: MailWriter) throws(DatabaseError) -> Bool {
        let db = writer.connection
        let rows = try db.rows(Self.page, .int(mailbox), .int(MailWriter.slice)) { (uid: $0.int(0), blob: $0.int(1)) }
        if !rows.isEmpty {
            writer.watch.noteMailbox(mailbox)
            // The first ones there: nothing lies between them.
            var (all, references) = (SideBySide(), ReferenceChange())
            for row in rows {
                all.add(row.uid)
                references.add(row.blob)
            }
            try writer.drop(mailbox, all, count: Int64(rows.count), nil)
            try references.release(writer)
            return false
        }
        try db.run(MailSQL.dropTombstones, .int(mailbox), .int(MailWriter.slice))
        return db.changes == 0
    }

    /// One mailbox after the other, then what is the account's own.
    private static func removeSome(of job: Jobs.Job, _ writer: MailWriter) throws(DatabaseError) {
        let db = writer.connection
        guard let mailbox = try db.row(MailSQL.mailboxesOfAccount, .int(job.subject), 1, read: { $0.int(0) }) else {
            for statement in FolderSQL.dropOfAccount { try db.run(statement, .int(job.subject)) }
            return try Jobs.finish(job, on: db)
        }
        let uids = try db.rows(MailSQL.uidPage, .int(mailbox), 0, .int(MailWriter.slice)) { UInt32(clamping: $0.int(0)) }
        guard uids.isEmpty else {
            do throws(StoreError) {
                _ = try writer.expunge(mailbox, UIDSet(ascending: uids), keepTombstones: false)
            } catch { throw error.asDatabaseError }
            return
        }
        if try self.purge(mailbox, writer) { try writer.dropMailbox(mailbox) }
    }

    private static let copied = Statement("SELECT mailbox, first, last FROM copying WHERE copy = ?1 ORDER BY first DESC LIMIT 1")
    private static let dropCopied = Statement("DELETE FROM copying WHERE copy = ?1 AND first = ?2")

    private static func undoSome(of job: Jobs.Job, _ writer: MailWriter) throws(DatabaseError) {
        let db = writer.connection
        let found = try db.row(self.copied, .int(job.subject)) { (mailbox: $0.int(0), first: $0.int(1), last: $0.int(2)) }
        guard let found else { return try Jobs.finish(job, on: db) }
        if try writer.mailbox(found.mailbox) != nil {
            let uids = UIDSet(UInt32(clamping: found.first)...max(UInt32(clamping: found.first), UInt32(clamping: found.last)))
            do throws(StoreError) { _ = try writer.expunge(found.mailbox, uids) } catch { throw error.asDatabaseError }
        }
        try db.run(self.dropCopied, .int(job.subject), .int(found.first))
    }
}
