internal import Database
internal import NIOCore
internal import Vocabulary

// Numbers that can be counted again: references, sizes, counters. Offline, so one transaction may be long.

extension Repair {
    private static let total = Statement("SELECT total_changes()")

    mutating func mendMail() throws(StoreError) {
        try self.findMissingBodies()
        let database = try StoreError.wrap { () throws(DatabaseError) in try Database.open(self.location.mailDatabase, MailSchema.schema) }
        defer { database.close() }
        // Before anything is counted.
        try StoreError.wrap { () throws(DatabaseError) in
            try database.write { db throws(DatabaseError) in _ = try UnwrittenChange.writeAll(on: db) }
        }
        for (text, what) in Self.mailSteps { try self.apply(text, what, database) }
    }

    mutating func mendAccept() throws(StoreError) {
        let database = try StoreError.wrap { () throws(DatabaseError) in
            try Database.open(self.location.acceptDatabase, AcceptSchema.schema)
        }
        defer { database.close() }
        for (text, what) in Self.acceptSteps { try self.apply(text, what, database) }
    }

    private mutating func apply(_ text: String, _ what: String, _ database: Database) throws(StoreError) {
        let count = try StoreError.wrap { () throws(DatabaseError) in
            try database.write { db throws(DatabaseError) in
                let before = db.totalChanges
                try db.execute(text)
                return db.totalChanges - before
            }
        }
        if count > 0 { self.say("\(what): \(count)") }
    }

    /// Each touches only rows that are wrong, so that the count says what was.
    private static let mailSteps: [(String, String)] = [
        (
            """
            INSERT INTO mailbox(id, account, name, uidvalidity, created)
            SELECT DISTINCT mailbox, 0, 'lost-' || mailbox, 1, 0 FROM message WHERE mailbox NOT IN (SELECT id FROM mailbox)
                AND mailbox NOT IN (SELECT subject FROM job WHERE kind = '\(MailJobs.removeMailbox)')
            """, "mailboxes made for messages without one"
        ),
        (
            """
            INSERT INTO counter(mailbox, uidnext, modseq, messages, unseen, bytes)
            SELECT id, 1, 1, 0, 0, 0 FROM mailbox WHERE id NOT IN (SELECT mailbox FROM counter)
            """, "counters made"
        ),
        ("DELETE FROM counter WHERE mailbox NOT IN (SELECT id FROM mailbox)", "counters without a mailbox removed"),
        (
            """
            UPDATE counter SET messages = n.messages, unseen = n.unseen, deleted = n.deleted, bytes = n.bytes,
                uidnext = max(uidnext, n.uid + 1), modseq = max(counter.modseq, n.modseq)
            FROM (SELECT c.mailbox AS id, count(m.uid) AS messages, coalesce(sum(m.flags & 1 = 0), 0) AS unseen,
                    coalesce(sum(m.flags & 8 <> 0), 0) AS deleted, coalesce(sum(m.size), 0) AS bytes, coalesce(max(m.uid), 0) AS uid, coalesce(max(m.modseq), 0) AS modseq
                FROM counter c LEFT JOIN message m ON m.mailbox = c.mailbox GROUP BY c.mailbox) n
            WHERE n.id = counter.mailbox AND (counter.messages <> n.messages OR counter.unseen <> n.unseen OR counter.deleted <> n.deleted OR counter.bytes <> n.bytes
                OR counter.uidnext <= n.uid OR counter.modseq < n.modseq)
            """, "mailboxes counted again"
        ),
        (
            """
            UPDATE blob SET refs = n.count FROM (SELECT blob AS id, count(*) AS count FROM message GROUP BY blob) n
            WHERE n.id = blob.id AND blob.refs <> n.count
            """, "references counted again"
        ),
        (
            "DELETE FROM blob WHERE NOT EXISTS (SELECT 1 FROM (SELECT DISTINCT blob AS id FROM message) m WHERE m.id = blob.id)",
            "bodies that nothing refers to"
        ),
        (
            "INSERT OR IGNORE INTO segment(number, kind, live, bytes) SELECT DISTINCT segment, 1, 0, 0 FROM blob WHERE segment NOT IN (SELECT number FROM segment)",
            "segments noted"
        ),
        (
            """
            UPDATE segment SET live = n.live, bytes = n.bytes
            FROM (SELECT s.number AS number, count(b.id) AS live, coalesce(sum(b.body + b.head + b.tail), 0) AS bytes
                FROM segment s LEFT JOIN blob b ON b.segment = s.number GROUP BY s.number) n
            WHERE n.number = segment.number AND (segment.live <> n.live OR segment.bytes <> n.bytes)
            """, "segments counted again"
        ),
        ("DELETE FROM keyword WHERE mailbox NOT IN (SELECT id FROM mailbox)", "keywords without a mailbox removed"),
        ("DELETE FROM edit WHERE mailbox NOT IN (SELECT id FROM mailbox)", "changes without a mailbox removed"),
        ("DELETE FROM acl WHERE mailbox NOT IN (SELECT id FROM mailbox)", "rights without a mailbox removed"),
        ("DELETE FROM metadata WHERE mailbox <> 0 AND mailbox NOT IN (SELECT id FROM mailbox)", "annotations without a mailbox removed"),
        (
            """
            UPDATE sqlite_sequence SET seq = max((SELECT max(id) FROM mailbox), (SELECT coalesce(max(mailbox), 0) FROM message))
            WHERE name = 'mailbox' AND seq < max((SELECT max(id) FROM mailbox), (SELECT coalesce(max(mailbox), 0) FROM message))
            """, "next number of a mailbox raised"
        ),
        (
            """
            UPDATE message SET flags = flags & (31 + coalesce((SELECT sum(1 << bit) FROM keyword k WHERE k.mailbox = message.mailbox), 0))
            WHERE flags > 31 AND flags & ~(31 + coalesce((SELECT sum(1 << bit) FROM keyword k WHERE k.mailbox = message.mailbox), 0)) <> 0
            """, "flags without a name taken away"
        ),
    ]

