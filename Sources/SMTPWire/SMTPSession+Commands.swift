import Bytes
import NIOCore
import SASL
import Vocabulary

// From commands to calls and replies.
extension SMTPSession {
    /// Most RCPTs that go to the backend in one call.
    private static let maximumRun = 128

    /// - Parameter input: what follows the line: more RCPTs are taken from it, and DATA looks whether there is anything.
    mutating func commandLine(_ line: ByteBuffer, _ input: inout ByteBuffer, _ out: inout SessionOutput<SMTPCall>) {
        let word = Self.word(line)
        if SMTPVerb.isHTTP(word) {
            self.end(.notHTTP, &out)
            return
        }
        if let identity = self.identity, !self.mayStay(identity) {
            self.end(.accountClosed, &out)
            return
        }
        guard !Self.isDirty(line) else {
            self.complain(.bareReturn, &out)
            return
        }
        let verb = Self.verb(line, word)
        guard let rule = SMTPRule.of(verb), rule.isSpoken(lmtp: self.profile.isLMTP, urls: self.profile.resolvesURLs) else {
            self.complain(.unknownCommand, &out)
            return
        }
        guard rule.phases.contains(self.order) else {
            if verb == .bdat { self.refuseChunk(line, self.outOfOrder(verb), &out) } else { self.complain(self.outOfOrder(verb), &out) }
            return
        }
        if rule.argument == .none,
            line.readableBytesView.dropFirst(rule.name.utf8CodeUnitCount).contains(where: { $0 != .space && $0 != .tab })
        {
            self.complain(.noArgument, &out)
            return
        }
        self.execute(verb, line, &input, &out)
    }

    /// Unknown, unless the whole word is that of the verb.
    static func verb(_ line: ByteBuffer, _ word: UInt32) -> SMTPVerb {
        let verb = SMTPVerb.of(word)
        guard let rule = SMTPRule.of(verb) else { return .unknown }
        return line.withUnsafeReadableBytes { bytes in
            var cursor = ByteCursor(bytes)
            guard cursor.takeIgnoringCase(rule.name), cursor.isAtEnd || cursor.skipBlanks() > 0 else { return .unknown }
            return verb
        }
    }

    /// Where we are in the order of commands; exactly one bit.
    private var order: SMTPPhases {
        if self.hello == nil { return .unnamed }
        guard let envelope = self.envelope else { return .ready }
        if self.body != nil { return .chunks }
        return envelope.recipients.isEmpty ? .sender : .recipients
    }

    private func outOfOrder(_ verb: SMTPVerb) -> Reply {
        switch self.order {
        case .unnamed: self.profile.isLMTP ? .sayLocalHello : .sayHello
        case .chunks: .chunksBegun
        case .ready: .noSender
        default: verb == .mail ? .nestedMail : .badSequence
        }
    }

    private var context: SMTPGrammar.Context {
        SMTPGrammar.Context(
            isExtended: self.hello?.isExtended ?? false, isSecure: self.tls != nil,
            isSubmission: self.profile.isSubmission || self.identity != nil,
            maximumSize: self.profile.limits.messageSize, isInternationalized: self.envelope?.isInternationalized ?? false)
    }

    private mutating func execute(_ verb: SMTPVerb, _ line: ByteBuffer, _ input: inout ByteBuffer, _ out: inout SessionOutput<SMTPCall>) {
        switch verb {
        case .rcpt: self.recipients(line, &input, &out)
        case .mail: self.mail(line, &out)
        case .data: self.data(input, &out)
        case .bdat: self.chunkCommand(line, &out)
        case .burl: self.urlCommand(line, &out)
        case .helo, .ehlo, .lhlo: self.helloCommand(line, isExtended: verb != .helo, &out)
        case .rset: self.reset(then: Reply(250, EnhancedStatus(2, 0, 0), "Ok"), refused: nil, &out)
        case .noop: self.say(Reply(250, EnhancedStatus(2, 0, 0), "Ok"), &out)
        case .quit: self.end(Reply(221, EnhancedStatus(2, 0, 0), "\(self.profile.hostName) Service closing transmission channel"), &out)
        case .help: self.say(self.help, &out)
        case .startTLS: self.startTLS(&out)
        case .auth: self.authCommand(line, &out)
        case .vrfy, .expn, .etrn, .qsnd: self.special(verb, line, &out)
        case .http, .unknown: self.complain(.unknownCommand, &out)
        }
    }

