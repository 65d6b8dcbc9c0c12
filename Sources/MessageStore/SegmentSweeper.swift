internal import Database
internal import Vocabulary

/// Unlinks segments in which nothing lives any more. Runs on the folder's thread, so that no record is half-way between the databases.
final class SegmentSweeper: Sendable {
    private let directory: SegmentDirectory
    private let events: any EventSink

    init(_ directory: SegmentDirectory, events: any EventSink) {
        self.directory = directory
        self.events = events
    }

    /// `active` is the segment of the folder's position: it and later ones are still needed as the log. False when the disk was too full.
    func sweep(_ mail: Database, _ accept: Database, active: UInt32) -> Bool {
        guard !self.directory.isPinned else { return true }
        do throws(DatabaseError) {
            for number in try self.dead(mail, accept, active: active) { try self.remove(number, mail) }
            return true
        } catch {
            self.events.record(TrailEvent(.store, "sweep-failed", trace: nil, [("reason", error.description)]), switchedBy: nil)
            return error.kind != .full
        }
    }

    /// References flow from accept.db to mail.db only, so accept.db is asked last but changes nothing here: both are still, because the
    /// folder moves records and this is its thread; others only end entries.
    private func dead(_ mail: Database, _ accept: Database, active: UInt32) throws(DatabaseError) -> [UInt32] {
        let empty = try mail.withWriter { db throws(DatabaseError) in
            try db.rows(MailSQL.emptySegments) { row in
                (number: UInt32(clamping: row.int(0)), kind: row.int(1), isMarked: row.int(2) == 1)
            }
        }
        var dead: [UInt32] = []
        for segment in empty {
            // The log is needed from the position on; a large body only as long as it is referred to.
            if segment.kind == Int64(SegmentKind.log.rawValue) && segment.number >= active { continue }
            if segment.isMarked {
                dead.append(segment.number)
                continue
            }
            let isUsed = try accept.read { db throws(DatabaseError) in
                try db.row(AcceptSQL.usesSegment, .int(segment.number)) { _ in true } ?? false
            }
            if !isUsed { dead.append(segment.number) }
        }
        return dead
    }

    /// Marked first: after a crash in between the file is gone or goes, and nobody misses it.
    private func remove(_ number: UInt32, _ mail: Database) throws(DatabaseError) {
        try mail.write { db throws(DatabaseError) in try db.run(MailSQL.markSegment, .int(number)) }
        self.directory.forget(number)
        do throws(IOFailure) {
            try self.directory.files.unlink(self.directory.path(of: number))
            try self.directory.files.syncDirectory(self.directory.path)
        } catch {
            self.events.record(TrailEvent(.store, "unlink-failed", trace: nil, [("reason", error.description)]), switchedBy: nil)
            return
        }
        try mail.write { db throws(DatabaseError) in
            try db.run(MailSQL.deleteSegment, .int(number))
            try db.run(MailSQL.deleteGaps, .int(number))
        }
    }
}
