internal import IMAPWire
internal import MIME
internal import MessageStore
internal import NIOCore
internal import NetKit
internal import Search
internal import Synchronization
internal import Vocabulary

/// One SEARCH, SORT or THREAD: asks each message, cheap questions first, for some milliseconds at a time.
final class SearchWork: PartWork {
    private struct Progress {
        var target = 0
        var plan: SearchPlan?
        var candidates = UIDSet()
        var next: UID? = UID(rawValue: 1)
        var rows: [MessageRow] = []
        var at = 0
        var kept: [BlobID: MessageSummary] = [:]
        var found = UIDSet()
        var answers: [SearchAnswer.Found] = []
        var modSeq: ModSeq?
        var sorter: SearchSorter?
        var threads: ThreadBuilder?
        /// Messages that were asked, of all targets.
        var done = 0
    }

    /// A turn on a worker.
    private static let turn = Duration.milliseconds(20)
    private static let pageSize = 1000

    private let request: SearchRequest
    private let targets: [SearchTarget]
    private let backend: IMAPBackend
    private let summaries: Summaries
    private let account: AccountID
    private let total: Int
    private let needsSummary: Bool
    private let isFuzzy: Bool
    private let progress: Mutex<Progress?>

    init(_ request: SearchRequest, _ targets: [SearchTarget], _ backend: IMAPBackend, account: AccountID) throws(IMAPRefusal) {
        self.request = request
        self.targets = targets
        self.backend = backend
        self.account = account
        let environment = backend.environment
        self.summaries = Summaries(store: environment.store, crashGuard: environment.crashGuard, account: account)
        self.total = targets.reduce(0) { $0 + $1.view.count }
        var progress = Progress()
        switch request.kind {
        case .search: break
        case .sort(let criteria): progress.sorter = SearchSorter(criteria)
        case .thread(let algorithm): progress.threads = ThreadBuilder(algorithm)
        }
        self.needsSummary = progress.threads != nil || progress.sorter?.needsSummary == true
        self.isFuzzy = request.program.contains { if case .fuzzy = $0 { true } else { false } }
        self.progress = Mutex(progress)
    }

    func goOn(_ answer: SessionAnswer<IMAPOutcome>) {
        let taken = self.progress.withLock { progress in
            defer { progress = nil }
            return progress
        }
        guard var progress = taken else { return answer(.refused(.unavailable)) }
        let end = ContinuousClock.now + Self.turn
        do throws(IMAPRefusal) {
            while try self.step(&progress) {
                guard progress.at % 16 == 0, ContinuousClock.now >= end else { continue }
                let done = progress.done
                self.progress.withLock { [progress] in $0 = progress }
                return answer(.progress(done: done, of: self.total))
            }
            self.backend.partDone()
            answer(.found(self.result(&progress)))
        } catch {
            self.backend.partDone()
            answer(.refused(error))
        }
    }

    /// One message, page or mailbox; false when there is nothing left.
    private func step(_ progress: inout Progress) throws(IMAPRefusal) -> Bool {
        if progress.at < progress.rows.count {
            let row = progress.rows[progress.at]
            progress.at += 1
            progress.done += 1
            try self.backend.reading { () throws(StoreError) in try self.ask(row, &progress) }
            return true
        }
        guard progress.target < self.targets.count else { return false }
        if progress.plan == nil {
            try self.beginTarget(&progress)
        } else if progress.next != nil {
            try self.backend.reading { () throws(StoreError) in try self.readPage(&progress) }
        } else {
            self.endTarget(&progress)
        }
        return true
    }

    private func beginTarget(_ progress: inout Progress) throws(IMAPRefusal) {
        let target = self.targets[progress.target]
        let names = try self.backend.reading { () throws(StoreError) in try self.backend.reads.keywords(of: target.mailbox) }
        var bits: [String: Flags] = [:]
        for (bit, name) in names { bits[name.lowercased()] = Flags.keyword(bit) }
        let context = SearchContext(now: self.backend.environment.now()) { [bits] in bits[$0.lowercased()] }
        guard let plan = SearchPlan(self.request.program, context) else { throw IMAPRefusal(.tooDeep, code: "LIMIT") }
        progress.plan = plan
        progress.candidates = plan.uids.map { $0.intersection(target.view) } ?? target.view
        progress.next = progress.candidates.first
        progress.found = UIDSet()
        progress.done += target.view.count - progress.candidates.count
    }

