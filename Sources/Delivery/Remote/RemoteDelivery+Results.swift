internal import Bounces
internal import Database
package import MessageStore
internal import Policy
internal import Queue
internal import Routing
internal import SMTPWire
internal import Vocabulary

// What became of entries: what is written, what is logged, who is told.
extension RemoteDelivery {
    /// Makes the results of one transaction durable. The completion says whether they are; it comes on any thread.
    func settle(
        _ entries: [StoredQueueEntry], _ results: [SMTPClientReport.Result], host: String?, address: IPAddress?, passedDSN: Bool = true,
        note: String = "", _ completion: @escaping @Sendable (Bool) -> Void
    ) {
        let now = self.environment.now()
        let settings = self.environment.settings()
        var outcome = Outcomes()
        for (entry, result) in zip(entries, results) {
            switch result {
            case .delivered(let reply):
                outcome.delivered(entry, reply, passedDSN: passedDSN)
                self.recordDelivered(entry, reply, host, address, now)
            case .failed(let cause):
                let failure = DeliveryFailure(cause, remoteHost: host, remoteAddress: address)
                self.decide(entry, failure, settings, now, note, &outcome)
            }
        }
        if entries.contains(where: { !$0.flags.contains(.held) }), !outcome.reachedHost.isEmpty {
            self.environment.queue.book { book in for name in outcome.reachedHost { book.succeeded(name) } }
        }
        self.carryOut(outcome, settings, completion)
    }

    /// What is to be done for the entries of one transaction.
    struct Outcomes: Sendable {
        var changes: [QueueChange] = []
        /// Entries that `changes` settles.
        var settled: [QueueID] = []
        var returned: [FailedEntry] = []
        var warned: [FailedEntry] = []
        var confirmed: [FailedEntry] = []
        /// Next hops that took something.
        var reachedHost: Set<String> = []

        mutating func delivered(_ entry: StoredQueueEntry, _ reply: Reply, passedDSN: Bool) {
            self.changes.append(.finish(entry.id))
            self.settled.append(entry.id)
            self.reachedHost.insert(entry.draft.destination)
            if !passedDSN, entry.draft.recipient.notify?.contains(.success) == true {
                self.confirmed.append(FailedEntry(entry: entry, failure: nil, status: reply.status ?? EnhancedStatus(2, 0, 0)))
            }
        }
    }

    private func decide(
        _ entry: StoredQueueEntry, _ failure: DeliveryFailure, _ settings: RemoteSettings, _ now: Int64, _ note: String,
        _ outcome: inout Outcomes
    ) {
        let isReport = entry.envelope.sender == nil
        let spread = self.environment.random(2).reduce(Int64(0)) { $0 << 8 | Int64($1) } & 1023
        let next =
            failure.isPermanent
            ? nil
            : settings.policy.nextAttempt(
                after: entry.attempts + 1, acceptedAt: entry.since, isReport: isReport, now: now, spread: spread)
        let reason = failure.words.text(.english)
        var facts = [
            ("to", "\(entry.draft.recipient.address)"), ("host", failure.remoteHost ?? ""),
            ("address", failure.remoteAddress.map { "\($0)" } ?? ""), ("status", "\(failure.status)"), ("reason", reason),
            ("attempts", "\(entry.attempts + 1)"),
        ]
        if !note.isEmpty { facts.append(("note", note)) }
        if failure.cause == RemoteSettings.staysHere {
            self.record("held", entry.trace, facts + [("why", RemoteSettings.staysHereWords)])
            outcome.changes.append(.hold(entry.id, reason: RemoteSettings.staysHereWords, flags: .heldByRoute))
            outcome.settled.append(entry.id)
            return
        }
        guard let next else {
            if failure.isPermanent { self.environment.refused(entry.trace) }
            self.record("failed", entry.trace, facts)
            outcome.returned.append(FailedEntry(entry: entry, failure: failure, status: failure.status))
            return
        }
        self.record("deferred", entry.trace, facts + [("next", "\(next)")])
        self.willBeDue(next)
        let mustWarn = settings.policy.isWarningDue(
            acceptedAt: entry.since, wasWarned: entry.flags.contains(.warned), isReport: isReport, now: now)
        outcome.changes.append(.postpone(entry.id, until: next, attempts: 1, reason: reason, adding: mustWarn ? .warned : []))
        outcome.settled.append(entry.id)
        if mustWarn { outcome.warned.append(FailedEntry(entry: entry, failure: failure, status: failure.status)) }
    }

