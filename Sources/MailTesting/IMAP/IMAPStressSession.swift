internal import Glibc

/// One client of the stress: does what comes to its mind, and checks all that it is told.
final class IMAPStressSession {
    let name: String
    /// Set and cleared by this session alone, so that it knows the truth.
    let keyword: String
    let stress: IMAPStress
    let model: IMAPMailboxModel
    var dice: SeededGenerator
    var client: IMAPTestClient
    var view: IMAPViewModel
    private let isResync: Bool
    let isUIDOnly: Bool
    private let isDeflated: Bool
    private let isNotified: Bool
    var made = 0

    init(_ number: Int, _ stress: IMAPStress, seed: UInt64) throws {
        self.name = "session \(number)"
        self.keyword = "$Own\(number)"
        self.stress = stress
        self.model = stress.model
        self.dice = SeededGenerator(seed: seed &+ UInt64(number))
        self.isResync = number % 3 == 2
        self.isUIDOnly = number % 6 == 5 && stress.offers("UIDONLY")
        self.isDeflated = number % 4 == 3 && stress.offers("COMPRESS=DEFLATE")
        self.isNotified = number % 5 == 4 && stress.offers("NOTIFY")
        self.client = try stress.connect()
        self.view = IMAPViewModel(stress.mailboxes[0], self.model, self.name)
        try self.prepare()
        try self.open(number % 2 == 0 ? stress.mailboxes[0] : stress.randomMailbox(&self.dice))
    }

    /// Of earlier connections, and of this one.
    var transcript: [String] { self.earlier + self.client.transcript }
    private var earlier: [String] = []

    func write(to file: String) throws {
        guard let out = fopen(file, "w") else { throw IMAPTestClient.Failure(description: "\(file) cannot be written") }
        defer { fclose(out) }
        for line in self.transcript { fputs(line + "\n", out) }
    }

    /// Makes a new connection what this client wants.
    private func prepare() throws {
        if self.isDeflated {
            try self.client.ok("COMPRESS DEFLATE")
            try self.client.client.startDeflate()
        }
        if self.isResync { try self.client.ok("ENABLE QRESYNC\(self.isUIDOnly ? " UIDONLY" : "")") }
        if self.isNotified {
            // Delayed: news of expunges come only where a command allows them, so that numbers can be checked.
            let events = "(MessageNew (UID FLAGS MODSEQ) MessageExpunge FlagChange)"
            try self.client.ok("NOTIFY SET (SELECTED-DELAYED \(events)) (PERSONAL (MessageNew MessageExpunge))")
        }
    }

    private func open(_ mailbox: String) throws {
        if Int.random(in: 0..<4, using: &self.dice) == 0, !self.view.messages.isEmpty {
            // What is marked goes without a word.
            try self.client.ok(Bool.random(using: &self.dice) ? "CLOSE" : "UNSELECT")
        }
        self.view = IMAPViewModel(mailbox, self.model, self.name)
        self.view.isResync = self.isResync
        self.view.isUIDOnly = self.isUIDOnly
        let before = self.model.modSeq(mailbox)
        let answer = try self.client.ok("SELECT \(mailbox)\(self.isResync ? "" : " (CONDSTORE)")")
        if let now = answer.code("HIGHESTMODSEQ").flatMap({ UInt64($0) }), now < before {
            self.model.violated("\(self.name): HIGHESTMODSEQ of \(mailbox) is \(now), \(before) was told before")
        }
        let count = answer.data("EXISTS").first?[0].number ?? 0
        if let validity = answer.code("UIDVALIDITY").flatMap({ UInt32($0) }) { self.model.selected(mailbox, validity: validity) }
        self.view.begin(count: Int(count), modSeq: answer.code("HIGHESTMODSEQ").flatMap { UInt64($0) } ?? 0, keeping: false)
        // What happened while the answer was on its way may be told before its end.
        let first = answer.untagged.firstIndex {
            if case .data(let values) = $0 { values.count > 1 && values[1].text == "EXISTS" } else { false }
        }
        for response in answer.untagged[(first.map { $0 + 1 } ?? answer.untagged.count)...] {
            if case .data = response { self.view.told(response, mayExpunge: true) }
        }
        self.model.counted()
        try self.learnUIDs()
    }

    // MARK: Commands