    // MARK: HELO, EHLO

    private mutating func helloCommand(_ line: ByteBuffer, isExtended: Bool, _ out: inout SessionOutput<SMTPCall>) {
        switch Self.parse(line, 4, { cursor throws(Reply) in try SMTPGrammar.hello(&cursor, isExtended: isExtended) }) {
        case .failure(let reply): self.complain(reply, &out)
        case .success(let hello):
            if self.envelope != nil {  // [RFC5321-4.1.4]
                self.dropTransaction()
                self.ask(.reset(refused: nil), .renaming(hello), &out)
            } else {
                self.ask(.hello(hello), .hello(hello), &out)
            }
        }
    }

    mutating func named(_ hello: SMTPHello, _ out: inout SessionOutput<SMTPCall>) {
        self.hello = hello
        let lines = hello.isExtended ? [self.profile.hostName] + self.extensions : [self.profile.hostName]
        self.say(Reply(250, nil, lines.joined(separator: "\n")), &out)
    }

    /// What EHLO offers now.
    private var extensions: [String] {
        let limits = self.profile.limits
        var list = [
            "PIPELINING", "SIZE \(limits.messageSize)", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN",
            "LIMITS MAILMAX=\(limits.transactions) RCPTMAX=\(limits.recipients)",  // [RFC9422-2]
        ]
        for rule in SMTPRule.table where rule.isSpoken(lmtp: self.profile.isLMTP, urls: self.profile.resolvesURLs) {
            switch rule.verb {
            case .startTLS where self.profile.offersStartTLS && self.tls == nil: list.append("STARTTLS")
            case .auth where self.offersAuth: list.append(self.profile.authKeyword)
            case .help: list.append("HELP")
            case .etrn where self.profile.offersQueueRelease: list.append("ETRN")  // [RFC1985-3]
            case .burl: list.append(self.identity == nil ? "BURL" : "BURL imap")  // [RFC4468-3.1]
            default: break
            }
        }
        if self.tls != nil { list.append("REQUIRETLS") }  // [RFC8689-2]
        return list
    }

    /// A password may be sent now, and nobody has logged in yet.
    var offersAuth: Bool { self.identity == nil && (self.tls != nil || self.allowsClearAuth) }

    private var help: Reply {
        self.profile.isLMTP ? Self.localHelpReply : self.profile.resolvesURLs ? Self.submissionHelpReply : Self.helpReply
    }

    private static let helpReply = helpReply(lmtp: false, "See RFC 5321")
    private static let submissionHelpReply = helpReply(lmtp: false, urls: true, "See RFC 6409")
    private static let localHelpReply = helpReply(lmtp: true, "See RFC 2033")

    private static func helpReply(lmtp: Bool, urls: Bool = false, _ end: String) -> Reply {
        let names = SMTPRule.table.filter { $0.isSpoken(lmtp: lmtp, urls: urls) }.map { "\($0.name)" }.joined(separator: " ")
        return Reply(214, EnhancedStatus(2, 0, 0), "Commands:\n\(names)\n\(end)")
    }

    private mutating func startTLS(_ out: inout SessionOutput<SMTPCall>) {
        guard self.profile.offersStartTLS, self.tls == nil else {
            self.complain(self.tls == nil ? .unknownCommand : .badSequence, &out)
            return
        }
        // What the transaction held dies with the session that `tlsEstablished` replaces; the backend learns it from `.secured`.
        self.dropTransaction()
        out.replies.writeStaticString("220 2.0.0 Ready to start TLS\r\n")
        self.phase = .opening
        out.startTLS()
    }

    // MARK: MAIL, RCPT

    private mutating func mail(_ line: ByteBuffer, _ out: inout SessionOutput<SMTPCall>) {
        guard self.counts.transactions < self.profile.limits.transactions else {
            self.end(.tooManyMessages, &out)
            return
        }
        if self.profile.isSubmission, self.identity == nil {
            self.complain(self.offersAuth ? .needsAuth : .needsTLS, &out)
            return
        }
        let (context, identity) = (self.context, self.identity)
        switch Self.parse(line, 4, { cursor throws(Reply) in try SMTPGrammar.mail(&cursor, context, identity: identity) }) {
        case .failure(let reply): self.complain(reply, &out)
        case .success(let mail): self.ask(.mail(mail), .mail(mail.envelope), &out)
        }
    }

