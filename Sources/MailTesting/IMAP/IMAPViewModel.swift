/// What one session has been told of the mailbox it has selected, and whether it may be told what comes.
struct IMAPViewModel {
    struct Message {
        var uid: UInt32?
        var flags: Set<String>?
        var modSeq: UInt64?
    }

    private(set) var mailbox: String
    private(set) var messages: [Message] = []
    private(set) var modSeq: UInt64 = 0
    private var gone: Set<UInt32> = []
    private let model: IMAPMailboxModel
    private let who: String
    /// VANISHED instead of EXPUNGE.
    var isResync = false
    /// Messages are spoken of by UID alone. [RFC9586-3]
    var isUIDOnly = false

    init(_ mailbox: String, _ model: IMAPMailboxModel, _ who: String) {
        self.mailbox = mailbox
        self.model = model
        self.who = who
    }

    private func violated(_ text: String) { self.model.violated("\(self.who) in \(self.mailbox): \(text)") }

    var uids: [UInt32] { self.messages.compactMap(\.uid) }

    /// - Parameter mayExpunge: the command in progress allows EXPUNGE. [RFC9051-7.5.1]
    mutating func told(_ response: IMAPResponse, mayExpunge: Bool) {
        switch response {
        case .status(_, _, let code?, _): self.told(code: code)
        case .status, .goAhead: break
        case .data(let values):
            if values.count >= 2, let number = values[0].number {
                self.told(number, values[1].text.uppercased(), values.dropFirst(2).first, mayExpunge: mayExpunge)
            } else if values.first?.text.uppercased() == "VANISHED" {
                self.vanished(values, mayExpunge: mayExpunge)
            }
        }
    }

    mutating func told(code: String) {
        let words = code.split(separator: " ")
        guard words.first?.uppercased() == "HIGHESTMODSEQ", words.count > 1, let value = UInt64(words[1]) else { return }
        if value < self.modSeq { self.violated("HIGHESTMODSEQ went from \(self.modSeq) to \(value)") }
        self.modSeq = value
        self.model.sawModSeq(self.mailbox, value)
    }

    private mutating func told(_ number: UInt32, _ word: String, _ value: IMAPValue?, mayExpunge: Bool) {
        let place = Int(number) - 1
        switch word {
        case "EXISTS":
            if Int(number) < self.messages.count { return self.violated("EXISTS \(number) though \(self.messages.count) were there") }
            while self.messages.count < Int(number) { self.messages.append(Message()) }
        case "EXPUNGE":
            if !mayExpunge { self.violated("EXPUNGE \(number) where none may be") }
            if self.isResync || self.isUIDOnly { self.violated("EXPUNGE \(number) after QRESYNC was enabled") }
            guard self.messages.indices.contains(place) else { return self.violated("EXPUNGE \(number) of \(self.messages.count)") }
            if let uid = self.messages.remove(at: place).uid { self.left(uid) }
        case "UIDFETCH": self.fetchedByUID(number, value)
        case "FETCH":
            if self.isUIDOnly { self.violated("FETCH \(number) after UIDONLY was enabled") }
            guard self.messages.indices.contains(place), let value else {
                return self.violated("FETCH of \(number), there are \(self.messages.count)")
            }
            self.fetched(place, value)
        default: break
        }
    }

    /// Where a message stands says nothing here: those whose UIDs are known come first, in order.
    private mutating func fetchedByUID(_ uid: UInt32, _ value: IMAPValue?) {
        guard self.isUIDOnly, let value else { return self.violated("UIDFETCH \(uid) without UIDONLY") }
        if self.gone.contains(uid) { self.violated("UID \(uid) is back") }
        if let place = self.messages.firstIndex(where: { $0.uid == uid }) { return self.fetched(place, value) }
        guard let unknown = self.messages.firstIndex(where: { $0.uid == nil }) else {
            return self.violated("UIDFETCH \(uid) of a message that was not told")
        }
        self.messages.remove(at: unknown)
        let place = self.messages[..<unknown].firstIndex { $0.uid.map { $0 > uid } ?? true } ?? unknown
        self.messages.insert(Message(uid: uid), at: place)
        self.fetched(place, value)
    }

    private mutating func left(_ uid: UInt32) {
        self.gone.insert(uid)
        self.model.wentAway(self.mailbox, uid)
    }

