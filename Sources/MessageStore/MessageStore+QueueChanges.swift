internal import Database
internal import NIOCore
package import Vocabulary

/// What becomes of one queue entry. Changes are made in the order given; those of entries that are gone do nothing.
package enum QueueChange: Sendable, Hashable {
    /// Delivered, returned or deleted.
    case finish(QueueID)
    /// An attempt failed for now, or none was made (`attempts` 0).
    case postpone(QueueID, until: Int64, attempts: Int, reason: String, adding: QueueFlags)
    /// Where it goes next has changed.
    case move(QueueID, destination: String, due: Int64)
    case hold(QueueID, reason: String, flags: QueueFlags)
    /// Free again and due at once; its time to live begins anew, since waiting for somebody is no failure.
    case release(QueueID, now: Int64)
    /// Goes to another address, perhaps by another channel: a fresh entry in every respect but its number.
    case replace(QueueID, QueueDraft, now: Int64)
}

/// How a queue stands.
package struct QueueSummary: Sendable, Hashable {
    /// Entries that wait for another attempt.
    package var deferred = 0
    /// When the first of their messages was accepted, Unix seconds.
    package var oldest: Int64?
    /// Entries that nobody tries until somebody releases them.
    package var held = 0
    /// Those of them that are held for the reason that was asked about.
    package var heldForReason = 0

    package init() {}
}

/// A next hop that entries wait for.
package struct QueueDestination: Sendable, Hashable {
    package let name: String
    /// Unix seconds at which the first of its entries is due.
    package let due: Int64
}

// The queue as the delivery to other hosts works on it. These calls block.
extension MessageStore {
    private static let nextDestinations = Statement(
        """
        WITH RECURSIVE d(name) AS (
            SELECT min(destination) FROM queue WHERE channel = ?1 AND destination > ?2
            UNION ALL
            SELECT (SELECT min(q.destination) FROM queue q WHERE q.channel = ?1 AND q.destination > d.name) FROM d WHERE d.name IS NOT NULL
        )
        SELECT name, (SELECT min(q.due) FROM queue q WHERE q.channel = ?1 AND q.destination = d.name) FROM d WHERE name IS NOT NULL LIMIT ?3
        """)
    private static let ofDestination = Statement(
        "\(MessageStore.columns) WHERE q.channel = ?1 AND q.destination = ?2 AND q.due <= ?3 ORDER BY q.due, q.id LIMIT ?4")
    private static let behindSameTime = Statement(
        "\(MessageStore.columns) WHERE q.channel = ?1 AND q.destination = ?2 AND q.due = ?3 AND q.id > ?4 ORDER BY q.id LIMIT ?5")
    private static let behindTime = Statement(
        "\(MessageStore.columns) WHERE q.channel = ?1 AND q.destination = ?2 AND q.due > ?3 AND q.due <= ?4 ORDER BY q.due, q.id LIMIT ?5")
    private static let newest = Statement(
        "\(MessageStore.columns) WHERE q.channel = ?1 AND q.destination = ?2 AND q.due <= ?3 ORDER BY q.due DESC, q.id DESC LIMIT ?4")
    private static let postpone = Statement(
        "UPDATE queue SET due = ?2, attempts = attempts + ?3, reason = ?4, flags = flags | ?5 WHERE id = ?1")
    private static let move = Statement("UPDATE queue SET destination = ?2, due = ?3 WHERE id = ?1")
    private static let hold = Statement("UPDATE queue SET due = ?2, reason = ?3, flags = flags | ?4 WHERE id = ?1")
    private static let release = Statement("UPDATE queue SET due = ?2, since = ?2, flags = (flags & ~5) | 8 WHERE id = ?1")
    private static let replace = Statement(
        """
        UPDATE queue SET destination = ?2, due = ?3, draft = ?4, channel = ?5, since = ?3, attempts = 0, reason = '', flags = 0, recipient = ?6
        WHERE id = ?1
        """)

    /// Entries that are held are due then.
    package static let never: Int64 = 1 << 60

    /// Destinations in the order of their names, from the one behind `name`. One step in an index each, however many entries they have.
    package func queueDestinations(
        _ channel: QueueDraft.Channel, after name: String, limit: Int
    ) throws(StoreError) -> [QueueDestination] {
        try self.readQueue { db throws(DatabaseError) in
            try db.rows(Self.nextDestinations, .int(channel.rawValue), .text(name), .int(limit)) {
                QueueDestination(name: $0.text(0), due: $0.int(1))
            }
        }
    }

    /// Entries of one destination whose time has come, the longest due first.
    package func queueEntries(
        _ channel: QueueDraft.Channel, destination: String, until time: Int64, limit: Int
    ) throws(StoreError) -> [StoredQueueEntry] {
        try self.entries { db throws(DatabaseError) in
            try db.rows(
                Self.ofDestination, .int(channel.rawValue), .text(destination), .int(time), .int(limit), read: Self.entry)
        }
    }

