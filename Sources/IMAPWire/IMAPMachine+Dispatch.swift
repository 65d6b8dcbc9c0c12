internal import Bytes
internal import NIOCore
internal import Vocabulary

/// A command being carried out.
struct Command: Sendable {
    var tag: String
    var rule: IMAPRule
    /// Behind the command's name.
    var arguments: Scanner
    /// Fewer messages are taken than were asked for: the code that says so. [RFC9738-3]
    var limitCode: String?
    /// A search whose result `$` is to hold.
    var saves = false

    static let none = Command(tag: "*", rule: .none, arguments: .empty)
}

/// How a command ends.
struct Ending: Hashable, Sendable {
    enum Status: Hashable, Sendable { case ok, no, bad }

    var status: Status
    var code: String?
    var phrase: IMAPPhrase

    static func ok(_ phrase: IMAPPhrase = .completed, code: String? = nil) -> Ending { Ending(status: .ok, code: code, phrase: phrase) }
    static func no(_ phrase: IMAPPhrase, code: String? = nil) -> Ending { Ending(status: .no, code: code, phrase: phrase) }
    static func refused(_ refusal: IMAPRefusal) -> Ending {
        Ending(status: refusal.isBad ? .bad : .no, code: refusal.code, phrase: refusal.phrase)
    }
}

extension IMAPMachine {
    /// True when something was handled; false when more bytes are needed.
    mutating func takeCommand(_ input: inout ByteBuffer, _ out: inout Output) -> Bool {
        let limits = self.settings.limits
        let line = self.identity == nil ? limits.lineBeforeLogin : limits.line
        let total = self.identity == nil ? limits.lineBeforeLogin + limits.literalBeforeLogin : limits.command
        guard let event = self.reader.next(&input, line: line, command: total) else { return false }
        switch event {
        case .command(let bytes):
            if self.appending != nil || self.beginsAppend(bytes) { self.continueAppend(bytes, nil, &out) } else { self.begin(bytes, &out) }
        case .literal(let mark, let bytes): self.announced(mark, bytes, &out)
        case .refused(let phrase, let bytes, let mustClose): self.refuse(phrase, beginning: bytes, mustClose: mustClose, &out)
        }
        return true
    }

    // MARK: Literals

    /// A literal is announced; whether it comes is ours to say, unless it does not wait. [RFC9051-4.3] [RFC7888-4]
    private mutating func announced(_ mark: LiteralMark, _ bytes: ByteBuffer, _ out: inout Output) {
        if self.appending != nil || self.beginsAppend(bytes) { return self.continueAppend(bytes, mark, &out) }
        self.gather(mark, bytes, &out)
    }

    /// Takes a literal that is an argument.
    mutating func gather(_ mark: LiteralMark, _ bytes: ByteBuffer, _ out: inout Output) {
        let limits = self.settings.limits
        let largest = self.identity == nil ? limits.literalBeforeLogin : limits.literal
        let rest = (self.identity == nil ? limits.lineBeforeLogin + limits.literalBeforeLogin : limits.command) - bytes.readableBytes
        guard mark.size <= Int64(largest), mark.size <= Int64(rest) else { return self.tooLarge(mark, bytes, &out) }
        self.reader.gatherLiteral(mark)
        if mark.isSynchronizing { self.writeContinue(&out) }
    }

    private mutating func tooLarge(_ mark: LiteralMark, _ bytes: ByteBuffer, _ out: inout Output) {
        if mark.isSynchronizing {
            self.reader.abandon()
            return self.refuse(.literalTooLarge, beginning: bytes, mustClose: false, &out)
        }
        // Passing over much from somebody unknown is work for nothing. [RFC7888-4]
        guard self.identity != nil, mark.size <= CommandReader.longestSkip else {
            self.reader.abandon()
            return self.sayBye(.literalTooLarge, code: "TOOBIG", &out)
        }
        self.reader.skipLiteral(mark, .literalTooLarge)
    }

    func writeContinue(_ out: inout Output) {
        out.replies.writeStaticString("+ ")
        out.replies.writeStaticString(IMAPPhrase.ready.text(self.language))
        out.replies.writeStaticString("\r\n")
    }

    /// A command whose framing is wrong. Its tag is in its first octets, if anywhere.
    private mutating func refuse(_ phrase: IMAPPhrase, beginning: ByteBuffer, mustClose: Bool, _ out: inout Output) {
        let isTooLarge = phrase == .literalTooLarge || phrase == .commandTooLarge || phrase == .lineTooLong
        let code = isTooLarge ? "TOOBIG" : nil
        if let appending = self.appending {
            self.endAppend(appending.refusal ?? IMAPRefusal(phrase, code: code, isBad: true), &out)
        } else {
            var scanner = Scanner(beginning, isUTF8: false, nesting: 0)
            self.command = .none
            if let tag = try? scanner.tag() { self.command.tag = tag }
            self.bad(phrase, code: code, &out)
        }
        if mustClose { self.close(&out) }
    }

    // MARK: A whole command

    private mutating func begin(_ bytes: ByteBuffer, _ out: inout Output) {
        var scanner = Scanner(bytes, isUTF8: self.mode.isUTF8, nesting: self.settings.limits.nesting)
        self.command = .none
        do {
            self.command.tag = try scanner.tag()
            let rule = try self.rule(&scanner)
            self.command = Command(tag: self.command.tag, rule: rule, arguments: scanner)
            try self.check(rule)
            self.run(&out)
        } catch {
            if error.phrase == .unknownCommand, self.identity == nil, Self.isForeignProtocol(bytes) {
                // A browser was made to talk to us: its next lines are chosen by a page.
                return self.sayBye(.foreignProtocol, &out)
            }
            self.fail(error, &out)
        }
    }

