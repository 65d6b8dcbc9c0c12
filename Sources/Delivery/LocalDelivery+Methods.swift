internal import Database
internal import Directory
internal import MessageStore
internal import NIOCore
internal import Policy
internal import Queue
internal import Routing
internal import Vocabulary

// The ways in which an account gets mail beside its mailbox. One file a channel: `Maildrop`, `ProgramDelivery`, `AutoReply`.
extension LocalDelivery {
    /// One attempt at an entry of the channels `.maildrop`, `.program` and `.reply`. False when it waits on, or failed.
    func attemptMethod(_ entry: StoredQueueEntry) -> Bool {
        guard let order = MethodOrder(decoding: entry.draft.payload) else { return self.putOff(entry, Reason("entry-unreadable", nil)) }
        guard let local = self.recipient(entry, order.account) else {
            let isOwed = order.isOnlyCopy && entry.draft.channel != .reply
            guard isOwed else { return self.end(entry, "method-ended", [("reason", "account-gone")]) }
            return self.putOff(entry, Reason("account-gone", .unknownHere))
        }
        guard Self.isOn(entry.draft.channel, order, local) else { return self.switchedOff(entry, order, local) }
        // Composed before, while the message can be read.
        let confirm = self.confirmation(entry, .delivered, EnhancedStatus(2, 1, 5))
        switch self.perform(entry, order, local) {
        case .done(let facts):
            guard self.end(entry, "delivered", facts) else { return false }
            confirm()
            return true
        case .ended:
            confirm()
            return true
        case .interrupted: return false
        case .skipped(let why): return self.end(entry, "method-ended", [("reason", why)])
        case .failed(let reason): return self.putOff(entry, reason)
        }
    }

    private func perform(_ entry: StoredQueueEntry, _ order: MethodOrder, _ local: LocalRecipient) -> MethodOutcome {
        switch entry.draft.channel {
        case .maildrop: self.appendToMaildrop(entry, order, local)
        case .program: self.runProgram(entry, order, local)
        case .reply: self.reply(entry, order, local)
        case .remote, .mailbox, .forward, .list, .form, .held: .failed(Reason("entry-unreadable", nil))
        }
    }

    /// The account with what the address of the entry says of it (detail, how it was found); nil when it gets no mail any more.
    private func recipient(_ entry: StoredQueueEntry, _ account: AccountID) -> LocalRecipient? {
        let snapshot = self.directory.snapshot
        if case .account(let local) = snapshot.resolve(entry.draft.recipient.address), local.account == account { return local }
        return snapshot.recipientOfMail(account)
    }

    private static func isOn(_ channel: QueueDraft.Channel, _ order: MethodOrder, _ local: LocalRecipient) -> Bool {
        switch channel {
        case .maildrop: local.delivery.contains(.maildrop)
        case .program: local.delivery.contains(.program) && local.programs.contains(order.command)
        case .reply: local.delivery.contains(.reply)
        case .remote, .mailbox, .forward, .list, .form, .held: false
        }
    }

    /// The account's other methods have the message, or get it now.
    private func switchedOff(_ entry: StoredQueueEntry, _ order: MethodOrder, _ local: LocalRecipient) -> Bool {
        guard order.isOnlyCopy, entry.draft.channel != .reply else { return self.end(entry, "method-ended", [("reason", "switched-off")]) }
        return self.expand(entry, [local], order.fields)
    }

    private func end(_ entry: StoredQueueEntry, _ event: String, _ facts: [(key: String, value: String)]) -> Bool {
        guard (try? self.store.changeQueue([.finish(entry.id)])) != nil else {
            return self.putOff(entry, Reason("not-written", .local("the queue cannot be written")))
        }
        let all = [("to", "\(entry.draft.recipient.address)"), ("method", "\(entry.draft.channel)")] + facts
        self.events.record(TrailEvent(.mailboxDeliver, event, trace: entry.trace, all), switchedBy: nil)
        return true
    }

