internal import MessageStore
internal import Synchronization
internal import Vocabulary

/// What all sessions of one mailbox share: the hint that something changed, what has changed lately, read once and handed to each, its
/// keywords, its UIDs.
final class OpenMailbox: Sendable {
    /// Names one session among those of this mailbox.
    struct Ticket: Hashable, Sendable { fileprivate let number: Int }

    enum News: Sendable { case changed, gone }

    private struct Session {
        /// Tells the session that there is something to read. Once, until it reads.
        var tell: @Sendable (News) -> Void
        var isHinted = false
    }

    private struct State {
        var sessions: [Int: Session] = [:]
        var nextTicket = 0
        /// The newest MODSEQ that the feed named, or somebody has read or made.
        var newest = ModSeq(rawValue: 0)
        var recent = RecentChanges()
        var keywords: [Int: String]?
        var rows = RowPrefix()
        var memory = SearchMemory()
        var flags: FlagTable?
        /// Too many combinations of flags for a table.
        var hasMixedFlags = false
        /// When somebody last used it: a count of the budget's.
        var lastUse: UInt64 = 0
        var subscription: ChangeFeed.Subscription?
        var isClosed = false

        /// Of what counts in the budget.
        var octets: Int { self.rows.octets + self.memory.octets + (self.flags?.octets ?? 0) }
    }

    /// Flags that changed and are read in one go; more come with the next reading.
    static let changesAtOnce = 10_000
    /// Flags that are told by the thread that asks.
    private static let fewChanges = 100

    let id: MailboxID
    private let reads: StoreReads
    private let budget: CacheBudget
    private let state = Mutex(State())

    init(_ id: MailboxID, _ store: MessageStore, _ budget: CacheBudget) {
        self.id = id
        self.budget = budget
        self.reads = StoreReads(store)
        let subscription = store.changes.subscribe(id) { [weak self] in self?.changed($0) }
        self.state.withLock { $0.subscription = subscription }
    }

    func close() {
        let last = self.state.withLock { state in
            state.isClosed = true
            self.budget.change(by: -state.octets)
            defer {
                state.subscription = nil
                state.rows = RowPrefix()
                state.memory = SearchMemory()
                state.flags = nil
            }
            return state.subscription
        }
        _ = last
    }

    // MARK: Sessions

    /// `tell` is called from any thread and must return at once.
    func join(_ tell: @escaping @Sendable (News) -> Void) -> Ticket {
        self.state.withLock { state in
            state.nextTicket += 1
            state.sessions[state.nextTicket] = Session(tell: tell)
            return Ticket(number: state.nextTicket)
        }
    }

    func leave(_ ticket: Ticket) { self.state.withLock { state in _ = state.sessions.removeValue(forKey: ticket.number) } }

    private func changed(_ modSeq: ModSeq) {
        let sessions = self.state.withLock { state -> [Session] in
            state.newest = max(state.newest, modSeq)
            let unaware = state.sessions.filter { !$0.value.isHinted }
            for number in unaware.keys { state.sessions[number]?.isHinted = true }
            return Array(unaware.values)
        }
        for session in sessions { session.tell(.changed) }
    }

    func gone() {
        for session in self.state.withLock({ Array($0.sessions.values) }) { session.tell(.gone) }
    }

    /// Tells one session again: it was given a part only.
    func hintAgain(_ ticket: Ticket) {
        let session = self.state.withLock { state in
            state.sessions[ticket.number]?.isHinted = true
            return state.sessions[ticket.number]
        }
        session?.tell(.changed)
    }

    // MARK: Changes

    /// What happened since `since` to whoever knew the mailbox up to `uidNext`. Waits for the disk, unless another session has just read it.
    func changes(since: ModSeq, uidNext: UID, for ticket: Ticket?) throws(StoreError) -> StoredChanges {
        let (told, from, fromNext) = self.state.withLock { state -> (StoredChanges?, ModSeq, UID) in
            if let ticket { state.sessions[ticket.number]?.isHinted = false }
            guard let told = state.recent.changes(since: since, uidNext: uidNext) else { return (nil, since, uidNext) }
            return (told, told.modSeq, told.uidNext)
        }
        if let told, told.modSeq >= self.state.withLock({ $0.newest }), told.modSeq > since { return told }
        let read = try self.reads.changes(of: self.id, since: from, uidNext: fromNext, limit: Self.changesAtOnce)
        self.state.withLock { state in
            state.recent.add(read, since: from, fromNext)
            state.newest = max(state.newest, read.modSeq)
        }
        guard let told else { return read }
        // A part of what came behind it may leave out messages that have changed twice: their flags of before are older than what a FETCH
        // has just read.
        guard !read.isMore else {
            return try self.reads.changes(of: self.id, since: since, uidNext: uidNext, limit: Self.changesAtOnce)
        }
        return told.followed(by: read, uidNext: uidNext)
    }

