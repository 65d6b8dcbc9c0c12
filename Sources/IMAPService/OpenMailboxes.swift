internal import MessageStore
internal import Synchronization
internal import Vocabulary

/// The mailboxes that some session has selected, each once, and some that were selected a moment ago: programs come back.
final class OpenMailboxes: Sendable {
    private struct Entry {
        var mailbox: OpenMailbox
        var holders: Int
    }

    private struct Table {
        var entries: [MailboxID: Entry] = [:]
        /// Those without a holder, with when the last one left, by the budget's count.
        var idle: [MailboxID: UInt64] = [:]
    }

    /// Mailboxes that nobody has selected.
    private static let mostIdle = 200

    let store: MessageStore
    private let budget = CacheBudget(limit: 64 << 20)
    let standardFolders = StandardFolders()
    let counters: KnownCounters
    private let table = Mutex(Table())

    init(_ store: MessageStore) {
        self.store = store
        self.counters = KnownCounters(store.changes)
        self.budget.makeRoom { [weak self] in self?.forgetOldest(but: $0) ?? false }
    }

    /// To be given back by `release`.
    func take(_ id: MailboxID) -> OpenMailbox {
        let (mailbox, wasIdle) = self.table.withLock { table in
            if let entry = table.entries[id] {
                table.entries[id]?.holders += 1
                return (entry.mailbox, table.idle.removeValue(forKey: id) != nil)
            }
            let mailbox = OpenMailbox(id, self.store, self.budget)
            table.entries[id] = Entry(mailbox: mailbox, holders: 1)
            return (mailbox, false)
        }
        // Nobody was told of new ones meanwhile.
        if wasIdle { mailbox.forgetKeywords() }
        return mailbox
    }

    func release(_ mailbox: OpenMailbox) {
        let now = self.budget.nextUse
        let (isIdle, closed) = self.table.withLock { table -> (Bool, OpenMailbox?) in
            guard let entry = table.entries[mailbox.id], entry.mailbox === mailbox else { return (false, nil) }
            table.entries[mailbox.id]?.holders -= 1
            guard entry.holders <= 1 else { return (false, nil) }
            table.idle[mailbox.id] = now
            guard table.idle.count > Self.mostIdle, let oldest = table.idle.min(by: { $0.value < $1.value }) else { return (true, nil) }
            table.idle[oldest.key] = nil
            return (true, table.entries.removeValue(forKey: oldest.key)?.mailbox)
        }
        if isIdle { mailbox.rest() }
        closed?.close()
    }

    /// The mailbox was removed: whoever has it selected is told.
    func gone(_ id: MailboxID) {
        let (mailbox, isIdle) = self.table.withLock { table -> (OpenMailbox?, Bool) in
            guard table.idle.removeValue(forKey: id) != nil else { return (table.entries[id]?.mailbox, false) }
            return (table.entries.removeValue(forKey: id)?.mailbox, true)
        }
        mailbox?.gone()
        if isIdle { mailbox?.close() }
    }

    /// Of all but one mailbox the one that was not used for longest gives its room to others.
    private func forgetOldest(but id: MailboxID) -> Bool {
        let mailboxes = self.table.withLock { $0.entries.values.map(\.mailbox) }
        var oldest: (mailbox: OpenMailbox, use: UInt64)?
        for mailbox in mailboxes where mailbox.id != id {
            guard let use = mailbox.lastUse else { continue }
            if use < oldest?.use ?? .max { oldest = (mailbox, use) }
        }
        return oldest?.mailbox.forget() ?? false
    }

    /// Those that somebody has selected.
    var count: Int { self.table.withLock { $0.entries.count - $0.idle.count } }
}

/// Octets that all open mailboxes together keep for the next who asks.
final class CacheBudget: Sendable {
    private let limit: Int
    private let used = Atomic<Int>(0)
    private let uses = Atomic<UInt64>(0)
    private let forgetting = Mutex<(@Sendable (MailboxID) -> Bool)?>(nil)

    init(limit: Int) { self.limit = limit }

    /// - Parameter forget: lets another mailbox than the one named give up what it keeps; false when there is none.
    func makeRoom(_ forget: @escaping @Sendable (MailboxID) -> Bool) { self.forgetting.withLock { $0 = forget } }

    /// Whether a mailbox may keep so much more; others give room for it.
    func hasRoom(_ octets: Int, for mailbox: MailboxID) -> Bool {
        guard octets <= self.limit / 2 else { return false }
        let forget = self.forgetting.withLock { $0 }
        while self.used.load(ordering: .relaxed) + octets > self.limit {
            guard forget?(mailbox) == true else { return false }
        }
        return true
    }

    func change(by octets: Int) { self.used.add(octets, ordering: .relaxed) }

    /// Counts up: who was used later has a greater number.
    var nextUse: UInt64 { self.uses.add(1, ordering: .relaxed).newValue }
}