    func run(_ command: String, _ literals: [String] = [], mayExpunge: Bool = true) throws -> IMAPTestClient.Answer {
        let tag = try self.client.send(command, literals)
        let answer = try self.client.finish(tag) { self.view.told($0, mayExpunge: mayExpunge) }
        if let code = answer.code { self.view.told(code: code) }
        self.model.counted()
        if answer.word == "BAD" { self.model.violated("\(self.name): \(command.prefix(120)) was BAD: \(answer.text)") }
        try self.learnUIDs()
        return answer
    }

    /// VANISHED speaks of UIDs, so that who has enabled QRESYNC must know them all.
    func learnUIDs() throws {
        guard self.isResync, let first = self.view.messages.firstIndex(where: { $0.uid == nil }) else { return }
        guard !self.isUIDOnly else { return try self.learnByUID() }
        let tag = try self.client.send("FETCH \(first + 1):* (UID FLAGS MODSEQ)")
        _ = try self.client.finish(tag) { self.view.told($0, mayExpunge: false) }
    }

    /// Anything may come and go while the answer is on its way; where more comes each time, the rest is learned another time.
    private func learnByUID() throws {
        var isWhole = false
        for _ in 0..<50 where self.view.messages.contains(where: { $0.uid == nil }) {
            let first = isWhole ? 1 : (self.view.uids.last ?? 0) + 1
            let tag = try self.client.send("UID FETCH \(first):* (FLAGS MODSEQ)")
            let answer = try self.client.finish(tag) { self.view.told($0, mayExpunge: true) }
            guard answer.data("EXISTS").isEmpty else { continue }
            if isWhole, self.view.messages.contains(where: { $0.uid == nil }) {
                return self.model.violated("\(self.name) in \(self.view.mailbox): messages whose UIDs cannot be had")
            }
            isWhole = true
        }
    }

    func step() throws {
        let before = self.model.violations.count
        try self.act()
        let found = self.model.violations
        guard found.count > before, found.count < 30, found[before].hasPrefix(self.name) else { return }
        // The commands that led here, without the flags of hundreds of messages between them, and the end as it was.
        let isFlags = { (line: String) in line.contains(" FETCH (") || line.contains(" UIDFETCH (") }
        let course = self.transcript.filter { !isFlags($0) }.suffix(60) + ["…"] + self.transcript.suffix(40)
        print("\(self.name), after \(found[before]):\n\(course.joined(separator: "\n"))")
    }

    private func act() throws {
        switch Int.random(in: 0..<100, using: &self.dice) {
        case ..<15: try self.fetch()
        case ..<30: try self.store()
        case ..<33: try self.storeSome()
        case ..<37: try self.storeUnchanged()
        case ..<40: try self.storeFound()
        case ..<43: try self.append()
        case ..<46: try self.appendSome()
        case ..<50: try self.replace()
        case ..<57: try self.copy()
        case ..<63: try self.deleteSome()
        case ..<70: try self.expunge()
        case ..<75: _ = try self.run("NOOP")
        case ..<80: try self.idle()
        case ..<86: try self.search()
        case ..<89: try self.pipeline()
        case ..<96: try self.flight()
        case ..<98: try self.open(self.stress.randomMailbox(&self.dice))
        default: try self.resync()
        }
    }

    private func place() -> Int? {
        self.view.messages.isEmpty ? nil : Int.random(in: 1...self.view.messages.count, using: &self.dice)
    }

    private func fetch() throws {
        guard let first = self.place(), let last = self.place() else { return }
        let range = "\(min(first, last)):\(max(first, last))"
        if self.isUIDOnly {
            guard let first = self.view.messages[first - 1].uid, let last = self.view.messages[last - 1].uid else { return }
            _ = try self.run("UID FETCH \(min(first, last)):\(max(first, last)) (FLAGS MODSEQ)")
            return
        }
        let what = Bool.random(using: &self.dice) ? "(UID FLAGS MODSEQ)" : "(UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
        _ = try self.run("FETCH \(range) \(what)", mayExpunge: false)
    }

    func uid() throws -> UInt32? {
        guard let place = self.place() else { return nil }
        if let uid = self.view.messages[place - 1].uid { return uid }
        if self.isUIDOnly { return nil }
        _ = try self.run("FETCH \(place) (UID FLAGS)", mayExpunge: false)
        return self.view.messages.indices.contains(place - 1) ? self.view.messages[place - 1].uid : nil
    }

