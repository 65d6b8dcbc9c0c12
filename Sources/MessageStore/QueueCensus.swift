internal import Database
internal import NIOCore
internal import Vocabulary

/// How many entries the queue has, counted at one time.
package struct QueueCensus: Sendable, Hashable {
    package struct Counts: Sendable, Hashable {
        package var due = 0
        package var deferred = 0
        package var held = 0

        package init() {}
        package var all: Int { self.due + self.deferred + self.held }
    }

    package var channels: [QueueDraft.Channel: Counts] = [:]
    /// When the first message was accepted that still waits and is not held; Unix seconds.
    package var oldest: Int64?
    /// Bytes of all messages in the queue.
    package var bytes: Int64 = 0
    /// When it was counted; Unix seconds.
    package var time: Int64

    package init(time: Int64) { self.time = time }

    package var all: Counts {
        self.channels.values.reduce(into: Counts()) { sum, counts in
            sum.due += counts.due
            sum.deferred += counts.deferred
            sum.held += counts.held
        }
    }
}

extension MessageStore {
    private static let countBetween = Statement("SELECT count(*) FROM queue WHERE channel = ?1 AND due > ?2 AND due <= ?3")
    private static let firstWaiting = Statement(
        """
        SELECT b.received FROM queue q NOT INDEXED JOIN blob b ON b.id = q.blob WHERE q.id > ?1 AND q.due < ?2 ORDER BY q.id LIMIT 1
        """)
    private static let sizes = Statement(
        "SELECT max(id), total(body), count(*) FROM (SELECT id, body FROM blob WHERE id > ?1 ORDER BY id LIMIT ?2)")

    /// Counts the queue: a walk through an index, and one through the messages for their size. Takes a while where there are a million; in
    /// portions, so that no reading is long. Blocks.
    package func queueCensus(now: Int64) throws(StoreError) -> QueueCensus {
        var census = QueueCensus(time: now)
        for channel in QueueDraft.Channel.allCases {
            var counts = QueueCensus.Counts()
            counts.due = try self.count(channel, -1, now)
            counts.deferred = try self.count(channel, now, Self.never - 1)
            counts.held = try self.count(channel, Self.never - 1, .max)
            if counts.all > 0 { census.channels[channel] = counts }
        }
        if census.all.due + census.all.deferred > 0 {
            census.oldest = try self.readQueue { db throws(DatabaseError) in
                try db.row(Self.firstWaiting, 0, .int(Self.never)) { $0.int(0) }
            }
        }
        var last: Int64 = 0
        while true {
            let part = try self.readQueue { db throws(DatabaseError) in
                try db.row(Self.sizes, .int(last), .int(Self.sizesAtOnce)) { ($0.optionalInt(0), $0.real(1), $0.int(2)) }
            }
            guard let part, let greatest = part.0 else { return census }
            census.bytes = census.bytes.addingReportingOverflow(Int64(exactly: part.1.rounded()) ?? 0).partialValue
            last = greatest
            if part.2 < Int64(Self.sizesAtOnce) { return census }
        }
    }

    private static let sizesAtOnce = 20_000

    private func count(_ channel: QueueDraft.Channel, _ after: Int64, _ to: Int64) throws(StoreError) -> Int {
        try self.readQueue { db throws(DatabaseError) in
            try db.row(Self.countBetween, .int(channel.rawValue), .int(after), .int(to)) { Int($0.int(0)) } ?? 0
        }
    }

    // MARK: Rows of older versions

    private static let withoutRecipient = Statement("SELECT id, draft FROM queue WHERE recipient IS NULL LIMIT ?1")
    private static let setRecipient = Statement("UPDATE queue SET recipient = ?2 WHERE id = ?1")
    private static let withoutSender = Statement("SELECT id, envelope FROM blob WHERE sender IS NULL LIMIT ?1")
    private static let setSender = Statement("UPDATE blob SET sender = ?2 WHERE id = ?1")

    /// Fills in what queries by address look for in rows that an older version wrote: some hundred at a time. False when none is left.
    package func fillQueueKeys() throws(StoreError) -> Bool {
        let limit = Value.int(MailWriter.slice)
        let (entries, blobs) = try self.readQueue { db throws(DatabaseError) in
            (
                try db.rows(Self.withoutRecipient, limit) { row -> (Int64, String) in
                    var draft = row.withBytes(1) { ByteBuffer(bytes: $0) }
                    return (row.int(0), draft.readQueueDraft().map { QueueKey.of($0.recipient.address) } ?? "")
                },
                try db.rows(Self.withoutSender, limit) { row -> (Int64, String) in
                    var envelope = row.withBytes(1) { ByteBuffer(bytes: $0) }
                    return (row.int(0), envelope.readEnvelope().map { QueueKey.of($0.sender) } ?? "")
                }
            )
        }
        guard !entries.isEmpty || !blobs.isEmpty else { return false }
        try self.writeQueue { db throws(DatabaseError) in
            for (id, key) in entries { try db.run(Self.setRecipient, .int(id), .text(key)) }
            for (id, key) in blobs { try db.run(Self.setSender, .int(id), .text(key)) }
        }
        return true
    }
}

/// A next hop with entries that wait for another attempt.
package struct QueueHop: Sendable {
    package let name: String
    /// Its entries, as far as they were counted.
    package let count: Int
    /// The one that is tried first.
    package let first: StoredQueueEntry
}

extension MessageStore {
    private static let deferredOf = Statement(
        """
        SELECT count(*) FROM (SELECT 1 FROM queue WHERE channel = ?1 AND destination = ?2 AND due > ?3 AND due < ?4 LIMIT ?5)
        """)

    /// Next hops with deferred entries in the order of their names, from behind `name` on. A few steps in an index each; entries are counted
    /// up to `most`. Blocks.
    package func deferredHops(after name: String, now: Int64, hops limit: Int, counting most: Int) throws(StoreError) -> [QueueHop] {
        var out: [QueueHop] = []
        var last = name
        var looked = 0
        // Hops whose entries are all held or due are passed over, but not without end.
        while out.count < limit, looked < limit * 20 {
            let names = try self.queueDestinations(.remote, after: last, limit: limit)
            looked += names.count
            for hop in names {
                last = hop.name
                let first = try self.queueEntries(
                    .remote, destination: hop.name, behind: QueueID(rawValue: .max), due: now, until: Self.never - 1, limit: 1)
                guard let first = first.first else { continue }
                let count = try self.readQueue { db throws(DatabaseError) in
                    try db.row(
                        Self.deferredOf, .int(QueueDraft.Channel.remote.rawValue), .text(hop.name), .int(now), .int(Self.never), .int(most)
                    ) { Int($0.int(0)) } ?? 0
                }
                out.append(QueueHop(name: hop.name, count: count, first: first))
                if out.count == limit { return out }
            }
            if names.count < limit { return out }
        }
        return out
    }
}
