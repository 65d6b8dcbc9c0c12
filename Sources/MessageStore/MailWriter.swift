internal import Database
internal import NIOCore
internal import Vocabulary

/// What a mailbox counts. Kept in memory between deliveries; the folder's thread is the only one that changes it.
struct MailboxState: Sendable, Hashable {
    var account: Int64
    var uidNext: Int64
    var modSeq: Int64
    var messages: Int64
    var unseen: Int64
    var bytes: Int64
    var deleted: Int64
    let uidValidity: Int64

    /// A message with these flags and this size is there (`count` 1) or not any more (-1).
    mutating func count(_ flags: Flags, _ size: Int64, _ count: Int64) {
        self.messages += count
        self.bytes += count * size
        if !flags.contains(.seen) { self.unseen += count }
        if flags.contains(.deleted) { self.deleted += count }
    }

    /// A message's flags change.
    mutating func change(_ old: Flags, _ new: Flags) {
        self.unseen += (old.contains(.seen) ? 1 : 0) - (new.contains(.seen) ? 1 : 0)
        self.deleted += (new.contains(.deleted) ? 1 : 0) - (old.contains(.deleted) ? 1 : 0)
    }
}

/// Writes mail.db. Lives on the folder's thread. A transaction is: `begin`, any of the changes, `commit` or `rollback`.
final class MailWriter {
    /// What a transaction brings about beside its rows; told after commit.
    struct Effects {
        var filed: [Int64: UsageTable.Amount] = [:]
        var noLongerPending: [Int64: UsageTable.Amount] = [:]
        var segments: [UInt32: (live: Int64, bytes: Int64)] = [:]
        /// By mailbox.
        var changed: [Int64: ChangeFeed.Change] = [:]
        var events: [(account: Int64, event: AccountEvent)] = []
        /// By record.
        var appended: [Int64: Result<AppendResult, StoreError>] = [:]
    }

    struct State: Sendable, Equatable {
        var position: LogPosition
        var sequence: Int64
        var done: Int
        var uidValidity: Int64
    }

    let connection: Connection
    let removed: RemovedAccounts
    let watch: CheckWatch
    let now: @Sendable () -> Int64
    /// The header of a log segment as its file has it; nil when it cannot be read.
    private let header: (UInt32) -> [UInt8]?
    var state: State
    private var stateBefore: State
    private var mailboxes: [Int64: MailboxState] = [:]
    private var inboxes: [Int64: Int64] = [:]
    private var dirty: Set<Int64> = []
    private var knownSegments: Set<UInt32> = []
    var effects = Effects()
    /// Rows of messages are behind what was promised of their flags.
    private(set) var owesRows = false
    private var owedRowsBefore = false
    /// There is enough room on the disk to promise first and write later.
    var mayPromise = false
    /// Messages whose flags change in one call, from which on that is promised first.
    let promisesFrom: Int
    /// Mailboxes and accounts whose numbers are kept in memory.
    private static let cached = 100_000

    init(
        _ connection: Connection, state: State, removed: RemovedAccounts, watch: CheckWatch, promisesFrom: Int, owesRows: Bool,
        now: @escaping @Sendable () -> Int64, header: @escaping (UInt32) -> [UInt8]?
    ) {
        self.promisesFrom = promisesFrom
        self.owesRows = owesRows
        self.connection = connection
        self.state = state
        self.stateBefore = state
        self.removed = removed
        self.watch = watch
        self.now = now
        self.header = header
    }

    // MARK: Transactions

    /// Filing alone needs no sync: after a power cut the log is filed again from the position that was kept, with the same UIDs, because
    /// the order of the log decides them and every other change is synced. [docs/decisions: 0011]
    func begin(_ durability: Connection.Durability) throws(DatabaseError) {
        if self.mailboxes.count > Self.cached || self.inboxes.count > Self.cached { self.forget() }
        self.effects = Effects()
        self.stateBefore = self.state
        self.owedRowsBefore = self.owesRows
        try self.connection.set(durability)
        try self.connection.beginWriting()
    }

    func commit(_ usage: UsageTable) throws(DatabaseError) {
        try self.flush()
        // A page less to sync where nothing was filed.
        if self.state != self.stateBefore {
            try self.connection.prepare(MailSQL.writeState).run(
                [
                    Int64(self.state.position.segment), self.state.position.offset, self.state.sequence, Int64(self.state.done),
                    self.state.uidValidity,
                ])
        }
        for (number, change) in self.effects.segments {
            try self.connection.prepare(MailSQL.changeSegment).run([Int64(number), change.live, change.bytes])
        }
        try usage.committing(filed: self.effects.filed, noLongerPending: self.effects.noLongerPending) { () throws(DatabaseError) in
            try self.connection.commit()
        }
    }

    func rollback() {
        self.connection.rollback()
        self.state = self.stateBefore
        self.owesRows = self.owedRowsBefore
        self.forget()
    }

