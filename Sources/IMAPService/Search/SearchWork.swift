internal import IMAPWire
internal import MIME
internal import MessageStore
internal import NIOCore
internal import NetKit
internal import Search
internal import SearchIndex
internal import Synchronization
internal import Vocabulary

/// One SEARCH, SORT or THREAD: asks each message, cheap questions first, for some milliseconds at a time. What earlier searches have found out
/// of the mailbox is asked before its summaries. Where the account's index knows the messages it says which ones need not be asked; those that it does
/// not know yet are given to it behind the answer.
final class SearchWork: PartWork {
    struct Progress {
        var target = 0
        var plan: SearchPlan?
        var candidates = UIDSet()
        /// Flags of all messages, as far as they were read: they are asked before any row.
        var flags: FlagTable?
        /// What flags alone have found.
        var certain = UIDSet()
        var next: UID? = UID(rawValue: 1)
        var rows: [MessageRow] = []
        var at = 0
        var messages: SearchedMessages?
        var indexing: Indexing?
        var found = UIDSet()
        /// Of each found, where they are asked for.
        var relevancies: [UInt8] = []
        var answers: [SearchAnswer.Found] = []
        var modSeq: ModSeq?
        var sorter: SearchSorter?
        var threads: ThreadWalk?
        /// What is remembered of the mailbox, and what comes to it.
        var reader: ColumnReader?
        var fresh = SearchColumns()
        /// Reads what has come last, until more comes.
        var latest: ColumnReader?
        /// Messages that were asked, of all targets.
        var done = 0
        /// A message could not be read.
        var warning: IMAPRefusal?
        var unread = UnreadMessages()
        /// Several workers have asked, or it is not worth while.
        var isShared = false
    }

    /// A turn on a worker.
    static let turn = Duration.milliseconds(20)
    private static let pageSize = 1000

    private let request: SearchRequest
    let targets: [SearchTarget]
    let backend: IMAPBackend
    private let summaries: Summaries
    let total: Int
    /// What the order needs of a message beside its row.
    private let sortColumns: Set<SearchColumns.Key>
    /// Where relevancies are asked for.
    let relevancy: SearchRelevancy?
    private let progress: Mutex<Progress?>
    /// Parts of a mailbox that several workers ask.
    let shares = Mutex(Shares())

    init(_ request: SearchRequest, _ targets: [SearchTarget], _ backend: IMAPBackend, account: AccountID) throws(IMAPRefusal) {
        self.request = request
        self.targets = targets
        self.backend = backend
        let environment = backend.environment
        self.summaries = Summaries(store: environment.store, crashGuard: environment.crashGuard, account: account)
        self.total = targets.reduce(0) { $0 + $1.view.count }
        var progress = Progress()
        if case .sort(let criteria) = request.kind { progress.sorter = SearchSorter(criteria) }
        self.sortColumns = progress.sorter?.columnKeys ?? []
        let asksRelevancy = request.returns.items.contains(.relevancy) || progress.sorter?.needsRelevancy == true
        self.relevancy = asksRelevancy ? SearchRelevancy(request.program) : nil
        self.progress = Mutex(progress)
    }

    func goOn(_ answer: SessionAnswer<IMAPOutcome>) {
        if self.shares.withLock({ !$0.parts.isEmpty }) { return self.askTogether(answer) }
        // One owner while it changes: threads of 100,000 messages are long to copy.
        guard var progress = self.take() else { return answer(.refused(.unavailable)) }
        let end = ContinuousClock.now + Self.turn
        do throws(IMAPRefusal) {
            while try self.step(&progress) {
                if self.cut(&progress) {
                    self.put(progress)
                    return self.askTogether(answer)
                }
                guard Self.mayBeLong(progress), ContinuousClock.now >= end else { continue }
                let done = progress.done
                self.put(progress)
                return answer(.progress(done: done, of: self.total))
            }
            self.backend.partDone()
            progress.unread.tell(self.backend)
            answer(.found(self.result(&progress)))
        } catch {
            self.backend.partDone()
            answer(.refused(error))
        }
    }

    /// A message whose text is read may take long by itself.
    static func mayBeLong(_ progress: Progress) -> Bool {
        progress.at % 16 == 0 || progress.plan?.needs.contains(.text) == true
    }

