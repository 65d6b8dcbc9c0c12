internal import Database
package import Directory
package import MessageStore
internal import Policy
internal import Routing
package import Vocabulary

// Invariants of this target:
// 1. An entry ends only together with its delivery, in one record of the store; whatever happens between, it is there or delivered.
// 2. Every failure puts the entry off by the schedule, so that nothing spins.
// 3. Where an address leads is looked up anew at each attempt.

/// Delivers what could not be delivered when its message was accepted: over quota, an account that was just going, a postmaster whom
/// nobody reads yet. One thread; entries one after the other.
package final class LocalDelivery: Sendable {
    private struct State {
        var isStopped = false
        var isWoken = false
        /// The directory changed: what waits may be deliverable before its time.
        var mustTryAll = false
    }

    private let directory: Directory
    private let store: MessageStore
    /// Gives back what cannot be delivered; nil where nothing may be sent, so that it waits instead.
    private let remote: RemoteDelivery?
    private let events: any EventSink
    /// Seconds since 1970.
    private let now: @Sendable () -> Int64
    private let state = Monitor(State())
    private let thread = Monitor<Thread?>(nil)

    /// Entries of one round.
    private static let batch = 200
    /// Milliseconds between two looks at the queue, when nothing calls.
    private static let pause = 60_000

    package init(
        directory: Directory, store: MessageStore, remote: RemoteDelivery? = nil, events: any EventSink,
        now: @escaping @Sendable () -> Int64
    ) {
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
            if channels.contains(.mailbox) { self?.wake() }
        }
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
    }

    private func waitForWork() -> Bool {
        let turn = self.state.wait(milliseconds: Self.pause, until: { $0.isStopped || $0.mustTryAll || $0.isWoken }) { state in
            defer { (state.mustTryAll, state.isWoken) = (false, false) }
            return state
        }
        guard !turn.isStopped else { return false }
        self.runOnce(everything: turn.mustTryAll)
        return true
    }

    /// One round: at most `batch` entries. Blocks. The number of those that were delivered.
    @discardableResult
    package func runOnce(everything: Bool = false) -> Int {
        // What is held is not due by any time.
        let until = everything ? MessageStore.never - 1 : self.now()
        guard let entries = try? self.store.queueEntries(due: .mailbox, until: until, limit: Self.batch) else { return 0 }
        var delivered = 0
        for entry in entries where !self.state.withLock({ $0.isStopped }) {
            if self.attempt(entry) { delivered += 1 }
        }
        return delivered
    }

    // MARK: One entry

    private func attempt(_ entry: StoredQueueEntry) -> Bool {
        guard let waiting = DeferredDelivery(decoding: entry.draft.payload)?.delivery else {
            self.putOff(entry, Reason("entry-unreadable", nil))
            return false
        }
        switch self.targets(entry.draft.recipient.address, waiting) {
        case .failure(let reason):
            self.putOff(entry, reason)
            return false
        case .success(let deliveries):
            return self.deliver(entry, deliveries)
        }
    }

    private struct Reason: Error {
        var text: String
        /// nil for what is nobody's failure and waits without end.
        var failure: DeliveryFailure?

        init(_ text: String, _ cause: DeliveryFailure.Cause?) {
            self.text = text
            self.failure = cause.map { DeliveryFailure($0) }
        }
    }

    private func targets(_ address: Address, _ waiting: PlannedDelivery) -> Result<[PlannedDelivery], Reason> {
        let recipients: [LocalRecipient]
        switch self.directory.snapshot.resolve(address) {
        case .account(let local): recipients = [local]
        case .postmaster(let postmaster) where postmaster.local.isEmpty: return .failure(Reason("postmaster-has-no-delivery-list", nil))
        case .postmaster(let postmaster): recipients = postmaster.local
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

    private func deliver(_ entry: StoredQueueEntry, _ deliveries: [PlannedDelivery]) -> Bool {
        let answer = Monitor<Result<MessageStore.Redelivery, StoreRefusal>?>(nil)
        self.store.redeliver(entry.id, as: deliveries) { result in
            answer.withLock { $0 = result }
            answer.signal()
        }
        switch answer.wait(until: { $0 != nil }, then: { $0 }) {
        case .success(.delivered):
            let facts = [("to", "\(entry.draft.recipient.address)"), ("attempts", "\(entry.attempts + 1)")]
            self.events.record(TrailEvent(.mailboxDeliver, "delivered", trace: entry.trace, facts), switchedBy: nil)
            return true
        case .success(.overQuota): self.putOff(entry, Reason("over-quota", .overQuota))
        case .success(.accountGone): self.putOff(entry, Reason("account-gone", .unknownHere))
        case .failure(let refusal): self.putOff(entry, Reason("\(refusal)", .local("\(refusal)")))
        case nil: self.putOff(entry, Reason("no-answer", .local("no answer")))
        }
        return false
    }

    /// Tried again by the schedule; back to the sender, or to whom the postmaster says, when that cannot help or there is no time left.
    private func putOff(_ entry: StoredQueueEntry, _ reason: Reason) {
        let policy = self.directory.configuration.queue
        let isReport = entry.envelope.sender == nil
        var due = policy.nextAttempt(after: entry.attempts + 1, acceptedAt: entry.since, isReport: isReport, now: self.now())
        if reason.failure?.isPermanent == true { due = nil }
        if due == nil, let failure = reason.failure, let remote = self.remote {
            self.events.record(
                TrailEvent(
                    .mailboxDeliver, "failed", trace: entry.trace, [("to", "\(entry.draft.recipient.address)"), ("reason", reason.text)]),
                switchedBy: nil)
            return remote.giveBack(FailedEntry(entry: entry, failure: failure, status: failure.status))
        }
        let next = due ?? self.now() + (policy.delays.last ?? 14_400)
        let mustWarn =
            reason.failure != nil
            && policy.isWarningDue(
                acceptedAt: entry.since, wasWarned: entry.flags.contains(.warned), isReport: isReport, now: self.now())
        let change = QueueChange.postpone(entry.id, until: next, attempts: 1, reason: reason.text, adding: mustWarn ? .warned : [])
        let isKept = (try? self.store.changeQueue([change])) != nil
        if mustWarn, isKept, let failure = reason.failure {
            self.remote?.warn(FailedEntry(entry: entry, failure: failure, status: failure.status))
        }
        let facts = [
            ("to", "\(entry.draft.recipient.address)"), ("reason", reason.text), ("attempts", "\(entry.attempts + 1)"), ("next", "\(next)"),
            ("kept", isKept ? "yes" : "no"),
        ]
        self.events.record(TrailEvent(.mailboxDeliver, "deferred", trace: entry.trace, facts), switchedBy: nil)
    }
}
