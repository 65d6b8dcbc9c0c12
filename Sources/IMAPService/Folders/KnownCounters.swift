internal import MessageStore
internal import Synchronization
internal import Vocabulary

/// Counters of mailboxes as they were read last, as long as nothing has changed there: programs ask for the STATUS of the same mailboxes again
/// and again. The feed speaks before whoever made a change is answered, so that nobody is told less than he knows.
final class KnownCounters: Sendable {
    private struct Name: Hashable {
        var owner: AccountID
        var name: String
    }

    /// When something was read: what came since may be missing in it.
    struct Stamp: Equatable, Sendable {
        fileprivate var names: UInt64
        fileprivate var changes: UInt64
    }

    private struct State {
        var facts: [Name: MailboxFacts] = [:]
        var names: [MailboxID: Name] = [:]
        /// Of which names this is what they mean.
        var version: UInt64 = 0
        /// Counts what the feed has said.
        var changes: UInt64 = 0
        var subscription: ChangeFeed.Subscription?

        mutating func forgetAll() {
            self.facts = [:]
            self.names = [:]
        }
    }

    /// Mailboxes; with more, all are read anew.
    static let most = 10_000

    private let feed: ChangeFeed
    private let state = Mutex(State())

    init(_ feed: ChangeFeed) {
        self.feed = feed
        let subscription = feed.subscribeAll { [weak self] changes in self?.changed(changes.lazy.map(\.mailbox)) }
        self.state.withLock { $0.subscription = subscription }
    }

    private func changed(_ mailboxes: some Sequence<MailboxID>) {
        self.state.withLock { state in
            state.changes &+= 1
            for mailbox in mailboxes {
                if let name = state.names.removeValue(forKey: mailbox) { state.facts[name] = nil }
            }
        }
    }

    /// To be taken before counters are read.
    var stamp: Stamp { Stamp(names: self.feed.namesVersion, changes: self.state.withLock { $0.changes }) }

    /// Of a mailbox by its name, as it is now; nil where that must be read.
    func facts(_ name: String, of owner: AccountID) -> MailboxFacts? {
        let version = self.feed.namesVersion
        return self.state.withLock { state in state.version == version ? state.facts[Name(owner: owner, name: name)] : nil }
    }

    /// Keeps what was read behind a stamp, unless something has changed since.
    func keep(_ facts: MailboxFacts, _ stamp: Stamp) {
        self.state.withLock { state in
            guard state.changes == stamp.changes, self.feed.namesVersion == stamp.names else { return }
            if state.version != stamp.names || state.facts.count >= Self.most { state.forgetAll() }
            state.version = stamp.names
            let name = Name(owner: facts.account, name: facts.name)
            state.facts[name] = facts
            state.names[facts.id] = name
        }
    }

    var count: Int { self.state.withLock { $0.facts.count } }
}
