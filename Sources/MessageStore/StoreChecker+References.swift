internal import Database
internal import NIOCore

extension StoreChecker {
    private static let bounds = Statement("SELECT min(id), max(id) FROM blob")
    private static let referencePage = Statement(
        "SELECT mailbox, uid, blob FROM message WHERE (mailbox, uid) > (?1, ?2) ORDER BY mailbox, uid LIMIT ?3")
    private static let countPage = Statement(
        "SELECT id, refs, segment, body + head + tail FROM blob WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3")
    /// Bodies counted in one pass over all messages: 4 bytes each.
    private static let span: Int64 = 32 << 20

    /// Each body is referred to as often as its row says, and segments hold as many bodies as theirs say.
    mutating func checkReferences() throws(StoreError) {
        let bounds = try self.read(self.mail) { db throws(DatabaseError) in
            try db.row(Self.bounds) { row in row.isNull(0) ? nil : (row.int(0), row.int(1)) } ?? nil
        }
        var live: [UInt32: (count: Int64, bytes: Int64)] = [:]
        // Messages may refer to bodies outside the rows' range: all numbers ever given count.
        var low = min(bounds?.0 ?? 1, 1) - 1
        let last = max(bounds?.1 ?? 0, self.sequence)
        while low < last {
            let high = min(last, low + Self.span)
            try self.checkReferences(low, high, &live)
            low = high
        }
        try self.checkLive(live)
    }

    /// Bodies with ids in `low+1 ... high`.
    private mutating func checkReferences(_ low: Int64, _ high: Int64, _ live: inout [UInt32: (count: Int64, bytes: Int64)])
        throws(StoreError)
    {
        var counts = [UInt32](repeating: 0, count: Int(high - low))
        var (mailbox, uid): (Int64, Int64) = (Int64.min, 0)
        while true {
            var rows: Int64 = 0
            try self.read(self.mail) { db throws(DatabaseError) in
                try db.each(Self.referencePage, .int(mailbox), .int(uid), .int(Self.page)) { row throws(DatabaseError) in
                    (mailbox, uid) = (row.int(0), row.int(1))
                    let blob = row.int(2)
                    if blob > low && blob <= high { counts[Int(blob - low - 1)] += 1 }
                    rows += 1
                    return true
                }
            }
            if rows < Self.page { break }
            self.progress(Progress(step: "references", done: mailbox, total: mailbox))
        }
        var last = low
        var wrong: [(id: Int64, expected: Int64, found: Int64)] = []
        while true {
            var rows: Int64 = 0
            try self.read(self.mail) { db throws(DatabaseError) in
                try db.each(Self.countPage, .int(last), .int(high), .int(Self.page)) { row throws(DatabaseError) in
                    last = row.int(0)
                    let found = Int64(counts[Int(last - low - 1)])
                    if found != row.int(1) { wrong.append((last, row.int(1), found)) }
                    counts[Int(last - low - 1)] = 0
                    let old = live[UInt32(clamping: row.int(2))] ?? (0, 0)
                    live[UInt32(clamping: row.int(2))] = (old.count + 1, old.bytes + row.int(3))
                    rows += 1
                    return true
                }
            }
            if rows < Self.page { break }
        }
        for blob in wrong where !self.watch.hasMoved(blob: blob.id) {
            self.add("reference-count", "body \(blob.id) is referred to \(blob.found) times, noted are \(blob.expected)")
        }
        for (index, count) in counts.enumerated() where count > 0 && !self.watch.hasMoved(blob: low + Int64(index) + 1) {
            self.add("missing-body", "\(count) messages refer to body \(low + Int64(index) + 1), which has no row")
        }
    }

    private mutating func checkLive(_ live: [UInt32: (count: Int64, bytes: Int64)]) throws(StoreError) {
        // Any change moves these sums: on a store in use only a quiet one can be compared.
        let rows = try self.read(self.mail) { db throws(DatabaseError) in
            try db.rows(MailSQL.segments) { (number: UInt32(clamping: $0.int(0)), live: $0.int(2), bytes: $0.int(3)) }
        }
        guard !self.watch.hasMovedAtAll else { return }
        for row in rows {
            let found = live[row.number] ?? (0, 0)
            if found.count != row.live || found.bytes != row.bytes {
                self.add(
                    "segment-count",
                    "segment \(row.number) holds \(found.count) bodies of \(found.bytes) bytes, noted are \(row.live) of \(row.bytes)")
            }
        }
        for number in live.keys.sorted() where !rows.contains(where: { $0.number == number }) {
            self.add("segment-row", "segment \(number) has no row")
        }
    }

    // MARK: Queue

    private static let queueCounts = Statement(
        """
        SELECT b.id, b.refs, (SELECT count(*) FROM queue q WHERE q.blob = b.id) FROM blob b WHERE b.id > ?1 ORDER BY b.id LIMIT ?2
        """)
    private static let orphans = Statement("SELECT q.id FROM queue q LEFT JOIN blob b ON b.id = q.blob WHERE b.id IS NULL LIMIT 100")
    private static let draftPage = Statement("SELECT id, draft FROM queue WHERE id > ?1 ORDER BY id LIMIT ?2")

    mutating func checkQueue() throws(StoreError) {
        try self.checkQueueCounts()
        let orphans = try self.read(self.accept) { db throws(DatabaseError) in try db.rows(Self.orphans) { $0.int(0) } }
        for id in orphans { self.add("missing-body", "queue entry \(id) has no body") }
        var last: Int64 = 0
        while true {
            let rows = try self.read(self.accept) { db throws(DatabaseError) in
                try db.rows(Self.draftPage, .int(last), .int(Self.page)) { row in
                    (id: row.int(0), draft: row.withBytes(1) { ByteBuffer(bytes: $0) })
                }
            }
            guard let end = rows.last?.id else { return }
            for var row in rows where row.draft.readQueueDraft() == nil { self.add("queue-entry", "entry \(row.id) cannot be read") }
            last = end
        }
    }

    private mutating func checkQueueCounts() throws(StoreError) {
        var last: Int64 = 0
        while true {
            let rows = try self.read(self.accept) { db throws(DatabaseError) in
                try db.rows(Self.queueCounts, .int(last), .int(500)) { (id: $0.int(0), refs: $0.int(1), found: $0.int(2)) }
            }
            guard let end = rows.last?.id else { return }
            for row in rows where row.refs != row.found {
                self.add("reference-count", "body \(row.id) has \(row.found) queue entries, noted are \(row.refs)")
            }
            last = end
        }
    }
}
