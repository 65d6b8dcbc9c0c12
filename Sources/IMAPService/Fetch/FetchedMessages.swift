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

    mutating func close(_ row: MessageRow) { self.opened[row.uid] = nil }
}
