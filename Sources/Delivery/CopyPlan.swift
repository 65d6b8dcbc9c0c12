internal import Directory
internal import MessageStore
internal import NIOCore
internal import Queue
internal import Routing
internal import Vocabulary

/// Turns addresses that this server writes to by itself (of a report, of an account that forwards) into copies for mailboxes and queue
/// entries. An account that several addresses lead to gets one copy.
struct CopyPlan {
    private(set) var deliveries: [PlannedDelivery] = []
    private(set) var queue: [QueueDraft] = []
    private let snapshot: DirectorySnapshot
    private let sender: Address?
    /// Trace fields before the copy, whole lines.
    private let fields: ByteBuffer
    private let now: Int64
    /// A mailbox that is full takes the copy all the same.
    private let ignoresQuota: Bool
    private var served: Set<AccountID> = []

    init(_ snapshot: DirectorySnapshot, sender: Address?, fields: ByteBuffer = ByteBuffer(), ignoresQuota: Bool = false, now: Int64) {
        self.snapshot = snapshot
        self.sender = sender
        self.fields = fields
        self.ignoresQuota = ignoresQuota
        self.now = now
    }

    var isEmpty: Bool { self.deliveries.isEmpty && self.queue.isEmpty }
    /// Something leaves this host.
    var isOutgoing: Bool { self.queue.contains { $0.channel == .remote } }

    /// False for an address that leads nowhere; then nothing was added.
    @discardableResult
    mutating func add(_ recipient: Envelope.Recipient) -> Bool {
        switch self.snapshot.resolveTarget(recipient.address) {
        case .account(let local): return self.deliver(recipient, to: local)
        case .postmaster(let postmaster) where postmaster.isPlain:
            for local in postmaster.local { self.deliver(recipient, to: local) }
            return true
        case .postmaster(let postmaster) where postmaster.isEmpty: self.wait(recipient)
        case .postmaster: self.forward(recipient)
        case .remote: return self.send(recipient, to: recipient.address)
        case .redirected(let target, _), .bangPath(let target, _): return self.send(recipient, to: target)
        case .handler, .refused, .unknown: return false
        }
        return true
    }

    /// Looked up again when its turn comes, and told to the sender if it leads nowhere then.
    mutating func wait(_ recipient: Envelope.Recipient) {
        let delivery = PlannedDelivery(account: AccountID(rawValue: 0), prefix: self.prefix(recipient))
        self.queue.append(QueueDraft(.mailbox, recipient: recipient, due: self.now, payload: DeferredDelivery(delivery).encoded()))
    }

    mutating func addMailbox(_ recipient: Envelope.Recipient, of local: LocalRecipient) {
        guard self.served.insert(local.account).inserted else { return }
        self.copy(recipient, to: local)
    }

    private mutating func copy(_ recipient: Envelope.Recipient, to local: LocalRecipient) {
        self.deliveries.append(
            PlannedDelivery(
                account: local.account, prefix: self.prefix(recipient), quota: self.ignoresQuota ? nil : local.quota, recipient: recipient))
    }

    @discardableResult
    private mutating func deliver(_ recipient: Envelope.Recipient, to local: LocalRecipient) -> Bool {
        guard !local.delivery.isEmpty else { return false }
        guard self.served.insert(local.account).inserted else { return true }
        if local.delivery.contains(.mailbox) { self.copy(recipient, to: local) }
        self.queue += MethodDrafts.make(recipient, local, fields: self.fields, now: self.now)
        return true
    }

    private mutating func forward(_ recipient: Envelope.Recipient) {
        let order = ForwardOrder(hasCopy: false, fields: self.fields)
        self.queue.append(QueueDraft(.forward, recipient: recipient, due: self.now, payload: order.encoded()))
    }

    private mutating func send(_ recipient: Envelope.Recipient, to target: Address) -> Bool {
        guard let hop = self.snapshot.configuration.routes.hop(to: target) else { return false }
        var recipient = recipient
        recipient.address = target
        self.queue.append(
            QueueDraft(
                .remote, recipient: recipient, destination: hop.queueName, due: self.now, payload: Array(self.fields.readableBytesView)))
        return true
    }

    private func prefix(_ recipient: Envelope.Recipient) -> ByteBuffer {
        var prefix = ByteBuffer(
            string: "Return-Path: <\(self.sender?.description ?? "")>\r\nDelivered-To: \(recipient.address)\r\n")
        prefix.writeImmutableBuffer(self.fields)
        return prefix
    }
}

extension StoredQueueEntry {
    /// What stood before the message when it was queued, without the lines of one delivery.
    var traceFields: ByteBuffer {
        switch self.draft.channel {
        case .mailbox: DeferredDelivery(decoding: self.draft.payload)?.delivery.prefix.withoutDeliveryLines ?? ByteBuffer()
        case .forward: ForwardOrder(decoding: self.draft.payload)?.fields ?? ByteBuffer()
        case .maildrop, .program, .reply: MethodOrder(decoding: self.draft.payload)?.fields ?? ByteBuffer()
        default: ByteBuffer(bytes: self.draft.payload)
        }
    }
}

extension ByteBuffer {
    /// A delivery's prefix begins with its Return-Path and its Delivered-To.
    fileprivate var withoutDeliveryLines: ByteBuffer {
        var rest = self
        for name in ["return-path:", "delivered-to:"] {
            let start = rest.readableBytesView.prefix(name.utf8.count).map { $0 | 0x20 }
            guard start.elementsEqual(name.utf8.map { $0 | 0x20 }), let end = rest.readableBytesView.firstIndex(of: 10) else { continue }
            rest.moveReaderIndex(to: end + 1)
        }
        return rest
    }
}
