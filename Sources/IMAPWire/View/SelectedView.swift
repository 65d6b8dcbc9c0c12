internal import Vocabulary

// Invariants:
// 1. `uids` is the client's numbering: it changes only by what `takeNews` gives out to be told.
// 2. What was read and not told waits here as sets, however much of it there is: a slow reader costs no queue.
// 3. `modSeq` says up to where changes were read, told or not.

/// What a session has been told of its selected mailbox, and what it is still to be told.
struct SelectedView: Sendable {
    private(set) var mailbox: SelectedMailbox
    private(set) var keywords: [String]
    private(set) var uidNext: UID
    private(set) var modSeq: ModSeq
    /// As the client numbers them. nil until they are needed; then as many as SELECT told.
    private(set) var uids: UIDSet?
    /// A hint came that something has changed.
    var isStale = false

    /// Gone, but not told: still part of `uids`.
    private(set) var gone = UIDSet()
    /// Here, but not told: not part of `uids` yet.
    private var arrived = UIDSet()
    private var flagged: [MailboxChanges.Flagged] = []
    private var hasNewKeywords = false
    /// Changed by this session since news were taken last.
    private var touched = UIDSet()
    /// Changes of this session that `readChanges` will bring again.
    private var own: [OwnChange] = []
    /// Up to where everything was told; below `modSeq` while `gone` waits. [RFC7162-3.2]
    private(set) var toldModSeq: ModSeq

    init(_ mailbox: SelectedMailbox) {
        self.mailbox = mailbox
        self.keywords = mailbox.keywords
        self.uidNext = mailbox.uidNext
        self.modSeq = mailbox.highestModSeq
        self.toldModSeq = mailbox.highestModSeq
    }

    /// Messages of which the client knows.
    var count: Int { self.uids?.count ?? self.mailbox.messages }
    /// The client's numbering; empty before it was read.
    var known: UIDSet { self.uids ?? UIDSet() }

    /// What `readView` brought.
    mutating func setView(_ uids: UIDSet) { if self.uids == nil { self.uids = uids } }

    /// What a resync brought has been told.
    mutating func forgetResync() { self.mailbox.resync = nil }

    // MARK: What happens

    /// Takes in what has happened since `modSeq`.
    mutating func absorb(_ changes: MailboxChanges) {
        let known = self.known
        self.arrived = self.arrived.union(changes.arrived.subtracting(known)).subtracting(changes.expunged)
        self.gone = self.gone.union(changes.expunged.intersection(known))
        self.flagged = self.flagged.filter { !self.gone.contains($0.uid) }
        let told = changes.flagged.filter {
            known.contains($0.uid) && !self.gone.contains($0.uid) && !self.isOwn($0) && !self.isOlderThanOwn($0)
        }
        self.flagged = Self.merged(self.flagged, told)
        self.takeKeywords(changes.keywords)
        self.uidNext = max(self.uidNext, changes.uidNext)
        self.modSeq = max(self.modSeq, changes.modSeq)
        self.own.removeAll { $0.modSeq <= self.modSeq }
    }

    private func isOwn(_ change: MailboxChanges.Flagged) -> Bool {
        self.own.contains { $0.modSeq == change.modSeq && $0.uids.contains(change.uid) }
    }

    /// Read before a change of our own that is told already: flags of then would undo it in the client's eyes. The next reading brings the
    /// message as it is with both, and that is told.
    private mutating func isOlderThanOwn(_ change: MailboxChanges.Flagged) -> Bool {
        guard let at = self.own.firstIndex(where: { $0.modSeq > change.modSeq && $0.uids.contains(change.uid) }) else { return false }
        self.own[at].uids = self.own[at].uids.subtracting(UIDSet(change.uid.rawValue...change.uid.rawValue))
        return true
    }

