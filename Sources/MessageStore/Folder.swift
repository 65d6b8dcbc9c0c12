internal import Database
internal import NIOCore
internal import Synchronization
internal import Vocabulary

// Invariants of the folder:
// 1. One thread changes mail.db. It files records in the order of the log and moves the position in the same transaction.
// 2. Queue entries of a record are in accept.db before the position in mail.db passes the record.
// 3. Readers, subscribers and senders of changes hear of a change after its commit only.

/// Who is told that new queue entries are there.
final class QueueFeed: Sendable {
    private let handler = Mutex<(@Sendable (Set<QueueDraft.Channel>) -> Void)?>(nil)
    func set(_ handler: @escaping @Sendable (Set<QueueDraft.Channel>) -> Void) { self.handler.withLock { $0 = handler } }
    func tell(_ channels: Set<QueueDraft.Channel>) { self.handler.withLock { $0 }?(channels) }
}

/// Files what was accepted into the mailboxes, and makes all other changes of mail.db, in transactions shared by all that waits.
final class Folder: Sendable {
    /// A change of mailboxes: `work` inside a transaction, in a savepoint of its own; what it answers runs after the commit.
    struct Edit: Sendable {
        let work: @Sendable (MailWriter) throws(StoreError) -> @Sendable () -> Void
        let failed: @Sendable (StoreError) -> Void
    }

    private struct Piece {
        let record: LogRecord
        let range: Range<Int>
    }

    private struct Pending: Sendable {
        var records: [LogRecord] = []
        /// Index of the oldest record that is not filed whole, and how many of its deliveries are.
        var first = 0
        var done = 0
        var deliveries = 0
        var edits: [Edit] = []
        var waiters: [(target: Int64, job: @Sendable () -> Void)] = []
        var accepted: Int64
        var folded: Int64
        var isStopped = false
        /// Filing has stopped until restart; waiters are not kept waiting.
        var hasFailed = false
        var hasJobs = true
        /// A segment may have died with a queue entry.
        var mustSweep = true

        var hasRecords: Bool { self.first < self.records.count && !self.hasFailed }
    }

    struct Parts: Sendable {
        let mail: Database
        let accept: Database
        let health: HealthState
        let usage: UsageTable
        let removed: RemovedAccounts
        let changes: ChangeFeed
        let options: StoreOptions
        let sweeper: SegmentSweeper
        let queueFeed: QueueFeed
    }

    private let parts: Parts
    private let pending: Monitor<Pending>
    private let thread = Mutex<Thread?>(nil)
    private static let editsInBatch = 64

    init(_ parts: Parts, sequence: Int64) {
        self.parts = parts
        self.pending = Monitor(Pending(accepted: sequence, folded: sequence))
    }

    // MARK: From other threads

    /// Records that are on stable storage, in order.
    func take(_ records: [LogRecord]) {
        guard let last = records.last else { return }
        self.pending.withLock { state in
            state.records.append(contentsOf: records)
            for record in records { state.deliveries += record.payload.deliveries.count }
            state.accepted = last.sequence
        }
        self.pending.broadcast()
    }

    /// Records of the log that were promised before this start. The piece of the first that was filed already does not count again.
    func takeReplayed(_ records: [LogRecord]) {
        let skip = self.pending.withLock { state in
            guard state.records.isEmpty, let first = records.first else { return 0 }
            state.done = min(state.done, first.payload.deliveries.count)
            state.deliveries -= state.done
            return state.done
        }
        let unfiled = records.enumerated().flatMap { index, record in
            record.payload.deliveries.dropFirst(index == 0 ? skip : 0).map { delivery in
                (account: delivery.account, amount: UsageTable.Amount(bytes: delivery.size(record.place), messages: 1))
            }
        }
        self.parts.usage.addPending(unfiled)
        self.take(records)
    }

    /// Waits until everything that was taken before this call is filed, or filing has stopped.
    func waitUntilFiled() {
        let target = self.pending.withLock { $0.accepted }
        self.pending.wait(until: { $0.folded >= target || $0.hasFailed }, then: { _ in })
    }

    /// Remembers unfinished ends of segments, for `check`; returns when that is done, or a check at once after the start would call
    /// them damage.
    func note(_ gaps: [(segment: UInt32, start: Int64, end: Int64)]) {
        guard !gaps.isEmpty else { return }
        let isNoted = Monitor(false)
        let noted: @Sendable () -> Void = {
            isNoted.withLock { $0 = true }
            isNoted.broadcast()
        }
        self.submit(
            Edit(
                work: { writer throws(StoreError) in
                    try StoreError.wrap { () throws(DatabaseError) in
                        for gap in gaps { try writer.connection.prepare(MailSQL.makeGap).run([Int64(gap.segment), gap.start, gap.end]) }
                    }
                    return noted
                }, failed: { _ in noted() }))
        isNoted.wait(until: { $0 }, then: { _ in })
    }