    /// Its own keyword, whose truth it alone knows, or a flag that all fight over.
    private func store() throws {
        guard let uid = try self.uid() else { return }
        let isSet = Bool.random(using: &self.dice)
        let isOwn = Int.random(in: 0..<3, using: &self.dice) > 0
        let flag = isOwn ? self.keyword : ["\\Seen", "\\Flagged", "\\Answered"].randomElement(using: &self.dice) ?? "\\Seen"
        let silent = Bool.random(using: &self.dice) ? ".SILENT" : ""
        if isOwn { self.model.mark(self.view.mailbox, uid, self.keyword, nil) }
        let answer = try self.change(uid, flag, isSet, silent: silent)
        if isOwn, answer.isOK { self.model.mark(self.view.mailbox, uid, self.keyword, isSet) }
        let told =
            self.isUIDOnly
            ? answer.data("UIDFETCH").filter { $0[0].number == uid }.compactMap { $0.last?["FLAGS"] }
            : answer.data("FETCH").compactMap { $0.last }.filter { $0["UID"]?.number == uid }.compactMap { $0["FLAGS"] }
        if silent.isEmpty, isOwn, let flags = told.last {
            let has = flags.list.contains { $0.text.lowercased() == flag.lowercased() }
            if has != isSet { self.model.violated("\(self.name): STORE of \(flag) to UID \(uid) answered \(flags)") }
        }
    }

    func change(_ uid: UInt32, _ flag: String, _ isSet: Bool, silent: String = ".SILENT") throws -> IMAPTestClient.Answer {
        if !silent.isEmpty { self.view.changedSilently(uid, flag, isSet) }
        let answer = try self.run("UID STORE \(uid) \(isSet ? "+" : "-")FLAGS\(silent) (\(flag))")
        if !answer.isOK { self.view.forgetFlags(uid) }
        return answer
    }

    private func append() throws {
        let mailbox = self.stress.randomMailbox(&self.dice)
        let above = self.model.highest(mailbox)
        let (token, text) = self.message()
        let answer = try self.run("APPEND \(mailbox) (\(self.keyword)) %", [text])
        guard answer.isOK else { return self.model.violated("\(self.name): APPEND was \(answer.word): \(answer.text)") }
        guard let code = answer.code("APPENDUID")?.split(separator: " "), code.count == 2, let uid = UInt32(code[1]) else {
            return self.model.violated("\(self.name): APPEND without APPENDUID")
        }
        self.model.made(mailbox, uid, token: token, above: above)
        self.model.mark(mailbox, uid, self.keyword, true)
    }

    private func copy() throws {
        guard let uid = try self.uid() else { return }
        let isMove = Bool.random(using: &self.dice)
        let source = self.view.mailbox
        let target = self.stress.randomMailbox(&self.dice)
        guard try self.knowsToken(uid), let token = self.model.token(source, uid) else { return }
        self.model.carry([token], mayDouble: !isMove || self.stress.settings.movesMayDouble)
        if isMove { self.model.endanger(source, [uid]) }
        let above = self.model.highest(target)
        let answer = try self.run("UID \(isMove ? "MOVE" : "COPY") \(uid) \(target)")
        guard answer.isOK, let code = answer.code("COPYUID")?.split(separator: " "), code.count == 3, let new = UInt32(code[2]) else {
            return
        }
        self.model.made(target, new, token: self.model.token(source, uid), above: above, source: .init(mailbox: source, uid: uid))
    }

    private func deleteSome() throws {
        guard let uid = try self.uid(), try self.knowsToken(uid) else { return }
        self.model.doom(self.view.mailbox, [uid])
        _ = try self.change(uid, "\\Deleted", true)
    }

    private func expunge() throws {
        if Bool.random(using: &self.dice), let uid = try self.uid() {
            _ = try self.run("UID EXPUNGE \(uid)")
        } else {
            _ = try self.run("EXPUNGE")
        }
    }

    private func search() throws {
        let command = ["SEARCH FLAGGED", "SEARCH SUBJECT \"token-1\"", "SEARCH UNSEEN"].randomElement(using: &self.dice) ?? "SEARCH ALL"
        guard !self.isUIDOnly else {
            _ = try self.run("UID \(command)")
            return
        }
        let answer = try self.run(command, mayExpunge: false)
        for value in answer.data("SEARCH").flatMap({ $0.dropFirst() }) {
            if let number = value.number, Int(number) > self.view.messages.count || number == 0 {
                self.model.violated("\(self.name): SEARCH found \(number) of \(self.view.messages.count)")
            }
        }
    }