    private mutating func vanished(_ values: [IMAPValue], mayExpunge: Bool) {
        let isEarlier = values.count > 2 && values[1].list.first?.text.uppercased() == "EARLIER"
        if !mayExpunge && !isEarlier { self.violated("VANISHED where none may be") }
        for range in values.last?.text.split(separator: ",") ?? [] {
            let ends = range.split(separator: ":").compactMap { UInt32($0) }
            guard let first = ends.first, let last = ends.last, first <= last else { return self.violated("VANISHED \(range)") }
            let known = self.messages.indices.filter { index in self.messages[index].uid.map { $0 >= first && $0 <= last } ?? false }
            // Those that came and went before their UIDs were asked for: each stands where its UID lies between those that are known.
            if !isEarlier, Int(last - first) + 1 > known.count {
                let there = Set(known.compactMap { self.messages[$0].uid })
                for uid in first...last where !there.contains(uid) {
                    guard let index = self.unknownPlace(of: uid) else {
                        return self.violated("VANISHED \(range) names UIDs that were not there")
                    }
                    self.messages.remove(at: index)
                }
                for index in self.messages.indices.reversed() where self.messages[index].uid.map(there.contains) ?? false {
                    if let uid = self.messages.remove(at: index).uid { self.left(uid) }
                }
                continue
            }
            for index in known.reversed() { if let uid = self.messages.remove(at: index).uid { self.left(uid) } }
        }
    }

    /// The first message without known UID that can have this one.
    private func unknownPlace(of uid: UInt32) -> Int? {
        if self.isUIDOnly { return self.messages.firstIndex { $0.uid == nil } }
        let start = (self.messages.lastIndex { $0.uid.map { $0 < uid } ?? false }).map { $0 + 1 } ?? 0
        let end = self.messages.firstIndex { $0.uid.map { $0 > uid } ?? false } ?? self.messages.count
        return start < end ? start : nil
    }

    private mutating func fetched(_ place: Int, _ value: IMAPValue) {
        var message = self.messages[place]
        if let uid = value["UID"]?.number {
            if let old = message.uid, old != uid { self.violated("message \(place + 1) had UID \(old), has \(uid)") }
            if self.gone.contains(uid) { self.violated("UID \(uid) is back") }
            if let before = self.messages[..<place].last(where: { $0.uid != nil })?.uid, before >= uid {
                self.violated("UID \(uid) of message \(place + 1) is not above \(before)")
            }
            message.uid = uid
        }
        if let flags = value["FLAGS"] { message.flags = Self.flags(flags) }
        if let modSeq = value["MODSEQ"].flatMap({ UInt64($0.list.first?.text ?? "") }) {
            if let old = message.modSeq, modSeq < old { self.violated("MODSEQ of message \(place + 1) went from \(old) to \(modSeq)") }
            message.modSeq = modSeq
            self.model.sawModSeq(self.mailbox, modSeq)
        }
        if let uid = message.uid, let token = Self.token(value) { self.model.saw(self.mailbox, uid, token: token) }
        self.messages[place] = message
    }

    /// What the subject says of a message, where that was asked for.
    static func token(_ value: IMAPValue) -> String? {
        guard let subject = value.list.lastIndex(where: { $0.text.uppercased().hasPrefix("BODY[HEADER") }),
            value.list.indices.contains(subject + 1)
        else { return nil }
        // A CRLF is one character of Swift.
        return value.list[subject + 1].text.split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("token-") }.map(String.init)
    }

    /// Without \\Recent, which is another for each session.
    static func flags(_ value: IMAPValue) -> Set<String> { Set(value.list.map { $0.text.lowercased() }).subtracting(["\\recent"]) }

    /// A change that the server was told not to tell.
    mutating func changedSilently(_ uid: UInt32, _ flag: String, _ isSet: Bool) {
        guard let place = self.messages.firstIndex(where: { $0.uid == uid }) else { return }
        if isSet {
            self.messages[place].flags?.insert(flag.lowercased())
        } else {
            self.messages[place].flags?.remove(flag.lowercased())
        }
    }

    /// The MODSEQ that was last told for a message.
    func modSeq(of uid: UInt32) -> UInt64? { self.messages.first { $0.uid == uid }?.modSeq }

    mutating func forgetFlags(_ uid: UInt32) {
        if let place = self.messages.firstIndex(where: { $0.uid == uid }) { self.messages[place].flags = nil }
    }

    /// Compares with what a fresh session sees.
    func verify(_ fresh: [UInt32: Set<String>]) {
        guard self.messages.count == fresh.count else {
            let missing = fresh.keys.filter { uid in !self.messages.contains { $0.uid == uid } }.sorted().prefix(5)
            return self.violated("has \(self.messages.count) messages after NOOP, a fresh session \(fresh.count) (\(missing))")
        }
        for (message, uid) in zip(self.messages, fresh.keys.sorted()) {
            if let known = message.uid, known != uid { self.violated("has UID \(known) where a fresh session has \(uid)") }
            if let flags = message.flags, let now = fresh[uid], flags != now {
                self.violated("flags of UID \(uid) are \(flags.sorted()) here, \(now.sorted()) in a fresh session")
            }
        }
    }

    /// As after a SELECT that told of `count` messages; with QRESYNC what was known stays.
    mutating func begin(count: Int, modSeq: UInt64, keeping: Bool) {
        if !keeping { self.messages = [] }
        self.gone = []
        while self.messages.count < count { self.messages.append(Message()) }
        if self.messages.count > count { self.violated("SELECT told \(count) messages, \(self.messages.count) are known") }
        self.modSeq = modSeq
    }
}
