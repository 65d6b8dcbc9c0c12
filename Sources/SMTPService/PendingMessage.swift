internal import Directory
internal import MessageStore
internal import NIOCore
internal import Policy
internal import Routing
internal import Vocabulary

/// A message that is complete, with all that is needed to make a record of the store of it. A value: what becomes of it is decided on the event loop,
/// or where filters have to look through it, elsewhere.
struct PendingMessage: Sendable {
    struct Recipient: Sendable {
        var recipient: Envelope.Recipient
        var resolution: Resolution
        /// The relay restrictions let it leave this host.
        var mayRelay: Bool
    }

    var body: AcceptItem.Body
    /// Recipients completed.
    var envelope: Envelope
    var recipients: [Recipient]
    var prefix: TracePrefix
    var now: Int64
    var trace: TraceID
    /// Octets.
    var size: Int64
    /// An octet beyond ASCII was in a body that went to disk.
    var sawEightBit: Bool
    var queueName: (@Sendable (Address) -> String?)?

    private var hasEightBit: Bool {
        if case .memory(let bytes) = self.body { return bytes.hasEightBit }
        return self.sawEightBit
    }

    /// What the queue shows: one line.
    private static func reason(_ rule: String, _ words: String) -> String {
        let safe = words.unicodeScalars.prefix(200).map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }
        return "held by filter \(rule): \(String(String.UnicodeScalarView(safe)))"
    }

    /// - Parameters:
    ///   - verdict: of the filters; nil where there are none.
    ///   - resolve: where an address leads to that a filter names.
    func item(_ verdict: FilterVerdict? = nil, resolve: (Address) -> Resolution = { _ in .unknown(.noSuchAddress) }) -> (
        AcceptItem, DeliveryPlan
    ) {
        var plan = DeliveryPlan(prefix: self.prefix, now: self.now, queueName: self.queueName)
        for (index, planned) in self.recipients.enumerated() {
            let fate = verdict.flatMap { $0.fates.indices.contains(index) ? $0.fates[index] : nil } ?? FilterFate()
            plan.tags = fate.tags.map { "\($0.name): \($0.value)\r\n" }.joined()
            switch fate.ending?.action {
            case nil, .accept, .tag, .refuse: plan.add(planned.recipient, planned.resolution, mayRelay: planned.mayRelay)
            case .hold(let reason):
                plan.holding(Self.reason(fate.ending?.name ?? "", reason)) {
                    $0.add(planned.recipient, planned.resolution, mayRelay: planned.mayRelay)
                }
            case .redirect(let address):
                var recipient = planned.recipient
                recipient.address = address
                // The postmaster's own word, like an alias.
                plan.add(recipient, resolve(address), mayRelay: true)
            case .drop: break
            }
        }
        var item = AcceptItem(body: self.body, envelope: self.envelope, receivedAt: self.now, trace: self.trace)
        item.deliveries = plan.deliveries
        item.queue = plan.queue
        // Whatever the client said: a host without 8BITMIME must not get such a message. [RFC6152-3]
        if !plan.queue.isEmpty { item.envelope.isEightBit = item.envelope.isEightBit || self.hasEightBit }
        return (item, plan)
    }
}