    private func carryOut(_ outcome: Outcomes, _ settings: RemoteSettings, _ completion: @escaping @Sendable (Bool) -> Void) {
        let environment = self.environment
        let returner = Returner(environment, settings)
        let tell: @Sendable () -> Void = {
            if !outcome.warned.isEmpty { returner.tell(.delayed, outcome.warned) }
            if !outcome.confirmed.isEmpty { returner.tell(.relayed, outcome.confirmed) }
            guard !outcome.returned.isEmpty else { return completion(true) }
            returner.giveBack(outcome.returned, completion)
        }
        let needsWorker = !(outcome.warned.isEmpty && outcome.confirmed.isEmpty && outcome.returned.isEmpty)
        environment.queue.settle(outcome.changes, freeing: outcome.settled) { isKept in
            guard isKept else {
                self.record("not-written", nil, [("entries", "\(outcome.settled.count)")])
                return completion(false)
            }
            guard needsWorker else { return completion(true) }
            if !self.workers.submit(tell) {
                // They are as they were, and tried again: nothing is lost.
                environment.queue.settle([], freeing: outcome.returned.map(\.entry.id)) { _ in }
                completion(false)
            }
        }
    }

    /// An entry of another channel that failed for good. Blocks until it is settled: its channel does not look at it meanwhile.
    func giveBack(_ item: FailedEntry) {
        let isDone = Monitor(false)
        Returner(self.environment, self.environment.settings()).giveBack([item]) { _ in
            isDone.withLock { $0 = true }
            isDone.signal()
        }
        // Bounded: a disk that hangs must not hang the thread for ever.
        _ = isDone.wait(milliseconds: 60_000, until: { $0 }, then: { $0 })
    }

    /// A word to the sender of such an entry, composed now and sent when the caller says so. Blocks.
    func word(_ action: DeliveryReport.Action, _ item: FailedEntry) -> () -> Void {
        Returner(self.environment, self.environment.settings()).word(action, [item])
    }

    // MARK: A next hop that takes nothing

    /// Everything that is due there failed with this one failure, in portions; then the next hop rests.
    func failAll(_ name: String, _ first: Transaction, _ failure: DeliveryFailure) {
        self.failPortion(name, first.entries, first.hop, failure, [])
    }

    /// - Parameter spared: entries that do not share the failure, since they ask for delivery without TLS (one message is tried at the end), or
    ///   for TLS at any price.
    private func failPortion(
        _ name: String, _ all: [StoredQueueEntry], _ hop: NextHop, _ failure: DeliveryFailure, _ before: [StoredQueueEntry]
    ) {
        let isAboutTLS = if case .tlsRequired = failure.cause { true } else { false }
        let mayShare: (StoredQueueEntry) -> Bool = { !isAboutTLS || !($0.envelope.isTLSOptional || $0.envelope.demandsTLS) }
        let spared = before + all.filter { !mayShare($0) }
        let entries = all.filter(mayShare)
        let results = entries.map { _ in SMTPClientReport.Result.failed(failure.cause) }
        self.settle(entries, results, host: failure.remoteHost, address: failure.remoteAddress) { isKept in
            let isTaken = self.workers.submit {
                let rest = isKept && !self.isStopped ? (try? self.environment.queue.takeRest(name, now: self.environment.now())) ?? [] : []
                guard rest.isEmpty else { return self.failPortion(name, rest, hop, failure, spared) }
                self.tryWithoutTLS(name, hop, spared, rest: Self.rest(failure))
            }
            if !isTaken { self.ended(name, .dead) }
        }
    }

