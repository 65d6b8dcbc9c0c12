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
        var held: [QueueChange] = []
        var silent: [QueueID] = []
        var told: [FailedEntry] = []
        for item in failed {
            let failureClass = item.failure?.failureClass ?? .refused
            if !byHand, self.settings.responses[failureClass].action == .hold {
                held.append(.hold(item.entry.id, reason: item.failure?.words.text(.english) ?? "", flags: []))
            } else if ReportPolicy.verdict(.failed, item.entry.draft.recipient, sender: item.entry.envelope.sender, returnPath: .own)
                == .send
            {
                told.append(item)
            } else {
                silent.append(item.entry.id)
                self.record("not-returned", item.entry, [("to", "\(item.entry.draft.recipient.address)")])
            }
        }
        let others = held + silent.map { .finish($0) }
        self.sendBack(told, others: others, freeing: failed.map(\.entry.id), completion)
    }

    private func sendBack(
        _ told: [FailedEntry], others: [QueueChange], freeing ids: [QueueID], _ completion: @escaping @Sendable (Bool) -> Void
    ) {
        let (queue, now) = (self.environment.queue, self.environment.now())
        let ended = others + told.map { .finish($0.entry.id) }
        let putOff = others + told.map { .postpone($0.entry.id, until: now + 300, attempts: 0, reason: "report not accepted", adding: []) }
        switch self.report(.failed, told, finishing: told.map(\.entry.id)) {
        case .nobody:
            for item in told { self.record("not-returned", item.entry, [("to", "\(item.entry.draft.recipient.address)")]) }
            queue.settle(ended, freeing: ids, completion)
        case .notNow: queue.settle(putOff, freeing: ids, completion)
        case .message(let report):
            self.environment.store.accept(report) { result in
                switch result {
                case .success:
                    self.record(
                        "returned", told.first?.entry, [("to", "\(report.envelope.recipients.first.map { "\($0.address)" } ?? "")")])
                    // Their rows go when the report is filed; that they go now, before they are free, keeps them from being sent again.
                    queue.settle(ended, freeing: ids, completion)
                case .failure(let refusal):
                    self.record("report-not-accepted", told.first?.entry, [("reason", "\(refusal)")])
                    queue.settle(putOff, freeing: ids, completion)
                }
            }
        }
    }

    /// A warning, or a confirmation that was asked for. Nothing hangs on it.
    func tell(_ action: DeliveryReport.Action, _ items: [FailedEntry]) {
        let told = items.filter {
            ReportPolicy.verdict(action, $0.entry.draft.recipient, sender: $0.entry.envelope.sender, returnPath: .own) == .send
        }
        guard !told.isEmpty, case .message(let report) = self.report(action, told, finishing: []) else { return }
        self.environment.store.accept(report) { result in
            if case .failure(let refusal) = result {
                self.record("report-not-accepted", told.first?.entry, [("reason", "\(refusal)")])
            } else {
                self.record(action == .delayed ? "warned" : "confirmed", told.first?.entry, [])
            }
        }
    }

    // MARK: The report

    /// A report as a message to accept.
    private enum Report {
        case message(AcceptItem)
        case nobody
        /// The disk takes nothing now.
        case notNow
    }

    private func report(_ action: DeliveryReport.Action, _ items: [FailedEntry], finishing: [QueueID]) -> Report {
        guard let first = items.first?.entry, let sender = first.envelope.sender else { return .nobody }
        let now = self.environment.now()
        var envelope = first.envelope
        envelope.recipients = items.map(\.entry.draft.recipient)
        let facts = DeliveryReport(
            envelope: envelope, arrivedAt: first.acceptedAt, trace: first.trace, size: first.bodySize,
            recipients: items.map { self.recipient($0, action, now) })
        let composer = ReportComposer(
            hostName: self.settings.helloName, postmaster: self.settings.postmaster, languages: [self.settings.language],
            responses: self.settings.responses, queueTime: self.settings.policy.giveUpAfter)
        let beginning = self.read(first, upTo: OriginalBeginning.wanted).map(OriginalBeginning.init)
        guard let composed = composer.compose(facts, original: beginning, now: now, random: self.environment.random(32)) else {
            return .nobody
        }
        var bytes = composed.head
        if composed.original != .nothing, let whole = self.read(first, upTo: Int.max) {
            var content = ReturnedContent(composed.original)
            bytes.writeImmutableBuffer(content.take(whole))
            bytes.writeImmutableBuffer(content.finish())
        }
        bytes.writeImmutableBuffer(composed.tail)
        return self.item(bytes, composed.envelope, to: sender, finishing, now, first.trace)
    }

    private func recipient(_ item: FailedEntry, _ action: DeliveryReport.Action, _ now: Int64) -> DeliveryReport.Recipient {
        DeliveryReport.Recipient(
            item.entry.draft.recipient, action, status: item.status, failure: item.failure,
            failureClass: action == .failed ? item.failure?.failureClass : nil, remoteHost: item.failure?.remoteHost, lastAttempt: now,
            willRetryUntil: action == .delayed
                ? self.settings.policy.expiry(acceptedAt: item.entry.since, isReport: item.entry.envelope.sender == nil) : nil)
    }

    /// Where the report goes: a mailbox here, or out again.
    private func item(
        _ bytes: ByteBuffer, _ envelope: Envelope, to sender: Address, _ finishing: [QueueID], _ now: Int64, _ trace: TraceID
    ) -> Report {
        let body: AcceptItem.Body
        if bytes.readableBytes <= self.environment.store.options.inlineLimit {
            body = .memory(bytes)
        } else {
            guard let large = try? self.environment.store.beginLargeBody() else { return .notNow }
            large.append(bytes) { _ in }
            body = .large(large)
        }
        var item = AcceptItem(body: body, envelope: envelope, receivedAt: now, trace: TraceID("\(trace.text)r"))
        item.finishes = finishing
        let snapshot = self.environment.directory.snapshot
        let recipient = envelope.recipients.first ?? Envelope.Recipient(sender, notify: .never)
        switch snapshot.resolve(sender) {
        case .account(let local) where local.delivery.contains(.mailbox): item.deliveries = [Self.delivery(local, recipient)]
        case .postmaster(let postmaster) where !postmaster.local.isEmpty:
            item.deliveries = postmaster.local.map { Self.delivery($0, recipient) }
        case .remote, .redirected, .bangPath:
            guard let hop = self.settings.routes.hop(to: sender) else { return .nobody }
            item.queue = [QueueDraft(.remote, recipient: recipient, destination: hop.queueName, due: now)]
        case .account, .postmaster, .handler, .refused, .unknown: return .nobody
        }
        return .message(item)
    }

    private static func delivery(_ local: LocalRecipient, _ recipient: Envelope.Recipient) -> PlannedDelivery {
        let prefix = ByteBuffer(string: "Return-Path: <>\r\nDelivered-To: \(recipient.address)\r\n")
        // A mailbox that is full takes a report all the same: it is short, and says why mail does not arrive.
        return PlannedDelivery(account: local.account, prefix: prefix, quota: nil, recipient: recipient)
    }

    /// The message as it was to be sent, or its beginning; nil when it cannot be read. Blocks.
    private func read(_ entry: StoredQueueEntry, upTo limit: Int) -> ByteBuffer? {
        guard let reader = try? self.environment.store.queueReader(entry.id, prefix: ByteBuffer(bytes: entry.draft.payload)) else {
            return nil
        }
        var whole = ByteBuffer()
        while whole.readableBytes < limit {
            let answer = Monitor<Result<ByteBuffer?, StoreError>?>(nil)
            reader.next { result in
                answer.withLock { $0 = result }
                answer.signal()
            }
            guard case .success(let piece)? = answer.wait(until: { $0 != nil }, then: { $0 }) else { return nil }
            guard var piece else { break }
            whole.writeBuffer(&piece)
        }
        return whole
    }

    private func record(_ event: String, _ entry: StoredQueueEntry?, _ facts: @autoclosure () -> [(key: String, value: String)]) {
        self.environment.events.record(TrailEvent(.smtpDeliver, event, trace: entry?.trace, facts()), switchedBy: nil)
    }
}
