internal import Database
internal import Vocabulary

// Removing messages, and what they referred to, inside transactions of the folder's thread. Statements are over ranges of neighbours: a
// statement for each message would cost five times as much.

/// Rows that are side by side in a table, as ranges of their numbers: no row that is not meant lies within one.
struct SideBySide: Sendable {
    private(set) var ranges: [ClosedRange<Int64>] = []
    private var isOpen = false

    /// The next row in order.
    mutating func add(_ number: Int64) {
        if self.isOpen, let last = self.ranges.last {
            self.ranges[self.ranges.count - 1] = last.lowerBound...max(last.upperBound, number)
        } else {
            self.ranges.append(number...number)
        }
        self.isOpen = true
    }

    /// A row that is not meant lies here, or may.
    mutating func interrupt() { self.isOpen = false }
}

/// What becomes of the bodies that some messages refer to.
struct ReferenceChange {
    private var blobs: [Int64] = []

    mutating func reserve(_ count: Int) { self.blobs.reserveCapacity(count) }
    mutating func add(_ blob: Int64) { self.blobs.append(blob) }

    /// Each body with how often it was named, ascending; neighbours with the same count together.
    private var groups: [(range: ClosedRange<Int64>, each: Int64)] {
        var out: [(range: ClosedRange<Int64>, each: Int64)] = []
        let sorted = self.blobs.sorted()
        var at = 0
        while at < sorted.count {
            let blob = sorted[at]
            var end = at + 1
            while end < sorted.count, sorted[end] == blob { end += 1 }
            let each = Int64(end - at)
            if let last = out.last, last.each == each, last.range.upperBound + 1 == blob {
                out[out.count - 1].range = last.range.lowerBound...blob
            } else {
                out.append((blob...blob, each))
            }
            at = end
        }
        return out
    }

    private static let add = Statement("UPDATE blob SET refs = refs + ?3 WHERE id BETWEEN ?1 AND ?2")
    private static let dead = Statement(
        "SELECT segment, count(*), sum(body + head + tail) FROM blob WHERE id BETWEEN ?1 AND ?2 AND refs <= ?3 GROUP BY segment")
    private static let delete = Statement("DELETE FROM blob WHERE id BETWEEN ?1 AND ?2 AND refs <= ?3")

    /// One more reference for each time.
    func take(_ writer: MailWriter) throws(DatabaseError) {
        for blob in self.blobs { writer.watch.noteBlob(blob) }
        let add = try writer.connection.prepare(Self.add)
        for (range, each) in self.groups { try add.run([range.lowerBound, range.upperBound, each]) }
    }

    /// One less for each time; a body is dead in this file when none is left, and its count never comes back.
    func release(_ writer: MailWriter) throws(DatabaseError) {
        for blob in self.blobs { writer.watch.noteBlob(blob) }
        let db = writer.connection
        for (range, each) in self.groups {
            let dead = try db.rows(Self.dead, .int(range.lowerBound), .int(range.upperBound), .int(each)) { row in
                (segment: UInt32(clamping: row.int(0)), count: row.int(1), bytes: row.int(2))
            }
            var gone: Int64 = 0
            if !dead.isEmpty {
                try db.prepare(Self.delete).run([range.lowerBound, range.upperBound, each])
                for (segment, count, bytes) in dead {
                    writer.change(segment, live: -count, bytes: -bytes)
                    gone += count
                }
            }
            guard gone < range.count else { continue }
            try db.prepare(Self.add).run([range.lowerBound, range.upperBound, -each])
        }
    }
}

extension MailWriter {
    private static let leavingRange = Statement(
        "SELECT uid, flags, size, blob FROM message WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid")

    /// Messages that are to go.
    struct Leaving {
        var uids = UIDSet()
        var rows = SideBySide()
        var references = ReferenceChange()
        var bytes: Int64 = 0
        var unseen: Int64 = 0
        var deleted: Int64 = 0
    }

    private func leaving(_ mailbox: Int64, _ uids: UIDSet, onlyDeleted: Bool) throws(DatabaseError) -> Leaving {
        var leaving = Leaving()
        var walk = UIDWalk(uids)
        while let range = walk.next() {
            leaving.rows.interrupt()
            try self.connection.numbers(
                Self.leavingRange, .int(mailbox), .int(range.lowerBound), .int(range.upperBound), columns: 4
            ) { numbers in
                var at = 0
                while at + 3 < numbers.count {
                    defer { at += 4 }
                    let flags = Flags(numbers[at + 1])
                    guard walk.contains(numbers[at]), !onlyDeleted || flags.contains(.deleted) else {
                        leaving.rows.interrupt()
                        continue
                    }
                    leaving.uids.append(UInt32(clamping: numbers[at]))
                    leaving.rows.add(numbers[at])
                    leaving.references.add(numbers[at + 3])
                    leaving.bytes += numbers[at + 2]
                    leaving.unseen += flags.contains(.seen) ? 0 : 1
                    leaving.deleted += flags.contains(.deleted) ? 1 : 0
                }
            }
        }
        return leaving
    }

    /// Removes messages. All removals of one call have the same MODSEQ.
    /// - Parameter keepReferences: they belong to somebody else from now on.
    func expunge(
        _ mailbox: Int64, _ uids: UIDSet, onlyDeleted: Bool = false, keepTombstones: Bool = true, keepReferences: Bool = false
    ) throws(StoreError) -> Expunged {
        var box = try self.known(mailbox)
        let leaving = try StoreError.wrap { () throws(DatabaseError) in try self.leaving(mailbox, uids, onlyDeleted: onlyDeleted) }
        let count = Int64(leaving.uids.count)
        guard count > 0 else { return Expunged(modSeq: ModSeq(rawValue: box.modSeq)) }
        box.modSeq += 1
        try StoreError.wrap { () throws(DatabaseError) in
            try self.drop(mailbox, leaving.rows, count: count, keepTombstones ? box.modSeq : nil)
            if !keepReferences { try leaving.references.release(self) }
        }
        box.messages -= count
        box.bytes -= leaving.bytes
        box.unseen -= leaving.unseen
        box.deleted -= leaving.deleted
        self.effects.filed[box.account, default: .init()] += .init(bytes: -leaving.bytes, messages: -count)
        self.set(mailbox, box)
        return Expunged(uids: leaving.uids, modSeq: ModSeq(rawValue: box.modSeq))
    }

    private static let bury = Statement(
        """
        INSERT INTO tombstone(mailbox, modseq, uid, date)
        SELECT ?1, ?4, uid, ?5 FROM message WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid
        """)
    private static let deleteRange = Statement("DELETE FROM message WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3")

    /// Rows of messages that are there, with tombstones of this MODSEQ or none.
    func drop(_ mailbox: Int64, _ rows: SideBySide, count: Int64, _ modSeq: Int64?) throws(DatabaseError) {
        if let modSeq {
            let now = self.now()
            let bury = try self.connection.prepare(Self.bury)
            for range in rows.ranges { try bury.run([mailbox, range.lowerBound, range.upperBound, modSeq, now]) }
        }
        let delete = try self.connection.prepare(Self.deleteRange)
        var deleted = 0
        for range in rows.ranges {
            try delete.run([mailbox, range.lowerBound, range.upperBound])
            deleted += self.connection.changes
        }
        guard deleted == Int(count) else {
            throw DatabaseError(code: 1, text: "removed \(deleted) rows of \(count)", operation: "expunge")
        }
    }
}
