internal import MessageStore
internal import Vocabulary

/// Writes the end of a transaction into log and trail, from whatever thread learns of it.
struct MessageReport: Sendable {
    let trace: TraceID
    private let sender: String
    private let size: Int64
    private let recipients: Int
    private let delivered: [Address]
    private let waiting: [Address]
    private let outgoing: [(address: Address, destination: String)]
    private let forwarded: [Address]
    /// Other ways in which accounts here get their mail.
    private let methods: [(address: Address, channel: QueueDraft.Channel)]
    private let events: any EventSink

    init(_ item: AcceptItem, _ plan: DeliveryPlan, size: Int64, events: any EventSink) {
        self.trace = item.trace
        self.sender = item.envelope.sender.map { "\($0)" } ?? "<>"
        self.size = size
        self.recipients = item.envelope.recipients.count
        self.delivered = plan.addresses
        self.waiting = plan.queue.filter { $0.channel == .mailbox && $0.due < MessageStore.never }.map(\.recipient.address)
        self.outgoing = plan.queue.filter { $0.channel == .remote }.map { ($0.recipient.address, $0.destination) }
        self.forwarded = plan.queue.filter { $0.channel == .forward }.map(\.recipient.address)
        self.methods = plan.queue.filter { [.maildrop, .program, .reply].contains($0.channel) }.map { ($0.recipient.address, $0.channel) }
        self.events = events
    }

    /// Before the answer.
    func accepted(_ accepted: Accepted) {
        let facts = [
            ("from", self.sender), ("size", "\(self.size)"), ("recipients", "\(self.recipients)"), ("blob", "\(accepted.blob)"),
        ]
        self.events.record(TrailEvent(.smtpAccept, "message-accepted", trace: self.trace, facts), switchedBy: .messageAccepted)
    }

    /// What became of each recipient. The client need not wait for so many lines.
    func destinations(_ accepted: Accepted) {
        var reasons: [Int: Accepted.Deferred.Reason] = [:]
        for deferred in accepted.deferred { reasons[deferred.index] = deferred.reason }
        for (index, address) in self.delivered.enumerated() {
            if let reason = reasons[index] {
                self.deferred(address, reason == .overQuota ? "over-quota" : "account-gone")
            } else {
                self.events.record(TrailEvent(.mailboxDeliver, "delivered", trace: self.trace, [("to", "\(address)")]), switchedBy: nil)
            }
        }
        for address in self.waiting { self.deferred(address, "no-mailbox-yet") }
        for address in self.forwarded {
            self.events.record(TrailEvent(.mailboxDeliver, "to-be-forwarded", trace: self.trace, [("to", "\(address)")]), switchedBy: nil)
        }
        for (address, channel) in self.methods {
            let facts = [("to", "\(address)"), ("method", "\(channel)")]
            self.events.record(TrailEvent(.mailboxDeliver, "queued", trace: self.trace, facts), switchedBy: nil)
        }
        for (address, destination) in self.outgoing {
            let facts = [("to", "\(address)"), ("destination", destination)]
            self.events.record(TrailEvent(.smtpDeliver, "queued", trace: self.trace, facts), switchedBy: nil)
        }
    }

    private func deferred(_ address: Address, _ reason: String) {
        let facts = [("to", "\(address)"), ("reason", reason)]
        self.events.record(TrailEvent(.mailboxDeliver, "deferred", trace: self.trace, facts), switchedBy: nil)
    }

    func refused(_ refusal: StoreRefusal) {
        let facts = [("from", self.sender), ("size", "\(self.size)"), ("reason", refusal.reason)]
        self.events.record(TrailEvent(.smtpAccept, "message-refused", trace: self.trace, facts), switchedBy: .messageRefused)
    }
}
