internal import Database
internal import Synchronization

/// The record of a message that was removed from a mailbox.
struct Tombstone: Sendable, Hashable {
    let mailbox: Int64
    let modSeq: Int64
    let uid: Int64
}

/// Walks once a day over the tombstones, in slices, and finds those that are older than they are kept.
///
/// In a mailbox they lie in the order in which they were made, so a mailbox is left at the first that is young enough.
final class TombstoneExpiry: Sendable {
    struct Slice: Sendable {
        var old: [Tombstone] = []
        var isMore = false
    }

    private let age: Int64
    private let now: @Sendable () -> Int64
    private let nextPass = Atomic<Int64>(.min)
    private let cursor = Mutex(Tombstone(mailbox: 0, modSeq: 0, uid: 0))
    private static let day: Int64 = 86_400
    /// Rows that one slice looks at.
    private static let most = MailWriter.slice

    init(days: Int, now: @escaping @Sendable () -> Int64) {
        self.age = Int64(days) * Self.day
        self.now = now
    }

    /// True once a day, and at the first call.
    func isDue() -> Bool {
        let now = self.now()
        let next = self.nextPass.load(ordering: .relaxed)
        // A clock that was set back by more than a day starts a pass, too.
        guard now >= next || next - now > Self.day else { return false }
        self.nextPass.store(now + Self.day, ordering: .relaxed)
        return true
    }

    private static let page = Statement(
        """
        SELECT mailbox, modseq, uid, date FROM tombstone WHERE (mailbox, modseq, uid) > (?1, ?2, ?3) ORDER BY mailbox, modseq, uid LIMIT ?4
        """)

    /// The next old ones. On the folder's thread, which is the only one that changes them.
    func next(in database: Database) throws(DatabaseError) -> Slice {
        let limit = self.now() - self.age
        var slice = Slice()
        var cursor = self.cursor.withLock { $0 }
        var seen = 0
        var isAtEnd = false
        while seen < Self.most && !isAtEnd {
            let room = Self.most - seen
            var count = 0
            var isYoung = false
            try database.read { db throws(DatabaseError) in
                try db.each(Self.page, .int(cursor.mailbox), .int(cursor.modSeq), .int(cursor.uid), .int(room)) {
                    row throws(DatabaseError) in
                    count += 1
                    isYoung = row.int(3) > limit
                    cursor = Tombstone(mailbox: row.int(0), modSeq: row.int(1), uid: row.int(2))
                    if !isYoung { slice.old.append(cursor) }
                    return !isYoung
                }
            }
            if isYoung { cursor = Tombstone(mailbox: cursor.mailbox, modSeq: .max, uid: .max) }
            isAtEnd = !isYoung && count < room
            seen += count
        }
        slice.isMore = !isAtEnd
        let next = isAtEnd ? Tombstone(mailbox: 0, modSeq: 0, uid: 0) : cursor
        self.cursor.withLock { $0 = next }
        return slice
    }
}

extension MailWriter {
    private static let drop = Statement("DELETE FROM tombstone WHERE mailbox = ?1 AND modseq = ?2 AND uid = ?3")
    private static let note = Statement("UPDATE mailbox SET forgotten = max(forgotten, ?2) WHERE id = ?1")

    /// Drops tombstones and notes up to which MODSEQ a mailbox no longer knows what vanished: a client that asks from before that is
    /// told about every UID that is not there. [RFC7162-3.2.6]
    func forget(_ old: [Tombstone]) throws(DatabaseError) {
        var forgotten: [Int64: Int64] = [:]
        for stone in old {
            try self.connection.prepare(Self.drop).run([stone.mailbox, stone.modSeq, stone.uid])
            forgotten[stone.mailbox] = max(forgotten[stone.mailbox] ?? 0, stone.modSeq)
        }
        for (mailbox, modSeq) in forgotten { try self.connection.prepare(Self.note).run([mailbox, modSeq]) }
    }
}
