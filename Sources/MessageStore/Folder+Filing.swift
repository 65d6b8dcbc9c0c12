internal import Database
internal import Vocabulary

// The folder's thread: what it does next, and how.

extension Folder.Pending {
    var hasWork: Bool { self.hasRecords || self.isUrgent }

    /// Something is to be done that does not get cheaper by waiting.
    private var isUrgent: Bool {
        self.isStopped || !self.edits.isEmpty || self.hasJobs || self.mustSweep || self.mustForget
    }

    /// No use in gathering more: it is a batch, or somebody waits, or there is something else to do.
    func isEnough(for batch: Int) -> Bool {
        self.deliveries >= batch || !self.waiters.isEmpty || self.awaited > 0 || self.hurried > 0 || self.isUrgent || self.isHopeless
    }

    /// Answers for those whose record is on stable storage but cannot be filed now: it will be, and nobody waits for that.
    mutating func takeAnswers() -> [@Sendable () -> Void] {
        guard self.awaited > 0 else { return [] }
        var answers: [@Sendable () -> Void] = []
        for index in self.records.indices[self.first...] {
            guard let whenFiled = self.records[index].whenFiled, self.records[index].sequence <= self.accepted else { continue }
            self.records[index].whenFiled = nil
            self.awaited -= 1
            answers.append { whenFiled(.success(AppendResult(uidValidity: UIDValidity(rawValue: 0), uids: []))) }
        }
        return answers
    }
}

extension Folder {
    private static let editsInBatch = 64
    /// How long records wait for others to be filed with them when nobody waits for them: a transaction for each batch of the log would cost
    /// twice as much. Milliseconds.
    private static let gathering = 2

    private struct Work {
        var pieces: [Piece] = []
        var edits: [Edit] = []
        var isJobDue = false
        var mustSweep = false
        var mustForget = false
        var isLast = false
    }

    func run(_ writer: MailWriter) {
        self.writePromised(writer)
        while true {
            self.gather()
            let work = self.pending.wait(until: \.hasWork) { Self.nextWork(&$0, batch: self.parts.options.foldBatch) }
            if work.isLast { return self.finish() }
            self.perform(work, writer)
            self.letGo()
            if work.isJobDue { self.runJob(writer) }
            if work.mustSweep { self.sweep(writer) }
            if work.mustForget { self.forgetSome(writer) }
        }
    }

    private func gather() {
        let batch = self.parts.options.foldBatch
        let mayWait = self.pending.wait(until: \.hasWork) { state in
            state.isGathering = !state.isEnough(for: batch)
            return state.isGathering
        }
        guard mayWait else { return }
        self.pending.wait(milliseconds: Self.gathering, until: { $0.isEnough(for: batch) }, then: { $0.isGathering = false })
    }

    private static func nextWork(_ state: inout Pending, batch: Int) -> Work {
        var work = Work()
        var room = batch
        var index = state.first
        var from = state.done
        while state.hasRecords, index < state.records.count, room > 0 {
            let record = state.records[index]
            if let lost = state.lost, record.sequence >= lost { break }
            let upTo = record.isAppend ? record.payload.deliveries.count : min(record.payload.deliveries.count, from + room)
            work.pieces.append(Piece(record: record, range: from..<upTo))
            // A record without deliveries costs as much as one with.
            room -= max(1, upTo - from)
            from = 0
            index += 1
        }
        state.inHand = work.pieces.last?.record.sequence ?? 0
        let edits = min(state.edits.count, Self.editsInBatch)
        work.edits = Array(state.edits[..<edits])
        state.edits.removeFirst(edits)
        work.isJobDue = state.hasJobs && !state.isStopped
        state.hasJobs = false
        work.mustSweep = state.mustSweep
        state.mustSweep = false
        work.mustForget = state.mustForget && !state.isStopped
        state.mustForget = false
        work.isLast = work.pieces.isEmpty && work.edits.isEmpty && state.isStopped
        return work
    }

    private func finish() {
        let waiters = self.pending.withLock { state in
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.job() }
    }

    private func perform(_ work: Work, _ writer: MailWriter) {
        guard !work.pieces.isEmpty || !work.edits.isEmpty else { return }
        var answers: [@Sendable () -> Void] = []
        do throws(DatabaseError) {
            try self.applyQueue(work.pieces)
            let end = try self.parts.mail.withWriter { _ throws(DatabaseError) in try self.transact(work, &answers, writer) }
            switch end {
            case .isDue: self.tell(work.pieces, answers, writer)
            case .committed(let made): self.awaitTold(made)
            case .lost:
                self.pending.withLock { $0.isBehind = false }
                var rest = work
                rest.pieces = self.synced(work.pieces)
                return self.perform(rest, writer)
            }
            self.sweepIfEmptied(writer)
            self.writePromised(writer)
        } catch {
            self.pending.withLock { $0.isBehind = false }
            self.pending.broadcast()
            var work = work
            work.pieces = self.synced(work.pieces)
            // Nothing of the transaction is left, so that all of it can be tried again with more room.
            if error.kind == .full, self.parts.ballast.giveUp() { return self.perform(work, writer) }
            // Whoever hears of the failure finds the store as it is now.
            if error.isOfTheDisk { self.parts.health.fail("mail.db: \(error)") }
            for edit in work.edits { edit.failed(StoreError(error)) }
            self.recover(from: error, work.pieces, writer)
        }
    }

