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
    private struct Handlers: Sendable {
        var channels: (@Sendable (Set<QueueDraft.Channel>) -> Void)?
        var destinations: (@Sendable (Set<String>) -> Void)?
    }
    private let handlers = Mutex(Handlers())
    func set(_ handler: @escaping @Sendable (Set<QueueDraft.Channel>) -> Void) { self.handlers.withLock { $0.channels = handler } }
    func setDestinations(_ handler: @escaping @Sendable (Set<String>) -> Void) { self.handlers.withLock { $0.destinations = handler } }

    func tell(_ drafts: [QueueDraft]) {
        let handlers = self.handlers.withLock { $0 }
        handlers.channels?(Set(drafts.map(\.channel)))
        guard let told = handlers.destinations else { return }
        let destinations = Set(drafts.lazy.filter { $0.channel == .remote }.map(\.destination))
        if !destinations.isEmpty { told(destinations) }
    }
}

/// Files what was accepted into the mailboxes, and makes all other changes of mail.db, in transactions shared by all that waits.
final class Folder: Sendable {
    /// A change of mailboxes: `work` inside a transaction, in a savepoint of its own; what it answers runs after the commit.
    struct Edit: Sendable {
        let work: @Sendable (MailWriter) throws(StoreError) -> @Sendable () -> Void
        let failed: @Sendable (StoreError) -> Void
    }

    struct Piece {
        let record: LogRecord
        let range: Range<Int>
    }

    struct Pending: Sendable {
        /// On stable storage up to `accepted`; those behind it are being synced.
        var records: [LogRecord] = []
        /// Index of the oldest record that is not filed whole, and how many of its deliveries are.
        var first = 0
        var done = 0
        var deliveries = 0
        var edits: [Edit] = []
        var waiters: [(target: Int64, job: @Sendable () -> Void)] = []
        /// Records that somebody waits for.
        var awaited = 0
        var accepted: Int64
        var folded: Int64
        var isStopped = false
        /// Filing has stopped until restart; waiters are not kept waiting.
        var hasFailed = false
        /// The disk is full: filing is tried again each second, and until it works nobody is kept waiting for it.
        var isHeld = false
        var hasJobs = true
        /// A segment may have died with a queue entry.
        var mustSweep = true
        var mustForget = false
        /// The folder waits a moment for more.
        var isGathering = false
        /// Rows of messages are behind what was promised; and will be for long, because the disk is full.
        var isBehind = false
        var isStuck = false
        /// Threads that wait until something is filed.
        var hurried = 0
        /// The last record of the folder's transaction; 0 between two.
        var inHand: Int64 = 0
        /// Records from this one on could not be synced and are being taken back.
        var lost: Int64?
        /// A transaction that waits for the sync of its records.
        var waiting: WaitingCommit?

        /// Nobody can wait for filing now.
        var isHopeless: Bool { self.hasFailed || self.isHeld }
        var hasRecords: Bool { self.first < self.records.count && !self.hasFailed && self.records[self.first].sequence < self.lost ?? .max }
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
        let ballast: Ballast
    }

    let parts: Parts
    let pending: Monitor<Pending>
    private let thread = Mutex<Thread?>(nil)
    let forgetting: TombstoneExpiry

    init(_ parts: Parts, sequence: Int64) {
        self.parts = parts
        self.forgetting = TombstoneExpiry(days: parts.options.tombstoneDays, now: parts.options.now)
        self.pending = Monitor(Pending(accepted: sequence, folded: sequence))
    }

    // MARK: From other threads

    /// Records that are on stable storage, in order.
    func take(_ records: [LogRecord]) {
        guard let last = records.last else { return }
        let (mustWake, answers) = self.pending.withLock { state in
            state.add(records)
            state.accepted = last.sequence
            let answers = state.isHopeless ? state.takeAnswers() : []
            return (!state.isGathering || state.deliveries >= self.parts.options.foldBatch || state.awaited > 0, answers)
        }
        if mustWake { self.pending.broadcast() }
        for answer in answers { answer() }
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
                (account: delivery.account, amount: UsageTable.Amount(bytes: record.size(of: delivery), messages: 1))
            }
        }
        self.parts.usage.addPending(unfiled)
        self.take(records)
    }

    /// Waits until everything that was taken before this call is filed, or filing has stopped or waits for room on the disk.
    func waitUntilFiled() {
        let target = self.pending.withLock { state in
            state.hurried += 1
            return state.accepted
        }
        self.pending.broadcast()
        self.pending.wait(until: { $0.folded >= target || $0.isHopeless }, then: { $0.hurried -= 1 })
    }

    /// Nothing that was taken waits to be filed: the databases name every segment that a record of the log names.
    var hasFiledAll: Bool { self.pending.withLock { $0.folded >= $0.accepted } }

    /// Remembers unfinished ends of segments, for `check`; returns when that is done, or a check at once after the start would call
    /// them damage.
    func note(_ gaps: [(segment: UInt32, start: Int64, end: Int64)]) {
        guard !gaps.isEmpty else { return }
        let isNoted = Monitor(false)
        self.note(gaps) {
            isNoted.withLock { $0 = true }
            isNoted.broadcast()
        }
        isNoted.wait(until: { $0 }, then: { _ in })
    }

    /// The same without waiting for it.
    func noteLater(_ gaps: [(segment: UInt32, start: Int64, end: Int64)]) { self.note(gaps) {} }

    private func note(_ gaps: [(segment: UInt32, start: Int64, end: Int64)], _ noted: @escaping @Sendable () -> Void) {
        self.submit(
            Edit(
                work: { writer throws(StoreError) in
                    try StoreError.wrap { () throws(DatabaseError) in
                        for gap in gaps { try writer.connection.prepare(MailSQL.makeGap).run([Int64(gap.segment), gap.start, gap.end]) }
                    }
                    return noted
                }, failed: { _ in noted() }))
    }

    /// Puts a copy of a log segment's header into mail.db, on stable storage, before anything is promised about the segment: without its
    /// key none of its records can be told from other bytes. What cannot be written now comes with the first record that is filed.
    func keepHeader(of segment: UInt32) {
        let isKept = Monitor(false)
        let kept: @Sendable () -> Void = {
            isKept.withLock { $0 = true }
            isKept.broadcast()
        }
        self.submit(
            Edit(
                work: { writer throws(StoreError) in
                    try StoreError.wrap { () throws(DatabaseError) in try writer.know(segment, .log) }
                    return kept
                }, failed: { _ in kept() }))
        isKept.wait(until: { $0 }, then: { _ in })
    }

    /// Waits while more deliveries than `limit` are unfiled: acceptance then runs at the pace of filing. False when they stay so many
    /// because the disk is full.
    func waitForRoom(limit: Int) -> Bool {
        self.pending.wait(
            until: { $0.deliveries < limit || $0.isHopeless || $0.isStopped }, then: { $0.deliveries < limit || !$0.isHeld })
    }

    /// Runs `job` when everything accepted until now is filed; at once if it is, and without the newest mail when that cannot be filed
    /// now. `job` must be short.
    func afterFiling(_ job: @escaping @Sendable () -> Void) {
        let isReady = self.pending.withLock { state in
            if state.folded >= state.accepted || state.isHopeless || state.isStopped { return true }
            state.waiters.append((state.accepted, job))
            return false
        }
        if isReady { job() } else { self.pending.broadcast() }
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

    /// Now and then: starts a pass over tombstones when one is due.
    func lookForTombstones() {
        guard self.forgetting.isDue() else { return }
        self.pending.withLock { $0.mustForget = true }
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
}
