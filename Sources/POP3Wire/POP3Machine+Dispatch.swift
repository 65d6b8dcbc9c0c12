internal import Bytes
internal import NIOCore
internal import SASL
internal import Vocabulary

extension POP3Machine {
    mutating func handle(_ event: LineReader.Event, _ out: inout Output) {
        switch event {
        case .bareLF: self.refuseLine(.badLineEnd, &out)
        case .tooLong: self.refuseLine(.lineTooLong, &out)
        case .line(let line):
            if case .exchange(let exchange) = self.phase {
                self.exchangeLine(line.readableBytesView, exchange, &out)
            } else {
                self.command(line.readableBytesView, &out)
            }
        }
    }

    /// A line that cannot be taken also ends an AUTH exchange.
    private mutating func refuseLine(_ phrase: POP3Phrase, _ out: inout Output) {
        if case .exchange = self.phase { self.phase = .authorization }
        self.refuse(phrase, &out)
    }

    private mutating func command(_ line: ByteBufferView, _ out: inout Output) {
        switch POP3Command.parse(line) {
        case .success(let command): self.perform(command, &out)
        case .failure(let error): self.refuse(error.fault, line, &out)
        }
    }

    private mutating func refuse(_ fault: POP3Command.Fault, _ line: ByteBufferView, _ out: inout Output) {
        switch fault {
        case .unknown where Self.isForeignProtocol(line):
            // A browser was made to talk to us: its next lines are chosen by a page.
            self.refuse(.unknownCommand, &out)
            self.close(&out)
        case .unknown: self.refuse(.unknownCommand, &out)
        case .characters: self.refuse(.badCharacters, &out)
        case .arguments(let rule):
            out.replies.writeStaticString("-ERR ")
            out.replies.writeStaticString(POP3Phrase.usage.text(self.language))
            out.replies.writeString(" \(rule.verb.rawValue)\(rule.usage)\r\n")
            self.countError(&out)
        }
    }

    private static func isForeignProtocol(_ line: ByteBufferView) -> Bool {
        ["GET ", "POST ", "PUT ", "HEAD ", "CONNECT ", "OPTIONS ", "EHLO ", "HELO "].contains { line.starts(with: $0.utf8) }
    }

    private mutating func perform(_ command: POP3Command, _ out: inout Output) {
        let isTransaction = if case .transaction = self.phase { true } else { false }
        guard command.rule.phases.contains(isTransaction ? .transaction : .authorization) else {
            return self.refuse(isTransaction ? .alreadyLoggedIn : .loginFirst, &out)
        }
        if let identity = self.identity, !self.settings.mayStay(identity) {
            // Locked or expired meanwhile. Nothing is removed: that takes a QUIT of somebody who may be here.
            out.replies.writeError(.accountClosed, self.language, code: POP3Code.permanent)
            return self.close(&out)
        }
        let first = command.arguments.first
        switch command.rule.verb {
        case .capa: self.writeCapabilities(&out)
        case .lang: self.lang(first, &out)
        case .quit: self.quit(&out)
        case .user: self.user(first, &out)
        case .pass: self.pass(first, &out)
        case .auth: self.auth(command.arguments, &out)
        case .stls: self.stls(&out)
        case .utf8:
            self.isUTF8 = true
            out.replies.writeOK(.utf8On, self.language)
        case .noop: out.replies.writeOK(.done, self.language)
        case .stat, .list, .uidl, .retr, .top, .dele, .rset: self.transaction(command, &out)
        }
    }

    private mutating func lang(_ range: ByteBufferView?, _ out: inout Output) {
        guard let range else {
            out.replies.writeOK(.languagesFollow, self.language)
            for language in Language.allCases { out.replies.writeString("\(language.rawValue) \(language.ownName)\r\n") }
            out.replies.writeStaticString(".\r\n")
            return
        }
        let text = String(decoding: range, as: UTF8.self)
        guard let language = text == "*" ? self.settings.language : Language(range: text) else {
            return self.refuse(.languageUnknown, &out)
        }
        self.language = language
        out.replies.writeString("+OK \(language.rawValue) \(POP3Phrase.languageChanged.text(language))\r\n")
    }

    private mutating func quit(_ out: inout Output) {
        guard let maildrop = self.maildrop else {
            self.writeFarewell(&out)
            return self.close(&out)
        }
        // Also with nothing to remove: the lock is given back before we answer, so that a client that returns at once finds it free.
        self.phase = .finishing
        out.perform(.finish(deleted: maildrop.markedUIDs))
    }

    mutating func finished(removedAll: Bool, _ out: inout Output) {
        if removedAll {
            self.writeFarewell(&out)
        } else {
            out.replies.writeError(.updateFailed, self.language, code: POP3Code.temporary)  // [RFC1939-6] [RFC3206-4]
        }
        self.close(&out)
    }

    private func writeFarewell(_ out: inout Output) {
        out.replies.writeString("+OK \(self.settings.hostName) \(POP3Phrase.farewell.text(self.language))\r\n")
    }
}
