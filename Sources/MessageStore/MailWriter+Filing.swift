internal import Database
internal import NIOCore
internal import Vocabulary

// Filing: records of the log become rows.

extension MailWriter {
    /// Files deliveries `range` of a record; the last piece moves the position behind it.
    func fold(_ record: LogRecord, _ range: Range<Int>) throws(DatabaseError) {
        try self.know(record.start.segment, .log)
        if record.isAppend { try self.foldAppend(record) } else { try self.foldDeliveries(record, range) }
        if range.upperBound == record.payload.deliveries.count {
            self.state.position = record.end
            self.state.sequence = record.sequence
            self.state.done = 0
        } else {
            self.state.position = record.start
            self.state.done = range.upperBound
        }
    }

    private func foldDeliveries(_ record: LogRecord, _ range: Range<Int>) throws(DatabaseError) {
        var references: Int64 = 0
        for index in range {
            let delivery = record.payload.deliveries[index]
            let size = delivery.size(record.place)
            self.effects.noLongerPending[delivery.account, default: .init()] += .init(bytes: size, messages: 1)
            // Removed between acceptance and now: the same as removed right after.
            if self.removed.contains(delivery.account) { continue }
            let id = try self.target(delivery, at: record.receivedAt)
            _ = try self.insert(
                into: id,
                FiledMessage(
                    flags: delivery.flags.intersection(.system), size: size, date: record.receivedAt, saved: nil, blob: record.blob,
                    middle: delivery.middle, isWhole: delivery.isWhole))
            references += 1
        }
        let kind: SegmentKind = record.kind == .adoption ? .large : .log
        // The first piece of a new body makes the row; a later piece, or a redelivery, may find one, or none if all went meanwhile.
        let mayExist = range.lowerBound > 0 || record.kind == .redelivery
        if references > 0 { try self.reference(record.blob, record.place, kind, references, mayExist: mayExist) }
    }

    /// Filing can be repeated when the order of the log alone decides it.
    func durability(of pieces: [Folder.Piece]) throws(DatabaseError) -> Connection.Durability {
        for piece in pieces where try self.isAstray(piece.record) { return .full }
        return .repeatable
    }

    /// The mailbox that a client adds to is gone. What such a record leads to must be synced: replayed it would lead to something else.
    func isAstray(_ record: LogRecord) throws(DatabaseError) -> Bool {
        guard record.isAppend, let first = record.payload.deliveries.first else { return false }
        if let old = first.append?.replaces, try self.mailbox(old.mailbox)?.uidValidity != old.uidValidity { return true }
        return try self.isGone(first)
    }

    private func isGone(_ delivery: StoredDelivery) throws(DatabaseError) -> Bool {
        try self.mailbox(delivery.mailbox)?.account != delivery.account
    }

    /// Where the messages of one APPEND go. When their mailbox is gone and the client waits, it is told and has them; else, after a crash
    /// or in a rebuilt index, they go to INBOX.
    private func appendTarget(_ record: LogRecord) throws(DatabaseError) -> Int64? {
        guard let first = record.payload.deliveries.first, !self.removed.contains(first.account) else { return nil }
        guard try self.isGone(first) else { return first.mailbox }
        return record.whenFiled == nil ? try self.inbox(of: first.account, at: record.receivedAt) : nil
    }

    /// All messages of one APPEND or none of them.
    private func foldAppend(_ record: LogRecord) throws(DatabaseError) {
        let deliveries = record.payload.deliveries
        for delivery in deliveries {
            self.effects.noLongerPending[delivery.account, default: .init()] += .init(bytes: record.size(of: delivery), messages: 1)
        }
        guard let target = try self.appendTarget(record), let box = try self.mailbox(target) else {
            let mailbox = MailboxID(rawValue: deliveries.first?.mailbox ?? 0)
            self.effects.appended[record.sequence] = .failure(.noSuchMailbox(mailbox))
            return
        }
        let old = deliveries.first?.append?.replaces
        guard try self.mayReplace(old, record) else {
            self.effects.appended[record.sequence] = .failure(.noSuchMessage)
            return
        }
        var result = AppendResult(uidValidity: UIDValidity(rawValue: UInt32(clamping: box.uidValidity)), uids: [])
        for delivery in deliveries {
            guard let facts = delivery.append else { continue }
            let blob = facts.blob == 0 ? record.blob : facts.blob
            let place = facts.place ?? record.place
            let keywords = try self.keywords(facts.keywords, of: target, mayMake: .asMayBe)
            let uid = try self.insert(
                into: target,
                FiledMessage(
                    flags: delivery.flags.intersection(.system).union(keywords), size: record.size(of: delivery), date: facts.date,
                    saved: record.receivedAt, blob: blob, middle: delivery.middle, isWhole: false))
            try self.reference(blob, place, place.segment == record.start.segment ? .log : .large, 1, mayExist: false)
            result.uids.append(UID(rawValue: UInt32(clamping: uid)))
        }
        let after = try self.mailbox(target)?.modSeq ?? box.modSeq
        result.span = old == nil && after >= box.modSeq ? ModSeq(rawValue: box.modSeq)...ModSeq(rawValue: after) : nil
        if let old, target == deliveries.first?.mailbox, try self.isThere(old) {
            do throws(StoreError) {
                result.replaced = try self.expunge(old.mailbox, UIDSet(ascending: CollectionOfOne(UInt32(clamping: old.uid))))
            } catch { throw error.asDatabaseError }
        }
        self.effects.appended[record.sequence] = .success(result)
    }