    /// The end of `failAll`: one message that asks for it goes without TLS over the connection that this courier has; the others come back.
    private func tryWithoutTLS(_ name: String, _ hop: NextHop, _ spared: [StoredQueueEntry], rest: Int64) {
        guard let first = spared.first(where: \.envelope.isTLSOptional), !self.isStopped else {
            if !spared.isEmpty { self.environment.queue.giveBack(spared) }
            return self.ended(name, .dead, rest: rest)
        }
        self.environment.queue.giveBack(spared.filter { $0.blob != first.blob })
        self.recordTLSNotRequired(name)
        Courier(self, name, Transaction(entries: spared.filter { $0.blob == first.blob }, hop: hop), isRelaxed: true).run()
    }

    func recordTLSNotRequired(_ name: String) {
        self.record("tls-not-required", nil, [("domain", name), ("reason", "the message says TLS-Required: No")])
    }

    // MARK: Messages that ended the server

    /// It was in hand at two crashes.
    func isBlamed(_ entry: StoredQueueEntry) -> Bool { self.environment.crashGuard.isBlamed(ContentHash(entry.blob)) }

    /// Not tried a third time by itself: it waits for the postmaster, who is asked. Blocks.
    func holdBlamed(_ entries: [StoredQueueEntry]) {
        let failure = DeliveryFailure(.local("its delivery ended the server twice"))
        let items = entries.map { entry in
            var item = FailedEntry(entry: entry, failure: failure, status: failure.status, as: .refused)
            item.heldWords = "its delivery ended the server twice"
            return item
        }
        for item in items { self.record("blamed", item.entry.trace, [("to", "\(item.entry.draft.recipient.address)")]) }
        let changes = Returner(self.environment, self.environment.settings()).hold(items)
        self.environment.queue.settle(changes, freeing: entries.map(\.id)) { _ in }
    }

    /// A wrong password is not tried every minute: hosts shut out who does that.
    private static func rest(_ failure: DeliveryFailure) -> Int64 { if case .routeLogin = failure.cause { 600 } else { 0 } }

    /// Somebody has set the login of a route anew: what waits for it is tried now. So many entries. Blocks.
    package func retry(_ hops: Set<String>) throws(StoreError) -> Int {
        var count = 0
        for name in hops {
            self.troubles.forget(name)
            let waiting = try self.environment.store.queueEntries(
                .remote, destination: name, until: MessageStore.never - 1, limit: Self.mostRetried)
            for start in stride(from: 0, to: waiting.count, by: 500) {
                count += try self.edit(Array(waiting[start..<min(start + 500, waiting.count)]), .retry).done
            }
            self.environment.queue.book { $0.wake(name, now: self.environment.now()) }
        }
        self.scan()
        return count
    }
    private static let mostRetried = 20_000

    /// The body cannot be read: the entries are set aside for somebody to look at, and stop nobody.
    func setAside(_ transaction: Transaction, _ error: StoreError) {
        let ids = transaction.entries.map(\.id)
        if case .busy = error { return self.environment.queue.giveBack(transaction.entries) }
        self.record("unreadable", transaction.trace, [("reason", "\(error)")])
        let changes = ids.map { QueueChange.hold($0, reason: "the message cannot be read: \(error)", flags: []) }
        self.environment.queue.settle(changes, freeing: ids) { _ in }
    }

    // MARK: Events

    private func recordDelivered(_ entry: StoredQueueEntry, _ reply: Reply, _ host: String?, _ address: IPAddress?, _ now: Int64) {
        self.record(
            "delivered", entry.trace,
            [
                ("to", "\(entry.draft.recipient.address)"), ("host", host ?? ""), ("address", address.map { "\($0)" } ?? ""),
                ("reply", "\(reply.code) \(reply.text)"), ("attempts", "\(entry.attempts + 1)"), ("age", "\(now - entry.acceptedAt)"),
            ])
    }

    func record(_ event: String, _ trace: TraceID?, _ facts: @autoclosure () -> [(key: String, value: String)]) {
        self.environment.events.record(TrailEvent(.smtpDeliver, event, trace: trace, facts()), switchedBy: nil)
    }
}
