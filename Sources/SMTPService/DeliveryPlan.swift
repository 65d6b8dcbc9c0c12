internal import MessageStore
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
    private var served: Set<AccountID> = []

    init(prefix: TracePrefix, now: Int64) {
        self.prefix = prefix
        self.now = now
    }

    mutating func add(_ recipient: Envelope.Recipient, _ resolution: Resolution) {
        switch resolution {
        case .account(let local): self.deliver(recipient, to: local)
        case .postmaster(let postmaster) where !postmaster.local.isEmpty:
            for local in postmaster.local { self.deliver(recipient, to: local) }
        // The postmaster has nobody who reads his mail yet, or the address came to lead elsewhere since RCPT, or it is not known whether it
        // leads anywhere: the message is kept, and tried again until it can be delivered.
        case .postmaster, .handler, .remote, .redirected, .bangPath, .refused, .unknown: self.wait(recipient)
        }
    }

    private mutating func deliver(_ recipient: Envelope.Recipient, to local: LocalRecipient) {
        guard local.delivery.contains(.mailbox) else {
            self.wait(recipient)
            return
        }
        guard self.served.insert(local.account).inserted else { return }
        self.addresses.append(recipient.address)
        self.deliveries.append(
            PlannedDelivery(
                account: local.account, prefix: self.prefix.bytes(for: recipient.address), quota: local.quota, recipient: recipient))
    }

    /// The prefix travels with the entry, so that the copy looks the same whenever it arrives. Account 0: look the recipient up again.
    private mutating func wait(_ recipient: Envelope.Recipient) {
        let delivery = PlannedDelivery(account: AccountID(rawValue: 0), prefix: self.prefix.bytes(for: recipient.address))
        self.queue.append(QueueDraft(.mailbox, recipient: recipient, due: self.now, payload: DeferredDelivery(delivery).encoded()))
    }
}