    /// What happened since, where all of it is known and it is little: then nobody has to wait for the disk, nor change threads.
    func knownChanges(since: ModSeq, uidNext: UID, for ticket: Ticket) -> StoredChanges? {
        self.state.withLock { state in
            guard let told = state.recent.changes(since: since, uidNext: uidNext, mostFlags: Self.fewChanges),
                told.modSeq >= state.newest, told.modSeq > since
            else { return nil }
            state.sessions[ticket.number]?.isHinted = false
            return told
        }
    }

    /// Messages that a session added to this mailbox: all that happened between two MODSEQs. False where it is not known what else did.
    func noteArrived(_ added: AppendResult, in mailbox: MailboxID) -> Bool {
        guard mailbox == self.id, let span = added.span, let first = added.uids.first, let last = added.uids.last,
            last.rawValue < UInt32.max
        else { return false }
        var changes = StoredChanges(modSeq: span.upperBound, uidNext: UID(rawValue: last.rawValue + 1))
        changes.arrived = UIDSet(ascending: added.uids.lazy.map(\.rawValue))
        self.state.withLock { state in
            state.recent.add(changes, since: span.lowerBound, first)
            state.newest = max(state.newest, span.upperBound)
        }
        return true
    }

    /// Messages as new as this were read from the disk and are about to be told, before the feed has spoken of it. What changes are told behind
    /// them must reach as far: a client would see older flags after newer ones.
    func noteRead(_ modSeq: ModSeq) { self.state.withLock { $0.newest = max($0.newest, modSeq) } }

    /// True when nothing has come since, as far as is known without asking the disk. The session counts as having looked: it may have read a
    /// change before it was hinted at it.
    func isQuiet(since: ModSeq, for ticket: Ticket) -> Bool {
        self.state.withLock { state in
            guard state.newest <= since else { return false }
            state.sessions[ticket.number]?.isHinted = false
            return true
        }
    }

    // MARK: Keywords

    /// Names by bit.
    func keywords() throws(StoreError) -> [Int: String] {
        if let known = self.state.withLock({ $0.keywords }) { return known }
        let read = try self.reads.keywords(of: self.id)
        self.state.withLock { $0.keywords = read }
        return read
    }

    /// True when a flag stands in these that has no name among those known here: they must be read anew.
    func keywords(covering flags: Flags) throws(StoreError) -> [Int: String] {
        let known = try self.keywords()
        guard Flags.keywordBits.contains(where: { flags.contains(.keyword($0)) && known[$0] == nil }) else { return known }
        self.forgetKeywords()
        return try self.keywords()
    }

    // MARK: Rows

    /// Rows of messages, as `StoreReads.rows` gives them.
    /// - Parameter isAll: no message that is there lies between the UIDs.
    func rows(_ uids: UIDSet, from first: UID, limit: Int, isAll: Bool) throws(StoreError) -> [MessageRow] {
        let (known, newest, end) = self.state.withLock { state in
            state.lastUse = self.budget.nextUse
            return (
                state.rows.rows(uids, from: first, limit: limit, at: state.newest), state.newest, state.rows.reaches(at: state.newest)
            )
        }
        if known.count == limit { return known }
        // The rest from behind what is known; from the first where that is not reached.
        let continues = end.map { first.rawValue <= $0.rawValue || first.rawValue == $0.rawValue + 1 } ?? (first.rawValue == 1)
        let start = end.flatMap { $0 >= first && $0.rawValue < UInt32.max ? UID(rawValue: $0.rawValue + 1) : nil } ?? first
        let read = try self.reads.rows(of: self.id, uids, from: start, limit: limit - known.count)
        if isAll, continues, !read.isEmpty, self.budget.hasRoom(read.count * RowPrefix.octetsPerRow, for: self.id) {
            self.state.withLock { state in
                guard state.newest == newest, !state.isClosed else { return }
                let before = state.octets
                state.rows.add(read, startsAfter: end, at: newest)
                self.budget.change(by: state.octets - before)
            }
        }
        return known + read
    }

