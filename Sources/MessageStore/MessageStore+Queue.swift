internal import Database
package import NIOCore
package import Vocabulary

/// A queue entry as accept.db has it.
package struct StoredQueueEntry: Sendable, Hashable {
    package let id: QueueID
    package let blob: BlobID
    package let draft: QueueDraft
    package let attempts: Int
    /// Why it is still here, in the words of the last attempt; empty before the first.
    package let reason: String
    /// Unix seconds.
    package let acceptedAt: Int64
    package let trace: TraceID
    package let envelope: Envelope
    /// Bytes of the body as received.
    package let bodySize: Int64
    package let flags: QueueFlags
    /// Unix seconds from which its time to live counts.
    package let since: Int64
    /// Entries of the message that were there when this one was read, this one among them.
    package let siblings: Int

    package init(
        id: QueueID, blob: BlobID, draft: QueueDraft, attempts: Int = 0, reason: String = "", acceptedAt: Int64, trace: TraceID,
        envelope: Envelope, bodySize: Int64, flags: QueueFlags = [], since: Int64, siblings: Int = 1
    ) {
        self.id = id
        self.blob = blob
        self.draft = draft
        self.attempts = attempts
        self.reason = reason
        self.acceptedAt = acceptedAt
        self.trace = trace
        self.envelope = envelope
        self.bodySize = bodySize
        self.flags = flags
        self.since = since
        self.siblings = siblings
    }
}

/// Facts of an entry that the retries need. Numbers are stored.
package struct QueueFlags: OptionSet, Sendable, Hashable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
    /// Nobody tries until somebody releases it.
    package static let held = QueueFlags(rawValue: 1)
    /// The sender was told of the delay.
    package static let warned = QueueFlags(rawValue: 2)
    /// Held because its route says so, not because of the postmaster.
    package static let heldByRoute = QueueFlags(rawValue: 4)
    /// Somebody released it: a route that holds holds it no more.
    package static let released = QueueFlags(rawValue: 8)
}

// The queue's rows. These calls block: they belong to the threads of delivery.
extension MessageStore {
    static let columns = """
        SELECT q.id, q.blob, q.draft, q.attempts, q.reason, q.due, b.received, b.trace, b.envelope, b.body, q.flags, q.since, q.destination, b.refs
        FROM queue q JOIN blob b ON b.id = q.blob
        """
    private static let page = Statement("\(columns) WHERE q.id > ?1 ORDER BY q.id LIMIT ?2")
    private static let one = Statement("\(columns) WHERE q.id = ?1")
    private static let due = Statement("\(columns) WHERE q.channel = ?1 AND q.due <= ?2 ORDER BY q.due, q.id LIMIT ?3")
    private static let nextDue = Statement("SELECT min(due) FROM queue WHERE channel = ?1")
    private static let count = Statement("SELECT count(*) FROM queue")
    private static let postpone = Statement("UPDATE queue SET due = ?2, attempts = attempts + ?3, reason = ?4 WHERE id = ?1")
    private static let place = Statement(
        "SELECT b.id, b.segment, b.offset, b.body, b.head, b.tail, b.received, b.trace, b.envelope FROM queue q JOIN blob b ON b.id = q.blob WHERE q.id = ?1"
    )

    /// Entries in order of their numbers; page by the last one.
    package func queueEntries(after id: QueueID = QueueID(rawValue: 0), limit: Int) throws(StoreError) -> [StoredQueueEntry] {
        try self.entries { db throws(DatabaseError) in try db.rows(Self.page, .int(id.rawValue), .int(limit), read: Self.entry) }
    }

    package func queueEntry(_ id: QueueID) throws(StoreError) -> StoredQueueEntry? {
        try self.entries { db throws(DatabaseError) in try db.rows(Self.one, .int(id.rawValue), read: Self.entry) }.first
    }

    /// Entries of a channel whose time has come, the longest due first.
    package func queueEntries(due channel: QueueDraft.Channel, until time: Int64, limit: Int) throws(StoreError) -> [StoredQueueEntry] {
        try self.entries { db throws(DatabaseError) in
            try db.rows(Self.due, .int(channel.rawValue), .int(time), .int(limit), read: Self.entry)
        }
    }

