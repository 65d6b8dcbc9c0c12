internal import Synchronization
package import Vocabulary

/// What changed in an account's mailboxes.
package enum AccountEvent: Sendable, Hashable {
    /// Messages came, went or changed.
    case changed(MailboxID, ModSeq)
    case created(MailboxID, name: String)
    case deleted(MailboxID, name: String)
    case renamed(MailboxID, from: String, to: String)
    case subscribed(name: String, Bool)
    case specialUse(MailboxID)
    case rights(MailboxID)
    /// Annotations of a mailbox, or of the server (nil).
    case metadata(MailboxID?, names: [String])
}

/// Tells after commit that a mailbox or an account's list of mailboxes changed: a hint, not the change. Who gets it reads what is new
/// since its own modseq.
package final class ChangeFeed: Sendable {
    /// Ends when it is dropped.
    package final class Subscription: Sendable {
        private let end: @Sendable () -> Void
        init(_ end: @escaping @Sendable () -> Void) { self.end = end }
        deinit { self.end() }
    }

    /// A mailbox's owner and its new highest modseq.
    struct Change: Sendable, Hashable {
        var account: Int64
        var modSeq: Int64
    }

    package typealias MailboxHandler = @Sendable (ModSeq) -> Void
    package typealias AccountHandler = @Sendable ([AccountEvent]) -> Void
    package typealias EverythingHandler = @Sendable ([(account: AccountID, mailbox: MailboxID)]) -> Void

    private struct Table: Sendable {
        var next = 0
        var mailboxes: [Int64: [Int: MailboxHandler]] = [:]
        var accounts: [Int64: [Int: AccountHandler]] = [:]
        var everything: [Int: EverythingHandler] = [:]
    }

    private let table = Mutex(Table())
    private let names = Atomic<UInt64>(0)

    init() {}

    /// Another number whenever a mailbox was made, renamed or removed, or what somebody may do in one changed: who found one by its name finds
    /// the same as long as the number is the same. It changes before whoever asked for such a change is answered.
    package var namesVersion: UInt64 { self.names.load(ordering: .acquiring) }

    /// `handler` runs on the store's thread and must return at once (hand over to a loop). It is called for the last time when the mailbox
    /// is gone.
    package func subscribe(_ mailbox: MailboxID, _ handler: @escaping MailboxHandler) -> Subscription {
        self.subscribe(mailbox.rawValue, \.mailboxes, handler)
    }

    /// Everything in the mailboxes that an account owns. `handler` runs on the store's thread and must return at once.
    package func subscribe(account: AccountID, _ handler: @escaping AccountHandler) -> Subscription {
        self.subscribe(account.rawValue, \.accounts, handler)
    }

    /// Which mailboxes changed, all there are. `handler` runs on the store's thread and must return at once.
    package func subscribeAll(_ handler: @escaping EverythingHandler) -> Subscription {
        let number = self.table.withLock { table in
            table.next += 1
            table.everything[table.next] = handler
            return table.next
        }
        return Subscription { [weak self] in self?.table.withLock { $0.everything[number] = nil } }
    }

    private func subscribe<Handler: Sendable>(
        _ key: Int64, _ handlers: any WritableKeyPath<Table, [Int64: [Int: Handler]]> & Sendable, _ handler: Handler
    ) -> Subscription {
        let number = self.table.withLock { table in
            table.next += 1
            table[keyPath: handlers][key, default: [:]][table.next] = handler
            return table.next
        }
        return Subscription { [weak self] in
            self?.table.withLock { table in
                table[keyPath: handlers][key]?[number] = nil
                if table[keyPath: handlers][key]?.isEmpty == true { table[keyPath: handlers][key] = nil }
            }
        }
    }

    /// By mailbox; and what else happened, in order.
    func post(_ changes: [Int64: Change], _ events: [(account: Int64, event: AccountEvent)] = []) {
        guard !changes.isEmpty || !events.isEmpty else { return }
        if !events.isEmpty { self.names.add(1, ordering: .releasing) }
        let calls: [@Sendable () -> Void] = self.table.withLock { table in
            if table.mailboxes.isEmpty && table.accounts.isEmpty && table.everything.isEmpty { return [] }
            var calls: [@Sendable () -> Void] = []
            if !table.everything.isEmpty, !changes.isEmpty {
                let all = changes.map { (account: AccountID(rawValue: $1.account), mailbox: MailboxID(rawValue: $0)) }
                for handler in table.everything.values { calls.append { handler(all) } }
            }
            if !table.mailboxes.isEmpty {
                for (mailbox, change) in changes {
                    let modSeq = ModSeq(rawValue: change.modSeq)
                    for handler in (table.mailboxes[mailbox] ?? [:]).values { calls.append { handler(modSeq) } }
                }
            }
            guard !table.accounts.isEmpty else { return calls }
            for (account, told) in Self.byAccount(changes, events) {
                for handler in (table.accounts[account] ?? [:]).values { calls.append { handler(told) } }
            }
            return calls
        }
        for call in calls { call() }
    }

    private static func byAccount(_ changes: [Int64: Change], _ events: [(account: Int64, event: AccountEvent)]) -> [Int64: [AccountEvent]]
    {
        var told: [Int64: [AccountEvent]] = [:]
        for (account, event) in events { told[account, default: []].append(event) }
        for (mailbox, change) in changes {
            told[change.account, default: []].append(.changed(MailboxID(rawValue: mailbox), ModSeq(rawValue: change.modSeq)))
        }
        return told
    }
}
