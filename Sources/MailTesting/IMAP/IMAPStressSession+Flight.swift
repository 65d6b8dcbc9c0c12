/// Commands that make messages, sent one behind the other before the first is answered. After a kill any that was not answered may have been
/// done, but wholly; and those of one session in a mailbox have their UIDs in the order in which they were sent.
extension IMAPStressSession {
    private enum Sent {
        case append(mailbox: String, tokens: [String])
        case copy(to: String, messages: [(uid: UInt32, token: String)], isMove: Bool)
        case store(uid: UInt32, isSet: Bool)
        case other
    }

    private static let most = 8

    func flight() throws {
        guard self.stress.offers("LITERAL+") else { return }
        let mailbox = self.view.mailbox
        var uids = Array(self.view.uids.shuffled(using: &self.dice).prefix(6))
        uids = try uids.filter { try self.knowsToken($0) }
        let above = Dictionary(uniqueKeysWithValues: self.stress.mailboxes.map { ($0, self.model.highest($0)) })
        var sent: [(tag: String, what: Sent)] = []
        let flight = self.model.beganFlight()
        for _ in 0..<Int.random(in: 2...Self.most, using: &self.dice) {
            switch Int.random(in: 0..<10, using: &self.dice) {
            case ..<5: sent.append(try self.sendAppend(flight))
            case ..<8: if let next = try self.sendCopy(mailbox, &uids, flight) { sent.append(next) }
            case 8: if let uid = uids.popLast() { sent.append(try self.sendStore(uid)) }
            default:
                let ask = uids.last.map { "UID FETCH \($0) (FLAGS MODSEQ)" } ?? "NOOP"
                sent.append((try self.client.send(ask), .other))
            }
        }
        var (last, copied) = (above, [String]())
        for (tag, what) in sent {
            let answer = try self.client.finish(tag) { self.view.told($0, mayExpunge: true) }
            if let code = answer.code { self.view.told(code: code) }
            self.model.counted()
            if answer.word == "BAD" { self.model.violated("\(self.name): \(what) in flight was BAD: \(answer.text)") }
            copied += Self.copied(answer)
            self.learn(what, answer, copied, above: above, &last)
        }
        self.checkCopied(copied, sent.map(\.what))
        self.model.endedFlight(flight)
        try self.learnUIDs()
    }

    // MARK: Sending

    private func sendAppend(_ flight: Int) throws -> (tag: String, what: Sent) {
        let mailbox = self.stress.randomMailbox(&self.dice)
        let isSome = self.stress.offers("MULTIAPPEND") && Int.random(in: 0..<3, using: &self.dice) == 0
        let messages = (0..<(isSome ? Int.random(in: 2...4, using: &self.dice) : 1)).map { _ in self.message() }
        let tokens = messages.map(\.token)
        self.model.sends(.init(mailbox: mailbox, tokens: tokens), flight: flight)
        let flags = Bool.random(using: &self.dice) ? "\(self.keyword) \\Seen" : self.keyword
        let places = messages.map { _ in "(\(flags)) %" }.joined(separator: " ")
        let texts = messages.map { $0.text + self.filling() }
        return (try self.client.send("APPEND \(mailbox) \(places)", texts), .append(mailbox: mailbox, tokens: tokens))
    }

    /// Some are longer than what is read at once, and than what is written at once.
    private func filling() -> String {
        let lines = [10, 10, 500, 5000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].randomElement(using: &self.dice) ?? 0
        return String(repeating: "a line of text that makes this message longer than others\r\n", count: lines)
    }

    private func sendCopy(_ mailbox: String, _ uids: inout [UInt32], _ flight: Int) throws -> (tag: String, what: Sent)? {
        let count = min(uids.count, Int.random(in: 1...3, using: &self.dice))
        let some = uids.suffix(count).sorted()
        uids.removeLast(count)
        let messages = some.compactMap { uid in self.model.token(mailbox, uid).map { (uid: uid, token: $0) } }
        guard !messages.isEmpty else { return nil }
        let target = self.stress.randomMailbox(&self.dice)
        let isMove = self.stress.offers("MOVE") && Bool.random(using: &self.dice)
        self.model.carry(messages.map(\.token), mayDouble: !isMove || self.stress.settings.movesMayDouble)
        if isMove { self.model.endanger(mailbox, messages.map(\.uid)) }
        let tokens = messages.map(\.token)
        self.model.sends(.init(kind: isMove ? .move : .copy, source: mailbox, mailbox: target, tokens: tokens), flight: flight)
        let command = "UID \(isMove ? "MOVE" : "COPY") \(self.set(messages.map(\.uid))) \(target)"
        return (try self.client.send(command), .copy(to: target, messages: messages, isMove: isMove))
    }

