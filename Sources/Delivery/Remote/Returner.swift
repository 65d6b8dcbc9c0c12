internal import Bounces
internal import Database
internal import MessageStore
internal import NIOCore
internal import Policy
internal import Queue
internal import Routing
internal import Vocabulary

/// Tells senders what became of their messages. A report is accepted like any message, and the entries that it tells of end in the same
/// moment: whatever happens in between, there is either the entry or the report. Calls block.
struct Returner: Sendable {
    private let environment: RemoteEnvironment
    private let settings: RemoteSettings

    init(_ environment: RemoteEnvironment, _ settings: RemoteSettings) {
        self.environment = environment
        self.settings = settings
    }

    /// Entries of one message that failed for good: back to the sender, or held where the postmaster wants to decide.
    /// - Parameter byHand: the postmaster has decided already: nothing is held for him.
    func giveBack(_ failed: [FailedEntry], byHand: Bool = false, _ completion: @escaping @Sendable (Bool) -> Void) {
        var others: [QueueChange] = []
        var told: [FailedEntry] = []
        var dropped: [FailedEntry] = []
        var asked: [FailedEntry] = []
        for item in failed {
            if !byHand, !item.entry.isNotice, self.settings.responses[item.failureClass].action == .hold {
                asked.append(item)
                continue
            }
            switch self.verdict(.failed, item) {
            case .send: told.append(item)
            case .postmasterOnly, .silent:
                dropped.append(item)
                others.append(.finish(item.entry.id))
                self.record("not-returned", item.entry, [("to", "\(item.entry.draft.recipient.address)")])
            }
        }
        for (_, items) in Dictionary(grouping: asked, by: \.failureClass) { others += self.hold(items) }
        if !dropped.isEmpty { self.teller.notify(dropped, .dropped) }
        self.sendBack(told, others: others, freeing: failed.map(\.entry.id), byHand: byHand, completion)
    }

    /// Recipients of one message that failed alike: one question for all. It goes out first: were it the other way round, a crash between
    /// the two would leave a held message of which nobody knows.
    func hold(_ items: [FailedEntry]) -> [QueueChange] {
        let isAsked = self.teller.ask(items)
        let now = self.environment.now()
        return items.map { item in
            guard isAsked else {
                return .postpone(item.entry.id, until: now + 300, attempts: 0, reason: "question not accepted", adding: [])
            }
            self.record("held", item.entry, [("to", "\(item.entry.draft.recipient.address)"), ("class", item.failureClass.rawValue)])
            return .hold(item.entry.id, reason: item.heldReason, flags: [])
        }
    }

    var teller: PostmasterTeller { PostmasterTeller(self.environment, self.settings, self) }

    private func verdict(_ action: DeliveryReport.Action, _ item: FailedEntry) -> ReportPolicy.Verdict {
        let sender = item.entry.envelope.sender
        return ReportPolicy.verdict(action, item.entry.draft.recipient, sender: sender, returnPath: self.returnPath(sender))
    }

    /// Whose address it is. Of strangers nobody vouches for it yet.
    private func returnPath(_ sender: Address?) -> ReportPolicy.ReturnPath {
        guard let sender else { return .unverified }
        let snapshot = self.environment.directory.snapshot
        if snapshot.account(holding: sender) != nil { return .own }
        switch snapshot.resolveTarget(sender) {
        case .account, .postmaster, .handler: return .own
        case .remote, .redirected, .bangPath, .refused, .unknown: return .unverified
        }
    }

    private func sendBack(
        _ told: [FailedEntry], others: [QueueChange], freeing ids: [QueueID], byHand: Bool,
        _ completion: @escaping @Sendable (Bool) -> Void
    ) {
        let (queue, now) = (self.environment.queue, self.environment.now())
        let ended = others + told.map { .finish($0.entry.id) }
        // Who returns by hand hears that it did not come about, and the entries are as they were.
        let putOff =
            byHand
            ? others
            : others + told.map { .postpone($0.entry.id, until: now + 300, attempts: 0, reason: "report not accepted", adding: []) }
        let whenPutOff: @Sendable (Bool) -> Void = { isKept in completion(isKept && !byHand) }
        switch self.report(.failed, told, finishing: told.map(\.entry.id)) {
        case .nobody:
            for item in told { self.record("not-returned", item.entry, [("to", "\(item.entry.draft.recipient.address)")]) }
            if !told.isEmpty { self.teller.notify(told, .dropped) }
            queue.settle(ended, freeing: ids, completion)
        case .notNow: queue.settle(putOff, freeing: ids, whenPutOff)
        case .message(let report):
            // Composed here: the store's own thread, on which the answer comes, must not wait for anything.
            let notices = self.teller.notices(told, .returned)
            self.environment.store.accept(report) { result in
                switch result {
                case .success:
                    self.record(
                        "returned", told.first?.entry, [("to", "\(report.envelope.recipients.first.map { "\($0.address)" } ?? "")")])
                    notices()
                    // Their rows go when the report is filed; that they go now, before they are free, keeps them from being sent again.
                    queue.settle(ended, freeing: ids, completion)
                case .failure(let refusal):
                    self.record("report-not-accepted", told.first?.entry, [("reason", "\(refusal)")])
                    queue.settle(putOff, freeing: ids, whenPutOff)
                }
            }
        }
    }

    /// A warning, or a confirmation that was asked for. Nothing hangs on it.
    func tell(_ action: DeliveryReport.Action, _ items: [FailedEntry]) { self.word(action, items)() }

