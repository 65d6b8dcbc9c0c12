internal import Bounces
internal import Database
internal import Directory
internal import MessageStore
internal import NIOCore
internal import Policy
internal import Routing
internal import Text
internal import Vocabulary

/// Sends a message that waits in the queue on to other addresses. The copy is accepted like any message, and the entry ends in the same
/// record: whatever happens, there is either the entry or the copy. Calls block.
struct Forwarder: Sendable {
    let directory: Directory
    let store: MessageStore
    let events: any EventSink
    /// Seconds since 1970.
    let now: @Sendable () -> Int64
    var crashGuard: any CrashGuard = NoCrashGuard()

    /// What is to be done.
    struct Order: Sendable {
        /// In whose name the message goes on: the account's first address.
        var name: Address
        var targets: [Address]
        /// The account's own copy, when there is none yet.
        var mailbox: LocalRecipient?
        /// The account's own copy was made before.
        var hasCopy = false
        /// Trace fields so far.
        var fields: ByteBuffer
    }

    enum Outcome: Sendable {
        case sent
        /// It was here before: everybody has it.
        case circled
        case failed(DeliveryFailure.Cause)
        /// The disk or the database do not take it now.
        case notNow(String)
    }

    /// Accounts that forward to one another: no copy goes further than this.
    private static let mostForwardings = 10
    /// The header of every message that was accepted ends within so many bytes.
    private static let header = 256 << 10

    func send(_ entry: StoredQueueEntry, _ order: Order) -> Outcome {
        do throws(StoreError) {
            let reader = try self.store.queueReader(entry.id, prefix: order.fields)
            var beginning = ByteBuffer()
            while beginning.readableBytes < Self.header, var piece = try reader.nextNow() { beginning.writeBuffer(&piece) }
            let snapshot = self.directory.snapshot
            guard let name = AddressKey(order.name) else { return .failed(.badAddress("\(order.name)")) }
            let hops = snapshot.configuration.smtp.hops
            let circle = self.crashGuard.handling(.sending, beginning, named: ContentHash(entry.blob)) { _ in
                LoopGuard.check(beginning, forwardingFor: name, hopLimit: hops)
            }
            switch circle {
            case .fine: break
            case .tooManyHops: return .failed(.tooManyHops)
            case .deliveredBefore: return order.hasCopy ? .circled : .failed(.tooManyHops)
            }
            guard Self.forwardings(order.fields) < Self.mostForwardings else { return .failed(.tooManyHops) }
            let plan = self.plan(entry, order, beginning, snapshot)
            guard !plan.isEmpty else { return order.hasCopy ? .circled : .failed(.tooManyHops) }
            guard let body = try self.body(entry, beginning, order.fields.readableBytes, reader) else { return .notNow("disk") }
            return self.accept(entry, order, plan, body)
        } catch {
            return .notNow("\(error)")
        }
    }

    // MARK: Plan

    private func plan(_ entry: StoredQueueEntry, _ order: Order, _ header: ByteBuffer, _ snapshot: DirectorySnapshot) -> CopyPlan {
        var fields = ByteBuffer(string: "Delivered-To: \(order.name)\r\n")
        fields.writeImmutableBuffer(order.fields)
        var plan = CopyPlan(snapshot, sender: entry.envelope.sender, fields: fields, now: self.now())
        if let mailbox = order.mailbox { plan.addMailbox(entry.draft.recipient, of: mailbox) }
        for target in order.targets where !self.wasHere(target, order, header, snapshot) {
            let recipient = Self.recipient(entry.draft.recipient, order, target)
            if !plan.add(recipient) { plan.wait(recipient) }
        }
        return plan
    }

    /// The message has come through the target: a second copy would help nobody.
    private func wasHere(_ target: Address, _ order: Order, _ header: ByteBuffer, _ snapshot: DirectorySnapshot) -> Bool {
        switch snapshot.resolveTarget(target) {
        case .account(let local):
            // An account that names itself wants a copy of its own: that is what its mailbox is for.
            return local.primary == order.name || Self.hasCome(header, through: local.primary)
        // What a header says of other hosts anybody may have written: it is believed where a copy stays here, so that nothing is lost.
        case .remote: return order.keepsCopy && Self.hasCome(header, through: target)
        case .redirected(let other, _), .bangPath(let other, _): return order.keepsCopy && Self.hasCome(header, through: other)
        case .postmaster, .handler, .refused, .unknown: return false
        }
    }