    /// The body alone may fail: its rows and its traces in memory are undone, what came before it in the transaction stays.
    func savepoint<T>(_ body: () throws(StoreError) -> T) throws(StoreError) -> T {
        try StoreError.wrap { () throws(DatabaseError) in try self.flush() }
        let effects = self.effects
        let state = self.state
        let owesRows = self.owesRows
        var failure: StoreError?
        do throws(DatabaseError) {
            return try self.connection.savepoint { () throws(DatabaseError) in
                do throws(StoreError) {
                    let result = try body()
                    try StoreError.wrap { () throws(DatabaseError) in try self.flush() }
                    return result
                } catch {
                    failure = error
                    throw DatabaseError(code: 1, text: "undone", operation: "savepoint")
                }
            }
        } catch {
            self.effects = effects
            self.state = state
            self.owesRows = owesRows
            self.forget()
            throw failure ?? StoreError(error)
        }
    }

    // MARK: Flags that are promised

    func promise(_ changes: [UnwrittenChange]) throws(DatabaseError) {
        for change in changes { try change.promise(on: self.connection) }
        self.owesRows = true
    }

    /// Must come before any other change of rows.
    func writePromised() throws(DatabaseError) {
        guard self.owesRows else { return }
        for mailbox in try UnwrittenChange.writeAll(on: self.connection) { self.watch.noteMailbox(mailbox) }
        self.owesRows = false
    }

    private func forget() {
        self.mailboxes.removeAll(keepingCapacity: true)
        self.inboxes.removeAll(keepingCapacity: true)
        self.dirty.removeAll(keepingCapacity: true)
        self.knownSegments.removeAll()
    }

    private func flush() throws(DatabaseError) {
        guard !self.dirty.isEmpty else { return }
        let statement = try self.connection.prepare(MailSQL.writeCounter)
        for id in self.dirty {
            guard let box = self.mailboxes[id] else { continue }
            try statement.run([id, box.uidNext, box.modSeq, box.messages, box.unseen, box.bytes, box.deleted])
        }
        self.dirty.removeAll(keepingCapacity: true)
    }

    // MARK: Mailboxes

    func mailbox(_ id: Int64) throws(DatabaseError) -> MailboxState? {
        if let known = self.mailboxes[id] { return known }
        let found = try self.connection.row(MailSQL.readCounter, .int(id)) { row in
            MailboxState(
                account: row.int(0), uidNext: row.int(1), modSeq: row.int(2), messages: row.int(3), unseen: row.int(4), bytes: row.int(5),
                deleted: row.int(6), uidValidity: row.int(7))
        }
        if let found { self.mailboxes[id] = found }
        return found
    }

    func forgetMailbox(_ id: Int64) {
        self.watch.noteMailbox(id)
        if let box = self.mailboxes.removeValue(forKey: id) { self.inboxes[box.account] = nil }
        self.dirty.remove(id)
    }

    func set(_ id: Int64, _ state: MailboxState) {
        self.mailboxes[id] = state
        self.dirty.insert(id)
        self.effects.changed[id] = ChangeFeed.Change(account: state.account, modSeq: state.modSeq)
        self.watch.noteMailbox(id)
    }

    func inbox(of account: Int64, at time: Int64) throws(DatabaseError) -> Int64 {
        if let known = self.inboxes[account] { return known }
        let id = try self.makeMailbox("INBOX", of: account, at: time)
        self.inboxes[account] = id
        return id
    }

    /// Finds or makes. UIDVALIDITY only grows, so that a mailbox made again under an old name is a different one. [RFC9051-2.3.1.1]
    func makeMailbox(_ name: String, of account: Int64, at time: Int64) throws(DatabaseError) -> Int64 {
        if let found = try self.connection.row(MailSQL.findMailbox, .int(account), .text(name), read: { $0.int(0) }) { return found }
        self.state.uidValidity = max(self.state.uidValidity + 1, min(max(time, 1), Int64(UInt32.max) - 1))
        try self.connection.run(MailSQL.makeMailbox, .int(account), .text(name), .int(self.state.uidValidity), .int(time))
        let id = self.connection.lastInsertID
        try self.connection.run(MailSQL.makeCounter, .int(id))
        return id
    }

    // MARK: Segments

    func change(_ segment: UInt32, live: Int64, bytes: Int64) {
        let old = self.effects.segments[segment] ?? (0, 0)
        self.effects.segments[segment] = (old.live + live, old.bytes + bytes)
    }

    /// Each segment has a row, so that `check` misses it and the sweeper finds it empty. That of a log segment keeps a copy of its header.
    func know(_ segment: UInt32, _ kind: SegmentKind) throws(DatabaseError) {
        guard !self.knownSegments.contains(segment) else { return }
        try self.connection.prepare(MailSQL.makeSegment).run([Int64(segment), Int64(kind.rawValue)])
        if kind == .log, let header = self.header(segment) { try self.connection.run(MailSQL.keepHeader, .int(segment), .blob(header)) }
        self.knownSegments.insert(segment)
    }

    /// Passes over a record that cannot be filed, and remembers it.
    func setAside(_ record: LogRecord, _ reason: String) throws(DatabaseError) {
        try self.connection.run(
            MailSQL.poison, .int(record.sequence), .int(record.start.segment), .int(record.start.offset), .text(reason), .int(self.now()))
        self.state.position = record.end
        self.state.sequence = record.sequence
        self.state.done = 0
    }
}
