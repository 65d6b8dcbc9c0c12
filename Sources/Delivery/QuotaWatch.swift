internal import Bounces
internal import Database
package import Directory
internal import Forms
package import MessageStore
internal import NIOCore
package import Queue
internal import Synchronization
package import Vocabulary

/// Tells owners, once, that their mailbox is nearly full, and knows since when one is full. It hears of every change from the store's feed and looks on a
/// thread of its own; nothing waits for it.
package final class QuotaWatch: Sendable {
    /// What it works with.
    package struct World: Sendable {
        package var directory: Directory
        package var store: MessageStore
        /// nil: owners may be told once more after a restart.
        package var ledger: AccountLedger?
        package var events: any EventSink
        package var now: @Sendable () -> Int64
        /// Minutes east of UTC at a time.
        package var offset: @Sendable (Int64) -> Int
        package var random: @Sendable (Int) -> [UInt8]
        package var makeTrace: @Sendable () -> TraceID

        package init(
            directory: Directory, store: MessageStore, ledger: AccountLedger?, events: any EventSink, now: @escaping @Sendable () -> Int64,
            offset: @escaping @Sendable (Int64) -> Int, random: @escaping @Sendable (Int) -> [UInt8],
            makeTrace: @escaping @Sendable () -> TraceID
        ) {
            self.directory = directory
            self.store = store
            self.ledger = ledger
            self.events = events
            self.now = now
            self.offset = offset
            self.random = random
            self.makeTrace = makeTrace
        }
    }

    private struct State {
        var due: Set<AccountID> = []
        var fullness: [AccountID: AccountLedger.Fullness] = [:]
        var isWorking = false
        var isStopped = false
    }

    private let world: World
    private let state: Monitor<State>
    private let running = Mutex<(thread: Thread, subscription: ChangeFeed.Subscription)?>(nil)

    /// Accounts that wait to be looked at; beyond it the next message of one will bring it back.
    private static let mostDue = 200_000
    /// Milliseconds in which what comes for an account is looked at once.
    private static let gathering = 100

    /// Blocks: reads what was known before.
    package init(_ world: World) {
        self.world = world
        var state = State()
        state.fullness = (try? world.ledger?.fullness()) ?? [:]
        self.state = Monitor(state)
    }

    // MARK: Life

    package func start() {
        let subscription = self.world.store.changes.subscribeAll { [weak self] changes in self?.changed(changes.map(\.account)) }
        let thread = Thread("quota-watch") { [weak self] in
            while let self, self.turn() {}
        }
        self.running.withLock { $0 = (thread, subscription) }
    }

    /// Before the store is closed. Blocks.
    package func stop() {
        self.state.withLock { $0.isStopped = true }
        self.state.broadcast()
        let running = self.running.withLock { running in
            defer { running = nil }
            return running
        }
        running?.thread.join()
    }

    /// Nothing waits, and nothing is in hand; for tests.
    package var isIdle: Bool { self.state.withLock { $0.due.isEmpty && !$0.isWorking } }

    /// Runs on the store's thread.
    private func changed(_ accounts: [AccountID]) {
        let snapshot = self.world.directory.snapshot
        let hasWork = self.state.withLock { state -> Bool in
            let before = state.due.count
            for account in accounts where state.due.count < Self.mostDue {
                if snapshot.recipient(account)?.quota != nil || state.fullness[account] != nil { state.due.insert(account) }
            }
            return state.due.count > before
        }
        if hasWork { self.state.signal() }
    }

    // MARK: Full mailboxes

    /// A message does not fit into the account's mailbox. True when it has been full for so long that mail for it is refused for good.
    /// From any thread; must not block.
    package func isFullForGood(_ account: AccountID) -> Bool {
        guard let grace = self.world.directory.configuration.storage.overQuotaGrace else { return false }
        guard grace > 0 else { return true }
        let now = self.world.now()
        let (since, isNew) = self.state.withLock { state -> (Int64, Bool) in
            if let since = state.fullness[account]?.filled { return (since, false) }
            state.fullness[account, default: AccountLedger.Fullness()].filled = now
            state.due.insert(account)
            return (now, true)
        }
        if isNew { self.state.signal() }
        return now - since >= grace
    }

    // MARK: Looking

    private func turn() -> Bool {
        let goesOn = self.state.wait(until: { $0.isStopped || !$0.due.isEmpty }) { !$0.isStopped }
        guard goesOn else { return false }
        self.state.wait(milliseconds: Self.gathering, until: { $0.isStopped }, then: { _ in })
        let due = self.state.withLock { state in
            defer { state.due = [] }
            state.isWorking = true
            return state.due
        }
        defer { self.state.withLock { $0.isWorking = false } }
        for account in due {
            guard !self.state.withLock({ $0.isStopped }) else { return false }
            self.look(account)
        }
        return true
    }

    private func look(_ account: AccountID) {
        let snapshot = self.world.directory.snapshot
        let known = self.state.withLock { $0.fullness[account] }
        guard let quota = snapshot.recipient(account)?.quota, quota > 0 else { return self.keep(nil, of: account, known) }
        guard let used = self.usage(of: account) else { return }
        let percent = snapshot.configuration.storage.warnFrom
        // As a share, so that no size overflows.
        let share = Double(used) / Double(quota) * 100
        guard share >= Double(percent ?? 90) else { return self.keep(nil, of: account, known) }
        var now = known ?? AccountLedger.Fullness()
        if percent != nil, now.warned == nil {
            guard self.warn(account, used: used, quota: quota) else { return }
            now.warned = self.world.now()
        }
        self.keep(now, of: account, known)
    }

    private func keep(_ fullness: AccountLedger.Fullness?, of account: AccountID, _ before: AccountLedger.Fullness?) {
        self.state.withLock { $0.fullness[account] = fullness }
        guard fullness != before || fullness?.filled != nil else { return }
        try? self.world.ledger?.note(fullness, of: account)
    }

    private func usage(of account: AccountID) -> Int64? {
        // For a shorter time than usual: a disk that hangs must not keep the server from stopping.
        let usage: AccountUsage? = try? StoreWait.value(seconds: 30) { self.world.store.usage(of: account, completion: $0) }
        return usage?.bytes
    }

    // MARK: Telling

    /// False when it could not be sent now: the next message brings the account back.
    private func warn(_ account: AccountID, used: Int64, quota: Int64) -> Bool {
        let snapshot = self.world.directory.snapshot
        guard let owner = snapshot.recipient(account), let postmaster = snapshot.postmaster else { return false }
        let language = snapshot.language(account)
        var message = HouseMessage(
            hostName: snapshot.configuration.hostName, from: (postmaster.primary, "Mail Administrator"),
            subject: QuotaWarning.subject(used: used, quota: quota).text(language),
            lines: QuotaWarning.lines(
                used: used, quota: quota, grace: snapshot.configuration.storage.overQuotaGrace,
                owner: (snapshot.author(account)?.name ?? "", owner.primary), postmaster: postmaster.primary,
                site: snapshot.configuration.siteText(MessageTextField.warning, language), language))
        message.to = [owner.primary]
        let now = self.world.now()
        let bytes = message.compose(now: now, offset: self.world.offset(now), random: self.world.random(32))
        let envelope = Envelope(sender: nil, recipients: [Envelope.Recipient(owner.primary, notify: .never)])
        let house = HouseMail(directory: self.world.directory, store: self.world.store, now: self.world.now)
        // It is about the room that is left, and goes where there is none.
        guard case .sent = house.send(bytes, envelope, trace: self.world.makeTrace(), ignoresQuota: true) else { return false }
        let facts = [("to", "\(owner.primary)"), ("bytes", "\(used)"), ("quota", "\(quota)")]
        self.world.events.record(TrailEvent(.mailboxDeliver, "quota-warning", trace: nil, facts), switchedBy: nil)
        return true
    }
}