    /// In order of UID; of two changes of a message the later.
    private static func merged(_ old: [MailboxChanges.Flagged], _ new: [MailboxChanges.Flagged]) -> [MailboxChanges.Flagged] {
        guard !new.isEmpty else { return old }
        var byUID = Dictionary(old.map { ($0.uid, $0) }) { $1 }
        for change in new where (byUID[change.uid]?.modSeq ?? change.modSeq) <= change.modSeq { byUID[change.uid] = change }
        return byUID.values.sorted { $0.uid < $1.uid }
    }

    private mutating func takeKeywords(_ names: [String]?) {
        guard let names, names != self.keywords else { return }
        self.keywords = names
        self.hasNewKeywords = true
    }

    /// A change of flags by this session, which the command itself tells. What waited of the same messages is told in its new state, since
    /// the command's answer may be silent about it.
    mutating func recordOwn(_ stored: StoredFlags, isTold: Bool) {
        self.takeKeywords(stored.keywords)
        for change in stored.own { self.recordOwn(change) }
        guard !self.flagged.isEmpty else { return }
        let told = Dictionary(stored.flagged.map { ($0.uid, $0) }) { $1 }
        self.flagged = self.flagged.compactMap { waiting in
            guard let now = told[waiting.uid] else { return waiting }
            return isTold ? nil : now
        }
    }

    /// Flags of others wait to be told, because the client asked not to hear of them yet.
    var hasUntoldFlags: Bool { !self.flagged.isEmpty }

    mutating func recordOwn(_ change: OwnChange) {
        if change.modSeq > self.modSeq { self.own.append(change) }
        self.touched = self.touched.union(change.uids)
    }

    /// Messages that went by a command of this session: told by it. Those that the client does not know are nothing to it.
    mutating func expungeOwn(_ uids: UIDSet) { self.gone = self.gone.union(uids.intersection(self.known)) }

    /// New names of keywords, where a command's own answer needs them before the news.
    mutating func takeNewKeywords() -> [String]? {
        defer { self.hasNewKeywords = false }
        return self.hasNewKeywords ? self.keywords : nil
    }

    // MARK: What is told

    /// What is to be told now. From here on it counts as told.
    ///
    /// - Parameter expunges: messages may be told as gone: no answer of the command in hand may be read with the old numbers.
    ///   [RFC9051-7.5.1]
    ///   - events: of NOTIFY: the others wait. [RFC5465-3.1]
    mutating func takeNews(expunges: Bool, events: NotifyEvents) -> News {
        var news = News()
        if self.hasNewKeywords {
            news.keywords = self.keywords
            self.hasNewKeywords = false
        }
        if expunges, !self.gone.isEmpty {
            news.expunged = self.gone
            news.before = self.known
            self.uids = self.known.subtracting(self.gone)
            self.gone = UIDSet()
        }
        if !self.arrived.isEmpty, events.contains(.messageNew) {
            news.arrived = self.arrived
            self.uids = self.known.union(self.arrived)
            self.arrived = UIDSet()
            news.exists = self.count
        }
        if events.contains(.flagChange) {
            news.flagged = self.flagged
            self.flagged = []
        }
        news.touched = self.touched
        self.touched = UIDSet()
        news.view = self.known
        if self.gone.isEmpty { self.toldModSeq = self.modSeq }
        return news
    }

    var hasNews: Bool {
        !self.gone.isEmpty || !self.arrived.isEmpty || !self.flagged.isEmpty || self.hasNewKeywords || !self.touched.isEmpty
    }
}

/// Changes to be told, with the numbering to tell them by.
struct News: Sendable {
    var keywords: [String]?
    var expunged = UIDSet()
    /// The numbering before `expunged` went.
    var before = UIDSet()
    var exists: Int?
    var arrived = UIDSet()
    /// Changed by this session, and told already.
    var touched = UIDSet()
    var flagged: [MailboxChanges.Flagged] = []
    /// The numbering afterwards.
    var view = UIDSet()

    /// Messages that a search may find now and did not before, or the other way round.
    var changed: UIDSet {
        self.arrived.union(self.touched).union(UIDSet(ranges: self.flagged.map { $0.uid.rawValue...$0.uid.rawValue })).intersection(
            self.view)
    }
}