    func put(_ progress: Progress) { self.progress.withLock { $0 = progress } }

    func take() -> Progress? {
        self.progress.withLock { progress in
            var taken: Progress?
            swap(&taken, &progress)
            return taken
        }
    }

    /// One message, page or mailbox; false when there is nothing left.
    private func step(_ progress: inout Progress) throws(IMAPRefusal) -> Bool {
        if try self.askNext(&progress) { return true }
        guard progress.target < self.targets.count else { return false }
        if progress.plan == nil {
            try self.beginTarget(&progress)
        } else if progress.flags != nil {
            try self.backend.reading { () throws(StoreError) in try self.readFlags(&progress) }
        } else if progress.next != nil {
            try self.backend.reading { () throws(StoreError) in try self.readPage(&progress) }
        } else if progress.threads?.lacksKnown == true {
            self.threadAnew(&progress)
        } else {
            self.endTarget(&progress)
        }
        return true
    }

    /// The next message of the page; false when there is none.
    func askNext(_ progress: inout Progress) throws(IMAPRefusal) -> Bool {
        guard progress.at < progress.rows.count else { return false }
        let row = progress.rows[progress.at]
        progress.at += 1
        do throws(StoreError) {
            try self.ask(row, &progress)
        } catch {
            // What nobody can read matches nothing; the others are looked at.
            guard case .damaged = error else { throw self.backend.refusal(error) }
            progress.warning = progress.unread.refusal(error, about: row.uid, self.backend)
        }
        return true
    }

    // MARK: A mailbox

    private func beginTarget(_ progress: inout Progress) throws(IMAPRefusal) {
        let target = self.targets[progress.target]
        let names = try self.backend.reading { () throws(StoreError) in try self.backend.reads.keywords(of: target.mailbox) }
        var bits: [String: Flags] = [:]
        for (bit, name) in names { bits[name.lowercased()] = Flags.keyword(bit) }
        let context = SearchContext(now: self.backend.environment.now()) { [bits] in bits[$0.lowercased()] }
        guard let plan = SearchPlan(self.request.program, context) else { throw IMAPRefusal(.tooDeep, code: "LIMIT") }
        progress.plan = plan
        progress.candidates = plan.uids.map { $0.intersection(target.view) } ?? target.view
        progress.found = UIDSet()
        progress.relevancies = []
        progress.messages = SearchedMessages(target.mailbox, self.summaries)
        if let narrowing = plan.narrowing, plan.needs.contains(.text) {
            self.useIndex(narrowing, target, &progress)
        }
        let memory = target.open?.memory ?? SearchMemory()
        let keys = plan.columns.union(self.sortColumns)
        progress.reader = memory.columns.reader(keys)
        progress.fresh = target.open == nil ? SearchColumns() : SearchColumns(keys)
        if case .thread(let algorithm) = self.request.kind { progress.threads = ThreadWalk(algorithm, memory.threads[algorithm]) }
        progress.done += target.view.count - progress.candidates.count
        progress.next = progress.candidates.first
        if let open = target.open, plan.asksFlags, progress.candidates.count >= Self.fewestForFlags {
            try self.backend.reading { () throws(StoreError) in try self.askFlags(open, target, &progress) }
        }
    }

    // MARK: Flags

    /// Fewer messages are asked one by one.
    private static let fewestForFlags = 8
    /// What is left to be asked otherwise is at most one in so many.
    private static let fewOf = 4

    /// Flags that are known answer at once. They are read where that is not more than what is to be asked.
    private func askFlags(_ open: OpenMailbox, _ target: SearchTarget, _ progress: inout Progress) throws(StoreError) {
        do throws(StoreError) {
            if let table = try open.flags() { return self.narrow(by: table, &progress) }
            guard progress.candidates.count * 2 >= target.view.count else { return }
            (progress.rows, progress.at) = ([], 0)
            progress.flags = try open.newFlagTable()
        } catch {
            // It went meanwhile, and has no rows either.
            guard case .noSuchMailbox = error else { throw error }
        }
    }

