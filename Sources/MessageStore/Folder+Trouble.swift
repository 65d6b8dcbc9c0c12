internal import Database
internal import Vocabulary

// What the folder does when mail.db or accept.db does not do what it should.

extension Folder {
    /// A disk that is full: again in a second. One that fails: no more filing until restart. One bad record: it alone is set aside.
    func recover(from error: DatabaseError, _ pieces: [Piece], _ writer: MailWriter?) {
        switch error.kind {
        case .full where self.parts.ballast.giveUp(): return
        case .full, .busy:
            self.parts.options.events.record(
                TrailEvent(.store, "filing-waits", trace: nil, [("reason", error.description)]), switchedBy: nil)
            self.hold()
        case .io, .corrupt, .newerFormat, .closed:
            self.parts.health.fail("mail.db: \(error)")
            self.giveUp()
        case .constraint, .other:
            if let writer { self.foldOneByOne(pieces, writer) }
        }
    }

    /// Lets go who waits for filing, and gives the disk a second.
    func hold() {
        let ready = self.pending.withLock { state in
            state.isHeld = state.hasRecords
            return Self.takeReady(&state)
        }
        self.pending.broadcast()
        for job in ready { job() }
        self.pending.wait(milliseconds: 1000, until: { $0.isStopped }, then: { _ in })
        if self.pending.withLock({ $0.isStopped }) { self.giveUp() }
    }

    /// What is not filed now is filed after the next start: the log has it.
    private func giveUp() {
        let ready = self.pending.withLock { state in
            state.hasFailed = true
            return Self.takeReady(&state)
        }
        self.pending.broadcast()
        for job in ready { job() }
    }

    private func foldOneByOne(_ pieces: [Piece], _ writer: MailWriter) {
        for piece in pieces {
            do throws(DatabaseError) {
                try self.foldAlone(piece, writer)
                self.filed([piece], writer.effects.appended)
            } catch {
                // Only what is wrong with the record itself: a disk that fails or is full says nothing about it.
                guard error.kind == .constraint || error.kind == .other else { return self.recover(from: error, [], writer) }
                self.setAside(piece, error, writer)
                if self.pending.withLock({ $0.isHopeless }) { return }
            }
        }
    }

    private func foldAlone(_ piece: Piece, _ writer: MailWriter) throws(DatabaseError) {
        try self.applyQueue([piece])
        try self.parts.mail.withWriter { _ throws(DatabaseError) in
            try writer.begin(try writer.durability(of: [piece]))
            do throws(DatabaseError) {
                try writer.fold(piece.record, piece.range)
                try writer.commit(self.parts.usage)
            } catch {
                writer.rollback()
                throw error
            }
        }
        self.parts.changes.post(writer.effects.changed, writer.effects.events)
    }

    private func setAside(_ piece: Piece, _ reason: DatabaseError, _ writer: MailWriter) {
        self.parts.options.events.record(
            TrailEvent(
                .store, "record-set-aside", trace: TraceID(piece.record.payload.trace),
                [("segment", "\(piece.record.start.segment)"), ("offset", "\(piece.record.start.offset)"), ("reason", reason.description)]),
            switchedBy: nil)
        do throws(DatabaseError) {
            try self.parts.mail.withWriter { _ throws(DatabaseError) in
                try writer.begin(.full)
                do throws(DatabaseError) {
                    try writer.setAside(piece.record, reason.description)
                    try writer.commit(self.parts.usage)
                } catch {
                    writer.rollback()
                    throw error
                }
            }
            self.filed([Piece(record: piece.record, range: piece.range.lowerBound..<piece.record.payload.deliveries.count)], [:])
        } catch {
            if error.kind == .full || error.kind == .busy { return self.hold() }
            self.parts.health.fail("mail.db: \(error)")
            self.giveUp()
        }
    }
}

extension DatabaseError {
    /// No more filing until restart.
    var isOfTheDisk: Bool {
        switch self.kind {
        case .io, .corrupt, .newerFormat, .closed: true
        case .full, .busy, .constraint, .other: false
        }
    }
}