    /// When the next entry of a channel is due; nil when there is none.
    package func nextQueueTime(_ channel: QueueDraft.Channel) throws(StoreError) -> Int64? {
        try self.readQueue { db throws(DatabaseError) in try db.row(Self.nextDue, .int(channel.rawValue)) { $0.optionalInt(0) } ?? nil }
    }

    package func queueCount() throws(StoreError) -> Int {
        try self.readQueue { db throws(DatabaseError) in try db.row(Self.count) { Int($0.int(0)) } ?? 0 }
    }

    /// Puts an entry off. False when it is gone.
    package func postponeQueueEntry(_ id: QueueID, until due: Int64, attempts: Int, reason: String) throws(StoreError) -> Bool {
        try self.writeQueue { db throws(DatabaseError) in
            try db.run(Self.postpone, .int(id.rawValue), .int(due), .int(attempts), .text(reason))
            return db.changes > 0
        }
    }

    /// Ends entries: delivered, returned or deleted. A body that nothing else refers to goes with its segment.
    package func finishQueueEntries(_ ids: [QueueID]) throws(StoreError) {
        for start in stride(from: 0, to: ids.count, by: MailWriter.slice) {
            let slice = ids[start..<min(start + MailWriter.slice, ids.count)]
            try self.writeQueue { db throws(DatabaseError) in
                for id in slice { try QueueRows.finish(id.rawValue, db) }
            }
        }
        self.parts.folder.wakeForSweep()
    }

    package enum Redelivery: Sendable, Hashable { case delivered, overQuota, accountGone }

    /// Puts the body of an entry into mailboxes, makes further entries for it, and ends the entry, as one record of the log. All or
    /// nothing: when one account is over its quota or gone, the entry stays as it is.
    package func redeliver(
        _ id: QueueID, as deliveries: [PlannedDelivery], queue drafts: [QueueDraft] = [],
        completion: @escaping @Sendable (Result<Redelivery, StoreRefusal>) -> Void
    ) {
        let isTaken = self.parts.readers.submit {
            do throws(StoreError) {
                try self.startRedelivery(id, deliveries, drafts, completion)
            } catch { completion(.failure(.failed(error.description))) }
        }
        if !isTaken { completion(.failure(.busy)) }
    }

    private func startRedelivery(
        _ id: QueueID, _ deliveries: [PlannedDelivery], _ drafts: [QueueDraft],
        _ completion: @escaping @Sendable (Result<Redelivery, StoreRefusal>) -> Void
    ) throws(StoreError) {
        let found = try self.readQueue { db throws(DatabaseError) in try db.row(Self.place, .int(id.rawValue), read: QueuedBody.init) }
        guard let found else { throw .noSuchMessage }
        let prepared = PreparedItem(redelivering: found, id.rawValue, deliveries, drafts)
        for (planned, stored) in zip(deliveries, prepared.payload.deliveries) {
            if self.parts.removed.contains(stored.account) { return completion(.success(.accountGone)) }
            guard let quota = planned.quota else { continue }
            let used = try StoreError.wrap { () throws(DatabaseError) in try self.parts.usage.amount(of: stored.account, self.parts.mail) }
            if used.bytes + stored.size(found.place) > quota { return completion(.success(.overQuota)) }
        }
        self.parts.writer.append(.init(prepared: prepared) { completion($0.map { _ in .delivered }) })
    }

    /// `handler` is told the channels of new entries, on the store's thread, when their rows are there. One handler a store.
    package func whenQueued(_ handler: @escaping @Sendable (Set<QueueDraft.Channel>) -> Void) { self.parts.queueFeed.set(handler) }

    /// The body of an entry behind a prefix of the caller's; what mailboxes got before it is left out. Blocks for the first chunk.
    package func queueReader(_ id: QueueID, prefix: ByteBuffer) throws(StoreError) -> MessageReader {
        let found = try self.readQueue { db throws(DatabaseError) in try db.row(Self.place, .int(id.rawValue), read: QueuedBody.init) }
        guard let found else { throw .noSuchMessage }
        let handle = try self.parts.directory.handle(found.place.segment)
        let source = BlobSource(blob: found.blob, place: found.place, handle: handle, files: self.parts.files)
        return try MessageReader(bodyOf: source, behind: prefix, date: found.receivedAt, self.parts.readers)
    }

