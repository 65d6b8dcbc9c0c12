internal import Database
package import Directory
package import MessageStore
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
    private let events: any EventSink
    /// Seconds since 1970.
    private let now: @Sendable () -> Int64
    private let state = Monitor(State())
    private let thread = Monitor<Thread?>(nil)

    /// Entries of one round.
    private static let batch = 200
    /// Milliseconds between two looks at the queue, when nothing calls.
    private static let pause = 60_000

    package init(directory: Directory, store: MessageStore, events: any EventSink, now: @escaping @Sendable () -> Int64) {
        self.directory = directory
        self.store = store
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
        let until = everything ? Int64.max : self.now()
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
            self.putOff(entry, "entry-unreadable")
            return false
        }
        switch self.targets(entry.draft.recipient.address, waiting) {
        case .failure(let reason):
            self.putOff(entry, reason.text)
            return false
        case .success(let deliveries):
            return self.deliver(entry, deliveries)
        }
    }

    private struct Reason: Error {
        var text: String
    }

    private func targets(_ address: Address, _ waiting: PlannedDelivery) -> Result<[PlannedDelivery], Reason> {
        let recipients: [LocalRecipient]
        switch self.directory.snapshot.resolve(address) {
        case .account(let local): recipients = [local]
        case .postmaster(let postmaster) where postmaster.local.isEmpty: return .failure(Reason(text: "postmaster-has-no-delivery-list"))
        case .postmaster(let postmaster): recipients = postmaster.local
        case .unknown(let reason): return .failure(Reason(text: reason.rawValue))
        case .handler, .remote, .redirected, .bangPath, .refused: return .failure(Reason(text: "not-deliverable-here"))
        }
        let usable = recipients.filter { $0.delivery.contains(.mailbox) }
        guard !usable.isEmpty else { return .failure(Reason(text: "no-mailbox")) }
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
        case .success(.overQuota): self.putOff(entry, "over-quota")
        case .success(.accountGone): self.putOff(entry, "account-gone")
        case .failure(let refusal): self.putOff(entry, "\(refusal)")
        case nil: self.putOff(entry, "no-answer")
        }
        return false
    }

    private func putOff(_ entry: StoredQueueEntry, _ reason: String) {
        let due = self.now() + RetrySchedule.delay(after: entry.attempts + 1)
        let isKept = try? self.store.postponeQueueEntry(entry.id, until: due, attempts: 1, reason: reason)
        let facts = [
            ("to", "\(entry.draft.recipient.address)"), ("reason", reason), ("attempts", "\(entry.attempts + 1)"), ("next", "\(due)"),
            ("kept", isKept == true ? "yes" : "no"),
        ]
        self.events.record(TrailEvent(.mailboxDeliver, "deferred", trace: entry.trace, facts), switchedBy: nil)
    }
}
