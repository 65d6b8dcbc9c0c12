internal import Bounces
internal import Database
internal import MessageStore
internal import Policy
internal import Vocabulary

/// Sends the postmaster, or whom the Error Response Parameters form names, notifications of what was returned or dropped, and action
/// messages about what is held. Calls block.
struct PostmasterTeller: Sendable {
    private let environment: RemoteEnvironment
    private let settings: RemoteSettings
    private let returner: Returner

    init(_ environment: RemoteEnvironment, _ settings: RemoteSettings, _ returner: Returner) {
        self.environment = environment
        self.settings = settings
        self.returner = returner
    }

    /// Entries of one message; one notification for each class of error. Nothing hangs on it.
    func notify(_ items: [FailedEntry], _ outcome: PostmasterMessage.Outcome) { self.notices(items, outcome)() }

    /// The same in two steps: composed now, and sent, without waiting, when the caller says so.
    func notices(_ items: [FailedEntry], _ outcome: PostmasterMessage.Outcome) -> @Sendable () -> Void {
        var orders: [@Sendable () -> Void] = []
        for (failureClass, some) in Dictionary(grouping: items, by: \.failureClass) {
            guard let first = some.first, let failure = first.failure else { continue }
            let response = self.settings.responses[failureClass]
            let isReport = first.entry.envelope.sender == nil
            // A notification about a notification would find the same hindrance, and so on without end.
            guard !first.entry.isNotice, !isReport || !self.isForPostmaster(first.entry) else { continue }
            let notice = isReport ? self.settings.responses.doubleBounceNotice : response.notice
            let composed = self.writer.notification(
                self.subject(some), failure, as: failureClass, outcome, notice: notice, people: self.people(response.people),
                original: notice == .none ? nil : self.returner.beginning(of: first.entry), now: self.environment.now(),
                random: self.environment.random(32))
            guard let composed, case .message(let item) = self.returner.message(composed, about: first.entry, finishing: [], as: .notice)
            else { continue }
            orders.append {
                self.environment.store.accept(item) { self.record($0, composed, first.entry, "notified") }
            }
        }
        let all = orders
        return { for order in all { order() } }
    }

    /// The question about entries of one message that are held for one class of error; false when it could not be put. The form names the
    /// first of them; its answer is for all.
    func ask(_ items: [FailedEntry]) -> Bool {
        guard let item = items.first, let failure = item.failure, !item.entry.isNotice else { return false }
        let response = self.settings.responses[item.failureClass]
        var held = HeldCase(
            failure, as: item.failureClass, channel: item.entry.draft.channel.rawValue, payload: [], heldAt: item.entry.since)
        if let words = item.heldWords { held.reason = words }
        let composed = self.writer.action(
            self.subject(items), held, entry: item.entry.id,
            secret: self.environment.directory.snapshot.actionSecret.secret(item.entry.id, heldAt: item.entry.since),
            notice: response.notice,
            people: self.people(response.people), original: response.notice == .none ? nil : self.returner.beginning(of: item.entry),
            now: self.environment.now(), random: self.environment.random(32))
        return self.send(composed, about: item.entry, as: "asked")
    }

    /// Whom the form names, else the postmaster. Where somebody else answers inquiries, these go to the postmasters by their own addresses: he may
    /// not operate the settings.
    private func people(_ named: [Address]) -> [Address] {
        let snapshot = self.environment.directory.snapshot
        return named.isEmpty && !snapshot.configuration.inquiryAddresses.isEmpty ? snapshot.postmasters : named
    }

    var writer: PostmasterMessage {
        PostmasterMessage(
            hostName: self.settings.helloName, postmaster: self.settings.postmaster, language: self.settings.language,
            formsAddress: Address(localPart: "configuration", domain: self.settings.postmaster.domain))
    }

    private func subject(_ items: [FailedEntry]) -> PostmasterMessage.Subject {
        let first = items.first?.entry
        return PostmasterMessage.Subject(
            envelope: first?.envelope ?? Envelope(sender: nil), recipients: items.map(\.entry.draft.recipient.address),
            arrivedAt: first?.acceptedAt ?? 0, trace: first?.trace, size: first?.bodySize ?? 0)
    }

    private func isForPostmaster(_ entry: StoredQueueEntry) -> Bool {
        if case .postmaster = self.environment.directory.snapshot.resolveTarget(entry.draft.recipient.address) { true } else { false }
    }

    private func send(_ composed: ComposedReport, about entry: StoredQueueEntry, as event: String) -> Bool {
        guard case .message(let item) = self.returner.message(composed, about: entry, finishing: [], as: .notice) else { return false }
        let answer = Monitor<Result<Accepted, StoreRefusal>?>(nil)
        self.environment.store.accept(item) { result in
            answer.withLock { $0 = result }
            answer.signal()
        }
        guard let result = answer.wait(until: { $0 != nil }, then: { $0 }) else { return false }
        return self.record(result, composed, entry, event)
    }

    /// True when it was accepted.
    @discardableResult
    private func record(
        _ result: Result<Accepted, StoreRefusal>, _ composed: ComposedReport, _ entry: StoredQueueEntry, _ event: String
    ) -> Bool {
        let isAccepted = if case .success = result { true } else { false }
        let to = composed.envelope.recipients.map { "\($0.address)" }.joined(separator: ",")
        self.environment.events.record(
            TrailEvent(.smtpDeliver, isAccepted ? event : "notice-not-accepted", trace: entry.trace, [("to", to)]), switchedBy: nil)
        return isAccepted
    }
}