    /// Waits while more deliveries than `limit` are unfiled: acceptance then runs at the pace of filing.
    func waitForRoom(limit: Int) {
        self.pending.wait(until: { $0.deliveries < limit || $0.hasFailed || $0.isStopped }, then: { _ in })
    }

    /// Runs `job` when everything accepted until now is filed; at once if it is. `job` must be short.
    func afterFiling(_ job: @escaping @Sendable () -> Void) {
        let isReady = self.pending.withLock { state in
            if state.folded >= state.accepted || state.hasFailed || state.isStopped { return true }
            state.waiters.append((state.accepted, job))
            return false
        }
        if isReady { job() }
    }

    func submit(_ edit: Edit) {
        let refusal: StoreError? = self.pending.withLock { state in
            if state.hasFailed { return .failed("an earlier write failed") }
            if state.isStopped { return .closed }
            state.edits.append(edit)
            return nil
        }
        if let refusal { edit.failed(refusal) } else { self.pending.broadcast() }
    }

    /// A job row was made; or its slice may run again.
    func wakeForJobs() {
        self.pending.withLock { $0.hasJobs = true }
        self.pending.broadcast()
    }

    /// The last reference to a body may be gone.
    func wakeForSweep() {
        self.pending.withLock { $0.mustSweep = true }
        self.pending.broadcast()
    }

    /// Deliveries accepted and not filed yet; a measure of load.
    var backlog: Int { self.pending.withLock { $0.deliveries } }

    /// Files and changes what waits, then ends the thread.
    func stop() {
        self.pending.withLock { $0.isStopped = true }
        self.pending.broadcast()
        self.thread.withLock { $0 }?.join()
    }

    // MARK: The thread

    /// `done` deliveries of the first record that comes were filed before.
    func start(_ writer: sending MailWriter, done: Int) {
        self.pending.withLock { $0.done = done }
        let box = WriterBox(writer)
        let thread = Thread("store-folder") { self.run(box.writer) }
        self.thread.withLock { $0 = thread }
    }

    private final class WriterBox: @unchecked Sendable {
        // SAFETY: made before the thread starts and touched by that thread alone.
        let writer: MailWriter
        init(_ writer: MailWriter) { self.writer = writer }
    }

    private struct Work {
        var pieces: [Piece] = []
        var edits: [Edit] = []
        var isJobDue = false
        var mustSweep = false
        var isLast = false
    }

    private func run(_ writer: MailWriter) {
        while true {
            let work = self.pending.wait(until: { $0.isStopped || $0.hasRecords || !$0.edits.isEmpty || $0.hasJobs || $0.mustSweep }) {
                Self.nextWork(&$0, batch: self.parts.options.foldBatch)
            }
            if work.isLast { return self.finish() }
            self.perform(work, writer)
            if work.isJobDue { self.runJob(writer) }
            if work.mustSweep { self.sweep(writer) }
        }
    }