    private func idle() throws {
        let tag = try self.client.send("IDLE")
        while true {
            let response = try self.client.response()
            if case .goAhead = response { break }
            self.view.told(response, mayExpunge: true)
        }
        self.stress.pause(&self.dice)
        try self.client.client.sendLine("DONE")
        let answer = try self.client.finish(tag) { self.view.told($0, mayExpunge: true) }
        self.model.counted()
        if !answer.isOK { self.model.violated("\(self.name): IDLE was \(answer.word)") }
        try self.learnUIDs()
    }

    /// Commands sent without waiting must be answered in their order.
    private func pipeline() throws {
        guard let uid = try self.uid() else { return }
        self.model.mark(self.view.mailbox, uid, self.keyword, nil)
        self.view.changedSilently(uid, self.keyword, false)
        let first = try self.client.send("UID STORE \(uid) +FLAGS.SILENT (\(self.keyword))")
        let second = try self.client.send("UID STORE \(uid) -FLAGS.SILENT (\(self.keyword))")
        let third = try self.client.send("NOOP")
        var isOK = true
        for tag in [first, second, third] {
            let answer = try self.client.finish(tag) { self.view.told($0, mayExpunge: true) }
            isOK = isOK && answer.isOK
            // What was told before its end may be from between the two.
            if tag == second, answer.isOK { self.view.changedSilently(uid, self.keyword, false) }
            self.model.counted()
        }
        try self.learnUIDs()
        if isOK { self.model.mark(self.view.mailbox, uid, self.keyword, false) }
    }

    /// Comes back with what it knew, as a telephone does. [RFC7162-3.2.5]
    private func resync() throws {
        guard self.isResync, self.view.messages.allSatisfy({ $0.uid != nil && $0.flags != nil }), self.view.modSeq > 0 else { return }
        let mailbox = self.view.mailbox
        guard let validity = try self.run("STATUS \(self.stress.otherMailbox(mailbox)) (UIDVALIDITY)").isOK ? self.validity : nil else {
            return
        }
        let modSeq = self.view.modSeq
        try? self.client.client.sendLine("x LOGOUT")
        if self.stress.settings.transcripts != nil { self.earlier = self.transcript }
        self.client = try self.stress.connect()
        try self.prepare()
        let tag = try self.client.send("SELECT \(mailbox) (QRESYNC (\(validity) \(modSeq)))")
        var later: [IMAPResponse] = []
        let answer = try self.client.finish(tag) { response in
            // What vanished earlier comes off what was known; all else speaks of the mailbox as it is selected now.
            if case .data(let values) = response, values.first?.text.uppercased() == "VANISHED", !values[1].list.isEmpty {
                self.view.told(response, mayExpunge: true)
            } else {
                later.append(response)
            }
        }
        guard answer.isOK else { return self.model.violated("\(self.name): SELECT with QRESYNC was \(answer.word) \(answer.text)") }
        let count = answer.data("EXISTS").first?[0].number ?? 0
        self.view.begin(count: Int(count), modSeq: modSeq, keeping: true)
        for response in later { self.view.told(response, mayExpunge: true) }
        self.model.counted()
        try self.learnUIDs()
    }

    private var validity: UInt32? { self.stress.validity(self.view.mailbox) }

    /// Very many changes are told in parts.
    func settle() throws {
        for _ in 0..<50 where try !self.run("NOOP").untagged.isEmpty {}
    }

    struct Seen {
        var flags: Set<String>
        var token: String?
    }

    /// What is there, as this session, made for that, sees it.
    static func look(_ client: IMAPTestClient, _ mailbox: String) throws -> [UInt32: Seen] {
        try client.ok("EXAMINE \(mailbox)")
        var found: [UInt32: Seen] = [:]
        for values in try client.ok("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])").data("FETCH") {
            guard let last = values.last, let uid = last["UID"]?.number else { continue }
            found[uid] = Seen(flags: last["FLAGS"].map(IMAPViewModel.flags) ?? [], token: IMAPViewModel.token(last))
        }
        return found
    }
}
