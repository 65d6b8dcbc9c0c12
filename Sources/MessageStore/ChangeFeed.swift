internal import Synchronization
package import Vocabulary

/// Tells after commit that a mailbox changed: a hint, not the change. Who gets it reads what is new since its own modseq.
package final class ChangeFeed: Sendable {
    /// Ends when it is dropped.
    package final class Subscription: Sendable {
        private let end: @Sendable () -> Void
        init(_ end: @escaping @Sendable () -> Void) { self.end = end }
        deinit { self.end() }
    }

    private struct Table: Sendable {
        var next = 0
        var handlers: [Int64: [Int: @Sendable (ModSeq) -> Void]] = [:]
    }

    private let table = Mutex(Table())

    init() {}

    /// `handler` runs on the store's thread and must return at once (hand over to a loop).
    package func subscribe(_ mailbox: MailboxID, _ handler: @escaping @Sendable (ModSeq) -> Void) -> Subscription {
        let key = mailbox.rawValue
        let number = self.table.withLock { table in
            table.next += 1
            table.handlers[key, default: [:]][table.next] = handler
            return table.next
        }
        return Subscription { [weak self] in
            self?.table.withLock { table in
                table.handlers[key]?[number] = nil
                if table.handlers[key]?.isEmpty == true { table.handlers[key] = nil }
            }
        }
    }

    /// By mailbox, its new highest modseq.
    func post(_ changes: [Int64: Int64]) {
        guard !changes.isEmpty else { return }
        let calls: [(@Sendable (ModSeq) -> Void, Int64)] = self.table.withLock { table in
            guard !table.handlers.isEmpty else { return [] }
            return changes.flatMap { mailbox, modSeq in (table.handlers[mailbox] ?? [:]).values.map { ($0, modSeq) } }
        }
        for (handler, modSeq) in calls { handler(ModSeq(rawValue: modSeq)) }
    }
}
