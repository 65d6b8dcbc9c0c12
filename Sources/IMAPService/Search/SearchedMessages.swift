internal import Database
internal import MIME
internal import MessageStore
internal import NIOCore
internal import Search
internal import SearchIndex
internal import Vocabulary

/// What a search has found out of the messages of one page: summaries that are kept, messages opened some at a time, their texts.
struct SearchedMessages: Sendable {
    private let mailbox: MailboxID
    private let summaries: Summaries
    /// Has texts of messages that it knows.
    var index: SearchIndex?
    private var rows: [MessageRow] = []
    private var known: [BlobID: MessageSummary] = [:]
    private var opened: [UID: MessageContent] = [:]
    /// Of the message in hand.
    private var current: (uid: UID, text: SearchText?)?

    /// Messages opened in one go, and their octets together.
    private static let openAtOnce = 32
    private static let octetsAtOnce: Int64 = 1 << 20

    init(_ mailbox: MailboxID, _ summaries: Summaries) {
        self.mailbox = mailbox
        self.summaries = summaries
    }

    mutating func page(_ rows: [MessageRow], readsSummaries: Bool) {
        self.rows = rows
        self.opened = [:]
        self.known = readsSummaries ? self.summaries.kept(Set(rows.map(\.blob))) : [:]
    }

    /// nil for what nobody may look at, or what went meanwhile.
    mutating func summary(_ row: MessageRow) throws(StoreError) -> MessageSummary? {
        if let known = self.known[row.blob] { return known }
        guard let content = try self.open(row), case .summary(let made) = try self.summaries.make(content) else { return nil }
        self.known[row.blob] = made
        return made
    }

    /// With the trace lines of this delivery; nil as above.
    mutating func text(_ row: MessageRow) throws(StoreError) -> SearchText? {
        guard let content = try self.open(row), let text = try self.bodyText(row, content) else { return nil }
        return text.adding(prefix: content.prefix)
    }

    /// As the index wants it; nil for what went meanwhile. What nobody may look at is there without a text, so that no key about text decides it.
    mutating func indexed(_ row: MessageRow) throws(StoreError) -> IndexedMessage? {
        guard let content = try self.open(row) else { return nil }
        let text = try self.bodyText(row, content)
        return IndexedMessage(uid: row.uid, blob: row.blob, prefix: content.prefix, text: text)
    }

    /// Of the body alone, which all copies share.
    private mutating func bodyText(_ row: MessageRow, _ content: MessageContent) throws(StoreError) -> SearchText? {
        if let current = self.current, current.uid == row.uid { return current.text }
        var text = self.keptText(row)
        if text == nil { text = try self.makeText(row, content) }
        self.current = (row.uid, text)
        return text
    }

    private func keptText(_ row: MessageRow) -> SearchText? {
        guard let index = self.index else { return nil }
        return try? index.text(of: row.blob)
    }

    private mutating func makeText(_ row: MessageRow, _ content: MessageContent) throws(StoreError) -> SearchText? {
        guard let summary = try self.summary(row) else { return nil }
        let name = ContentHash(content.blob)
        let first = try content.read(0..<min(content.bodySize, 64 << 10))
        return try self.summaries.crashGuard.handling(.searching, first, named: name, account: self.summaries.account) {
            isBlamed throws(StoreError) in
            if isBlamed { return nil }
            return try SearchText.make(prefix: ByteBuffer(), parts: summary.parts) { range throws(StoreError) in try content.read(range) }
        }
    }

    private mutating func open(_ row: MessageRow) throws(StoreError) -> MessageContent? {
        if let content = self.opened[row.uid] { return content }
        self.opened = [:]
        var uids = [row.uid]
        var octets = row.size
        if let at = self.rows.firstIndex(where: { $0.uid == row.uid }) {
            for next in self.rows[(at + 1)...].prefix(Self.openAtOnce - 1) {
                octets += next.size
                guard octets <= Self.octetsAtOnce else { break }
                uids.append(next.uid)
            }
        }
        for (uid, result) in zip(uids, try self.summaries.store.contents(of: self.mailbox, uids)) {
            switch result {
            case .success(let content): self.opened[uid] = content
            case .failure(.noSuchMessage): break
            case .failure(let error): if uid == row.uid { throw error }
            }
        }
        return self.opened[row.uid]
    }
}
