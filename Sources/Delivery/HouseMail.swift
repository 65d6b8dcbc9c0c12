internal import Database
package import Directory
package import MessageStore
package import NIOCore
package import Vocabulary

/// Hands over mail that the server itself writes to people here or answers them with: one stored copy however many they are. Calls block.
package struct HouseMail: Sendable {
    private let directory: Directory
    private let store: MessageStore
    private let now: @Sendable () -> Int64

    package init(directory: Directory, store: MessageStore, now: @escaping @Sendable () -> Int64) {
        self.directory = directory
        self.store = store
        self.now = now
    }

    package enum Outcome: Sendable, Hashable {
        /// On stable storage: copies for mailboxes here, and entries of the queue.
        case sent(copies: Int, queued: Int)
        /// No address leads anywhere.
        case nobody
        /// The disk or the database do not take it now.
        case notNow(String)
    }

    /// - Parameters:
    ///   - envelope: with the recipients.
    ///   - ignoresQuota: a mailbox that is full takes it all the same.
    ///   - finishing: queue entries that end in the same moment.
    package func send(
        _ message: ByteBuffer, _ envelope: Envelope, trace: TraceID, ignoresQuota: Bool = false, finishing: [QueueID] = []
    ) -> Outcome {
        var plan = CopyPlan(
            self.directory.snapshot, sender: envelope.sender, ignoresQuota: ignoresQuota, now: self.now())
        for recipient in envelope.recipients { plan.add(recipient) }
        guard !plan.isEmpty else { return .nobody }
        guard let body = self.body(message) else { return .notNow("disk") }
        // Whom it is for stands with its copies; thousands of addresses more would say nothing.
        var envelope = envelope
        if envelope.recipients.count > 100 { envelope.recipients = plan.queue.map(\.recipient) }
        var item = AcceptItem(
            body: body, envelope: envelope, receivedAt: self.now(), trace: trace, deliveries: plan.deliveries, queue: plan.queue)
        item.finishes = finishing
        let answer = Monitor<Result<Accepted, StoreRefusal>?>(nil)
        self.store.accept(item) { result in
            answer.withLock { $0 = result }
            answer.signal()
        }
        switch answer.wait(until: { $0 != nil }, then: { $0 }) {
        case .success?: return .sent(copies: plan.deliveries.count, queued: plan.queue.count)
        case .failure(let refusal)?: return .notNow("\(refusal)")
        case nil: return .notNow("no answer")
        }
    }

    /// nil when the disk takes nothing.
    private func body(_ message: ByteBuffer) -> AcceptItem.Body? {
        guard message.readableBytes > self.store.options.inlineLimit else { return .memory(message) }
        guard let large = try? self.store.beginLargeBody() else { return nil }
        large.append(message) { _ in }  // a failure stays with the body and comes out of `accept`
        return .large(large)
    }
}
