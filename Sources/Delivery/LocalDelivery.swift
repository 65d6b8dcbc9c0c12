internal import Bounces
internal import Database
package import Directory
package import MessageStore
internal import Policy
internal import Queue
internal import Routing
package import Vocabulary

// Invariants of this target:
// 1. An entry ends only together with its delivery, in one record of the store; whatever happens between, it is there or delivered.
// 2. Every failure puts the entry off by the schedule, so that nothing spins.
// 3. Where an address leads is looked up anew at each attempt.

/// Delivers what could not be delivered when its message was accepted (over quota, an account that was just going, a postmaster whom
/// nobody reads yet), and sends on what is to be forwarded. One thread; entries one after the other.
package final class LocalDelivery: Sendable {
    private struct State {
        var isStopped = false
        var isWoken = false
        /// The directory changed: what waits may be deliverable before its time.
        var mustTryAll = false
    }

    let directory: Directory
    let store: MessageStore
    /// Gives back what cannot be delivered; nil where nothing may be sent, so that it waits instead.
    let remote: RemoteDelivery?
    /// Acts as users of the operating system; nil where nobody does.
    let system: System?
    let events: any EventSink
    /// Seconds since 1970.
    let now: @Sendable () -> Int64
    private let state = Monitor(State())
    private let thread = Monitor<Thread?>(nil)
    /// Explanations that went out lately.
    let replies = Monitor(RateCounter(window: 3600))
    /// For accounts that answer by themselves; nil: there are no answers.
    let answering: Answering?
    /// Answers of each account lately.
    let answers = Monitor<[AccountID: RateCounter]>([:])
    /// A mailbox has no room: true when it has been so for too long.
    private let isFullForGood: @Sendable (AccountID) -> Bool

    /// Who does what, and where long messages may lie meanwhile.
    package struct System: Sendable {
        package var helper: SystemHelper
        package var directory: String

        package init(helper: SystemHelper, directory: String) {
            self.helper = helper
            self.directory = directory
        }
    }

    /// In this order in each round.
    private static let channels: [QueueDraft.Channel] = [.mailbox, .forward, .reply]
    /// Those that may take long, with threads of their own.
    private static let slow: [QueueDraft.Channel] = [.maildrop, .program]
    private let runners = Monitor<[MethodRunner]>([])
    /// Entries of one round.
    private static let batch = 200
    /// Milliseconds between two looks at the queue, when nothing calls.
    private static let pause = 60_000

    package init(
        directory: Directory, store: MessageStore, remote: RemoteDelivery? = nil, system: System? = nil, events: any EventSink,
        answering: Answering? = nil, isFullForGood: @escaping @Sendable (AccountID) -> Bool = { _ in false },
        now: @escaping @Sendable () -> Int64
    ) {
        self.system = system
        self.answering = answering
        self.isFullForGood = isFullForGood
        self.directory = directory
        self.store = store
        self.remote = remote
        self.events = events
        self.now = now
    }

    /// Begins to work; once.
    package func start() {
        self.directory.onChange { [weak self] _ in self?.tryAll() }
        self.store.whenQueued { [weak self] channels in
            self?.queued(channels)
        }
        self.remote?.whenLocalChanges { [weak self] in self?.wake() }
        let runners = Self.slow.map { channel in
            MethodRunner(channel, store: self.store, now: self.now) { [weak self] entry in
                guard let self else { return }
                _ = self.leased(entry) { entry in
                    // As it is now: it may have had its turn, or been held, since it was read.
                    guard let fresh = try? self.store.queueEntry(entry.id), fresh.draft.due <= self.now() else { return false }
                    return self.attempt(fresh)
                }
            }
        }
        self.runners.withLock { $0 = runners }
        self.thread.withLock { thread in
            guard thread == nil else { return }
            thread = Thread("local-delivery") { [weak self] in
                while let self, self.waitForWork() {}
            }
        }
    }

    /// Finishes the entry in hand. Blocks; before the store is closed.
    package func stop() {
        self.state.withLock { $0.isStopped = true }
        self.state.broadcast()
        self.system?.helper.stop()
        for runner in self.runners.withLock({ $0 }) { runner.stop() }
        self.thread.withLock { $0 }?.join()
    }

    /// Everything that waits is tried now, whatever its time.
    package func tryAll() {
        self.state.withLock { $0.mustTryAll = true }
        self.state.signal()
    }

    private func wake() {
        self.state.withLock { $0.isWoken = true }
        self.state.signal()
        for runner in self.runners.withLock({ $0 }) { runner.wake() }
    }

    private func queued(_ channels: Set<QueueDraft.Channel>) {
        for runner in self.runners.withLock({ $0 }) where channels.contains(runner.channel) { runner.wake() }
        guard !channels.isDisjoint(with: Self.channels) else { return }
        self.state.withLock { $0.isWoken = true }
        self.state.signal()
    }

    private func waitForWork() -> Bool {
        let turn = self.state.wait(milliseconds: Self.pause, until: { $0.isStopped || $0.mustTryAll || $0.isWoken }) { state in
            defer { (state.mustTryAll, state.isWoken) = (false, false) }
            return state
        }
        guard !turn.isStopped else { return false }
        self.round(everything: turn.mustTryAll)
        return true
    }

    /// One round: everything that is due, once. Blocks. The number of entries that were delivered or sent on.
    @discardableResult
    package func runOnce(everything: Bool = false) -> Int {
        self.round(everything: everything)
            + Self.slow.reduce(0) { $0 + self.run($1, everything ? MessageStore.never - 1 : self.now()) }
    }

    @discardableResult
    private func round(everything: Bool) -> Int {
        // What is held is not due by any time.
        let until = everything ? MessageStore.never - 1 : self.now()
        return Self.channels.reduce(0) { $0 + self.run($1, until) }
    }

    /// Batch by batch: each attempt ends its entry or puts it off, so that the next batch has others. When everything is tried, that does
    /// not hold; one batch is enough then, and what was put off to long ago comes by its time.
    private func run(_ channel: QueueDraft.Channel, _ until: Int64) -> Int {
        var delivered = 0
        var seen: Set<QueueID> = []
        while !self.isStopped, let entries = try? self.store.queueEntries(due: channel, until: until, limit: Self.batch) {
            let fresh = entries.filter { seen.insert($0.id).inserted }
            for entry in fresh where !self.isStopped {
                if self.leased(entry, self.attempt) { delivered += 1 }
            }
            guard entries.count == Self.batch, !fresh.isEmpty else { break }
        }
        return delivered
    }

    var isStopped: Bool { self.state.withLock { $0.isStopped } }

    /// Nobody else changes the entry meanwhile; false when somebody has it in hand.
    private func leased(_ entry: StoredQueueEntry, _ body: (StoredQueueEntry) -> Bool) -> Bool {
        guard let queue = self.remote?.environment.queue else { return body(entry) }
        guard !queue.claim([entry]).isEmpty else { return false }
        defer { queue.giveBack([entry]) }
        return body(entry)
    }

    // MARK: One entry

    private func attempt(_ entry: StoredQueueEntry) -> Bool {
        switch entry.draft.channel {
        case .maildrop, .program, .reply: return self.attemptMethod(entry)
        case .forward:
            guard let order = ForwardOrder(decoding: entry.draft.payload) else {
                return self.putOff(entry, Reason("entry-unreadable", nil))
            }
            return self.forward(entry, order)
        case .mailbox, .remote, .list, .form, .held: return self.attemptMailbox(entry)
        }
    }

    private func attemptMailbox(_ entry: StoredQueueEntry) -> Bool {
        if let remote = self.remote, case .handler(.configuration) = self.directory.snapshot.resolve(entry.draft.recipient.address) {
            return self.answerForm(entry, remote)
        }
        guard let waiting = DeferredDelivery(decoding: entry.draft.payload)?.delivery else {
            return self.putOff(entry, Reason("entry-unreadable", nil))
        }
        // Account 0: nothing was done for the recipient. Otherwise a mailbox is owed its copy, and what else there was is on its way.
        if waiting.account.rawValue == 0 || self.hasNoMailbox(entry) {
            if let locals = self.waitingForMethods(entry) { return self.expand(entry, locals, entry.traceFields) }
            if let order = self.forwarding(entry) { return self.send(entry, order) }
        }
        switch self.targets(entry.draft.recipient.address, waiting) {
        case .failure(let reason): return self.putOff(entry, reason)
        case .success(let deliveries): return self.deliver(entry, deliveries)
        }
    }

    struct Reason: Error {
        var text: String
        /// nil for what is nobody's failure and waits without end.
        var failure: DeliveryFailure?

        init(_ text: String, _ cause: DeliveryFailure.Cause?) {
            self.text = text
            self.failure = cause.map { DeliveryFailure($0) }
        }
    }

    func targets(_ address: Address, _ waiting: PlannedDelivery) -> Result<[PlannedDelivery], Reason> {
        let recipients: [LocalRecipient]
        switch self.directory.snapshot.resolve(address) {
        case .account(let local): recipients = [local]
        case .postmaster(let postmaster) where postmaster.local.isEmpty: return .failure(Reason("postmaster-has-no-delivery-list", nil))
        case .postmaster(let postmaster):
            // Of those on the list, the one who is owed the copy.
            let owed = postmaster.local.filter { $0.account == waiting.account }
            recipients = owed.isEmpty ? postmaster.local : owed
        case .unknown(let reason): return .failure(Reason(reason.rawValue, .unknownHere))
        case .handler, .remote, .redirected, .bangPath, .refused:
            return .failure(Reason("not-deliverable-here", .local("not deliverable here")))
        }
        let usable = recipients.filter { $0.delivery.contains(.mailbox) }
        guard !usable.isEmpty else { return .failure(Reason("no-mailbox", .local("no mailbox"))) }
        return .success(
            usable.map { local in
                var delivery = waiting
                if delivery.account != local.account { delivery.mailbox = nil }
                delivery.account = local.account
                delivery.quota = local.quota
                return delivery
            })
    }

    func deliver(_ entry: StoredQueueEntry, _ deliveries: [PlannedDelivery]) -> Bool {
        let confirm = self.confirmation(entry, .delivered, EnhancedStatus(2, 1, 5))
        let answer = Monitor<Result<MessageStore.Redelivery, StoreRefusal>?>(nil)
        self.store.redeliver(entry.id, as: deliveries) { result in
            answer.withLock { $0 = result }
            answer.signal()
        }
        switch answer.wait(until: { $0 != nil }, then: { $0 }) {
        case .success(.delivered):
            let facts = [
                ("to", "\(entry.draft.recipient.address)"), ("attempts", "\(entry.attempts + 1)"),
                ("age", "\(self.now() - entry.acceptedAt)"),
            ]
            self.events.record(TrailEvent(.mailboxDeliver, "delivered", trace: entry.trace, facts), switchedBy: nil)
            confirm()
            return true
        case .success(.overQuota):
            let isFinal = deliveries.first.map { self.isFullForGood($0.account) } ?? false
            return self.putOff(entry, Reason("over-quota", .overQuota), isFinal: isFinal)
        case .success(.accountGone): return self.putOff(entry, Reason("account-gone", .unknownHere))
        case .failure(let refusal): return self.putOff(entry, Reason("\(refusal)", .local("\(refusal)")))
        case nil: return self.putOff(entry, Reason("no-answer", .local("no answer")))
        }
    }

    /// What the sender asked to be told when it is done: composed before, while the message can be read.
    func confirmation(_ entry: StoredQueueEntry, _ action: DeliveryReport.Action, _ status: EnhancedStatus) -> () -> Void {
        guard entry.draft.recipient.notify?.contains(.success) == true, let remote = self.remote else { return {} }
        return remote.word(action, FailedEntry(entry: entry, failure: nil, status: status))
    }

    /// Tried again by the schedule; back to the sender, or to whom the postmaster says, when that cannot help or there is no time left.
    /// False: it was not delivered.
    @discardableResult
    func putOff(_ entry: StoredQueueEntry, _ reason: Reason, isFinal: Bool = false) -> Bool {
        let policy = self.directory.configuration.queue
        let isReport = entry.envelope.sender == nil
        var due = policy.nextAttempt(after: entry.attempts + 1, acceptedAt: entry.since, isReport: isReport, now: self.now())
        if isFinal || reason.failure?.isPermanent == true { due = nil }
        if due == nil, let failure = reason.failure, let remote = self.remote {
            self.events.record(
                TrailEvent(
                    .mailboxDeliver, "failed", trace: entry.trace, [("to", "\(entry.draft.recipient.address)"), ("reason", reason.text)]),
                switchedBy: nil)
            remote.giveBack(FailedEntry(entry: entry, failure: failure, status: failure.status))
            return false
        }
        let next = due ?? self.now() + (policy.delays.last ?? 14_400)
        let mustWarn =
            reason.failure != nil
            && policy.isWarningDue(
                acceptedAt: entry.since, wasWarned: entry.flags.contains(.warned), isReport: isReport, now: self.now())
        let change = QueueChange.postpone(entry.id, until: next, attempts: 1, reason: reason.text, adding: mustWarn ? .warned : [])
        let isKept = (try? self.store.changeQueue([change])) != nil
        if mustWarn, isKept, let failure = reason.failure {
            self.remote?.word(.delayed, FailedEntry(entry: entry, failure: failure, status: failure.status))()
        }
        let facts = [
            ("to", "\(entry.draft.recipient.address)"), ("reason", reason.text), ("attempts", "\(entry.attempts + 1)"), ("next", "\(next)"),
            ("kept", isKept ? "yes" : "no"),
        ]
        self.events.record(TrailEvent(.mailboxDeliver, "deferred", trace: entry.trace, facts), switchedBy: nil)
        return false
    }
}