    private static func hasCome(_ header: ByteBuffer, through address: Address) -> Bool {
        LoopGuard.check(header, forwardingFor: AddressKey(address), hopLimit: .max) == .deliveredBefore
    }

    /// Where one address takes the place of another, its wishes go along; where several do, nobody confirms for all. [RFC3461-5.2.7.3]
    private static func recipient(_ original: Envelope.Recipient, _ order: Order, _ target: Address) -> Envelope.Recipient {
        var recipient = original
        recipient.address = target
        if order.copies > 1 { recipient.notify?.remove(.success) }
        return recipient
    }

    private static func forwardings(_ fields: ByteBuffer) -> Int {
        String(buffer: fields).split(separator: "\r\n").count { $0.lowercased().hasPrefix("delivered-to:") }
    }

    // MARK: Copy

    /// The message without what goes before it; nil when the disk takes nothing.
    private func body(
        _ entry: StoredQueueEntry, _ beginning: ByteBuffer, _ fields: Int, _ reader: MessageReader
    ) throws(StoreError) -> AcceptItem.Body? {
        var bytes = beginning
        bytes.moveReaderIndex(forwardBy: min(fields, bytes.readableBytes))
        guard entry.bodySize > self.store.options.inlineLimit else {
            while var piece = try reader.nextNow() { bytes.writeBuffer(&piece) }
            return .memory(bytes)
        }
        guard let large = try? self.store.beginLargeBody() else { return nil }
        var next: ByteBuffer? = bytes
        while let piece = next {
            guard Self.append(piece, large) else {
                large.abandon()
                return nil
            }
            next = try reader.nextNow()
        }
        return .large(large)
    }

    private static func append(_ piece: ByteBuffer, _ large: LargeBody) -> Bool {
        let answer = Monitor<Bool?>(nil)
        large.append(piece) { result in
            answer.withLock { $0 = (try? result.get()) != nil }
            answer.signal()
        }
        return answer.wait(until: { $0 != nil }, then: { $0 }) ?? false
    }

    private func accept(_ entry: StoredQueueEntry, _ order: Order, _ plan: CopyPlan, _ body: AcceptItem.Body) -> Outcome {
        var envelope = entry.envelope
        envelope.recipients = plan.deliveries.compactMap(\.recipient) + plan.queue.map(\.recipient)
        envelope.sender = plan.isOutgoing ? self.outgoingSender(entry.envelope.sender) : entry.envelope.sender
        var item = AcceptItem(
            body: body, envelope: envelope, receivedAt: self.now(), trace: Lineage.forwarded.trace(of: entry.trace),
            deliveries: plan.deliveries,
            queue: plan.queue)
        item.finishes = [entry.id]
        let answer = Monitor<Result<Accepted, StoreRefusal>?>(nil)
        self.store.accept(item) { result in
            answer.withLock { $0 = result }
            answer.signal()
        }
        switch answer.wait(until: { $0 != nil }, then: { $0 }) {
        case .success:
            // Its row goes when the copy is filed; that it goes now keeps it from being sent on again.
            try? self.store.changeQueue([.finish(entry.id)])
            self.events.record(
                TrailEvent(
                    .mailboxDeliver, "forwarded", trace: entry.trace,
                    [
                        ("for", "\(order.name)"), ("as", item.trace.text), ("from", envelope.sender.map { "\($0)" } ?? "<>"),
                        ("to", envelope.recipients.map { "\($0.address)" }.joined(separator: ",")),
                    ]), switchedBy: nil)
            return .sent
        case .failure(let refusal): return .notNow("\(refusal)")
        case nil: return .notNow("no answer")
        }
    }

    /// A stranger's address would make checks of the sender fail at the next host: one of ours takes its place there.
    private func outgoingSender(_ sender: Address?) -> Address? {
        guard let sender else { return nil }
        let snapshot = self.directory.snapshot
        switch snapshot.configuration.forwardRewrite {
        case .never: return sender
        case .auto where DomainName.normalized(sender.domain).map({ snapshot.isLocal(Substring($0)) }) ?? true: return sender
        case .auto, .always: return snapshot.returnAddresses.forwarding(sender, now: self.now()) ?? sender
        }
    }
}

extension Forwarder.Order {
    /// The account has the message, or gets it now.
    var keepsCopy: Bool { self.hasCopy || self.mailbox != nil }
    /// Copies that come of one message.
    var copies: Int { self.targets.count + (self.keepsCopy ? 1 : 0) }
}

extension MessageReader {
    /// Blocks.
    func nextNow() throws(StoreError) -> ByteBuffer? { try StoreWait.value { self.next($0) } }
}
