internal import Database
internal import MessageStore
internal import NIOCore
internal import SearchIndex
internal import Vocabulary

/// Does the jobs of `MailboxUpkeep`, a page of messages at a time, so that no mailbox waits long for another's. On its thread alone.
struct UpkeepHand {
    private let upkeep: MailboxUpkeep
    private let store: MessageStore
    private let reads: StoreReads
    /// How far mailboxes are prepared and indexed, as far as it was looked up.
    private var prepared: [MailboxID: UInt32] = [:]
    private var indexed: [MailboxID: UInt32] = [:]

    /// Messages of a turn.
    private static let page = 64
    private static let octetsAtOnce: Int64 = 1 << 20
    /// Of a mailbox that nobody has looked at yet so many of its newest messages are prepared: a list begins with them.
    private static let atFirst: UInt32 = 2000
    private static let mostRemembered = 100_000
    /// Messages that an index may lack before it takes them in: one by one they would cost many times as much.
    static let indexLag: UInt32 = 128
    private static let indexPage = SearchIndex.bestBatch

    init(_ upkeep: MailboxUpkeep) {
        self.upkeep = upkeep
        self.store = upkeep.store
        self.reads = StoreReads(upkeep.store)
    }

    mutating func perform(_ job: MailboxUpkeep.Job) {
        // What cannot be done now is found again by the next message, search or start.
        guard case .writable = self.store.health else { return }
        do throws(StoreError) {
            switch job {
            case .account(let account): try self.look(at: account)
            case .summaries(let mailbox): try self.prepare(mailbox)
            case .index(let mailbox, let owner): try self.index(mailbox, owner)
            case .tidy(let account): self.tidy(account)
            }
        } catch {
            if case .summaries(let mailbox) = job { self.prepared[mailbox] = nil }
        }
    }

    private func look(at account: AccountID) throws(StoreError) {
        let isRead = self.upkeep.isRead(account)
        let mailboxes = try self.store.mailboxes(of: account)
        let index = self.upkeep.isSearched(account) ? self.index(of: account, mailboxes.reduce(0) { $0 + $1.messages }) : nil
        for facts in mailboxes where facts.messages > 0 {
            let last = facts.uidNext.rawValue - 1
            if isRead, self.store.preparedThrough(facts.id).map({ $0.rawValue < last }) ?? true { self.upkeep.add(.summaries(facts.id)) }
            guard let index else { continue }
            let through = (try? index.progress(of: facts.id)) ?? nil
            if through.map({ $0.rawValue < last }) ?? true { self.upkeep.add(.index(facts.id, account)) }
        }
    }

    /// One that knows more bodies that are gone than bodies that are there is begun anew.
    private func index(of account: AccountID, _ messages: Int) -> SearchIndex? {
        guard let index = self.upkeep.indexes?.index(of: account) else { return nil }
        guard let known = try? index.documents(), known > 2 * Int64(messages) + Self.mostGone else { return index }
        self.upkeep.indexes?.beginAnew(account)
        return self.upkeep.indexes?.index(of: account)
    }

    private static let mostGone: Int64 = 10_000

    // MARK: Summaries

    private mutating func prepare(_ mailbox: MailboxID) throws(StoreError) {
        let facts = try self.store.mailbox(mailbox)
        let last = facts.uidNext.rawValue - 1
        self.noteArrivals(facts, last)
        let through =
            self.prepared[mailbox] ?? self.store.preparedThrough(mailbox)?.rawValue ?? (last > Self.atFirst ? last - Self.atFirst : 0)
        guard through < last, let first = UID(exactly: through + 1) else { return self.remember(mailbox, through) }
        let rows = try self.reads.rows(of: mailbox, UIDSet(first.rawValue...last), from: first, limit: Self.page)
        let isLast = rows.count < Self.page
        let end = isLast ? last : rows.last?.uid.rawValue ?? last
        let summaries = Summaries(store: self.store, crashGuard: self.upkeep.crashGuard, account: facts.account)
        let made = self.make(rows, mailbox, summaries)
        guard let upTo = UID(exactly: end), self.store.cache(made, of: mailbox, through: upTo) else { return }
        self.remember(mailbox, end)
        if !isLast { self.upkeep.add(.summaries(mailbox)) }
    }

    private mutating func remember(_ mailbox: MailboxID, _ through: UInt32) {
        if self.prepared.count >= Self.mostRemembered { self.prepared.removeAll() }
        self.prepared[mailbox] = through
    }

