package import Vocabulary

/// The message store of one instance. Open once a process; all methods may be called from any thread. Methods with a completion return
/// at once and may be called on an event loop; their completions come exactly once, on a thread of the store (or before the method
/// returns, when nothing had to be done). The others block and belong on threads of their own.
package final class MessageStore: Sendable {
    package let location: StoreLocation
    package let options: StoreOptions
    package let changes = ChangeFeed()
    package let memory: MemoryBudget

    private init(_ location: StoreLocation, _ options: StoreOptions) {
        self.location = location
        self.options = options
        self.memory = MemoryBudget(limit: options.memoryBudget)
    }

    // MARK: Opening and closing

    /// Opens or creates the store, files what a crash left unfiled, and starts its threads. The directories are made with mode 0700.
    package static func open(_ location: StoreLocation, _ options: StoreOptions) throws(StoreError) -> MessageStore {
        MessageStore(location, options)
    }

    /// Finishes what was taken, syncs, closes. Later calls are answered with `.closed`.
    package func close() {}

    package var health: StoreHealth { .failed("not built yet") }

    // MARK: Accepting

    /// Answers after the message is on stable storage, or has left no trace.
    package func accept(_ item: AcceptItem, completion: @escaping @Sendable (Result<Accepted, StoreRefusal>) -> Void) {
        completion(.failure(.closed))
    }

    /// For a body that turned out, or was announced, to be longer than the inline limit.
    package func beginLargeBody() throws(StoreRefusal) -> LargeBody { LargeBody() }

    // MARK: Mailboxes

    /// Waits until what had arrived is filed, then lists INBOX; makes it when the account has none yet.
    package func openInbox(of account: AccountID, completion: @escaping @Sendable (Result<MailboxListing, StoreError>) -> Void) {
        completion(.failure(.closed))
    }

    package func openMailbox(_ mailbox: MailboxID, completion: @escaping @Sendable (Result<MailboxListing, StoreError>) -> Void) {
        completion(.failure(.closed))
    }

    /// Makes a mailbox, or finds the one of that name. INBOX is made by itself.
    package func makeMailbox(_ name: String, of account: AccountID, completion: @escaping @Sendable (Result<MailboxID, StoreError>) -> Void)
    {
        completion(.failure(.closed))
    }

    /// Opens one message for reading, first chunk included.
    package func reader(
        _ mailbox: MailboxID, _ uid: UID, completion: @escaping @Sendable (Result<MessageReader, StoreError>) -> Void
    ) {
        completion(.failure(.closed))
    }

    /// Removes messages for good. UIDs that are not there are passed over. Answers how many went, after commit.
    package func expunge(_ mailbox: MailboxID, _ uids: [UID], completion: @escaping @Sendable (Result<Int, StoreError>) -> Void) {
        completion(.failure(.closed))
    }

    package enum FlagChange: Sendable, Hashable { case add(Flags), remove(Flags), replace(Flags) }

    /// Changes flags; answers the mailbox's new highest modseq, after commit.
    package func setFlags(
        _ mailbox: MailboxID, _ uids: [UID], _ change: FlagChange, completion: @escaping @Sendable (Result<ModSeq, StoreError>) -> Void
    ) {
        completion(.failure(.closed))
    }

    // MARK: Accounts

    /// Exact size of all mailboxes of an account. From memory in most cases; may read the database.
    package func usage(of account: AccountID, completion: @escaping @Sendable (Result<AccountUsage, StoreError>) -> Void) {
        completion(.failure(.closed))
    }

    /// Removes all mailboxes of an account, in the background and resumed after a restart; answers as soon as no new mail can come.
    /// The number is never used again.
    package func removeAccount(_ account: AccountID, completion: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
        completion(.failure(.closed))
    }

    // MARK: Care

    /// Looks at every byte and number of the open store. Blocks for minutes on a large one; mail goes on meanwhile.
    package func check(progress: (Progress) -> Void = { _ in }) throws(StoreError) -> CheckReport { CheckReport() }
}
