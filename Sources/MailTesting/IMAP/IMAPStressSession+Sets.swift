/// Commands that touch several messages, or only those that nobody has changed.
extension IMAPStressSession {
    /// The next message of this session, with what its subject says.
    func message() -> (token: String, text: String) {
        self.made += 1
        let number = self.name.split(separator: " ").last ?? ""
        let token = "token-\(number)-\(self.made)-\(UInt32.random(in: 0 ... .max, using: &self.dice))"
        let body = String(repeating: "text ", count: self.made % 50)
        return (token, "From: a@example.test\r\nSubject: \(token)\r\n\r\n\(body)\r\n")
    }

    /// Whether it is known what a message is, so that its end can be told from the loss of another.
    func knowsToken(_ uid: UInt32) throws -> Bool {
        if self.model.token(self.view.mailbox, uid) != nil { return true }
        let mailbox = self.view.mailbox
        let answer = try self.run("UID FETCH \(uid) (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        for values in answer.data(self.isUIDOnly ? "UIDFETCH" : "FETCH") {
            guard let last = values.last, let token = IMAPViewModel.token(last) else { continue }
            guard let found = self.isUIDOnly ? values[0].number : last["UID"]?.number else { continue }
            self.model.saw(mailbox, found, token: token)
        }
        return self.model.token(mailbox, uid) != nil
    }

    /// `1:3,5`
    static func uids(_ text: String) -> [UInt32] {
        text.split(separator: ",").flatMap { range -> [UInt32] in
            let ends = range.split(separator: ":").compactMap { UInt32($0) }
            guard let first = ends.first, let last = ends.last, first <= last, last - first < 100_000 else { return [] }
            return Array(first...last)
        }
    }

    func set(_ uids: [UInt32]) -> String { uids.map(String.init).joined(separator: ",") }

    /// What is known of the own keyword after an answer.
    private func mark(_ uids: [UInt32], _ isSet: Bool?) {
        for uid in uids {
            self.model.mark(self.view.mailbox, uid, self.keyword, isSet)
            if let isSet { self.view.changedSilently(uid, self.keyword, isSet) }
        }
    }

    func storeSome() throws {
        let uids = Array(self.view.uids.shuffled(using: &self.dice).prefix(12))
        guard !uids.isEmpty else { return }
        let isSet = Bool.random(using: &self.dice)
        self.mark(uids, nil)
        let answer = try self.run("UID STORE \(self.set(uids)) \(isSet ? "+" : "-")FLAGS.SILENT (\(self.keyword))")
        if answer.isOK { self.mark(uids, isSet) } else { for uid in uids { self.view.forgetFlags(uid) } }
    }

    /// Those that were changed since are named and stay as they were. [RFC7162-3.1.3]
    func storeUnchanged() throws {
        guard self.stress.offers("CONDSTORE"), let uid = try self.uid(), let modSeq = self.view.modSeq(of: uid) else { return }
        let isSet = Bool.random(using: &self.dice)
        let before = self.model.mark(of: self.view.mailbox, uid, self.keyword)
        self.mark([uid], nil)
        let sign = isSet ? "+" : "-"
        let answer = try self.run("UID STORE \(uid) (UNCHANGEDSINCE \(modSeq)) \(sign)FLAGS.SILENT (\(self.keyword))")
        let isModified = answer.code("MODIFIED").map { $0 == "\(uid)" }
        switch (answer.isOK, isModified) {
        case (_, true): self.mark([uid], before)
        case (true, nil): self.mark([uid], isSet)
        case (false, nil): self.view.forgetFlags(uid)
        case (_, false): self.model.violated("\(self.name): STORE UNCHANGEDSINCE of \(uid) answered \(answer.code ?? "")")
        }
    }

    /// The result of a search, used without naming it. [RFC5182-2.1]
    func storeFound() throws {
        guard self.stress.offers("SEARCHRES"), self.stress.offers("ESEARCH") else { return }
        let isSet = Bool.random(using: &self.dice)
        let query = "\(isSet ? "UNKEYWORD" : "KEYWORD") \(self.keyword) UNDELETED"
        let found = try self.run("UID SEARCH RETURN (SAVE ALL) \(query)")
        guard found.isOK, let values = found.data("ESEARCH").last,
            let place = values.firstIndex(where: { $0.text.uppercased() == "ALL" }), values.indices.contains(place + 1)
        else { return }
        // Those too whose UIDs this session does not know: it has been told of them, so that they are searched.
        let uids = Self.uids(values[place + 1].text)
        self.mark(uids, nil)
        let answer = try self.run("UID STORE $ \(isSet ? "+" : "-")FLAGS.SILENT (\(self.keyword))")
        if answer.isOK { self.mark(uids, isSet) } else { for uid in uids { self.view.forgetFlags(uid) } }
    }

    /// All or none. [RFC3502-6.3.11]
    func appendSome() throws {
        guard self.stress.offers("MULTIAPPEND") else { return }
        let mailbox = self.stress.randomMailbox(&self.dice)
        let above = self.model.highest(mailbox)
        let messages = (0..<Int.random(in: 2...4, using: &self.dice)).map { _ in self.message() }
        let places = messages.map { _ in "(\(self.keyword)) %" }.joined(separator: " ")
        let answer = try self.run("APPEND \(mailbox) \(places)", messages.map(\.text))
        guard answer.isOK, let code = answer.code("APPENDUID")?.split(separator: " "), code.count == 2 else {
            return self.model.violated("\(self.name): APPEND of \(messages.count) was \(answer.word) [\(answer.code ?? "")] \(answer.text)")
        }
        let uids = Self.uids(String(code[1]))
        guard uids.count == messages.count else { return self.model.violated("\(self.name): \(messages.count) messages, \(code[1])") }
        for (uid, message) in zip(uids, messages) {
            self.model.made(mailbox, uid, token: message.token, above: above)
            self.model.mark(mailbox, uid, self.keyword, true)
        }
    }

    /// A draft that is saved again. [RFC8508-3.3]
    func replace() throws {
        guard self.stress.offers("REPLACE"), let uid = try self.uid(), try self.knowsToken(uid) else { return }
        let mailbox = self.stress.randomMailbox(&self.dice)
        self.model.doom(self.view.mailbox, [uid])
        let above = self.model.highest(mailbox)
        let (token, text) = self.message()
        let answer = try self.run("UID REPLACE \(uid) \(mailbox) (\(self.keyword)) %", [text])
        // The old one may be gone meanwhile: then nothing is put in its place.
        guard answer.isOK, let code = answer.code("APPENDUID")?.split(separator: " "), code.count == 2, let new = UInt32(code[1]) else {
            return
        }
        self.model.made(mailbox, new, token: token, above: above)
        self.model.mark(mailbox, new, self.keyword, true)
    }
}
