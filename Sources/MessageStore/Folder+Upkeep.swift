internal import Database
internal import Vocabulary

// What the folder does beside filing: jobs, dead segments, old tombstones.

extension Folder {
    func sweepIfEmptied(_ writer: MailWriter) {
        if writer.effects.segments.values.contains(where: { $0.live < 0 }) { self.sweep(writer) }
    }

    func sweep(_ writer: MailWriter) {
        let isSwept = { self.parts.sweeper.sweep(self.parts.mail, self.parts.accept, active: writer.state.position.segment) }
        // Unlinking makes room, and needs some.
        while !isSwept(), self.parts.ballast.giveUp() {}
    }

    /// One slice of the oldest job; others come between slices.
    func runJob(_ writer: MailWriter) {
        var isMore = false
        do throws(DatabaseError) {
            try self.parts.mail.withWriter { connection throws(DatabaseError) in
                try writer.begin(.full)
                do throws(DatabaseError) {
                    if let job = try Jobs.next(on: connection) {
                        try MailJobs.slice(job, writer)
                        isMore = try Jobs.next(on: connection) != nil
                    }
                    try writer.commit(self.parts.usage)
                } catch {
                    writer.rollback()
                    throw error
                }
            }
            self.parts.changes.post(writer.effects.changed, writer.effects.events)
            self.sweepIfEmptied(writer)
            if isMore { self.wakeForJobs() }
        } catch {
            self.parts.options.events.record(TrailEvent(.store, "job-failed", trace: nil, [("reason", error.description)]), switchedBy: nil)
            self.recover(from: error, [], writer)
            if error.kind == .full || error.kind == .busy { self.wakeForJobs() }
        }
    }

    /// One slice of the pass over tombstones; others come between slices. What fails is found again by the next pass.
    func forgetSome(_ writer: MailWriter) {
        do throws(DatabaseError) {
            let slice = try self.forgetting.next(in: self.parts.mail)
            if !slice.old.isEmpty {
                try self.parts.mail.withWriter { _ throws(DatabaseError) in
                    try writer.begin(.repeatable)
                    do throws(DatabaseError) {
                        try writer.forget(slice.old)
                        try writer.commit(self.parts.usage)
                    } catch {
                        writer.rollback()
                        throw error
                    }
                }
            }
            if slice.isMore { self.pending.withLock { $0.mustForget = true } }
        } catch {
            self.parts.options.events.record(
                TrailEvent(.store, "forgetting-failed", trace: nil, [("reason", error.description)]), switchedBy: nil)
        }
    }
}