    /// All of it in one transaction, which ends when its records are on stable storage.
    private func transact(_ work: Work, _ answers: inout [@Sendable () -> Void], _ writer: MailWriter) throws(DatabaseError) -> End {
        try writer.begin(work.edits.isEmpty ? try writer.durability(of: work.pieces) : .full)
        do throws(DatabaseError) {
            answers = try self.apply(work.edits, writer)
            for piece in work.pieces { try writer.fold(piece.record, piece.range) }
            // Readers must find this as soon as they can find the promises.
            if writer.owesRows { self.pending.withLock { $0.isBehind = true } }
            let end = try self.awaitSync(of: work, writer)
            switch end {
            case .isDue: try writer.commit(self.parts.usage)
            case .committed: break
            case .lost: writer.rollback()
            }
            return end
        } catch {
            writer.rollback()
            throw error
        }
    }

    /// Most records come after their sync.
    private func awaitSync(of work: Work, _ writer: MailWriter) throws(DatabaseError) -> End {
        guard let last = work.pieces.last?.record.sequence, self.pending.withLock({ $0.accepted < last }) else { return .isDue }
        let usage = self.parts.usage
        let made = WaitingCommit(upTo: last) { () throws(DatabaseError) in
            try writer.commit(usage)
        } tell: {
            self.tell(work.pieces, [], writer)
        }
        return try self.awaitSync(made, isLent: work.edits.isEmpty)
    }

    /// After the commit.
    private func tell(_ pieces: [Piece], _ answers: [@Sendable () -> Void], _ writer: MailWriter) {
        self.parts.changes.post(writer.effects.changed, writer.effects.events)
        self.filed(pieces, writer.effects.appended)
        for answer in answers { answer() }
    }

    /// An edit fails alone, unless the disk is full, or SQLite has ended the whole transaction with it.
    private func apply(_ edits: [Edit], _ writer: MailWriter) throws(DatabaseError) -> [@Sendable () -> Void] {
        var answers: [@Sendable () -> Void] = []
        writer.mayPromise = self.parts.health.value == .writable
        for edit in edits {
            // Only the last one's rows may wait.
            try writer.writePromised()
            do throws(StoreError) {
                answers.append(try writer.savepoint { () throws(StoreError) in try edit.work(writer) })
            } catch {
                guard writer.connection.isInTransaction, error.asDatabaseError.kind != .full else { throw error.asDatabaseError }
                let failure = error
                answers.append { edit.failed(failure) }
            }
        }
        return answers
    }

    /// After the commit: takes what is filed off the list and lets those go on who waited for it.
    func filed(_ pieces: [Piece], _ appended: [Int64: Result<AppendResult, StoreError>]) {
        guard !pieces.isEmpty else { return }
        let ready = self.pending.withLock { state in
            state.isHeld = false
            var answers: [@Sendable () -> Void] = []
            for piece in pieces {
                state.deliveries -= piece.range.count
                if piece.range.upperBound == piece.record.payload.deliveries.count {
                    if let whenFiled = state.records[state.first].whenFiled {
                        state.records[state.first].whenFiled = nil
                        state.awaited -= 1
                        let outcome = appended[piece.record.sequence] ?? .failure(.failed("the record was set aside"))
                        answers.append { whenFiled(outcome) }
                    }
                    state.first += 1
                    state.done = 0
                    state.folded = piece.record.sequence
                } else {
                    state.done = piece.range.upperBound
                }
            }
            if state.first > 256 && state.first * 2 > state.records.count {
                state.records.removeFirst(state.first)
                state.first = 0
            }
            return answers + Self.takeReady(&state)
        }
        self.pending.broadcast()
        for job in ready { job() }
    }

    static func takeReady(_ state: inout Pending) -> [@Sendable () -> Void] {
        let answers = state.isHopeless ? state.takeAnswers() : []
        guard !state.waiters.isEmpty else { return answers }
        let folded = state.isHopeless ? .max : state.folded
        let ready = state.waiters.filter { $0.target <= folded }.map(\.job)
        if !ready.isEmpty { state.waiters.removeAll { $0.target <= folded } }
        return answers + ready
    }

    // MARK: Queue entries

    func applyQueue(_ pieces: [Piece]) throws(DatabaseError) {
        let records = pieces.filter {
            $0.range.lowerBound == 0 && !($0.record.payload.queue.isEmpty && $0.record.payload.finished.isEmpty)
        }.map(\.record)
        guard !records.isEmpty else { return }
        try QueueRows.apply(records, self.parts.accept)
        let drafts = records.flatMap { $0.payload.queue.map(\.draft) }
        if !drafts.isEmpty { self.parts.queueFeed.tell(drafts) }
    }
}
