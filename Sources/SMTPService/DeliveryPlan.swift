internal import MessageStore
internal import Queue
internal import Routing
internal import Vocabulary

/// Turns recipients into copies in mailboxes and queue entries. An account that several recipients lead to gets one copy.
struct DeliveryPlan {
    private(set) var deliveries: [PlannedDelivery] = []
    /// For whom each delivery is, in the same order.
    private(set) var addresses: [Address] = []
    private(set) var queue: [QueueDraft] = []
    private let prefix: TracePrefix
    private let now: Int64
    /// nil where nothing leaves this server.
    private let queueName: (@Sendable (Address) -> String?)?
    /// Entries for other hosts in `queue`.
    private(set) var outgoing: [Address] = []
    private var served: Set<AccountID> = []
    /// Fields of filters for the recipients that are added now, whole lines.
    var tags = ""
    /// What is added now waits for the postmaster, and why.
    private var holdReason: String?
    private var isHolding: Bool { self.holdReason != nil }

    init(prefix: TracePrefix, now: Int64, queueName: (@Sendable (Address) -> String?)? = nil) {
        self.prefix = prefix
        self.now = now
        self.queueName = queueName
    }

    /// What `body` adds is kept until the postmaster decides.
    mutating func holding(_ reason: String, _ body: (inout DeliveryPlan) -> Void) {
        let before = self.queue.count
        self.holdReason = reason
        body(&self)
        self.holdReason = nil
        for index in self.queue.indices.dropFirst(before) { self.queue[index].reason = reason }
    }

    /// - Parameter mayRelay: the relay restrictions let the sender name this other host's address himself.
    mutating func add(_ recipient: Envelope.Recipient, _ resolution: Resolution, mayRelay: Bool) {
        switch resolution {
        // One entry, whoever it leads to when it is let go.
        case .account where self.isHolding: self.wait(recipient)
        case .postmaster where self.isHolding: self.wait(recipient)
        // Who asked for a confirmation gets it from those who deliver what waits.
        case .account where recipient.wantsConfirmation: self.wait(recipient)
        case .postmaster where recipient.wantsConfirmation: self.wait(recipient)
        case .account(let local): self.deliver(recipient, to: local)
        case .postmaster(let postmaster) where postmaster.isPlain:
            for local in postmaster.local { self.deliver(recipient, to: local) }
        case .postmaster(let postmaster) where !postmaster.isEmpty: self.forward(recipient)
        case .remote where mayRelay: self.send(recipient, to: recipient.address)
        case .bangPath(let target, _) where mayRelay: self.send(recipient, to: target)
        case .redirected(let target, _): self.send(recipient, to: target)
        // The postmaster has nobody who reads his mail yet, or the address came to lead elsewhere since RCPT, or it is not known whether it
        // leads anywhere: the message is kept, and tried again until it can be delivered.
        case .postmaster, .handler, .remote, .bangPath, .refused, .unknown: self.wait(recipient)
        }
    }

    private mutating func deliver(_ recipient: Envelope.Recipient, to local: LocalRecipient) {
        guard !local.delivery.isEmpty else { return self.wait(recipient) }
        guard self.served.insert(local.account).inserted else { return }
        if local.delivery != .mailbox {
            self.queue += MethodDrafts.make(recipient, local, fields: self.prefix.relayed(tags: self.tags), now: self.now)
        }
        guard local.delivery.contains(.mailbox) else { return }
        self.addresses.append(recipient.address)
        self.deliveries.append(
            PlannedDelivery(
                account: local.account, prefix: self.prefix.bytes(for: recipient.address, tags: self.tags), quota: local.quota,
                recipient: recipient))
    }

    /// To be sent on: who does it reads the message first, and looks the recipient up again.
    private mutating func forward(_ recipient: Envelope.Recipient) {
        let order = ForwardOrder(hasCopy: false, fields: self.prefix.relayed(tags: self.tags))
        self.queue.append(QueueDraft(.forward, recipient: recipient, due: self.now, payload: order.encoded()))
    }

    /// For another host: in the same record as the copies for mailboxes here. Our trace field travels with the entry. [RFC5321-4.4]
    private mutating func send(_ recipient: Envelope.Recipient, to target: Address) {
        guard let name = self.queueName?(target) else { return self.wait(recipient) }
        var recipient = recipient
        recipient.address = target
        self.outgoing.append(target)
        self.queue.append(
            QueueDraft(
                .remote, recipient: recipient, destination: name, due: self.due,
                payload: Array(self.prefix.relayed(tags: self.tags).readableBytesView)))
    }

    private var due: Int64 { self.isHolding ? MessageStore.never : self.now }

    /// The prefix travels with the entry, so that the copy looks the same whenever it arrives. Account 0: look the recipient up again.
    private mutating func wait(_ recipient: Envelope.Recipient) {
        let delivery = PlannedDelivery(
            account: AccountID(rawValue: 0), prefix: self.prefix.bytes(for: recipient.address, tags: self.tags))
        self.queue.append(QueueDraft(.mailbox, recipient: recipient, due: self.due, payload: DeferredDelivery(delivery).encoded()))
    }
}

extension Envelope.Recipient {
    /// NOTIFY=SUCCESS was said. [RFC3461-4.1]
    fileprivate var wantsConfirmation: Bool { self.notify?.contains(.success) == true }
}
