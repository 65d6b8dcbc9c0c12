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
    /// By place in the page, as far as they were looked up or made.
    private var known: [MessageSummary?] = []
    /// Where the message that was asked for last stands: the next one is right behind it.
    private var last = 0
    private var opened: [UID: MessageContent] = [:]
    /// Texts that the index had, and the row behind those that were looked up.
    private var texts: [BlobID: SearchText] = [:]
    private var readTexts = 0
    /// Rows whose kept summaries were looked up, and how many the last time.
    private var looked = 0
    private var atOnce = Self.fewAtOnce
    /// Of the message in hand.
    private var current: (uid: UID, text: SearchText?)?

    /// Messages opened in one go, and their octets together.
    private static let openAtOnce = 32
    /// Texts looked up in one go, and their octets together.
    private static let textsAtOnce = 32
    private static let textOctets = 1 << 20
    /// Summaries looked up in one go.
    private static let fewAtOnce = 16
    private static let mostAtOnce = 500
    private static let octetsAtOnce: Int64 = 1 << 20

    init(_ mailbox: MailboxID, _ summaries: Summaries) {
        self.mailbox = mailbox
        self.summaries = summaries
    }

    mutating func page(_ rows: [MessageRow]) {
        self.rows = rows
        self.opened = [:]
        self.known = Array(repeating: nil, count: rows.count)
        (self.last, self.looked) = (0, 0)
        (self.texts, self.readTexts) = ([:], 0)
    }

    /// nil for what nobody may look at, or what went meanwhile.
    mutating func summary(_ row: MessageRow) throws(StoreError) -> MessageSummary? {
        let place = self.place(of: row)
        if let place {
            if let known = self.known[place] { return known }
            self.lookUp(place)
            if let known = self.known[place] { return known }
        }
        guard let content = try self.open(row), case .summary(let made) = try self.summaries.make(content) else { return nil }
        if let place { self.known[place] = made }
        return made
    }

    /// Summaries that are kept of this message and some behind it: who needs one after the other gets more and more at once.
    private mutating func lookUp(_ at: Int) {
        guard at >= self.looked else { return }
        self.atOnce = at == self.looked ? min(2 * self.atOnce, Self.mostAtOnce) : Self.fewAtOnce
        let some = self.rows[at..<min(at + self.atOnce, self.rows.count)]
        for (place, summary) in zip(some.indices, self.summaries.kept(some.map(\.blob))) { self.known[place] = summary }
        self.looked = some.endIndex
    }

    /// Takes folded texts of this message and some behind it out of their kept summaries, as many as are there one behind the other.
    mutating func fill(_ columns: inout SearchColumns, from row: MessageRow) {
        guard let at = self.place(of: row), at >= self.looked else { return }
        self.atOnce = at == self.looked ? min(2 * self.atOnce, Self.mostAtOnce) : Self.fewAtOnce
        let some = self.rows[at..<min(at + self.atOnce, self.rows.count)]
        var filled = 0
        self.summaries.eachKept(some.map(\.blob)) { index, summary in
            columns.append(some[some.startIndex + index].uid, summary)
            filled = index + 1
        }
        // The one that is not kept is made.
        self.looked = at + filled
    }

    private mutating func place(of row: MessageRow) -> Int? {
        if !self.isAt(self.last, row) {
            guard let found = self.isAt(self.last + 1, row) ? self.last + 1 : self.search(row) else { return nil }
            self.last = found
        }
        return self.last
    }

    private func isAt(_ place: Int, _ row: MessageRow) -> Bool { place < self.rows.count && self.rows[place].uid == row.uid }

    private func search(_ row: MessageRow) -> Int? {
        var (low, high) = (0, self.rows.count)
        while low < high {
            let middle = (low + high) / 2
            if self.rows[middle].uid < row.uid { low = middle + 1 } else { high = middle }
        }
        return low < self.rows.count && self.rows[low].uid == row.uid ? low : nil
    }

    /// nil as above.
    /// - Parameter withTrace: the trace lines of this delivery are looked at.
    mutating func text(_ row: MessageRow, withTrace: Bool) throws(StoreError) -> SearchText? {
        if !withTrace, let kept = self.keptText(row) { return kept }
        guard let content = try self.open(row), let text = try self.bodyText(row, content) else { return nil }
        return withTrace ? text.adding(prefix: content.prefix) : text
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

    /// Texts that the index has of this message and some behind it.
    private mutating func keptText(_ row: MessageRow) -> SearchText? {
        guard let index = self.index else { return nil }
        if let known = self.texts[row.blob] { return known }
        guard let at = self.place(of: row), at >= self.readTexts else { return nil }
        let some = self.rows[at..<min(at + Self.textsAtOnce, self.rows.count)]
        let found = (try? index.texts(of: some.map(\.blob), octets: Self.textOctets)) ?? (texts: [:], covered: 1)
        self.texts = found.texts
        self.readTexts = at + max(1, found.covered)
        return self.texts[row.blob]
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
        if let at = self.place(of: row) {
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