    private func sendStore(_ uid: UInt32) throws -> (tag: String, what: Sent) {
        let isSet = Bool.random(using: &self.dice)
        self.model.mark(self.view.mailbox, uid, self.keyword, nil)
        let tag = try self.client.send("UID STORE \(uid) \(isSet ? "+" : "-")FLAGS.SILENT (\(self.keyword))")
        return (tag, .store(uid: uid, isSet: isSet))
    }

    // MARK: Answers

    /// What MOVE has done stands in a line without a tag, perhaps before the end of the command before it. [RFC6851-4.3]
    private static func copied(_ answer: IMAPTestClient.Answer) -> [String] {
        let codes = answer.untagged.compactMap { response -> String? in
            if case .status(_, _, let code, _) = response { code } else { nil }
        }
        return (codes + [answer.code ?? ""]).filter { $0.hasPrefix("COPYUID ") }
    }

    private func learn(
        _ what: Sent, _ answer: IMAPTestClient.Answer, _ copied: [String], above: [String: UInt32], _ last: inout [String: UInt32]
    ) {
        switch what {
        case .append(let mailbox, let tokens):
            guard answer.isOK, let code = answer.code("APPENDUID")?.split(separator: " "), code.count == 2 else {
                return self.model.violated("\(self.name): APPEND in flight was \(answer.word) [\(answer.code ?? "")] \(answer.text)")
            }
            let uids = Self.uids(String(code[1]))
            guard uids.count == tokens.count else { return self.model.violated("\(self.name): \(tokens.count) messages, \(code[1])") }
            self.follow(uids, mailbox, &last)
            for (uid, token) in zip(uids, tokens) {
                self.model.made(mailbox, uid, token: token, above: above[mailbox] ?? 0)
                self.model.mark(mailbox, uid, self.keyword, true)
            }
        case .copy(let target, let messages, let isMove):
            guard answer.isOK else { return }
            // Those that others have taken away are passed over: all of them, and nothing is said.
            let asked = Set(messages.map(\.uid))
            var done: Set<UInt32> = []
            for code in copied.map({ $0.split(separator: " ") }) where code.count == 4 {
                let (old, new) = (Self.uids(String(code[2])), Self.uids(String(code[3])))
                guard asked.isSuperset(of: old) else { continue }
                guard old.count == new.count else { return self.model.violated("\(self.name): \(code.joined(separator: " "))") }
                self.follow(new, target, &last)
                done.formUnion(old)
                for (from, uid) in zip(old, new) {
                    let token = messages.first { $0.uid == from }?.token
                    let source = IMAPMailboxModel.Key(mailbox: self.view.mailbox, uid: from)
                    self.model.made(target, uid, token: token, above: above[target] ?? 0, source: source)
                }
            }
            if !isMove, let missing = asked.subtracting(done).first(where: { self.model.isSafe(self.view.mailbox, $0) }) {
                self.model.violated("\(self.name): COPY was OK and says nothing of \(missing), which nobody has taken away")
            }
        case .store(let uid, let isSet):
            guard answer.isOK else { return self.view.forgetFlags(uid) }
            self.model.mark(self.view.mailbox, uid, self.keyword, isSet)
            self.view.changedSilently(uid, self.keyword, isSet)
        case .other: if !answer.isOK { self.model.violated("\(self.name): NOOP or FETCH in flight was \(answer.word)") }
        }
    }

    /// Every COPYUID is about messages of one command of these.
    private func checkCopied(_ copied: [String], _ sent: [Sent]) {
        let asked = sent.map { what -> Set<UInt32> in
            if case .copy(_, let messages, _) = what { Set(messages.map(\.uid)) } else { [] }
        }
        for code in copied {
            let words = code.split(separator: " ")
            let old = words.count == 4 ? Self.uids(String(words[2])) : []
            guard old.isEmpty || !asked.contains(where: { $0.isSuperset(of: old) }) else { continue }
            self.model.violated("\(self.name): \(code), asked for were \(asked)")
        }
    }

    /// New messages come behind those of the commands before.
    private func follow(_ uids: [UInt32], _ mailbox: String, _ last: inout [String: UInt32]) {
        for uid in uids {
            if let before = last[mailbox], uid <= before {
                self.model.violated("\(self.name): UID \(uid) of \(mailbox) came behind \(before), one command after the other")
            }
            last[mailbox] = uid
        }
    }
}