    /// What of these is not kept yet. What cannot be read now is made when somebody asks for it.
    private func make(_ rows: [MessageRow], _ mailbox: MailboxID, _ summaries: Summaries) -> [CachedBody] {
        let blobs = Set(rows.map(\.blob)).sorted { $0.rawValue < $1.rawValue }
        let (kept, headers) = (self.store.cachedSummaries(blobs), self.store.cachedHeaders(blobs))
        var missing = Set(blobs.indices.lazy.filter { kept[$0] == nil || headers[$0] == nil }.map { blobs[$0] })
        var out: [CachedBody] = []
        var rest = rows[...]
        while !rest.isEmpty, !self.upkeep.isStopped {
            // Some at a time, so that long messages do not lie in memory together.
            var octets: Int64 = 0
            let first = rest.first?.uid
            let some = rest.prefix(while: { row in
                octets += row.size
                return octets <= Self.octetsAtOnce || row.uid == first
            })
            rest = rest.dropFirst(some.count)
            let uids = some.filter { missing.remove($0.blob) != nil }.map(\.uid)
            guard let contents = try? self.store.contents(of: mailbox, uids) else { continue }
            for content in contents { if let made = try? summaries.prepared(content.get()) { out.append(made.cached) } }
        }
        return out
    }

    // MARK: Index

    /// An index that lacks many messages takes them in before somebody searches.
    private mutating func noteArrivals(_ facts: MailboxFacts, _ last: UInt32) {
        guard self.upkeep.isSearched(facts.account), let index = self.upkeep.indexes?.index(of: facts.account) else { return }
        if self.indexed.count >= Self.mostRemembered { self.indexed.removeAll() }
        let through = self.indexed[facts.id] ?? ((try? index.progress(of: facts.id)) ?? nil)?.rawValue ?? 0
        self.indexed[facts.id] = through
        if last > through, last - through >= Self.indexLag { self.upkeep.add(.index(facts.id, facts.account)) }
    }

    private mutating func index(_ mailbox: MailboxID, _ owner: AccountID) throws(StoreError) {
        guard let index = self.upkeep.indexes?.index(of: owner) else { return }
        let last = try self.store.mailbox(mailbox).uidNext.rawValue - 1
        do throws(DatabaseError) {
            let through = try index.progress(of: mailbox)?.rawValue ?? 0
            guard through < last, let first = UID(exactly: through + 1), !index.isFull else {
                self.indexed[mailbox] = through
                return
            }
            guard let end = try self.takeIn(mailbox, owner, index, first, last) else { return }
            self.indexed[mailbox] = end
            self.upkeep.add(.tidy(owner))
            if end < last { self.upkeep.add(.index(mailbox, owner)) }
        } catch { self.upkeep.failed(owner, error) }
    }

    /// A page of messages; answers up to where, nil where they cannot be read now.
    private func takeIn(
        _ mailbox: MailboxID, _ owner: AccountID, _ index: SearchIndex, _ first: UID, _ last: UInt32
    ) throws(DatabaseError) -> UInt32? {
        guard let rows = try? self.reads.rows(of: mailbox, UIDSet(first.rawValue...last), from: first, limit: Self.indexPage) else {
            return nil
        }
        let summaries = Summaries(store: self.store, crashGuard: self.upkeep.crashGuard, account: owner)
        var messages = SearchedMessages(mailbox, summaries)
        messages.index = index
        messages.page(rows)
        var batch: [IndexedMessage] = []
        var (octets, end) = (0, first.rawValue - 1)
        for row in rows {
            guard !self.upkeep.isStopped else { return nil }
            do throws(StoreError) {
                if let message = try messages.indexed(row) {
                    batch.append(message)
                    octets += message.text?.size ?? 0
                }
            } catch { return nil }
            end = row.uid.rawValue
            if octets >= Self.mostOctets { break }
        }
        if end == rows.last?.uid.rawValue ?? end, rows.count < Self.indexPage { end = last }
        guard let upTo = UID(exactly: end) else { return nil }
        try index.add(batch, to: mailbox, through: upTo)
        return end
    }

    /// Texts in memory.
    private static let mostOctets = 8 << 20

    private func tidy(_ account: AccountID) {
        guard let index = self.upkeep.indexes?.index(of: account) else { return }
        do throws(DatabaseError) {
            if try index.tidy() { self.upkeep.add(.tidy(account)) }
        } catch { self.upkeep.failed(account, error) }
    }
}

extension UID {
    /// nil for 0.
    fileprivate init?(exactly value: UInt32) {
        guard value > 0 else { return nil }
        self = UID(rawValue: value)
    }
}