    /// The newest change that is known of.
    var newest: ModSeq { self.state.withLock { $0.newest } }

    /// Rows of all messages, from the first on, that were read while this was the newest change.
    func keep(_ rows: [MessageRow], readAt newest: ModSeq) {
        guard !rows.isEmpty, self.budget.hasRoom(rows.count * RowPrefix.octetsPerRow, for: self.id) else { return }
        self.state.withLock { state in
            guard state.newest == newest, !state.isClosed, state.rows.reaches(at: newest) == nil else { return }
            let before = state.octets
            state.rows.add(rows, startsAfter: nil, at: newest)
            self.budget.change(by: state.octets - before)
        }
    }

    // MARK: Flags of all messages

    /// As they are now; nil where they are not known. Costs as much as has changed since somebody asked.
    func flags() throws(StoreError) -> FlagTable? {
        let (known, newest) = self.state.withLock { state in
            state.lastUse = self.budget.nextUse
            return (state.flags, state.newest)
        }
        guard var table = known, table.stamp < newest else { return known }
        guard try table.bringUpToDate(self.id, self.reads) else {
            self.keep(table.isMixed ? table : nil)
            return nil
        }
        self.keep(table)
        return table
    }

    /// A table to be read; nil where it would be of no use.
    func newFlagTable() throws(StoreError) -> FlagTable? {
        guard !self.state.withLock({ $0.hasMixedFlags }) else { return nil }
        return FlagTable(stamp: try self.highestModSeq())
    }

    /// Messages behind those of the table; false when there are no more.
    func readOn(_ table: inout FlagTable, limit: Int = FlagTable.page) throws(StoreError) -> Bool {
        try table.readOn(self.id, self.reads, limit: limit)
    }

    /// As it stands on the disk.
    func highestModSeq() throws(StoreError) -> ModSeq { try self.reads.store.mailbox(self.id).highestModSeq }

    /// For the next who asks, if there is room for it.
    func keep(_ table: FlagTable?) {
        let isUseful = table?.isMixed == false
        let mayKeep = isUseful && self.budget.hasRoom(table?.octets ?? 0, for: self.id)
        self.state.withLock { state in
            guard !state.isClosed else { return }
            let before = state.octets
            state.flags = mayKeep ? table : nil
            if table?.isMixed == true { state.hasMixedFlags = true }
            self.budget.change(by: state.octets - before)
        }
    }

    // MARK: What searches have found out

    var memory: SearchMemory {
        self.state.withLock { state in
            state.lastUse = self.budget.nextUse
            return state.memory
        }
    }

    /// Keeps what a search has found out, if there is room for it.
    func remember(_ change: (inout SearchMemory) -> Void) {
        var memory = self.memory
        let before = memory.octets
        change(&memory)
        guard self.budget.hasRoom(max(0, memory.octets - before), for: self.id) else { return }
        // Of two searches at a time one is remembered: the other's work is done again some time.
        self.state.withLock { [memory] state in
            guard !state.isClosed else { return }
            let before = state.octets
            state.memory = memory
            self.budget.change(by: state.octets - before)
        }
    }

    /// Gives room to others; false when there was nothing.
    func forget() -> Bool {
        let freed = self.state.withLock { state in
            let octets = state.octets
            state.rows = RowPrefix()
            state.memory = SearchMemory()
            (state.flags, state.hasMixedFlags) = (nil, false)
            return octets
        }
        self.budget.change(by: -freed)
        return freed > 0
    }

    /// Nobody has it selected for now.
    func rest() { self.state.withLock { $0.recent = RecentChanges() } }

    var lastUse: UInt64? { self.state.withLock { $0.octets > 0 ? $0.lastUse : nil } }

    func forgetKeywords() { self.state.withLock { $0.keywords = nil } }
}
