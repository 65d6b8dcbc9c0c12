internal import MessageStore
internal import NIOCore
internal import Policy
internal import Routing
internal import Vocabulary

// Accounts, and the postmaster's list, whose mail goes on to other addresses.
extension LocalDelivery {
    /// What is to be done for a recipient who forwards; nil for one whose mailbox here is all there is.
    func forwarding(_ entry: StoredQueueEntry) -> Forwarder.Order? {
        let snapshot = self.directory.snapshot
        switch snapshot.resolve(entry.draft.recipient.address) {
        case .account(let local) where local.delivery.contains(.forward):
            return Forwarder.Order(
                name: local.primary, targets: snapshot.forwarding(of: local.account),
                mailbox: local.delivery.contains(.mailbox) ? local : nil, fields: entry.traceFields)
        case .postmaster(let postmaster) where !postmaster.isEmpty && !postmaster.isPlain:
            return Forwarder.Order(name: postmaster.primary, targets: snapshot.postmasterDelivery, fields: entry.traceFields)
        case .redirected(let target, _):
            return Forwarder.Order(name: entry.draft.recipient.address, targets: [target], fields: entry.traceFields)
        case .account, .postmaster, .handler, .remote, .bangPath, .refused, .unknown: return nil
        }
    }

    func forward(_ entry: StoredQueueEntry, _ order: ForwardOrder) -> Bool {
        if var now = self.forwarding(entry) {
            now.hasCopy = order.hasCopy
            if order.hasCopy { now.mailbox = nil }
            return self.send(entry, now)
        }
        // It forwards no more. Its mailbox has the message, or gets it now.
        if order.hasCopy { return self.finish(entry) }
        if let locals = self.waitingForMethods(entry) { return self.expand(entry, locals, order.fields) }
        var prefix = ByteBuffer(
            string: "Return-Path: <\(entry.envelope.sender?.description ?? "")>\r\nDelivered-To: \(entry.draft.recipient.address)\r\n")
        prefix.writeImmutableBuffer(order.fields)
        switch self.targets(entry.draft.recipient.address, PlannedDelivery(account: AccountID(rawValue: 0), prefix: prefix)) {
        case .failure(let reason): return self.putOff(entry, reason)
        case .success(let deliveries): return self.deliver(entry, deliveries)
        }
    }

    /// The recipient's mail goes other ways alone.
    func hasNoMailbox(_ entry: StoredQueueEntry) -> Bool {
        guard case .account(let local) = self.directory.snapshot.resolve(entry.draft.recipient.address) else { return false }
        return !local.delivery.isEmpty && !local.delivery.contains(.mailbox)
    }

    private func finish(_ entry: StoredQueueEntry) -> Bool {
        (try? self.store.changeQueue([.finish(entry.id)])) != nil
            || self.putOff(entry, Reason("not-written", .local("the queue cannot be written")))
    }

    func send(_ entry: StoredQueueEntry, _ order: Forwarder.Order) -> Bool {
        let confirm = order.copies > 1 ? self.confirmation(entry, .expanded, EnhancedStatus(2, 0, 0)) : {}
        var forwarder = Forwarder(directory: self.directory, store: self.store, events: self.events, now: self.now)
        if let remote = self.remote {
            guard !remote.isBlamed(entry) else {
                remote.holdBlamed([entry])
                return false
            }
            forwarder.crashGuard = remote.environment.crashGuard
        }
        switch forwarder.send(entry, order) {
        case .sent:
            confirm()
            return true
        case .circled:
            self.events.record(
                TrailEvent(.mailboxDeliver, "circled", trace: entry.trace, [("to", "\(entry.draft.recipient.address)")]), switchedBy: nil)
            return self.finish(entry)
        case .failed(let cause): return self.putOff(entry, Reason("not-forwarded", cause))
        case .notNow(let reason): return self.putOff(entry, Reason(reason, .local(reason)))
        }
    }
}