    private func endTarget(_ progress: inout Progress) {
        let target = self.targets[progress.target]
        if target.name == nil || !progress.found.isEmpty {
            var found = SearchAnswer.Found(uids: progress.found, mailbox: target.name, validity: target.validity)
            // What matches, matches exactly. [RFC6203-4]
            if self.isFuzzy { found.relevancies = [UInt8](repeating: 100, count: progress.found.count) }
            progress.answers.append(found)
        }
        progress.plan = nil
        progress.target += 1
    }

    private func readPage(_ progress: inout Progress) throws(StoreError) {
        guard let first = progress.next, let plan = progress.plan else { return }
        let rows = try self.backend.reads.rows(
            of: self.targets[progress.target].mailbox, progress.candidates, from: first, limit: Self.pageSize)
        progress.rows = rows
        progress.at = 0
        let isFull = rows.count == Self.pageSize
        progress.next = isFull ? rows.last.flatMap { $0.uid.rawValue < UInt32.max ? UID(rawValue: $0.uid.rawValue + 1) : nil } : nil
        progress.kept = [:]
        if self.needsSummary || plan.needs.contains(.summary) { progress.kept = self.summaries.kept(Array(Set(rows.map(\.blob)))) }
    }

    // MARK: One message

    private func ask(_ row: MessageRow, _ progress: inout Progress) throws(StoreError) {
        guard let plan = progress.plan else { return }
        let facts = self.facts(row, plan)
        let target = self.targets[progress.target]
        var verdict = plan.decide(facts)
        var message = SearchedMessage(row, target.mailbox, progress.kept[row.blob], self.summaries, self.account)
        if verdict == .unknown, let summary = try message.summary() {
            verdict = plan.decide(facts, summary)
            if verdict == .unknown, let text = try message.text() { verdict = plan.decide(facts, summary, text) }
        }
        guard verdict == .yes else { return }
        progress.found.append(row.uid.rawValue)
        progress.modSeq = max(progress.modSeq ?? row.modSeq, row.modSeq)
        if progress.sorter != nil {
            progress.sorter?.add(facts, self.needsSummary ? try message.summary() : nil)
        } else if progress.threads != nil {
            // What nobody may look at stands for itself.
            progress.threads?.add(facts, try message.summary() ?? MessageSummaryBuilder.summary(of: ByteBuffer()))
        }
    }

    private func facts(_ row: MessageRow, _ plan: SearchPlan) -> SearchFacts {
        SearchFacts(
            uid: row.uid, flags: row.flags, size: row.size, internalDate: row.date, savedDate: row.saved, modSeq: row.modSeq,
            emailID: plan.needs.contains(.objectIDs) ? ObjectID.email(row.blob) : nil)
    }

    private func result(_ progress: inout Progress) -> SearchAnswer {
        let modSeq = self.request.program.asksModSeq ? progress.modSeq : nil
        if let sorted = progress.sorter?.sorted() { return SearchAnswer(.sorted(sorted), modSeq: modSeq) }
        if let threads = progress.threads?.threads() { return SearchAnswer(.threads(threads), modSeq: modSeq) }
        return SearchAnswer(.found(progress.answers), modSeq: modSeq)
    }
}

/// What a search has found out of one message so far.
private struct SearchedMessage {
    private let row: MessageRow
    private let mailbox: MailboxID
    private let summaries: Summaries
    private let account: AccountID
    private var known: MessageSummary?
    private var content: MessageContent?

    init(_ row: MessageRow, _ mailbox: MailboxID, _ kept: MessageSummary?, _ summaries: Summaries, _ account: AccountID) {
        self.row = row
        self.mailbox = mailbox
        self.known = kept
        self.summaries = summaries
        self.account = account
    }

    /// nil for what nobody may look at, or what went meanwhile.
    mutating func summary() throws(StoreError) -> MessageSummary? {
        if let known = self.known { return known }
        guard let content = try self.open(), case .summary(let made) = try self.summaries.make(content) else { return nil }
        self.known = made
        return made
    }

    mutating func text() throws(StoreError) -> SearchText? {
        guard let summary = try self.summary(), let content = try self.open() else { return nil }
        let name = ContentHash(content.blob)
        let crashGuard = self.summaries.crashGuard
        return try crashGuard.handling(.searching, content.prefix, named: name, account: self.account) { isBlamed throws(StoreError) in
            if isBlamed { return nil }
            return try SearchText.make(prefix: content.prefix, parts: summary.parts) { range throws(StoreError) in try content.read(range) }
        }
    }

    private mutating func open() throws(StoreError) -> MessageContent? {
        if let content = self.content { return content }
        let opened = try self.summaries.store.contents(of: self.mailbox, [self.row.uid])
        switch opened.first {
        case .success(let content)?:
            self.content = content
            return content
        case .failure(.noSuchMessage)?, nil: return nil
        case .failure(let error)?: throw error
        }
    }
}