    private static func nextWork(_ state: inout Pending, batch: Int) -> Work {
        var work = Work()
        var room = batch
        var index = state.first
        var from = state.done
        while state.hasRecords, index < state.records.count, room > 0 {
            let record = state.records[index]
            let upTo = min(record.payload.deliveries.count, from + room)
            work.pieces.append(Piece(record: record, range: from..<upTo))
            // A record without deliveries costs as much as one with.
            room -= max(1, upTo - from)
            from = 0
            index += 1
        }
        let edits = min(state.edits.count, Self.editsInBatch)
        work.edits = Array(state.edits[..<edits])
        state.edits.removeFirst(edits)
        work.isJobDue = state.hasJobs && !state.isStopped
        state.hasJobs = false
        work.mustSweep = state.mustSweep
        state.mustSweep = false
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
            try self.parts.mail.withWriter { _ throws(DatabaseError) in
                try writer.begin(work.edits.isEmpty ? .repeatable : .full)
                do throws(DatabaseError) {
                    answers = self.apply(work.edits, writer)
                    for piece in work.pieces { try writer.fold(piece.record, piece.range) }
                    try writer.commit(self.parts.usage)
                } catch {
                    writer.rollback()
                    throw error
                }
            }
            self.parts.changes.post(writer.effects.changed)
            self.filed(work.pieces)
            for answer in answers { answer() }
            self.sweepIfEmptied(writer)
        } catch {
            for edit in work.edits { edit.failed(StoreError(error)) }
            self.recover(from: error, work.pieces, writer)
        }
    }

    private func apply(_ edits: [Edit], _ writer: MailWriter) -> [@Sendable () -> Void] {
        edits.map { edit in
            do throws(StoreError) {
                return try writer.savepoint { () throws(StoreError) in try edit.work(writer) }
            } catch {
                let failure = error
                return { edit.failed(failure) }
            }
        }
    }

    /// After the commit: takes what is filed off the list and lets those go on who waited for it.
    private func filed(_ pieces: [Piece]) {
        guard !pieces.isEmpty else { return }
        let ready = self.pending.withLock { state in
            for piece in pieces {
                state.deliveries -= piece.range.count
                if piece.range.upperBound == piece.record.payload.deliveries.count {
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
            return Self.takeReady(&state)
        }
        self.pending.broadcast()
        for job in ready { job() }
    }

    private static func takeReady(_ state: inout Pending) -> [@Sendable () -> Void] {
        guard !state.waiters.isEmpty else { return [] }
        let folded = state.hasFailed ? .max : state.folded
        let ready = state.waiters.filter { $0.target <= folded }.map(\.job)
        if !ready.isEmpty { state.waiters.removeAll { $0.target <= folded } }
        return ready
    }

    // MARK: Queue entries

    private func applyQueue(_ pieces: [Piece]) throws(DatabaseError) {
        let records = pieces.filter {
            $0.range.lowerBound == 0 && !($0.record.payload.queue.isEmpty && $0.record.payload.finished.isEmpty)
        }.map(\.record)
        guard !records.isEmpty else { return }
        try QueueRows.apply(records, self.parts.accept)
        let channels = Set(records.flatMap { $0.payload.queue.map(\.draft.channel) })
        if !channels.isEmpty { self.parts.queueFeed.tell(channels) }
    }

    // MARK: Trouble

    /// A disk that is full: again in a second. One that fails: no more filing until restart. One bad record: it alone is set aside.
    private func recover(from error: DatabaseError, _ pieces: [Piece], _ writer: MailWriter) {
        switch error.kind {
        case .full, .busy:
            self.parts.options.events.record(
                TrailEvent(.store, "filing-waits", trace: nil, [("reason", error.description)]), switchedBy: nil)
            self.pending.wait(milliseconds: 1000, until: { $0.isStopped }, then: { _ in })
            if self.pending.withLock({ $0.isStopped }) { self.giveUp() }
        case .io, .corrupt, .newerFormat, .closed:
            self.parts.health.fail("mail.db: \(error)")
            self.giveUp()
        case .constraint, .other:
            self.foldOneByOne(pieces, writer)
        }
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
                self.filed([piece])
            } catch {
                self.setAside(piece, error, writer)
                if self.pending.withLock({ $0.hasFailed }) { return }
            }
        }
    }

    private func foldAlone(_ piece: Piece, _ writer: MailWriter) throws(DatabaseError) {
        try self.parts.mail.withWriter { _ throws(DatabaseError) in
            try writer.begin(.repeatable)
            do throws(DatabaseError) {
                try writer.fold(piece.record, piece.range)
                try writer.commit(self.parts.usage)
            } catch {
                writer.rollback()
                throw error
            }
        }
        self.parts.changes.post(writer.effects.changed)
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
            self.filed([Piece(record: piece.record, range: piece.range.lowerBound..<piece.record.payload.deliveries.count)])
        } catch {
            self.parts.health.fail("mail.db: \(error)")
            self.giveUp()
        }
    }

    // MARK: Jobs

    private func sweepIfEmptied(_ writer: MailWriter) {
        if writer.effects.segments.values.contains(where: { $0.live < 0 }) { self.sweep(writer) }
    }

    private func sweep(_ writer: MailWriter) {
        self.parts.sweeper.sweep(self.parts.mail, self.parts.accept, active: writer.state.position.segment)
    }

    /// One slice of the oldest job; others come between slices.
    private func runJob(_ writer: MailWriter) {
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
            self.parts.changes.post(writer.effects.changed)
            self.sweepIfEmptied(writer)
            if isMore { self.wakeForJobs() }
        } catch { self.recover(from: error, [], writer) }
    }
}