    func rule(_ scanner: inout Scanner) throws(GrammarFault) -> IMAPRule {
        var name = scanner.keyword()
        if name == "UID", scanner.take(" ") { name = "UID " + scanner.keyword() }
        guard let rule = IMAPRule.named(name), self.settings.features.isSuperset(of: rule.feature) else {
            throw GrammarFault(.unknownCommand)
        }
        guard scanner.isAtEnd || scanner.peek(" ") else { throw GrammarFault() }
        return rule
    }

    func check(_ rule: IMAPRule) throws(GrammarFault) {
        guard rule.states.contains(self.state) else {
            throw GrammarFault(self.identity == nil ? .loginFirst : rule.states == .selected ? .selectFirst : .alreadyLoggedIn)
        }
        if self.mode.isUIDOnly, rule.usesNumbers { throw GrammarFault(.uidRequired, code: "UIDREQUIRED") }  // [RFC9586-3]
    }

    var state: IMAPStates {
        if self.identity == nil { return .notAuthenticated }
        return self.selected == nil ? .authenticated : .selected
    }

    /// Carries out the command in hand, after its view where it needs one.
    mutating func run(_ out: inout Output) {
        if self.leavesClosedAccount(&out) { return }
        if self.command.rule.needsView, let selected = self.selected, selected.uids == nil {
            return self.ask(.readView, .view(.run), &out)
        }
        var arguments = self.command.arguments
        let handler = self.command.rule.handler
        do { try handler(&self, &arguments, &out) } catch { self.fail(error, &out) }
    }

    private static func isForeignProtocol(_ line: ByteBuffer) -> Bool {
        ["GET ", "POST ", "PUT ", "HEAD ", "CONNECT ", "OPTIONS ", "EHLO ", "HELO "].contains {
            line.readableBytesView.starts(with: $0.utf8)
        }
    }

    // MARK: Endings

    mutating func fail(_ fault: GrammarFault, _ out: inout Output) {
        guard fault.isNO else { return self.bad(fault.phrase, code: fault.code, &out) }
        if self.command.saves { self.saved = UIDSet() }  // [RFC5182-2.1]
        self.finish(.no(fault.phrase, code: fault.code), &out)
    }

    /// BAD, which counts against the peer. [RFC9051-7.1.3]
    mutating func bad(_ phrase: IMAPPhrase, code: String? = nil, _ out: inout Output) {
        self.writeTagged(Ending(status: .bad, code: code, phrase: phrase), &out)
        self.errors += 1
        if self.errors >= self.settings.limits.errors { self.sayBye(.tooManyErrors, &out) }
    }

    /// Ends the command in hand: first what has changed in the mailbox, then its tagged answer.
    mutating func finish(_ ending: Ending, _ out: inout Output) {
        var ending = ending
        if let limit = self.command.limitCode, ending.status == .ok {
            self.command.limitCode = nil
            if ending.code != nil {
                // The tagged answer has a code of its own. [RFC9738-3]
                out.replies.writeString("* NO [\(limit)] ")
                out.replies.writeStaticString(IMAPPhrase.onlyPart.text(self.language))
                out.replies.writeStaticString("\r\n")
            } else {
                ending = .ok(.onlyPart, code: limit)
            }
        }
        // What has changed meanwhile is told at the end of a run.
        if !self.commandRun.isEmpty {
            self.writeTagged(ending, &out)
            return self.tellNextOfRun(&out)
        }
        guard self.command.rule.tellsNews else { return self.writeTagged(ending, &out) }
        if let selected = self.selected, selected.isStale || self.command.rule.readsChanges {
            return self.readChanges(.ending(ending), &out)
        }
        self.announce(.ending(ending), &out)
    }

    mutating func writeTagged(_ ending: Ending, _ out: inout Output) {
        out.replies.writeString(self.command.tag)
        switch ending.status {
        case .ok: out.replies.writeStaticString(" OK ")
        case .no: out.replies.writeStaticString(" NO ")
        case .bad: out.replies.writeStaticString(" BAD ")
        }
        if let code = ending.code { out.replies.writeString("[\(code)] ") }
        out.replies.writeStaticString(ending.phrase.text(self.language))
        out.replies.writeStaticString("\r\n")
        self.phase = .command
        // Who makes a mistake now and then in a session of days is not lost.
        if ending.status == .ok, self.identity != nil { self.errors = 0 }
        self.command.arguments = .empty  // nothing of a long command stays with a session that waits
    }

    /// `* OK [code] text`.
    func writeUntaggedOK(_ code: String, _ phrase: IMAPPhrase, _ out: inout Output) {
        out.replies.writeString("* OK [\(code)] ")
        out.replies.writeStaticString(phrase.text(self.language))
        out.replies.writeStaticString("\r\n")
    }
}

extension Scanner {
    // RFC 9051 9:  tag = 1*<any ASTRING-CHAR except "+">
    /// With the blank behind it.
    mutating func tag() throws(GrammarFault) -> String {
        let found = self.takeWhile { $0.isAStringCharacter && $0 != UInt8(ascii: "+") }
        guard !found.isEmpty, found.count <= 255, self.take(" ") else { throw GrammarFault() }
        return String(decoding: found, as: UTF8.self)
    }
}