    /// The same from behind a place on: entries due at that time with a higher number, then those due later. The numbers of one message's
    /// entries follow each other, so that a place behind a message can be named without reading it.
    package func queueEntries(
        _ channel: QueueDraft.Channel, destination: String, behind id: QueueID, due: Int64, until time: Int64, limit: Int
    ) throws(StoreError) -> [StoredQueueEntry] {
        try self.entries { db throws(DatabaseError) in
            let name = Value.text(destination)
            var rows = try db.rows(
                Self.behindSameTime, .int(channel.rawValue), name, .int(due), .int(id.rawValue), .int(limit), read: Self.entry)
            guard rows.count < limit else { return rows }
            rows += try db.rows(
                Self.behindTime, .int(channel.rawValue), name, .int(due), .int(time), .int(limit - rows.count), read: Self.entry)
            return rows
        }
    }

    /// Entries of one destination whose time has come, the one that has waited least first.
    package func newestQueueEntries(
        _ channel: QueueDraft.Channel, destination: String, until time: Int64, limit: Int
    ) throws(StoreError) -> [StoredQueueEntry] {
        try self.entries { db throws(DatabaseError) in
            try db.rows(Self.newest, .int(channel.rawValue), .text(destination), .int(time), .int(limit), read: Self.entry)
        }
    }

    private static let countDue = Statement("SELECT count(*) FROM queue WHERE channel = ?1 AND due > ?2 AND due < ?3")
    private static let countHeld = Statement("SELECT count(*) FROM queue WHERE channel = ?1 AND due >= ?2")
    private static let countHeldFor = Statement("SELECT count(*) FROM queue WHERE channel = ?1 AND due >= ?2 AND reason = ?3")
    private static let oldestDeferred = Statement(
        """
        SELECT b.received FROM queue q NOT INDEXED JOIN blob b ON b.id = q.blob
        WHERE q.channel = ?1 AND q.due > ?2 AND q.due < ?3 ORDER BY q.id LIMIT 1
        """)

    /// How the queue of a channel stands. A count in an index each.
    /// - Parameter reason: entries held for this are counted apart.
    package func queueSummary(_ channel: QueueDraft.Channel, now: Int64, heldFor reason: String) throws(StoreError) -> QueueSummary {
        let kind = Value.int(channel.rawValue)
        return try self.readQueue { db throws(DatabaseError) in
            var summary = QueueSummary()
            summary.deferred = try db.row(Self.countDue, kind, .int(now), .int(Self.never)) { Int($0.int(0)) } ?? 0
            summary.held = try db.row(Self.countHeld, kind, .int(Self.never)) { Int($0.int(0)) } ?? 0
            summary.heldForReason = try db.row(Self.countHeldFor, kind, .int(Self.never), .text(reason)) { Int($0.int(0)) } ?? 0
            if summary.deferred > 0 {
                summary.oldest = try db.row(Self.oldestDeferred, kind, .int(now), .int(Self.never)) { $0.int(0) }
            }
            return summary
        }
    }

    /// `handler` is told the destinations of new entries for other hosts, on the store's thread, when their rows are there. One handler a
    /// store.
    package func whenDestinationsQueued(_ handler: @escaping @Sendable (Set<String>) -> Void) {
        self.parts.queueFeed.setDestinations(handler)
    }

    /// Makes all changes durable at once. The entries of one call should be few hundred at most.
    package func changeQueue(_ changes: [QueueChange]) throws(StoreError) {
        guard !changes.isEmpty else { return }
        try self.writeQueue { db throws(DatabaseError) in
            for change in changes { try Self.apply(change, db) }
        }
        let ended = changes.contains { if case .finish = $0 { true } else { false } }
        if ended { self.parts.folder.wakeForSweep() }
    }

    private static func apply(_ change: QueueChange, _ db: Connection) throws(DatabaseError) {
        switch change {
        case .finish(let id): try QueueRows.finish(id.rawValue, db)
        case .postpone(let id, let due, let attempts, let reason, let flags):
            try db.run(Self.postpone, .int(id.rawValue), .int(due), .int(attempts), .text(reason), .int(flags.rawValue))
        case .move(let id, let destination, let due):
            try db.run(Self.move, .int(id.rawValue), .text(destination), .int(due))
        case .hold(let id, let reason, let flags):
            try db.run(Self.hold, .int(id.rawValue), .int(Self.never), .text(reason), .int(flags.union(.held).rawValue))
        case .release(let id, let now): try db.run(Self.release, .int(id.rawValue), .int(now))
        case .replace(let id, let draft, let now):
            var out = ByteBuffer()
            out.writeQueueDraft(draft)
            try db.run(
                Self.replace, .int(id.rawValue), .text(draft.destination), .int(now), .blob(Array(out.readableBytesView)),
                .int(draft.channel.rawValue), .text(QueueKey.of(draft.recipient.address)))
        }
    }
}
