internal import Database
internal import NIOCore

/// The rows of accept.db as records of the log bring them about.
enum QueueRows {
    /// In order of the log; records that were applied before are passed over.
    static func apply(_ records: [LogRecord], _ database: Database) throws(DatabaseError) {
        try database.write { db throws(DatabaseError) in
            var sequence = try db.row(AcceptSQL.readState) { $0.int(1) } ?? 0
            for record in records where record.sequence > sequence {
                try self.add(record, db)
                for id in record.payload.finished { try self.finish(id, db) }
                sequence = record.sequence
            }
            try db.run(AcceptSQL.writeState, .int(sequence))
        }
    }

    private static func add(_ record: LogRecord, _ db: Connection) throws(DatabaseError) {
        guard !record.payload.queue.isEmpty else { return }
        var envelope = ByteBuffer()
        envelope.writeEnvelope(record.payload.envelope)
        let place = record.place
        try db.run(
            AcceptSQL.insertBlob, .int(record.blob), .int(place.segment), .int(place.offset), .int(place.body), .int(place.head),
            .int(place.tail), .int(record.payload.queue.count), .int(record.receivedAt), .text(record.payload.trace),
            .blob(Array(envelope.readableBytesView)), .text(QueueKey.of(record.payload.envelope.sender)))
        for row in record.payload.queue {
            var draft = ByteBuffer()
            // The row has a column for the reason, which changes.
            var plain = row.draft
            plain.reason = ""
            draft.writeQueueDraft(plain)
            // Not due at any time: somebody has to let it go.
            let isHeld = row.draft.due >= MessageStore.never
            let flags: Int64 = isHeld ? QueueFlags.held.rawValue : 0
            try db.run(
                AcceptSQL.insertQueue, .int(row.id), .int(record.blob), .int(row.draft.channel.rawValue), .text(row.draft.destination),
                .int(row.draft.due), .blob(Array(draft.readableBytesView)),
                .int(flags), .text(isHeld && row.draft.reason.isEmpty ? "held by a filter" : row.draft.reason),
                .text(QueueKey.of(row.draft.recipient.address)))
        }
    }

    /// Ends an entry and lets its body go; one that is gone already is as wanted.
    static func finish(_ id: Int64, _ db: Connection) throws(DatabaseError) {
        guard let blob = try db.row(AcceptSQL.blobOfQueue, .int(id), read: { $0.int(0) }) else { return }
        try db.run(AcceptSQL.deleteQueue, .int(id))
        try db.run(AcceptSQL.dropReference, .int(blob))
        try db.run(AcceptSQL.deleteDeadBlob, .int(blob))
    }
}