    /// The same in two steps: composed now, while the message can be read, and sent when the caller says so.
    func word(_ action: DeliveryReport.Action, _ items: [FailedEntry]) -> () -> Void {
        let told = items.filter { self.verdict(action, $0) == .send }
        guard !told.isEmpty, case .message(let report) = self.report(action, told, finishing: []) else { return {} }
        return {
            self.environment.store.accept(report) { result in
                if case .failure(let refusal) = result {
                    self.record("report-not-accepted", told.first?.entry, [("reason", "\(refusal)")])
                } else {
                    self.record(action == .delayed ? "warned" : "confirmed", told.first?.entry, [])
                }
            }
        }
    }

    // MARK: The report

    /// A report as a message to accept.
    enum Report {
        case message(AcceptItem)
        case nobody
        /// The disk takes nothing now.
        case notNow
    }

    private func report(_ action: DeliveryReport.Action, _ items: [FailedEntry], finishing: [QueueID]) -> Report {
        guard let first = items.first?.entry, first.envelope.sender != nil else { return .nobody }
        let now = self.environment.now()
        var envelope = first.envelope
        envelope.recipients = items.map(\.entry.draft.recipient)
        let facts = DeliveryReport(
            envelope: envelope, arrivedAt: first.acceptedAt, trace: first.trace, size: first.bodySize,
            recipients: items.map { self.recipient($0, action, now) })
        let composer = ReportComposer(
            hostName: self.settings.helloName, postmaster: self.settings.postmaster, languages: [self.settings.language],
            responses: self.settings.responses, queueTime: self.settings.policy.giveUpAfter, words: self.settings.words)
        guard let composed = composer.compose(facts, original: self.beginning(of: first), now: now, random: self.environment.random(32))
        else {
            return .nobody
        }
        return self.message(composed, about: first, finishing: finishing)
    }

    /// The beginning of the message, for reports; nil when it cannot be read, which stops no report. Blocks.
    func beginning(of entry: StoredQueueEntry) -> OriginalBeginning? {
        guard let bytes = self.read(entry, upTo: OriginalBeginning.wanted) else { return nil }
        return self.environment.crashGuard.handling(.sending, bytes, named: ContentHash(entry.blob)) { _ in OriginalBeginning(bytes) }
    }

    /// What was composed, with what it brings back of the original, as a message to accept. Blocks.
    func message(_ composed: ComposedReport, about entry: StoredQueueEntry, finishing: [QueueID], as kind: Lineage = .report) -> Report {
        var bytes = composed.head
        if composed.original != .nothing, let whole = self.read(entry, upTo: Int.max) {
            var content = ReturnedContent(composed.original)
            bytes.writeImmutableBuffer(content.take(whole))
            bytes.writeImmutableBuffer(content.finish())
        }
        bytes.writeImmutableBuffer(composed.tail)
        return self.item(bytes, composed.envelope, finishing, kind.trace(of: entry.trace))
    }

    private func recipient(_ item: FailedEntry, _ action: DeliveryReport.Action, _ now: Int64) -> DeliveryReport.Recipient {
        DeliveryReport.Recipient(
            item.entry.draft.recipient, action, status: item.status, failure: item.failure,
            failureClass: action == .failed ? item.failureClass : nil, remoteHost: item.failure?.remoteHost, lastAttempt: now,
            willRetryUntil: action == .delayed
                ? self.settings.policy.expiry(acceptedAt: item.entry.since, isReport: item.entry.envelope.sender == nil) : nil)
    }

    /// Where it goes: mailboxes here, or on to other addresses.
    private func item(_ bytes: ByteBuffer, _ envelope: Envelope, _ finishing: [QueueID], _ trace: TraceID) -> Report {
        let now = self.environment.now()
        // A mailbox that is full takes a report all the same: it is short, and says why mail does not arrive.
        var plan = CopyPlan(self.environment.directory.snapshot, sender: nil, ignoresQuota: true, now: now)
        for recipient in envelope.recipients { plan.add(recipient) }
        guard !plan.isEmpty else { return .nobody }
        guard let body = self.body(bytes) else { return .notNow }
        var item = AcceptItem(
            body: body, envelope: envelope, receivedAt: now, trace: trace, deliveries: plan.deliveries, queue: plan.queue)
        item.finishes = finishing
        return .message(item)
    }

    /// nil when the disk takes nothing.
    private func body(_ bytes: ByteBuffer) -> AcceptItem.Body? {
        guard bytes.readableBytes > self.environment.store.options.inlineLimit else { return .memory(bytes) }
        guard let large = try? self.environment.store.beginLargeBody() else { return nil }
        large.append(bytes) { _ in }
        return .large(large)
    }

    /// The message as it was to be sent, or its beginning; nil when it cannot be read. Blocks.
    private func read(_ entry: StoredQueueEntry, upTo limit: Int) -> ByteBuffer? {
        // What ended the server twice is told of without a look at what it says.
        guard !self.environment.crashGuard.isBlamed(ContentHash(entry.blob)) else { return nil }
        guard let reader = try? self.environment.store.queueReader(entry.id, prefix: entry.traceFields) else { return nil }
        var whole = ByteBuffer()
        while whole.readableBytes < limit {
            do throws(StoreError) {
                guard var piece = try reader.nextNow() else { break }
                whole.writeBuffer(&piece)
            } catch {
                return nil
            }
        }
        return whole
    }

    private func record(_ event: String, _ entry: StoredQueueEntry?, _ facts: @autoclosure () -> [(key: String, value: String)]) {
        self.environment.events.record(TrailEvent(.smtpDeliver, event, trace: entry?.trace, facts()), switchedBy: nil)
    }
}
