internal import Database
package import MessageStore
internal import NetKit
internal import Queue
internal import Routing
internal import Synchronization
internal import Text
internal import Vocabulary

// Invariants of the way to other hosts:
// 1. An entry ends only after the other host has said 250 to it, or together with the report that its sender gets, or because the postmaster says so.
// 2. What became of a message is on disk before its connection takes the next one: after a crash only what was in hand is sent again.
// 3. Every failure puts entries off by the schedule; nothing spins, and a next hop that takes nothing rests.
// 4. The next hop is looked up anew at each attempt: a changed route takes what waits with it.
// 5. No event loop waits for DNS, disk or database.

/// Brings queue entries to other hosts. One thread decides who gets a connection; couriers do the rest on event loops and workers.
package final class RemoteDelivery: Sendable {
    private struct State {
        var isStopped = false
        var isWoken = false
        var mustScan = true
        /// When the whole queue is looked through next, whoever calls.
        var nextScan: Int64 = 0
        /// Couriers under way.
        var couriers = 0
        /// Unix seconds.
        var nextCare: Int64 = 0
    }

    let environment: RemoteEnvironment
    let workers = WorkerPool("remote", threads: 4, bound: 100_000)
    let tls: ClientTLS
    let authorities: TrustedAuthorities
    /// Routes whose set-up is at fault; for `status`.
    package let troubles = RouteTroubles()
    /// nil where nothing is remembered.
    private let reporter: TransportReporter?
    private let state = Monitor(State())
    private let thread = Monitor<Thread?>(nil)
    let counted = RememberedSummary()
    private let onLocalChange = Monitor<@Sendable () -> Void>({})
    /// Where domains are whose user has just called, until a time.
    private let callers = Mutex<[String: (address: IPAddress, port: Int, until: Int64)]>([:])

    /// Milliseconds between two looks at the whole queue, when nothing calls.
    private static let pause = 60_000
    /// Next hops of one read.
    private static let page = 1000

    /// Reads what TLS needs from disk; blocks.
    package init(_ environment: RemoteEnvironment) throws {
        self.environment = environment
        self.tls = try ClientTLS()
        self.authorities = environment.authorities
        self.reporter = TransportReporter(environment)
    }

    // MARK: Life

    package func start() {
        self.environment.queue.start()
        self.environment.store.whenDestinationsQueued { [weak self] names in self?.arrived(names) }
        self.environment.directory.onChange { [weak self] _ in self?.scan() }
        self.thread.withLock { thread in
            guard thread == nil else { return }
            thread = Thread("remote-delivery") { [weak self] in
                while let self, self.turn() {}
            }
        }
    }

    /// Connections finish the message in hand, at most for so many milliseconds; then everything ends. Blocks.
    package func stop(within milliseconds: Int = 10_000) {
        self.state.withLock { $0.isStopped = true }
        self.state.broadcast()
        self.thread.withLock { $0 }?.join()
        self.environment.connector.drain()
        let isIdle = self.state.wait(milliseconds: milliseconds, until: { $0.couriers == 0 }, then: { $0.couriers == 0 })
        if !isIdle {
            self.environment.connector.cut()
            _ = self.state.wait(milliseconds: 5000, until: { $0.couriers == 0 }, then: { $0.couriers })
        }
        self.environment.queue.stop()
        self.counted.stop()
        self.workers.stop()
        self.environment.transport?.close()
    }

    /// What is remembered of other domains goes to disk.
    func saveTransport() {
        guard let transport = self.environment.transport else { return }
        _ = self.workers.submit { [weak self] in
            do {
                try transport.flush()
            } catch {
                self?.record("not-remembered", nil, [("reason", "\(error)")])
            }
        }
    }

    /// From now on so many connections to all hosts together.
    package func setConnectionLimit(_ count: Int) {
        self.environment.queue.book { $0.setConnectionLimit(count) }
        self.state.withLock { $0.isWoken = true }
        self.state.signal()
    }

    /// A user called for the mail of a domain: for a while what is released for it goes to where he called from.
    func expect(_ domain: String, at address: IPAddress, port: Int) {
        let now = self.environment.now()
        self.callers.withLock { callers in
            callers = callers.filter { $0.value.until > now }
            callers[domain] = (address, port, now + QueueReleaser.callTime)
        }
    }

    /// Nobody is under way.
    package var isIdle: Bool { self.state.withLock { $0.couriers == 0 } }

    /// Connections that stand; for tests and `status`.
    package var openConnections: Int { self.environment.connector.count }

    /// How the queue for other hosts stands; a long one as of a moment ago. Blocks.
    package func summary() throws(StoreError) -> QueueSummary {
        let environment = self.environment
        return try self.counted.value { () throws(StoreError) in
            try environment.store.queueSummary(.remote, now: environment.now(), heldFor: RemoteSettings.staysHereWords)
        }
    }

    /// Next hops that are left alone for now.
    package func resting(limit: Int) -> [(name: String, until: Int64)] {
        let now = self.environment.now()
        return self.environment.queue.book { $0.resting(now: now, limit: limit) }
    }

    var isStopped: Bool { self.state.withLock { $0.isStopped } }

    /// Looks through the whole queue again: settings or entries were changed.
    package func scan() {
        self.state.withLock { $0.mustScan = true }
        self.state.signal()
    }

    /// `handler` hears that somebody changed entries that wait for mailboxes here. One handler.
    package func whenLocalChanges(_ handler: @escaping @Sendable () -> Void) { self.onLocalChange.withLock { $0 = handler } }

    func localChanged() { self.onLocalChange.withLock { $0 }() }

    /// New entries have come.
    private func arrived(_ names: Set<String>) {
        let now = self.environment.now()
        self.environment.queue.noteNews(names)
        let areKnown = self.environment.queue.book { book in names.allSatisfy { book.noteWork($0, now: now) } }
        self.state.withLock { state in
            state.isWoken = true
            if !areKnown { state.mustScan = true }
        }
        self.state.signal()
    }

    // MARK: The thread

    private func turn() -> Bool {
        let state = self.state.wait(milliseconds: self.timeToWait(), until: { $0.isStopped || $0.isWoken || $0.mustScan }) { state in
            defer { state.isWoken = false }
            return state
        }
        guard !state.isStopped else { return false }
        let now = self.environment.now()
        if state.mustScan || state.nextScan <= now { self.lookThrough(now) }
        self.careForTransport()
        self.environment.queue.book { $0.refreshIfDue(now: now) }
        while let name = self.environment.queue.book({ $0.nextStart(now: now) }) {
            self.state.withLock { $0.couriers += 1 }
            self.launch(name)
        }
        return true
    }

    /// Milliseconds until the queue is looked through or a rest is over.
    private func timeToWait() -> Int {
        let rest = self.environment.queue.book { $0.nextRest }
        let next = min(rest, self.state.withLock { $0.nextScan })
        return Int(min(max(next - self.environment.now(), 0), Int64(Self.pause / 1000))) * 1000 + 1
    }

    /// An entry is put off until then: it must not wait for the next look.
    func willBeDue(_ time: Int64) {
        let isSooner = self.state.withLock { state in
            defer { state.nextScan = min(state.nextScan, time) }
            return time < state.nextScan
        }
        if isSooner { self.state.withLock { $0.isWoken = true } }
        if isSooner { self.state.signal() }
    }

    /// Finds the next hops that have something due, page by page, while there is room to remember them. Each look costs a step in an index
    /// for every next hop: while much is under way it comes once a second at most.
    private func lookThrough(_ now: Int64) {
        self.state.withLock { $0.mustScan = false }
        var last = ""
        while !self.isStopped, let page = try? self.environment.store.queueDestinations(.remote, after: last, limit: Self.page) {
            let hasRoom = self.environment.queue.book { book in
                for destination in page where destination.due <= now { book.noteWork(destination.name, now: now) }
                return book.hasRoom
            }
            guard let end = page.last?.name, page.count == Self.page, hasRoom else { break }
            last = end
        }
        _ = self.environment.queue.book { $0.refresh(now: now) }
        // What is due and still here is in somebody's hands, or there was no room to remember it: a second is soon enough.
        let due = (try? self.environment.store.nextQueueTime(.remote)) ?? nil
        let pause = Int64(Self.pause / 1000)
        let next = now + min(max((due ?? .max / 2) - now, 1), pause)
        self.state.withLock { $0.nextScan = next }
    }

    /// Once a minute: what was counted is written, and yesterday's is reported.
    private func careForTransport() {
        let now = self.environment.now()
        let isDue = self.state.withLock { state in
            guard now >= state.nextCare else { return false }
            state.nextCare = now + 60
            return true
        }
        guard isDue, let transport = self.environment.transport else { return }
        _ = self.workers.submit { [weak self] in
            try? transport.flush()
            self?.reporter?.work()
        }
    }

    // MARK: Couriers

    private func launch(_ name: String) {
        let isTaken = self.workers.submit {
            guard let transaction = self.nextTransaction(name) else { return self.ended(name, .done) }
            Courier(self, name, transaction).run()
        }
        if !isTaken { self.ended(name, .broken) }
    }

    /// A courier is home again. Called once for each that was launched.
    /// - Parameter rest: seconds for which a dead next hop is left alone, where that is longer than usual.
    func ended(_ name: String, _ ending: OutboundBook.Ending, wasServing: Bool = false, rest: Int64 = 0) {
        let now = self.environment.now()
        let isLast = self.environment.queue.book { book in
            book.ended(name, ending, wasServing: wasServing, rest: rest, now: now)
            return (book[name]?.connections ?? 0) == 0
        }
        // Nobody is there to take what was read ahead.
        if isLast { self.environment.queue.release(name) }
        self.state.withLock { state in
            state.couriers -= 1
            state.isWoken = true
        }
        self.state.broadcast()
    }

    /// Where an entry goes next; nil when its address has no domain that could be asked for.
    private func hop(_ entry: StoredQueueEntry, _ settings: RemoteSettings) -> NextHop? {
        guard let domain = DomainName.normalized(entry.draft.recipient.address.domain) else { return nil }
        let hop = settings.routes.hop(for: domain)
        let now = self.environment.now()
        if let caller = self.callers.withLock({ $0[domain] }), caller.until > now { return .address(caller.address, port: caller.port) }
        guard hop == .hold, entry.flags.contains(.released) else { return hop }
        // Released by hand: as if there were no route.
        return RouteTable().hop(to: entry.draft.recipient.address)
    }

    /// The next entries for a next hop. Entries whose route has changed are sent on their new way. Blocks.
    func nextTransaction(_ name: String) -> Transaction? {
        let settings = self.environment.settings()
        while !self.isStopped {
            guard let entries = try? self.environment.queue.take(name, now: self.environment.now()), !entries.isEmpty else { return nil }
            var stay: [StoredQueueEntry] = []
            var hop: NextHop?
            var changes: [QueueChange] = []
            var moved: [QueueID] = []
            for entry in entries {
                guard let next = self.hop(entry, settings) else {
                    self.settle([entry], [.failed(.badAddress("the domain is no name"))], host: nil, address: nil) { _ in }
                    continue
                }
                if next == .hold {
                    moved.append(entry.id)
                    changes.append(.hold(entry.id, reason: "waits until its route is released", flags: .heldByRoute))
                } else if next.queueName == name {
                    stay.append(entry)
                    hop = next
                } else {
                    moved.append(entry.id)
                    changes.append(.move(entry.id, destination: next.queueName, due: entry.draft.due))
                }
            }
            if !changes.isEmpty { self.environment.queue.settle(changes, freeing: moved) { _ in self.scan() } }
            if let hop { return Transaction(entries: stay, hop: hop) }
        }
        return nil
    }
}
