internal import MessageStore
internal import Synchronization
internal import Vocabulary

/// The mailboxes that some session has selected, each once.
final class OpenMailboxes: Sendable {
    private struct Entry {
        var mailbox: OpenMailbox
        var holders: Int
    }

    let store: MessageStore
    private let budget = CacheBudget(limit: 64 << 20)
    let standardFolders = StandardFolders()
    private let table = Mutex<[MailboxID: Entry]>([:])

    init(_ store: MessageStore) { self.store = store }

    /// To be given back by `release`.
    func take(_ id: MailboxID) -> OpenMailbox {
        self.table.withLock { table in
            if let entry = table[id] {
                table[id]?.holders += 1
                return entry.mailbox
            }
            let mailbox = OpenMailbox(id, self.store, self.budget)
            table[id] = Entry(mailbox: mailbox, holders: 1)
            return mailbox
        }
    }

    func release(_ mailbox: OpenMailbox) {
        let isGone = self.table.withLock { table in
            guard let entry = table[mailbox.id], entry.mailbox === mailbox else { return false }
            table[mailbox.id] = entry.holders > 1 ? Entry(mailbox: mailbox, holders: entry.holders - 1) : nil
            return entry.holders == 1
        }
        if isGone { mailbox.close() }
    }

    /// The mailbox was removed: whoever has it selected is told.
    func gone(_ id: MailboxID) { self.table.withLock { $0[id]?.mailbox }?.gone() }

    var count: Int { self.table.withLock { $0.count } }
}

/// Octets that all open mailboxes together keep for the next who asks.
final class CacheBudget: Sendable {
    private let limit: Int
    private let used = Atomic<Int>(0)

    init(limit: Int) { self.limit = limit }

    func hasRoom(_ octets: Int) -> Bool { self.used.load(ordering: .relaxed) + octets <= self.limit }
    func change(by octets: Int) { self.used.add(octets, ordering: .relaxed) }
}
