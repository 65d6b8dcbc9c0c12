internal import MessageStore
internal import NIOCore
internal import Vocabulary

/// Reads of the store for whoever has a thread to wait on: the workers of this target, never an event loop.
struct StoreReads: Sendable {
    let store: MessageStore

    init(_ store: MessageStore) { self.store = store }

    /// Waits for an answer that the store gives on threads of its own; they wait for nobody here. As long as it takes: what must be filed
    /// first, or a change of a million messages, may take minutes.
    func wait<T: Sendable>(_ ask: (@escaping @Sendable (Result<T, StoreError>) -> Void) -> Void) throws(StoreError) -> T {
        try StoreWait.value(seconds: nil, ask)
    }

    /// Until what had arrived is in its mailboxes.
    func waitForFiling() throws(StoreError) {
        try self.wait { (done: @escaping @Sendable (Result<Void, StoreError>) -> Void) in self.store.afterFiling { done(.success(())) } }
    }

    // MARK: What has just arrived counts

    /// As the mailbox is after everything that had arrived is filed.
    func openView(_ mailbox: MailboxID) throws(StoreError) -> MailboxFacts {
        try self.waitForFiling()
        return try self.store.mailbox(mailbox)
    }

    func changes(of mailbox: MailboxID, since: ModSeq, uidNext: UID, limit: Int) throws(StoreError) -> StoredChanges {
        try self.waitForFiling()
        return try self.store.changes(of: mailbox, since: since, uidNext: uidNext, limit: limit)
    }

    // MARK: What is there

    func mailboxes(of account: AccountID) throws(StoreError) -> [MailboxFacts] {
        let found = try self.store.mailboxes(of: account)
        if found.contains(where: { $0.name == FolderName.inbox }) { return found }
        return try self.wait { self.store.mailboxes(of: account, completion: $0) }
    }

    /// INBOX among them.
    func mailboxCount(of account: AccountID) throws(StoreError) -> Int {
        _ = try self.find(FolderName.inbox, of: account)
        return try self.store.mailboxCount(of: account)
    }

    /// INBOX is always there.
    func find(_ name: String, of account: AccountID) throws(StoreError) -> MailboxFacts? {
        if let found = try self.store.findMailbox(name, of: account) { return found }
        guard name == FolderName.inbox else { return nil }
        return try self.wait { self.store.findMailbox(name, of: account, completion: $0) }
    }

    func keywords(of mailbox: MailboxID) throws(StoreError) -> [Int: String] { try self.store.keywords(of: mailbox) }

    func rights(of mailbox: MailboxID) throws(StoreError) -> [RightsEntry] { try self.store.rights(of: mailbox) }

    func sharedWith(_ identifiers: [String]) throws(StoreError) -> [MailboxFacts] { try self.store.mailboxesSharedWith(identifiers) }

    func subscriptions(of account: AccountID) throws(StoreError) -> [String] { try self.store.subscriptions(of: account) }

    func uids(of mailbox: MailboxID, asOf modSeq: ModSeq, uidNext: UID) throws(StoreError) -> UIDSet {
        try self.store.uids(of: mailbox, asOf: modSeq, uidNext: uidNext)
    }

    /// Every message whose MODSEQ is greater, whether it came or changed since.
    func changed(in mailbox: MailboxID, since: ModSeq) throws(StoreError) -> [ChangedFlags] {
        try self.store.changed(in: mailbox, since: since)
    }

    func rows(of mailbox: MailboxID, _ uids: UIDSet, from first: UID, limit: Int) throws(StoreError) -> [MessageRow] {
        try self.store.rows(of: mailbox, uids: uids, from: first, limit: limit)
    }

    /// UID and flags, in turn, some messages at a time.
    func flags(of mailbox: MailboxID, from first: UID, limit: Int, _ body: (UnsafeBufferPointer<Int64>) -> Void) throws(StoreError) {
        try self.store.flags(of: mailbox, from: first, limit: limit, body)
    }

    /// Annotations of a mailbox, or of the server, as one account sees them: its own private ones and those of all.
    func metadata(of mailbox: MailboxID?, account: AccountID) throws(StoreError) -> [StoredEntry] {
        try self.store.metadata(of: mailbox, account: Self.nobody) + self.store.metadata(of: mailbox, account: account)
    }

    /// Whose annotations all see.
    static let nobody = AccountID(rawValue: 0)

    func usage(of account: AccountID) throws(StoreError) -> AccountUsage {
        try self.wait { self.store.usage(of: account, completion: $0) }
    }
}