    /// Some more flags; behind the last ones they are asked.
    private func readFlags(_ progress: inout Progress) throws(StoreError) {
        guard let open = self.targets[progress.target].open, var table = progress.flags else { return }
        progress.flags = nil
        if try open.readOn(&table) {
            progress.flags = table
            return
        }
        do throws(StoreError) {
            // What changed while they were read.
            let isUseful = try table.bringUpToDate(open.id, self.backend.reads)
            open.keep(table)
            if isUseful { self.narrow(by: table, &progress) }
        } catch {
            guard case .noSuchMailbox = error else { throw error }
        }
    }

    /// Leaves out what flags decide.
    private func narrow(by table: FlagTable, _ progress: inout Progress) {
        guard let plan = progress.plan else { return }
        let (found, unknown) = table.split(progress.candidates) { plan.decide(flags: $0) }
        // Orders, threads and the rest need the rows of what is found.
        let mayAnswer =
            progress.sorter == nil && progress.threads == nil && self.relevancy == nil && !self.request.program.asksModSeq
        let rest = mayAnswer ? unknown : found.union(unknown)
        // Rows of a whole mailbox are remembered, those of nearly all of it are not.
        guard rest.count * Self.fewOf <= progress.candidates.count else { return }
        progress.certain = mayAnswer ? found : UIDSet()
        progress.done += progress.candidates.count - rest.count
        progress.candidates = rest
        progress.next = rest.first
    }

    /// Leaves out what the index says cannot match. What it does not know is asked, like all where there is no index.
    private func useIndex(_ narrowing: SearchNarrowing, _ target: SearchTarget, _ progress: inout Progress) {
        guard let owner = target.owner, let indexing = self.backend.environment.upkeep?.indexing(target.mailbox, of: owner) else { return }
        progress.indexing = indexing
        guard let through = indexing.through else { return }
        progress.messages?.index = indexing.index
        let unknown = through.rawValue < UInt32.max ? UIDSet((through.rawValue + 1)...UInt32.max) : UIDSet()
        progress.candidates = progress.candidates.intersection(indexing.known(narrowing).union(unknown))
    }

    private func endTarget(_ progress: inout Progress) {
        let target = self.targets[progress.target]
        // What the index did not know it learns behind the answer, for the next search.
        if let indexing = progress.indexing, let owner = target.owner, let last = target.view.last, indexing.isBehind(last) {
            self.backend.environment.upkeep?.isBehind(target.mailbox, of: owner)
        }
        progress.indexing = nil
        progress.found = progress.found.union(progress.certain)
        progress.certain = UIDSet()
        if !progress.fresh.isEmpty {
            target.open?.remember { $0.columns = $0.columns.merged(progress.fresh, alive: target.view) }
        }
        progress.fresh = SearchColumns()
        (progress.reader, progress.latest) = (nil, nil)
        if target.name == nil || !progress.found.isEmpty {
            var found = SearchAnswer.Found(uids: progress.found, mailbox: target.name, validity: target.validity)
            found.relevancies = progress.relevancies  // [RFC6203-4]
            progress.answers.append(found)
        }
        progress.plan = nil
        progress.isShared = false
        progress.target += 1
    }

    /// Other messages are found than those whose threads are known: from the first on again.
    private func threadAnew(_ progress: inout Progress) {
        guard let algorithm = progress.threads?.algorithm else { return }
        progress.threads = ThreadWalk(algorithm, nil)
        progress.found = UIDSet()
        progress.relevancies = []
        progress.fresh = SearchColumns()
        progress.latest = nil
        progress.modSeq = nil
        progress.done = self.total - progress.candidates.count
        (progress.rows, progress.at) = ([], 0)
        progress.next = progress.candidates.first
    }

    func readPage(_ progress: inout Progress) throws(StoreError) {
        guard let first = progress.next else { return }
        let target = self.targets[progress.target]
        let rows =
            if let open = target.open {
                try open.rows(
                    progress.candidates, from: first, limit: Self.pageSize, isAll: progress.candidates.count == target.view.count)
            } else {
                try self.backend.reads.rows(of: target.mailbox, progress.candidates, from: first, limit: Self.pageSize)
            }
        progress.rows = rows
        progress.at = 0
        let isFull = rows.count == Self.pageSize
        progress.next = isFull ? rows.last.flatMap { $0.uid.rawValue < UInt32.max ? UID(rawValue: $0.uid.rawValue + 1) : nil } : nil
        progress.messages?.page(rows)
    }

    // MARK: One message