    // MARK: REPLACE

    private static let replaced = Statement("SELECT 1 FROM message WHERE mailbox = ?1 AND uid = ?2 AND blob = ?3")

    private func isThere(_ old: ReplacedMessage) throws(DatabaseError) -> Bool {
        guard try self.mailbox(old.mailbox)?.uidValidity == old.uidValidity else { return false }
        return try self.connection.row(Self.replaced, .int(old.mailbox), .int(old.uid), .int(old.blob)) { _ in true } ?? false
    }

    /// What cannot take the place of a message is not added: somebody else has removed that one. [RFC8508-3.2] When its mailbox is another one
    /// now, who waits is told the same; else the index was made anew, where removals are forgotten, or it is nobody's: then the message is kept.
    private func mayReplace(_ old: ReplacedMessage?, _ record: LogRecord) throws(DatabaseError) -> Bool {
        guard let old else { return true }
        // Rows are read and removed.
        try self.writePromised()
        if try self.mailbox(old.mailbox)?.uidValidity != old.uidValidity { return record.whenFiled == nil }
        return try self.isThere(old)
    }

    /// The mailbox of the plan if it is still there and the account's own, else INBOX.
    private func target(_ delivery: StoredDelivery, at time: Int64) throws(DatabaseError) -> Int64 {
        if delivery.mailbox != 0, let box = try self.mailbox(delivery.mailbox), box.account == delivery.account { return delivery.mailbox }
        return try self.inbox(of: delivery.account, at: time)
    }

    /// Puts a message at the end of a mailbox and answers its UID.
    func insert(into id: Int64, _ message: FiledMessage) throws(DatabaseError) -> Int64 {
        guard var box = try self.mailbox(id), box.uidNext < Int64(UInt32.max) else {
            throw DatabaseError(code: 1, text: "mailbox \(id) takes no more messages", operation: "file")
        }
        // One more for each message: while nobody edits it, MODSEQ grows with UID.
        box.modSeq += 1
        let insert = try self.connection.prepare(MailSQL.insertMessage)
        try insert.bind(1, id)
        try insert.bind(2, box.uidNext)
        try insert.bind(3, message.flags.stored)
        try insert.bind(4, box.modSeq)
        try insert.bind(5, message.size)
        try insert.bind(6, message.date)
        try insert.bind(7, message.blob)
        if message.middle.readableBytes > 0 { try insert.bind(8, message.middle) } else { try insert.bindNull(8) }
        try insert.bind(9, Int64(message.isWhole ? 1 : 0))
        if let saved = message.saved { try insert.bind(10, saved) } else { try insert.bindNull(10) }
        try insert.finish()
        defer { self.set(id, box) }
        box.uidNext += 1
        box.count(message.flags, message.size, 1)
        self.effects.filed[box.account, default: .init()] += .init(bytes: message.size, messages: 1)
        return box.uidNext - 1
    }

    private func reference(_ blob: Int64, _ place: BlobPlace, _ kind: SegmentKind, _ count: Int64, mayExist: Bool) throws(DatabaseError) {
        self.watch.noteBlob(blob)
        if mayExist {
            try self.connection.prepare(MailSQL.addReferences).run([blob, count])
            if self.connection.changes > 0 { return }
        }
        try self.know(place.segment, kind)
        try self.connection.prepare(MailSQL.insertBlob).run(
            [blob, Int64(place.segment), place.offset, place.body, Int64(place.head), Int64(place.tail), count])
        self.change(place.segment, live: 1, bytes: place.contentLength)
    }
}

/// A message on its way into a mailbox.
struct FiledMessage {
    var flags: Flags
    var size: Int64
    var date: Int64
    /// nil: at `date`.
    var saved: Int64?
    var blob: Int64
    /// What the prefix has of its own.
    var middle: ByteBuffer
    var isWhole: Bool
}
