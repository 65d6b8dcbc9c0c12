internal import Directory
internal import MessageStore
internal import NIOCore
internal import NetKit
internal import Policy
internal import Routing
internal import SMTPWire
internal import Vocabulary

/// Looks one message through by the filters and hands it to the store, away from the event loops.
struct FilterWork: Sendable {
    let rules: FilterRules
    let message: PendingMessage
    /// The message, or its beginning.
    let head: ByteBuffer
    let client: IPAddress
    let hasLogin: Bool
    let snapshot: DirectorySnapshot
    let environment: SMTPEnvironment

    enum Result {
        case accept(AcceptItem, DeliveryPlan)
        /// Every recipient's copy is thrown away.
        case nothingLeft
        case refuse(Reply)
    }

    func run() -> Result {
        let verdict = self.environment.crashGuard.handling(.filtering, self.head) { isBlamed -> FilterVerdict? in
            // What ended the server twice is not taken apart again: it is delivered as it is.
            guard !isBlamed else { return nil }
            var facts = MessageFacts(
                sender: self.message.envelope.sender, recipients: self.message.envelope.recipients.map(\.address), client: self.client,
                hasLogin: self.hasLogin, size: self.message.size, message: self.head)
            return self.rules.verdict(&facts)
        }
        guard let verdict else {
            self.record("filters-skipped", [("reason", "the content ended the server before")])
            let (item, plan) = self.message.item()
            return .accept(item, plan)
        }
        self.record(verdict)
        if let rule = verdict.refusal, case .refuse(let text) = rule.action {
            return .refuse(Reply(550, EnhancedStatus(5, 7, 1), text))
        }
        let (item, plan) = self.message.item(verdict) { self.snapshot.resolve($0) }
        return item.deliveries.isEmpty && item.queue.isEmpty ? .nothingLeft : .accept(item, plan)
    }

    private func record(_ verdict: FilterVerdict) {
        if verdict.isIncomplete {
            let rule = verdict.unasked ?? ""
            self.environment.guards.filterTroubles.note(rule, at: self.environment.clock.now())
            self.record("filters-incomplete", [("rule", rule), ("reason", "time for one message used up")])
        }
        for hit in verdict.hits {
            for index in hit.recipients where self.message.recipients.indices.contains(index) {
                let fate = verdict.fates[index].ending.flatMap { $0.name == hit.rule.name ? $0.action : nil } ?? hit.rule.action
                self.record(
                    "filtered",
                    [("to", "\(self.message.recipients[index].recipient.address)"), ("rule", hit.rule.name)] + fate.facts)
            }
        }
    }

    private func record(_ event: String, _ facts: [(key: String, value: String)]) {
        self.environment.events.record(TrailEvent(.smtpAccept, event, trace: self.message.trace, facts), switchedBy: nil)
    }
}

extension FilterAction {
    /// For the trail.
    fileprivate var facts: [(key: String, value: String)] {
        switch self {
        case .refuse: [("action", "refuse")]
        case .hold(let reason): [("action", "hold"), ("reason", reason)]
        case .redirect(let address): [("action", "redirect"), ("target", "\(address)")]
        case .tag(let name, _): [("action", "tag"), ("field", name)]
        case .drop: [("action", "drop")]
        case .accept: [("action", "accept")]
        }
    }
}