    // MARK: Expansion

    /// For whom nothing has been done yet and who want more than a mailbox or being sent on; nil where that is not so.
    func waitingForMethods(_ entry: StoredQueueEntry) -> [LocalRecipient]? {
        switch self.directory.snapshot.resolve(entry.draft.recipient.address) {
        case .account(let local) where !local.delivery.isSubset(of: [.mailbox, .forward]): [local]
        case .postmaster(let postmaster)
        where postmaster.isPlain && postmaster.local.contains { !$0.delivery.isSubset(of: .mailbox) }:
            postmaster.local
        case .account, .postmaster, .handler, .remote, .redirected, .bangPath, .refused, .unknown: nil
        }
    }

    /// Everything that the accounts ask for now, in the place of the entry.
    /// - Parameter fields: trace fields before the message, without those of one delivery.
    func expand(_ entry: StoredQueueEntry, _ locals: [LocalRecipient], _ fields: ByteBuffer) -> Bool {
        let recipient = entry.draft.recipient
        var deliveries: [PlannedDelivery] = []
        var drafts: [QueueDraft] = []
        for local in locals {
            drafts += MethodDrafts.make(recipient, local, fields: fields, now: self.now())
            guard local.delivery.contains(.mailbox) else { continue }
            var prefix = ByteBuffer(
                string: "Return-Path: <\(entry.envelope.sender?.description ?? "")>\r\nDelivered-To: \(recipient.address)\r\n")
            prefix.writeImmutableBuffer(fields)
            deliveries.append(PlannedDelivery(account: local.account, prefix: prefix, quota: local.quota, recipient: recipient))
        }
        guard !deliveries.isEmpty || !drafts.isEmpty else { return self.putOff(entry, Reason("no-mailbox", .local("no mailbox"))) }
        let confirm = deliveries.isEmpty ? {} : self.confirmation(entry, .delivered, EnhancedStatus(2, 1, 5))
        switch self.redeliver(entry, deliveries, drafts) {
        case .success(.delivered):
            self.noteExpansion(entry, deliveries.count, drafts)
            confirm()
            return true
        // The copy for the mailbox waits by itself, so that it holds up nothing else.
        case .success(.overQuota), .success(.accountGone):
            let waiting = deliveries.map {
                QueueDraft(.mailbox, recipient: recipient, due: self.now(), payload: DeferredDelivery($0).encoded())
            }
            guard !drafts.isEmpty, case .success(.delivered) = self.redeliver(entry, [], drafts + waiting) else {
                return self.putOff(entry, Reason("over-quota", .overQuota))
            }
            self.noteExpansion(entry, 0, drafts + waiting)
            return true
        case .failure(let refusal): return self.putOff(entry, Reason("\(refusal)", .local("\(refusal)")))
        }
    }

    private func redeliver(
        _ entry: StoredQueueEntry, _ deliveries: [PlannedDelivery], _ drafts: [QueueDraft]
    ) -> Result<MessageStore.Redelivery, StoreRefusal> {
        let answer = Monitor<Result<MessageStore.Redelivery, StoreRefusal>?>(nil)
        self.store.redeliver(entry.id, as: deliveries, queue: drafts) { result in
            answer.withLock { $0 = result }
            answer.signal()
        }
        return answer.wait(until: { $0 != nil }, then: { $0 }) ?? .failure(.busy)
    }

    private func noteExpansion(_ entry: StoredQueueEntry, _ copies: Int, _ drafts: [QueueDraft]) {
        let methods = (copies > 0 ? ["mailbox"] : []) + drafts.map { "\($0.channel)" }
        let facts = [("to", "\(entry.draft.recipient.address)"), ("methods", methods.joined(separator: ","))]
        self.events.record(TrailEvent(.mailboxDeliver, copies > 0 ? "delivered" : "queued", trace: entry.trace, facts), switchedBy: nil)
    }
}