    /// This RCPT and those that wait behind it, as one call.
    private mutating func recipients(_ first: ByteBuffer, _ input: inout ByteBuffer, _ out: inout SessionOutput<SMTPCall>) {
        let context = self.context
        var lines: [RecipientLine] = []
        var asked: [Envelope.Recipient] = []
        let room = self.profile.limits.recipients - (self.envelope?.recipients.count ?? 0)
        var next: ByteBuffer? = first
        while let line = next {
            switch Self.parse(line, 4, { cursor throws(Reply) in try SMTPGrammar.recipient(&cursor, context) }) {
            case .failure(let reply): lines.append(.refused(reply))
            case .success where asked.count >= room: lines.append(.refused(.tooManyRecipients))
            case .success(let recipient):
                lines.append(.asked(recipient))
                asked.append(recipient)
            }
            next = lines.count < Self.maximumRun ? self.nextRecipientLine(&input) : nil
        }
        if asked.isEmpty {
            self.answer(lines, [], &out)
        } else {
            self.ask(.recipients(asked), .recipients(lines), &out)
        }
    }

    mutating func answer(_ lines: [RecipientLine], _ verdicts: [Reply?], _ out: inout SessionOutput<SMTPCall>) {
        var rest = verdicts[...]
        self.goOn(&out)
        for line in lines {
            if case .closed = self.phase { return }
            switch line {
            case .refused(let reply): self.complain(reply, &out)
            case .asked(let recipient):
                // Fewer verdicts than questions would be our own fault; nothing is accepted that nobody accepted.
                if let refusal = rest.isEmpty ? .internalError : rest.removeFirst() {
                    self.refuse(refusal, &out)
                } else {
                    self.envelope?.recipients.append(recipient)
                    out.replies.writeStaticString("250 2.1.5 Recipient Ok\r\n")
                }
            }
        }
    }

    private mutating func refuse(_ refusal: Reply, _ out: inout SessionOutput<SMTPCall>) {
        if refusal.isPermanent { self.counts.refusedRecipients += 1 }
        guard self.counts.refusedRecipients < self.profile.limits.refusedRecipients else {
            out.replies.writeReply(refusal)
            self.end(.tooManyRefusals, &out)
            return
        }
        self.say(refusal, &out)
    }

    // MARK: The rest

    private mutating func special(_ verb: SMTPVerb, _ line: ByteBuffer, _ out: inout SessionOutput<SMTPCall>) {
        switch Self.parse(line, 4, { cursor throws(Reply) in try SMTPGrammar.word(&cursor, isOptional: verb == .qsnd) }) {
        case .failure(let reply): self.complain(reply, &out)
        case .success(let word):
            let command: SMTPSpecialCommand =
                switch verb {
                case .vrfy: .verify(word)
                case .expn: .expand(word)
                case .etrn: .releaseQueue(word)
                default: .sendQueue(word)
                }
            self.ask(.special(command, identity: self.identity), .special, &out)
        }
    }

    mutating func reset(then reply: Reply?, refused: Reply?, _ out: inout SessionOutput<SMTPCall>) {
        guard self.envelope != nil else {
            if let reply { self.say(reply, &out) } else { self.goOn(&out) }
            return
        }
        self.dropTransaction()
        self.ask(.reset(refused: refused), .reset(then: reply), &out)
    }

    mutating func dropTransaction() {
        self.envelope = nil
        self.body = nil
    }

    /// Runs a reader of arguments behind the first `verb` bytes of a line.
    static func parse<Value>(
        _ line: ByteBuffer, _ verb: Int, _ read: (inout ByteCursor) throws(Reply) -> Value
    ) -> Result<Value, Reply> {
        line.withUnsafeReadableBytes { bytes in
            var cursor = ByteCursor(bytes)
            cursor.skip(verb)
            do throws(Reply) { return .success(try read(&cursor)) } catch { return .failure(error) }
        }
    }
}
