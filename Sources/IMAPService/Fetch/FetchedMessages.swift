internal import IMAPWire
internal import MIME
internal import MessageStore
internal import NIOCore
internal import Vocabulary

/// What the messages of one page need: summaries that are kept, and messages opened some at a time.
struct FetchedMessages: Sendable {
    let mailbox: MailboxID
    private let summaries: Summaries
    private let needsSummary: Bool
    private let makesSummary: Bool
    private let readsContent: Bool
    var keywords: [String] = []

    private var rows: [MessageRow] = []
    private var known: [BlobID: KnownContent] = [:]
    private var opened: [UID: MessageContent] = [:]
    /// Parts of the message in hand, each decoded once; nil where nobody knows how.
    private var measured: [[UInt32]: BinaryMeasuring?] = [:]

    /// Messages opened in one go, and their octets together: those that are long are opened one by one.
    private static let openAtOnce = 16
    private static let octetsAtOnce: Int64 = 512 << 10

    init(_ items: [FetchItem], _ mailbox: MailboxID, _ summaries: Summaries) {
        self.mailbox = mailbox
        self.summaries = summaries
        self.needsSummary = items.contains { $0.needsSummary || $0 == .preview(isLazy: true) }
        self.makesSummary = items.contains { $0.needsSummary }
        self.readsContent = items.contains { $0.readsContent }
    }

    /// The next page's rows.
    mutating func page(_ rows: [MessageRow]) throws(StoreError) {
        self.rows = rows
        self.known = [:]
        self.opened = [:]
        guard self.needsSummary, !rows.isEmpty else { return }
        for (blob, summary) in self.summaries.kept(Array(Set(rows.map(\.blob)))) { self.known[blob] = .summary(summary) }
    }

    /// Only where it is kept already.
    func keptSummary(of row: MessageRow) -> MessageSummary? {
        guard case .summary(let summary)? = self.known[row.blob] else { return nil }
        return summary
    }

    /// What is known of the content; found out where it is not.
    mutating func content(of row: MessageRow) throws(StoreError) -> KnownContent {
        if let known = self.known[row.blob] { return known }
        let made = try self.summaries.make(try self.open(row))
        self.known[row.blob] = made
        return made
    }

    /// Gets what the items will want, so that nothing is missing in the midst of the answer.
    mutating func prepare(_ row: MessageRow) throws(StoreError) {
        if self.readsContent { _ = try self.open(row) }
        if self.makesSummary { _ = try self.content(of: row) }
    }

    /// Not even the bytes of this one are given out.
    func isWithheld(_ row: MessageRow) -> Bool { self.summaries.crashGuard.isBlamed(ContentHash(row.blob).passedOn) }

    mutating func open(_ row: MessageRow) throws(StoreError) -> MessageContent {
        if let content = self.opened[row.uid] { return content }
        self.opened = [:]
        var uids = [row.uid]
        var octets = row.size
        // Those behind it, as far as they are wanted too.
        if let at = self.rows.firstIndex(where: { $0.uid == row.uid }) {
            for next in self.rows[(at + 1)...].prefix(Self.openAtOnce - 1) {
                guard self.readsContent || self.known[next.blob] == nil else { continue }
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
