internal import Database
internal import MessageStore
internal import NIOCore
internal import Search
package import SearchIndex
internal import Synchronization
internal import Vocabulary

/// The indexes of all accounts as searches use them. One search at a time brings a mailbox's index up to date; others go without what it
/// does not know yet.
package final class SearchIndexing: Sendable {
    private let indexes: SearchIndexes
    private let building = Mutex<Set<MailboxID>>([])

    package init(_ indexes: SearchIndexes) { self.indexes = indexes }

    /// nil when there can be no index now: everything is asked.
    func begin(_ mailbox: MailboxID, of owner: AccountID) -> Indexing? {
        guard let index = self.indexes.index(of: owner) else { return nil }
        do throws(DatabaseError) {
            let through = try index.progress(of: mailbox)
            let isFirst = self.building.withLock { $0.insert(mailbox).inserted }
            return Indexing(index, mailbox, through: through, turn: isFirst ? Turn(mailbox, self) : nil, failed: { self.failed(owner, $0) })
        } catch {
            self.failed(owner, error)
            return nil
        }
    }

    /// Nothing depends on an index: a damaged one is begun anew.
    private func failed(_ owner: AccountID, _ error: DatabaseError) { if error.kind == .corrupt { self.indexes.beginAnew(owner) } }

    /// The right to bring a mailbox's index up to date; ends with its last reference.
    final class Turn: Sendable {
        private let mailbox: MailboxID
        private let owner: SearchIndexing

        fileprivate init(_ mailbox: MailboxID, _ owner: SearchIndexing) {
            self.mailbox = mailbox
            self.owner = owner
        }

        deinit { self.owner.building.withLock { _ = $0.remove(self.mailbox) } }
    }
}

/// One search's use of an index.
struct Indexing: Sendable {
    let index: SearchIndex
    /// What the index knows: all messages up to this one.
    let through: UID?

    private let mailbox: MailboxID
    private let turn: SearchIndexing.Turn?
    private let failed: @Sendable (DatabaseError) -> Void
    private var batch: [IndexedMessage] = []
    private var octets = 0
    private var hasFailed = false

    /// What may wait in memory.
    private static let mostOctets = 8 << 20

    init(
        _ index: SearchIndex, _ mailbox: MailboxID, through: UID?, turn: SearchIndexing.Turn?,
        failed: @escaping @Sendable (DatabaseError) -> Void
    ) {
        self.index = index
        self.mailbox = mailbox
        self.through = through
        self.turn = turn
        self.failed = failed
    }

    /// This search may bring the index up to date, and there is something to bring: it does not know this message.
    func isBehind(_ last: UID) -> Bool { self.turn != nil && self.through.map { $0 < last } ?? (self.turn != nil) }

    /// The first message that the index does not know.
    var first: UID? {
        guard let through = self.through else { return UID(rawValue: 1) }
        return through.rawValue < UInt32.max ? UID(rawValue: through.rawValue + 1) : nil
    }

    /// Of the messages that the index knows those that can match.
    func known(_ narrowing: SearchNarrowing) -> UIDSet {
        guard let through = self.through else { return UIDSet() }
        do throws(DatabaseError) {
            return try self.index.candidates(narrowing, in: self.mailbox)
        } catch {
            self.failed(error)
            return UIDSet(1...through.rawValue)
        }
    }

    /// Messages must come in order and without a gap.
    mutating func add(_ message: IndexedMessage) {
        guard !self.hasFailed else { return }
        self.batch.append(message)
        self.octets += message.text?.size ?? 0
        if self.batch.count >= SearchIndex.bestBatch || self.octets >= Self.mostOctets { self.finish() }
    }

    mutating func finish() {
        guard !self.hasFailed, let last = self.batch.last else { return }
        do throws(DatabaseError) {
            try self.index.add(self.batch, to: self.mailbox, through: last.uid)
        } catch {
            self.hasFailed = true
            self.failed(error)
        }
        self.batch = []
        self.octets = 0
    }
}

/// Brings a mailbox's index up to date behind the answer to a search: a page of messages on each of a worker's turns.
final class IndexBuilder: Sendable {
    private struct State {
        var indexing: Indexing
        var messages: SearchedMessages
        var next: UID?
    }

    private let mailbox: MailboxID
    private let reads: StoreReads
    private let work: @Sendable (@escaping @Sendable () -> Void) -> Bool
    private let state: Mutex<State?>

    init(_ indexing: Indexing, _ mailbox: MailboxID, _ summaries: Summaries, _ environment: IMAPService.Environment) {
        self.mailbox = mailbox
        self.reads = StoreReads(environment.store)
        self.work = environment.work
        var messages = SearchedMessages(mailbox, summaries)
        messages.index = indexing.index
        self.state = Mutex(State(indexing: indexing, messages: messages, next: indexing.first))
    }

    func start() { _ = self.work { self.step() } }

    /// What cannot be read now is tried again behind the next search.
    private func step() {
        let taken = self.state.withLock { state in
            defer { state = nil }
            return state
        }
        guard var state = taken, let first = state.next else { return }
        guard
            let rows = try? self.reads.rows(
                of: self.mailbox, UIDSet(first.rawValue...UInt32.max), from: first, limit: SearchIndex.bestBatch)
        else { return }
        state.messages.page(rows, readsSummaries: true)
        for row in rows {
            do throws(StoreError) {
                if let message = try state.messages.indexed(row) { state.indexing.add(message) }
            } catch { return }
        }
        state.indexing.finish()
        guard rows.count == SearchIndex.bestBatch, let last = rows.last, last.uid.rawValue < UInt32.max else { return }
        state.next = UID(rawValue: last.uid.rawValue + 1)
        self.state.withLock { [state] in $0 = state }
        self.start()
    }
}
