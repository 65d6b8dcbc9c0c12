internal import Database
internal import Glibc
package import MessageStore
package import SearchIndex
internal import Synchronization
package import Vocabulary

/// What is made of messages before somebody asks, behind everybody's back: their summaries and headers as soon as the change feed tells of
/// them, and what searches find them with. Only for accounts that somebody reads over IMAP, and the indexes only of those that were searched
/// once. It lives on a thread of its own of low priority, never on the way of mail; what waits is a bounded list of mailboxes, and how far each
/// was prepared is kept, so that a new start goes on where the last one stopped. Nothing depends on it: who asks before it is done
/// makes what he needs himself.
package final class MailboxUpkeep: Sendable {
    enum Job: Hashable, Sendable {
        /// All mailboxes of an account.
        case account(AccountID)
        case summaries(MailboxID)
        case index(MailboxID, AccountID)
        /// An index has many small pieces.
        case tidy(AccountID)
    }

    struct State: Sendable {
        /// In the order of their urgency.
        var summaries = UpkeepQueue<Job>(bound: MailboxUpkeep.mostWaiting)
        var accounts = UpkeepQueue<Job>(bound: MailboxUpkeep.mostWaiting)
        var indexes = UpkeepQueue<Job>(bound: MailboxUpkeep.mostWaiting)
        /// Somebody reads their mail; the day says until when that was noted.
        var readers: [AccountID: Int64] = [:]
        /// They were searched: they have an index.
        var searched: Set<AccountID> = []
        /// There was no room for a mailbox: all are looked through when there is.
        var hasLost = false
        /// A job is in hand.
        var isWorking = false
        var isStopped = false

        var isIdle: Bool { self.summaries.isEmpty && self.accounts.isEmpty && self.indexes.isEmpty && !self.hasLost }
    }

    static let mostWaiting = 50_000
    /// Milliseconds from the first message to when it is looked at.
    private static let gathering = 20
    /// Days for which an account counts as read after its last login.
    static let readerDays: Int64 = 60
    private static let secondsPerDay: Int64 = 86_400

    let store: MessageStore
    let indexes: SearchIndexes?
    let crashGuard: any CrashGuard
    private let now: @Sendable () -> Int64
    let state = Monitor(State())
    private let running = Mutex<(thread: Thread, subscription: ChangeFeed.Subscription)?>(nil)

    /// - Parameter indexes: nil does without.
    package init(
        store: MessageStore, indexes: SearchIndexes?, crashGuard: any CrashGuard, now: @escaping @Sendable () -> Int64
    ) {
        self.store = store
        self.indexes = indexes
        self.crashGuard = crashGuard
        self.now = now
    }

    /// Begins, with what came while nobody looked.
    package func start() {
        let today = self.now() / Self.secondsPerDay
        let readers = self.store.readers(since: today - Self.readerDays)
        let searched = self.indexes?.accounts() ?? []
        self.state.withLock { state in
            for reader in readers where state.readers[reader] == nil {
                state.readers[reader] = today - 1
                state.add(.account(reader))
            }
            for account in searched where state.searched.insert(account).inserted { state.add(.account(account)) }
        }
        let subscription = self.store.changes.subscribeAll { [weak self] in self?.changed($0) }
        let thread = Thread("imap-upkeep") { [self] in
            // Sessions and deliveries come first.
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 5)
            self.run()
        }
        self.running.withLock { $0 = (thread, subscription) }
    }

    /// Ends after what is in hand. Before the store is closed.
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
    package var isIdle: Bool { self.state.withLock { $0.isIdle && !$0.isWorking } }

    // MARK: What there is to do

    /// Runs on the store's thread.
    private func changed(_ changes: [(account: AccountID, mailbox: MailboxID)]) {
        let hasWork = self.state.withLock { state -> Bool in
            var hasWork = false
            for change in changes where state.readers[change.account] != nil {
                state.add(.summaries(change.mailbox))
                hasWork = true
            }
            return hasWork
        }
        if hasWork { self.state.signal() }
    }

    /// Somebody has logged in: from now on what comes for this account is prepared.
    func noteReader(_ account: AccountID) {
        let today = self.now() / Self.secondsPerDay
        let isNews = self.state.withLock { state -> Bool in
            guard state.readers[account] != today else { return false }
            if state.readers[account] == nil { state.add(.account(account)) }
            state.readers[account] = today
            return true
        }
        guard isNews else { return }
        self.store.noteReader(account, day: today)
        self.state.signal()
    }

    /// What a search may ask; nil when there can be no index now: then every message is asked. On an account's first search all its mailboxes
    /// are taken in behind it.
    func indexing(_ mailbox: MailboxID, of owner: AccountID) -> Indexing? {
        guard let indexes = self.indexes, let index = indexes.index(of: owner) else { return nil }
        let isFirst = self.state.withLock { state -> Bool in
            guard state.searched.insert(owner).inserted else { return false }
            state.add(.account(owner))
            return true
        }
        if isFirst { self.state.signal() }
        do throws(DatabaseError) {
            return Indexing(index, mailbox, through: try index.progress(of: mailbox)) { self.failed(owner, $0) }
        } catch {
            self.failed(owner, error)
            return nil
        }
    }

    /// A search had to ask messages that the index does not know.
    func isBehind(_ mailbox: MailboxID, of owner: AccountID) {
        self.state.withLock { $0.add(.index(mailbox, owner)) }
        self.state.signal()
    }

    /// Nothing depends on an index: a damaged one is begun anew.
    func failed(_ owner: AccountID, _ error: DatabaseError) {
        guard error.kind == .corrupt else { return }
        self.indexes?.beginAnew(owner)
        self.state.withLock { $0.add(.account(owner)) }
        self.state.signal()
    }

    // MARK: Doing it

    private func run() {
        var hand = UpkeepHand(self)
        var isGathered = false
        while true {
            // One by one messages would cost twice as much: what comes within some milliseconds is made together.
            if !isGathered {
                self.state.wait(until: { $0.isStopped || !$0.isIdle }, then: { _ in })
                self.state.wait(milliseconds: Self.gathering, until: { $0.isStopped }, then: { _ in })
            }
            let job: Job? = self.state.wait(
                until: { $0.isStopped || !$0.isIdle },
                then: { state in
                    guard !state.isStopped else { return nil }
                    let job = state.take()
                    state.isWorking = job != nil
                    return job
                })
            if let job {
                hand.perform(job)
                isGathered = self.state.withLock { state in
                    state.isWorking = false
                    return !state.isIdle
                }
            } else if self.isStopped {
                return
            }
        }
    }

    func add(_ job: Job) { self.state.withLock { $0.add(job) } }

    var isStopped: Bool { self.state.withLock { $0.isStopped } }
    func isSearched(_ account: AccountID) -> Bool { self.state.withLock { $0.searched.contains(account) } }
    func isRead(_ account: AccountID) -> Bool { self.state.withLock { $0.readers[account] != nil } }
}

extension MailboxUpkeep.State {
    mutating func add(_ job: MailboxUpkeep.Job) {
        let hasRoom =
            switch job {
            case .summaries: self.summaries.add(job)
            case .account: self.accounts.add(job)
            case .index, .tidy: self.indexes.add(job)
            }
        if !hasRoom { self.hasLost = true }
    }

    mutating func take() -> MailboxUpkeep.Job? {
        if let job = self.summaries.take() ?? self.accounts.take() ?? self.indexes.take() { return job }
        guard self.hasLost else { return nil }
        self.hasLost = false
        for account in Set(self.readers.keys).union(self.searched) { self.add(.account(account)) }
        return self.accounts.take()
    }
}
