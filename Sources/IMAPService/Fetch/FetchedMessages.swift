internal import IMAPWire
internal import MIME
internal import MessageStore
internal import NIOCore
internal import Vocabulary

/// What a FETCH knows of the messages of its page: summaries and headers that are kept, messages that are open. Messages are opened some at a
/// time, and only where what is kept does not answer.
struct FetchedMessages: Sendable {
    let mailbox: MailboxID
    private let summaries: Summaries
    private let needsSummary: Bool
    private let makesSummary: Bool
    /// Some item is answered from the message's bytes alone.
    private let readsContent: Bool
    /// By item: what it asks of a header that may be kept; nil for all other items.
    private let headerItems: [HeaderQuestion?]
    private let asksHeaders: Bool
    var keywords: [String] = []

    private var rows: [MessageRow] = []
    private var known: [BlobID: KnownContent] = [:]
    private var headers: [BlobID: KeptHeader] = [:]
    private var traces: [UID: MessageTrace] = [:]
    private var opened: [UID: MessageContent] = [:]
    /// Parts of the message in hand, each decoded once; nil where nobody knows how.
    private var measured: [[UInt32]: BinaryMeasuring?] = [:]
    /// Of the message that was prepared last: what answers each header item.
    private var answers: [ByteBuffer?] = []

    /// Messages opened in one go, and their octets together: those that are long are opened one by one.
    private static let openAtOnce = 16
    private static let octetsAtOnce: Int64 = 512 << 10

    init(_ items: [FetchItem], _ mailbox: MailboxID, _ summaries: Summaries) {
        self.mailbox = mailbox
        self.summaries = summaries
        self.needsSummary = items.contains { $0.needsSummary || $0 == .preview(isLazy: true) }
        self.makesSummary = items.contains { $0.needsSummary }
        self.headerItems = items.map { HeaderQuestion($0) }
        self.asksHeaders = self.headerItems.contains { $0 != nil }
        self.readsContent = zip(items, self.headerItems).contains { $0.readsContent && $1 == nil }
    }

    /// The next page's rows.
    mutating func page(_ rows: [MessageRow]) throws(StoreError) {
        self.rows = rows
        (self.known, self.headers, self.traces, self.opened) = ([:], [:], [:], [:])
        guard !rows.isEmpty, self.needsSummary || self.asksHeaders else { return }
        let blobs = Set(rows.map(\.blob))
        if self.needsSummary { for (blob, summary) in self.summaries.kept(blobs) { self.known[blob] = .summary(summary) } }
        guard self.asksHeaders else { return }
        self.headers = self.summaries.keptHeaders(blobs)
        let uids = rows.map(\.uid)
        self.traces.reserveCapacity(uids.count)
        for (uid, trace) in zip(uids, try self.summaries.store.traces(of: self.mailbox, uids)) { self.traces[uid] = trace }
    }

    /// Only where it is kept already.
    func keptSummary(of row: MessageRow) -> MessageSummary? {
        guard case .summary(let summary)? = self.known[row.blob] else { return nil }
        return summary
    }

    /// What is known of the content; found out where it is not.
    mutating func content(of row: MessageRow) throws(StoreError) -> KnownContent {
        if let known = self.known[row.blob] { return known }
        if !self.needsSummary, let kept = self.summaries.kept([row.blob])[row.blob] {
            self.known[row.blob] = .summary(kept)
            return .summary(kept)
        }
        let made = try self.summaries.make(try self.open(row))
        self.known[row.blob] = made
        return made
    }

    /// Gets what the items will want, so that nothing is missing in the midst of the answer.
    mutating func prepare(_ row: MessageRow) throws(StoreError) {
        if self.readsContent { _ = try self.open(row) }
        if self.makesSummary { _ = try self.content(of: row) }
        if self.asksHeaders { try self.prepareHeaders(row) }
    }

    /// Not even the bytes of this one are given out.
    func isWithheld(_ row: MessageRow) -> Bool { self.summaries.crashGuard.isBlamed(ContentHash(row.blob).passedOn) }

    // MARK: Headers

    /// What of the prepared message's header an item asks for, where that is kept.
    func header(_ item: Int) -> ByteBuffer? { self.answers.indices.contains(item) ? self.answers[item] : nil }