    private static let acceptSteps: [(String, String)] = [
        ("DELETE FROM queue WHERE blob NOT IN (SELECT id FROM blob)", "queue entries without a body removed"),
        (
            """
            UPDATE blob SET refs = (SELECT count(*) FROM queue WHERE queue.blob = blob.id)
            WHERE refs <> (SELECT count(*) FROM queue WHERE queue.blob = blob.id)
            """, "references of queue entries counted again"
        ),
        ("DELETE FROM blob WHERE refs = 0", "bodies that no queue entry refers to"),
    ]

    // MARK: Bodies whose rows are gone

    private static let missing = Statement(
        "SELECT DISTINCT blob FROM message WHERE blob NOT IN (SELECT id FROM blob) LIMIT 1000000")

    /// Messages whose body has no row get it back from the log.
    private mutating func findMissingBodies() throws(StoreError) {
        let database = try StoreError.wrap { () throws(DatabaseError) in try Database.open(self.location.mailDatabase, MailSchema.schema) }
        defer { database.close() }
        var missing = Set(
            try StoreError.wrap { () throws(DatabaseError) in
                try database.read { db throws(DatabaseError) in try db.rows(Self.missing) { $0.int(0) } }
            })
        guard !missing.isEmpty else { return }
        let store = try StoreError.wrap { () throws(DatabaseError) in
            try database.read { db throws(DatabaseError) in try db.row(MailSQL.readState) { $0.bytes(0) } ?? [] }
        }
        let start = MailWriter.State(position: LogPosition(segment: 0, offset: 0), sequence: 0, done: 0, uidValidity: 1)
        var found: [LogRecord] = []
        _ = try self.opening.replay(from: start, store: store) { records in
            for record in records where record.kind != .redelivery && missing.remove(record.blob) != nil { found.append(record) }
        }
        let records = found
        try StoreError.wrap { () throws(DatabaseError) in
            try database.write { db throws(DatabaseError) in
                for record in records {
                    let place = record.place
                    try db.run(
                        MailSQL.insertBlob, .int(record.blob), .int(place.segment), .int(place.offset), .int(place.body), .int(place.head),
                        .int(place.tail), 1)
                }
            }
        }
        self.say("bodies found again in the segments: \(records.count) of \(records.count + missing.count)")
    }
}

extension MessageStore {
    private static let located = Statement(
        """
        SELECT m.mailbox, m.uid, b.id, b.segment, b.offset, b.body, b.head, b.tail FROM message m LEFT JOIN blob b ON b.id = m.blob
        WHERE (m.mailbox, m.uid) > (?1, ?2) ORDER BY m.mailbox, m.uid LIMIT ?3
        """)

    /// Removes messages whose body is missing or damaged; answers how many. For `repair`.
    func removeLost() throws(StoreError) -> Int {
        var (mailbox, uid): (Int64, Int64) = (Int64.min, 0)
        var lost: [(mailbox: Int64, uid: Int64)] = []
        while true {
            var count: Int64 = 0
            var suspects: [(mailbox: Int64, uid: Int64, blob: Int64, place: BlobPlace?)] = []
            try StoreError.wrap { () throws(DatabaseError) in
                try self.parts.mail.read { db throws(DatabaseError) in
                    try db.each(Self.located, .int(mailbox), .int(uid), .int(StoreChecker.page)) { row throws(DatabaseError) in
                        (mailbox, uid) = (row.int(0), row.int(1))
                        let place =
                            row.isNull(2)
                            ? nil
                            : BlobPlace(
                                segment: UInt32(clamping: row.int(3)), offset: row.int(4), body: row.int(5),
                                head: UInt32(clamping: row.int(6)),
                                tail: UInt32(clamping: row.int(7)))
                        suspects.append((mailbox, uid, row.int(2), place))
                        count += 1
                        return true
                    }
                }
            }
            for suspect in suspects where !self.isReadable(suspect.blob, suspect.place) { lost.append((suspect.mailbox, suspect.uid)) }
            if count < StoreChecker.page { break }
        }
        for message in lost { try self.expungeNow(message.mailbox, message.uid) }
        return lost.count
    }

    private func isReadable(_ blob: Int64, _ place: BlobPlace?) -> Bool {
        guard let place, let handle = try? self.parts.directory.handle(place.segment) else { return false }
        do throws(StoreError) {
            try BlobSource(blob: blob, place: place, handle: handle, files: self.parts.files).verify()
            return true
        } catch { return false }
    }

    private func expungeNow(_ mailbox: Int64, _ uid: Int64) throws(StoreError) {
        let _: Int = try StoreWait.value(seconds: nil) { done in
            self.expunge(MailboxID(rawValue: mailbox), [UID(rawValue: UInt32(clamping: uid))], completion: done)
        }
    }
}
