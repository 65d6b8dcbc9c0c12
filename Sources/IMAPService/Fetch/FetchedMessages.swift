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
    /// By place in the page.
    private var headers: [KeptHeader?] = []
    private var traces: [MessageTrace?] = []
    private var opened: [UID: MessageContent] = [:]
    /// Parts of the message in hand, each decoded once; nil where nobody knows how.
    private var measured: [[UInt32]: BinaryMeasuring?] = [:]
    /// Of the message that was prepared last: what answers each header item.
    private var answers: [ByteBuffer?] = []

    /// Messages opened in one go, and their octets together: those that are long are opened one by one.
    private static let openAtOnce = 32
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
        (self.known, self.headers, self.traces, self.opened) = ([:], [], [], [:])
        guard !rows.isEmpty, self.needsSummary || self.asksHeaders else { return }
        let blobs = rows.map(\.blob)
        if self.needsSummary {
            self.known.reserveCapacity(blobs.count)
            for (blob, summary) in zip(blobs, self.summaries.kept(blobs)) { self.known[blob] = summary.map { KnownContent.summary($0) } }
        }
        guard self.asksHeaders else { return }
        self.headers = self.summaries.keptHeaders(blobs)
        self.traces = try self.summaries.store.traces(of: self.mailbox, rows.map(\.uid))
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
    /// - Parameter place: of the row in its page.
    mutating func prepare(_ row: MessageRow, at place: Int) throws(StoreError) {
        if self.readsContent { try self.open(row).prove(inPieces: true) }
        if self.makesSummary { _ = try self.content(of: row) }
        if self.asksHeaders { try self.prepareHeaders(row, place) }
    }

    /// Not even the bytes of this one are given out.
    func isWithheld(_ row: MessageRow) -> Bool { self.summaries.crashGuard.isBlamed(ContentHash(row.blob).passedOn) }

    // MARK: Headers

    /// What of the prepared message's header an item asks for, where that is kept, and the item's name in the answer.
    func header(_ item: Int) -> (name: ByteBuffer, value: ByteBuffer)? {
        guard item < self.answers.count, let value = self.answers[item], let name = self.headerItems[item]?.name else { return nil }
        return (name, value)
    }

    private mutating func prepareHeaders(_ row: MessageRow, _ place: Int) throws(StoreError) {
        self.answers.removeAll(keepingCapacity: true)
        guard let trace = self.traces[place] else { throw .noSuchMessage }
        if self.headers[place] == nil, case .summary(let summary) = try self.content(of: row) {
            self.headers[place] = try self.summaries.makeHeader(try self.open(row), summary)
        }
        let kept = self.headers[place]
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
            for place in self.rows.indices[(at + 1)...].prefix(Self.openAtOnce - 1) {
                let next = self.rows[place]
                guard self.isWanted(next, place) else { continue }
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
    private func isWanted(_ row: MessageRow, _ place: Int) -> Bool {
        if self.readsContent || (self.makesSummary && self.known[row.blob] == nil) { return true }
        return self.asksHeaders && self.headers[place].map { $0.answersNothing } ?? true
    }

    mutating func close(_ row: MessageRow) {
        if !self.opened.isEmpty { self.opened[row.uid] = nil }
        if !self.measured.isEmpty { self.measured = [:] }
    }

    // MARK: Decoded parts

    /// Finds out how long an item's decoded content is, where that must be known before it is begun. False when the turn was over first.
    mutating func measure(_ item: FetchItem, of row: MessageRow, _ turn: Turn) throws(StoreError) -> Bool {
        guard let part = item.decodedPart, self.measured[part]??.isDone != true else { return true }
        let content = try self.open(row)
        guard let place = try self.place(of: part, row, content) else { return true }
        guard var measuring = self.measured[part] ?? BinaryMeasuring(place) else {
            self.measured[part] = .some(nil)
            return true
        }
        try measuring.goOn(content, turn)
        self.measured[part] = measuring
        return measuring.isDone
    }

    private mutating func place(of part: [UInt32], _ row: MessageRow, _ content: MessageContent) throws(StoreError) -> BinaryPlace? {
        // The whole message goes out as it is; only whether a NUL is in it must be known. [RFC3516-4.4]
        if part.isEmpty { return BinaryPlace(range: 0..<content.bodySize, hasPrefix: true, encoding: .binary) }
        guard case .summary(let summary) = try self.content(of: row) else { return nil }
        return summary.parts.binary(part)
    }

    /// What `measure` found; nil where nobody knows the encoding.
    func extent(of part: [UInt32]) -> BinaryExtent? { self.measured[part]??.extent }
}

extension FetchItem {
    /// The part whose decoded content is asked for; empty is the whole message.
    fileprivate var decodedPart: [UInt32]? {
        switch self {
        case .binary(let part, _, _): part
        case .binarySize(let part): part.isEmpty ? nil : part
        default: nil
        }
    }
}

/// What an item asks of the message's own header.
private struct HeaderQuestion: Sendable {
    /// As it stands in the answer, a blank behind it.
    let name: ByteBuffer
    /// nil asks for all of it.
    private let filter: HeaderFieldFilter?
    private let partial: OctetRange?

    /// nil for all other items.
    init?(_ item: FetchItem) {
        guard case .section(let section) = item, section.part.isEmpty else { return nil }
        switch section.text {
        case .header: self.filter = nil
        case .fields(let names): self.filter = HeaderFieldFilter(names, isExcluding: false)
        case .fieldsNot(let names): self.filter = HeaderFieldFilter(names, isExcluding: true)
        case .all, .text, .mime: return nil
        }
        var name = ByteBuffer()
        name.writeFetchSectionName(section)
        name.writeFetchBlank()
        self.name = name
        self.partial = section.partial
    }

    func answer(_ kept: KeptHeader, _ trace: MessageTrace) -> ByteBuffer? {
        let whole =
            if let filter = self.filter {
                kept.subset(filter, trace.lines, isWhole: trace.isWhole)
            } else {
                kept.header(trace.lines, isWhole: trace.isWhole)
            }
        guard let whole, let partial = self.partial else { return whole }
        let first = min(Int(partial.first), whole.readableBytes)
        return whole.getSlice(at: whole.readerIndex + first, length: min(Int(partial.count), whole.readableBytes - first))
    }
}