    // MARK: Rows

    func readQueue<T>(_ body: (Connection) throws(DatabaseError) -> T) throws(StoreError) -> T {
        try StoreError.wrap { () throws(DatabaseError) in try self.parts.accept.read(body) }
    }

    func writeQueue<T>(_ body: (Connection) throws(DatabaseError) -> T) throws(StoreError) -> T {
        if case .failed(let reason) = self.health { throw .failed(reason) }
        do throws(DatabaseError) {
            return try self.parts.accept.write(body)
        } catch {
            if error.kind == .io || error.kind == .corrupt { self.parts.state.fail("accept.db: \(error)") }
            throw StoreError(error)
        }
    }

    /// A row that cannot be understood is left out: it stops nobody, and `check` names it.
    func entries(_ body: (Connection) throws(DatabaseError) -> [StoredQueueEntry?]) throws(StoreError) -> [StoredQueueEntry] {
        try self.readQueue(body).compactMap { $0 }
    }

    static func entry(_ row: Row) -> StoredQueueEntry? {
        var draft = row.withBytes(2) { ByteBuffer(bytes: $0) }
        var envelope = row.withBytes(8) { ByteBuffer(bytes: $0) }
        guard var known = draft.readQueueDraft(), let said = envelope.readEnvelope() else { return nil }
        known.due = row.int(5)
        known.destination = row.text(12)
        return StoredQueueEntry(
            id: QueueID(rawValue: row.int(0)), blob: BlobID(rawValue: row.int(1)), draft: known, attempts: Int(row.int(3)),
            reason: row.text(4),
            acceptedAt: row.int(6), trace: TraceID(row.text(7)), envelope: said, bodySize: row.int(9),
            flags: QueueFlags(rawValue: row.int(10)), since: row.int(11) == 0 ? row.int(6) : row.int(11),
            siblings: Int(clamping: row.int(13)))
    }
}

/// Where the body of a queue entry is.
struct QueuedBody: Sendable {
    let blob: Int64
    let place: BlobPlace
    let receivedAt: Int64
    let trace: String
    let envelope: Envelope

    init(_ row: Row) {
        self.blob = row.int(0)
        self.place = BlobPlace(
            segment: UInt32(clamping: row.int(1)), offset: row.int(2), body: row.int(3), head: UInt32(clamping: row.int(4)),
            tail: UInt32(clamping: row.int(5)))
        self.receivedAt = row.int(6)
        self.trace = row.text(7)
        var envelope = row.withBytes(8) { ByteBuffer(bytes: $0) }
        self.envelope = envelope.readEnvelope() ?? Envelope(sender: nil)
    }
}

extension PreparedItem {
    /// A record that makes deliveries of a stored body and ends a queue entry. Quotas were looked at just now: the writer must not make
    /// another entry of it.
    init(redelivering found: QueuedBody, _ id: Int64, _ deliveries: [PlannedDelivery], _ drafts: [QueueDraft] = []) {
        var item = AcceptItem(
            body: .memory(ByteBuffer()), envelope: found.envelope, receivedAt: found.receivedAt, trace: TraceID(found.trace))
        item.deliveries = deliveries
        for index in item.deliveries.indices { item.deliveries[index].quota = nil }
        var payload = RecordPayload(envelope: found.envelope, trace: found.trace)
        payload.deliveries = deliveries.map { delivery in
            StoredDelivery(
                account: delivery.account.rawValue, mailbox: delivery.mailbox?.rawValue ?? 0, flags: delivery.flags,
                middle: delivery.prefix, isWhole: true)
        }
        payload.queue = drafts.map { StoredQueueRow(id: 0, draft: $0) }
        payload.finished = [id]
        self.init(adopting: item, blob: BlobID(rawValue: found.blob), place: found.place, payload: payload)
        self.kind = .redelivery
    }
}