    private mutating func prepareHeaders(_ row: MessageRow) throws(StoreError) {
        self.answers.removeAll(keepingCapacity: true)
        guard let trace = self.traces[row.uid] else { throw .noSuchMessage }
        if self.headers[row.blob] == nil, case .summary(let summary) = try self.content(of: row) {
            self.headers[row.blob] = try self.summaries.makeHeader(try self.open(row), summary)
        }
        let kept = self.headers[row.blob]
        var isMissing = false
        for question in self.headerItems {
            let answer = question.flatMap { question in kept.flatMap { question.answer($0, trace) } }
            isMissing = isMissing || (question != nil && answer == nil)
            self.answers.append(answer)
        }
        // The rest is read from the message itself.
        guard isMissing else { return }
        _ = try self.open(row)
        _ = try self.content(of: row)
    }

    // MARK: Opened messages

    mutating func open(_ row: MessageRow) throws(StoreError) -> MessageContent {
        if let content = self.opened[row.uid] { return content }
        self.opened = [:]
        var uids = [row.uid]
        var octets = row.size
        // Those behind it, as far as they are wanted too.
        if let at = self.rows.firstIndex(where: { $0.uid == row.uid }) {
            for next in self.rows[(at + 1)...].prefix(Self.openAtOnce - 1) {
                guard self.isWanted(next) else { continue }
                octets += next.size
                guard octets <= Self.octetsAtOnce else { break }
                uids.append(next.uid)
            }
        }
        let contents = try self.summaries.store.contents(of: self.mailbox, uids)
        for (uid, result) in zip(uids, contents) {
            if case .success(let content) = result { self.opened[uid] = content }
        }
        guard let first = contents.first else { throw .noSuchMessage }
        return try first.get()
    }

    /// This message will have to be opened, as far as can be told.
    private func isWanted(_ row: MessageRow) -> Bool {
        if self.readsContent || (self.makesSummary && self.known[row.blob] == nil) { return true }
        return self.asksHeaders && self.headers[row.blob].map { $0.answersNothing } ?? true
    }

    mutating func close(_ row: MessageRow) {
        self.opened[row.uid] = nil
        self.measured = [:]
    }

    // MARK: Decoded parts

    /// Finds out how long an item's decoded content is, where that must be known before it is begun. False when the turn was over first.
    mutating func measure(_ item: FetchItem, of row: MessageRow, _ turn: Turn) throws(StoreError) -> Bool {
        guard let part = item.decodedPart, self.measured[part]??.isDone != true else { return true }
        let content = try self.open(row)
        guard case .summary(let summary) = try self.content(of: row), let place = summary.parts.binary(part) else { return true }
        guard var measuring = self.measured[part] ?? BinaryMeasuring(place) else {
            self.measured[part] = .some(nil)
            return true
        }
        try measuring.goOn(content, turn)
        self.measured[part] = measuring
        return measuring.isDone
    }

    /// What `measure` found; nil where nobody knows the encoding.
    func extent(of part: [UInt32]) -> BinaryExtent? { self.measured[part]??.extent }
}

extension FetchItem {
    /// The part whose decoded content is asked for.
    fileprivate var decodedPart: [UInt32]? {
        switch self {
        case .binary(let part, _, _), .binarySize(let part): part.isEmpty ? nil : part
        default: nil
        }
    }
}

/// What an item asks of the message's own header.
private enum HeaderQuestion: Sendable {
    case header
    case fields(HeaderFieldFilter)

    /// nil for all other items.
    init?(_ item: FetchItem) {
        guard case .section(let section) = item, section.part.isEmpty else { return nil }
        switch section.text {
        case .header: self = .header
        case .fields(let names): self = .fields(HeaderFieldFilter(names, isExcluding: false))
        case .fieldsNot(let names): self = .fields(HeaderFieldFilter(names, isExcluding: true))
        case .all, .text, .mime: return nil
        }
    }

    func answer(_ kept: KeptHeader, _ trace: MessageTrace) -> ByteBuffer? {
        switch self {
        case .header: kept.header(trace.lines, isWhole: trace.isWhole)
        case .fields(let filter): kept.subset(filter, trace.lines, isWhole: trace.isWhole)
        }
    }
}
