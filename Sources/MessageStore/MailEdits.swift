internal import Database
internal import Vocabulary

// Changes of mailboxes beside filing. Each runs inside a transaction of the folder's thread.

extension MailWriter {
    /// Rows of one slice of a larger change.
    static let slice = 500

    /// Removes messages; answers how many were there.
    func expunge(_ mailbox: Int64, _ uids: some Sequence<Int64>, keepTombstones: Bool = true) throws(StoreError) -> Int {
        guard var box = try StoreError.wrap({ () throws(DatabaseError) in try self.mailbox(mailbox) }) else {
            throw .noSuchMailbox(MailboxID(rawValue: mailbox))
        }
        var count = 0
        let now = self.now()
        for uid in uids {
            let found = try StoreError.wrap { () throws(DatabaseError) in
                try self.connection.row(MailSQL.readMessage, .int(mailbox), .int(uid)) {
                    (flags: $0.int(0), size: $0.int(1), blob: $0.int(2))
                }
            }
            guard let found else { continue }
            if count == 0 { box.modSeq += 1 }
            try StoreError.wrap { () throws(DatabaseError) in
                try self.connection.prepare(MailSQL.deleteMessage).run([mailbox, uid])
                if keepTombstones { try self.connection.prepare(MailSQL.makeTombstone).run([mailbox, box.modSeq, uid, now]) }
                try self.release(found.blob)
            }
            box.messages -= 1
            box.bytes -= found.size
            if !Flags(found.flags).contains(.seen) { box.unseen -= 1 }
            self.effects.filed[box.account, default: .init()] += .init(bytes: -found.size, messages: -1)
            count += 1
        }
        if count > 0 { self.set(mailbox, box) }
        return count
    }

    /// One reference less; the body is dead in this file when none is left, and its count never comes back.
    private func release(_ blob: Int64) throws(DatabaseError) {
        self.watch.noteBlob(blob)
        let left = try self.connection.row(MailSQL.dropReference, .int(blob)) { row in
            (references: row.int(0), segment: UInt32(clamping: row.int(1)), bytes: row.int(2))
        }
        guard let left, left.references <= 0 else { return }
        try self.connection.prepare(MailSQL.deleteBlob).run([blob])
        self.change(left.segment, live: -1, bytes: -left.bytes)
    }

    /// Sets flags; messages whose flags do not change keep their modseq. [RFC7162-3.1.3]
    func setFlags(_ mailbox: Int64, _ uids: some Sequence<Int64>, _ change: MessageStore.FlagChange) throws(StoreError) -> ModSeq {
        guard var box = try StoreError.wrap({ () throws(DatabaseError) in try self.mailbox(mailbox) }) else {
            throw .noSuchMailbox(MailboxID(rawValue: mailbox))
        }
        let modSeq = box.modSeq + 1
        var hasChanged = false
        for uid in uids {
            let old = try StoreError.wrap { () throws(DatabaseError) in
                try self.connection.row(MailSQL.readMessage, .int(mailbox), .int(uid)) {
                    Flags($0.int(0))
                }
            }
            guard let old else { continue }
            let new = change.applied(to: old)
            guard new != old else { continue }
            try StoreError.wrap { () throws(DatabaseError) in
                try self.connection.prepare(MailSQL.setFlags).run([mailbox, uid, new.stored, modSeq])
            }
            box.unseen += (old.contains(.seen) ? 1 : 0) - (new.contains(.seen) ? 1 : 0)
            hasChanged = true
        }
        if hasChanged {
            box.modSeq = modSeq
            self.set(mailbox, box)
        }
        return ModSeq(rawValue: box.modSeq)
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
}

/// Work of the store that takes many transactions.
enum MailJobs {
    static let removeAccount = "remove-account"

    static func slice(_ job: Jobs.Job, _ writer: MailWriter) throws(DatabaseError) {
        switch job.kind {
        case self.removeAccount: try self.removeSome(of: job, writer)
        default: try Jobs.finish(job, on: writer.connection)
        }
    }

    private static func removeSome(of job: Jobs.Job, _ writer: MailWriter) throws(DatabaseError) {
        let db = writer.connection
        guard let mailbox = try db.row(MailSQL.mailboxesOfAccount, .int(job.subject), 1, read: { $0.int(0) }) else {
            return try Jobs.finish(job, on: db)
        }
        let uids = try db.rows(MailSQL.uidPage, .int(mailbox), 0, .int(MailWriter.slice)) { $0.int(0) }
        do throws(StoreError) { _ = try writer.expunge(mailbox, uids, keepTombstones: false) } catch { throw error.asDatabaseError }
        guard uids.isEmpty else { return }
        try db.run(MailSQL.dropTombstones, .int(mailbox), .int(MailWriter.slice))
        if db.changes > 0 { return }
        try writer.dropMailbox(mailbox)
    }
}

extension MailWriter {
    func dropMailbox(_ mailbox: Int64) throws(DatabaseError) {
        try self.connection.run(MailSQL.deleteCounter, .int(mailbox))
        try self.connection.run(MailSQL.deleteMailbox, .int(mailbox))
        self.forgetMailbox(mailbox)
    }
}