    private func ask(_ row: MessageRow, _ progress: inout Progress) throws(StoreError) {
        guard let plan = progress.plan else { return }
        progress.done += 1
        let facts = self.facts(row, plan)
        var verdict = plan.decide(facts)
        var header: SearchEvidence?
        if verdict == .unknown {
            if !plan.columns.isEmpty {
                header = try self.header(row, &progress)
                verdict = plan.decide(facts, header: header)
            }
            if verdict == .unknown, let text = try progress.messages?.text(row, withTrace: plan.looksAtHeader) {
                verdict = plan.decide(facts, header: header, text)
            }
        }
        guard verdict == .yes else { return }
        if progress.threads != nil, try !self.thread(row, facts, &progress) { return }
        progress.found.append(row.uid.rawValue)
        progress.modSeq = max(progress.modSeq ?? row.modSeq, row.modSeq)
        let score = try self.score(row, &progress)
        guard progress.sorter != nil else { return }
        if header == nil, !self.sortColumns.isEmpty { header = try self.header(row, &progress) }
        progress.sorter?.add(facts, header: header, relevancy: score)
    }

    /// What is remembered of the header, else its summary; nil for what nobody may look at, or what went meanwhile.
    private func header(_ row: MessageRow, _ progress: inout Progress) throws(StoreError) -> SearchEvidence? {
        if progress.reader?.seek(row.uid) == true, let reader = progress.reader { return .columns(reader) }
        if progress.latest?.seek(row.uid) == true, let latest = progress.latest { return .columns(latest) }
        // Read until now: what comes would copy it.
        progress.latest = nil
        if progress.fresh.isOfFoldedTexts {
            progress.messages?.fill(&progress.fresh, from: row)
            progress.latest = progress.fresh.reader()
            if progress.latest?.seek(row.uid) == true, let latest = progress.latest { return .columns(latest) }
            progress.latest = nil
        }
        guard let summary = try progress.messages?.summary(row) else { return nil }
        progress.fresh.append(row.uid, summary)
        return progress.fresh.last(row.uid) ?? .summary(summary)
    }

    /// False when all has to begin again.
    private func thread(_ row: MessageRow, _ facts: SearchFacts, _ progress: inout Progress) throws(StoreError) -> Bool {
        switch progress.threads?.meet(row.uid) {
        case .known, nil: return true
        case .differs:
            self.threadAnew(&progress)
            return false
        case .needsSummary:
            // What nobody may look at stands for itself.
            let summary = try progress.messages?.summary(row)
            progress.threads?.add(facts, summary ?? MessageSummaryBuilder.summary(of: ByteBuffer()))
            return true
        }
    }

    /// How near the message comes; 100 where nobody asks.
    private func score(_ row: MessageRow, _ progress: inout Progress) throws(StoreError) -> UInt8 {
        guard let relevancy else { return 100 }
        let text = relevancy.needsText ? try progress.messages?.text(row, withTrace: false) : nil
        let score = relevancy.score(try progress.messages?.summary(row), text)
        if progress.sorter == nil { progress.relevancies.append(score) }
        return score
    }

    private func facts(_ row: MessageRow, _ plan: SearchPlan) -> SearchFacts {
        SearchFacts(
            uid: row.uid, flags: row.flags, size: row.size, internalDate: row.date, savedDate: row.saved, modSeq: row.modSeq,
            emailID: plan.needs.contains(.objectIDs) ? ObjectID.email(row.blob) : nil)
    }

    // MARK: The answer

    private func result(_ progress: inout Progress) -> SearchAnswer {
        var answer = SearchAnswer(self.found(&progress), modSeq: self.request.program.asksModSeq ? progress.modSeq : nil)
        answer.warning = progress.warning
        return answer
    }

    private func found(_ progress: inout Progress) -> SearchAnswer.Result {
        if let sorted = progress.sorter?.sorted() { return .sorted(sorted) }
        if let threads = progress.threads { return .threads(self.finish(threads)) }
        return .found(progress.answers)
    }

    private func finish(_ walk: ThreadWalk) -> MessageThreads {
        let (threads, news) = walk.finish()
        if let news, news.uids.count <= SearchMemory.mostThreaded {
            self.targets.first?.open?.remember { $0.threads[walk.algorithm] = news }
        }
        return threads
    }
}
