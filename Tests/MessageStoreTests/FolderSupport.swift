import Database
import MailTesting
import MessageStore
import NIOCore
import Synchronization
import Testing
import Vocabulary

// The calls of IMAP, awaited.
extension MessageStore {
    func mailboxes(_ account: AccountID) async throws -> [MailboxFacts] {
        try await awaited("mailboxes") { self.mailboxes(of: account, completion: $0) }
    }

    func found(_ name: String, _ account: AccountID) async throws -> MailboxFacts? {
        try await awaited("findMailbox") { self.findMailbox(name, of: account, completion: $0) }
    }

    func inbox(_ account: AccountID) async throws -> MailboxID { try #require(try await self.found("INBOX", account)).id }

    func create(_ name: String, _ account: AccountID, _ use: SpecialUse = []) async throws -> MailboxFacts {
        try await awaited("createMailbox") { self.createMailbox(name, of: account, specialUse: use, completion: $0) }
    }

    func delete(_ mailbox: MailboxID) async throws {
        try await awaited("deleteMailbox") { self.deleteMailbox(mailbox, completion: $0) }
    }

    func rename(_ from: String, _ to: String, _ account: AccountID) async throws {
        try await awaited("renameMailbox") { self.renameMailbox(from, to: to, of: account, completion: $0) }
    }

    func subscribe(_ name: String, _ isOn: Bool, _ account: AccountID) async throws {
        try await awaited("setSubscribed") { self.setSubscribed(name, isOn, of: account, completion: $0) }
    }

    func subscribed(_ account: AccountID) async throws -> [String] {
        try await awaited("subscriptions") { self.subscriptions(of: account, completion: $0) }
    }

    func view(_ mailbox: MailboxID) async throws -> MailboxFacts {
        try await awaited("openView") { self.openView(mailbox, completion: $0) }
    }

    func uids(_ mailbox: MailboxID, asOf facts: MailboxFacts) async throws -> UIDSet {
        try await awaited("uids") { self.uids(of: mailbox, asOf: facts.highestModSeq, uidNext: facts.uidNext, completion: $0) }
    }

    func changes(_ mailbox: MailboxID, since facts: MailboxFacts, limit: Int = 1000) async throws -> StoredChanges {
        try await awaited("changes") {
            self.changes(of: mailbox, since: facts.highestModSeq, uidNext: facts.uidNext, limit: limit, completion: $0)
        }
    }

    func rows(_ mailbox: MailboxID, _ uids: UIDSet, from: UInt32 = 1, limit: Int = .max) async throws -> [MessageRow] {
        try await awaited("rows") { self.rows(of: mailbox, uids: uids, from: UID(rawValue: from), limit: limit, completion: $0) }
    }

    func changeFlags(
        _ mailbox: MailboxID, _ uids: UIDSet, _ change: FlagChange, _ keywords: [String] = [], unchangedSince: ModSeq? = nil
    ) async throws -> FlagsChanged {
        try await awaited("changeFlags") {
            self.changeFlags(mailbox, uids, change, keywords: keywords, unchangedSince: unchangedSince, completion: $0)
        }
    }

    func expunge(_ mailbox: MailboxID, _ uids: UIDSet, onlyDeleted: Bool = false) async throws -> Expunged {
        try await awaited("expunge") { self.expunge(mailbox, uids: uids, onlyDeleted: onlyDeleted, completion: $0) }
    }

    func copy(
        _ uids: UIDSet, _ from: MailboxID, _ to: MailboxID, quota: Int64? = nil, isMove: Bool = false,
        flags: Flags = MessageStore.allFlags
    ) async throws -> CopyResult {
        try await awaited("copy", seconds: 60) {
            self.copy(uids, from: from, to: to, quota: quota, isMove: isMove, flags: flags, completion: $0)
        }
    }

    func append(_ items: [AppendItem], _ mailbox: MailboxID, quota: Int64? = nil) async throws -> AppendResult {
        try await awaited("append") { self.append(items, to: mailbox, quota: quota, completion: $0) }
    }

    func replace(
        _ uid: UInt32, of old: MailboxID, _ item: AppendItem, in mailbox: MailboxID, quota: Int64? = nil
    ) async throws -> AppendResult {
        try await awaited("replace") {
            self.append([item], to: mailbox, replacing: (old, UID(rawValue: uid)), quota: quota, completion: $0)
        }
    }

    func words(_ mailbox: MailboxID) async throws -> [Int: String] {
        try await awaited("keywords") { self.keywords(of: mailbox, completion: $0) }
    }
}

/// Holds the thread that files and changes, from the next change of a mailbox on, until it is let go: what is asked for meanwhile waits
/// together.
final class HeldFolder: Sendable {
    private let state = Monitor((isHeld: false, mayGo: false))
    private let subscription = Mutex<ChangeFeed.Subscription?>(nil)

    init(_ store: MessageStore, by mailbox: MailboxID) async throws {
        let state = self.state
        let made = store.changes.subscribe(mailbox) { _ in
            state.withLock { $0.isHeld = true }
            state.broadcast()
            state.wait(until: \.mayGo, then: { _ in })
        }
        self.subscription.withLock { $0 = made }
        // A delivery, which the folder's thread files by itself: what is added may be told of by the thread that writes the log.
        let owner = try store.mailbox(mailbox).account
        _ = try await store.accept(message("holds\r\n", to: [PlannedDelivery(account: owner, mailbox: mailbox)]))
        state.wait(milliseconds: Int(Patience.usual * 1000), until: \.isHeld, then: { _ in })
    }

    func letGo() {
        self.state.withLock { $0.mayGo = true }
        self.state.broadcast()
        self.subscription.withLock { $0 = nil }
    }
}

func added(_ text: String, _ flags: Flags = [], _ keywords: [String] = [], date: Int64? = nil) -> AppendItem {
    AppendItem(body: .memory(ByteBuffer(string: text)), flags: flags, keywords: keywords, date: date)
}

/// Whether something becomes so before patience ends.
func settled(_ condition: () async -> Bool) async -> Bool {
    let deadline = monotonicSeconds() + Patience.usual
    while monotonicSeconds() < deadline {
        if await condition() { return true }
        try? await Task.sleep(for: .milliseconds(10))
    }
    // A task that got no thread for a minute has not looked since.
    return await condition()
}

extension UIDSet: ExpressibleByArrayLiteral {
    package init(arrayLiteral elements: UInt32...) { self.init(ascending: elements.sorted()) }
}
