package import NIOCore
internal import SASL
package import Vocabulary

// Invariants of this target:
// 1. Nothing but digits 200 and 500 begins a reply: old clients look at these three and at nothing else.
// 2. No word before the password is right depends on whether a name exists.
// 3. A new password is taken only from who gave the old one in this session, and the old one is looked at again when it is changed.
// 4. Nothing that somebody typed is repeated to him: it may be a password on the wrong line.

/// A session of the password server (poppassd) as a value: `user`, `pass`, `newpass`, `quit`.
package struct PasswordMachine: SessionMachine {
    package typealias Call = PasswordCall
    package typealias Outcome = PasswordOutcome
    package typealias Event = Never
    typealias Output = SessionOutput<PasswordCall>

    private enum Phase: Sendable {
        case user
        case pass(String)
        case asking(Secret)
        case newPassword(Identity, old: Secret)
        case changing(Identity, old: Secret)
        case done
        case closed
    }

    private let settings: PasswordSettings
    private var phase: Phase = .user
    private var hasTLS = false
    private var isDraining = false
    /// Octets of the unfinished line that were searched already.
    private var searched = 0
    private var isDropping = false
    private var errors = 0
    private var authFailures = 0
    private var refusedPasswords = 0

    package init(settings: PasswordSettings) { self.settings = settings }

    package mutating func connected(tls: TLSFacts?, _ out: inout SessionOutput<PasswordCall>) {
        self.hasTLS = tls != nil
        guard self.hasTLS || self.settings.isLoopback else {
            self.say(500, PasswordPhrase.needsTLS, &out)
            return self.close(&out)
        }
        out.replies.writeString("200 \(self.settings.greeting)\r\n")
        // One bound for all: no sequence of lines, however slow, holds a connection for longer.
        out.setDeadline(self.settings.limits.time)
    }

    package mutating func tlsEstablished(_ tls: TLSFacts, _ out: inout SessionOutput<PasswordCall>) {}

    package mutating func received(_ input: inout ByteBuffer, _ out: inout SessionOutput<PasswordCall>) {
        while self.takesLines {
            switch self.nextLine(&input) {
            case .more: return
            case .tooLong: self.mistake(PasswordPhrase.tooLong, &out)
            case .line(let line): self.line(line, &out)
            }
        }
    }

    package mutating func completed(_ outcome: PasswordOutcome, _ out: inout SessionOutput<PasswordCall>) {
        switch (self.phase, outcome) {
        case (.asking(let password), .auth(let answer)): self.answered(answer, password, &out)
        case (.changing, .changed):
            self.phase = .done
            self.say(200, PasswordPhrase.changed, &out)
        case (.changing(let identity, let old), .notChanged(let reason)):
            self.phase = .newPassword(identity, old: old)
            self.say(500, reason, &out)
            self.refusedPasswords += 1
            if self.refusedPasswords >= self.settings.limits.refusedPasswords { self.close(&out) }
        default: self.close(&out)  // The backend broke its contract.
        }
        if self.isDraining, self.takesLines { self.close(&out) }
    }

    package mutating func timedOut(_ out: inout SessionOutput<PasswordCall>) { self.close(&out) }

    package mutating func shuttingDown(_ out: inout SessionOutput<PasswordCall>) {
        self.isDraining = true
        if self.takesLines { self.close(&out) }
    }

    private var takesLines: Bool {
        switch self.phase {
        case .user, .pass, .newPassword, .done: true
        case .asking, .changing, .closed: false
        }
    }

    // MARK: Lines

    private enum Framed {
        case line(ByteBufferView)
        case tooLong
        case more
    }

    /// Lines end with LF, with or without CR: clients send either. Nothing behind a line depends on where it ends but the next line.
    private mutating func nextLine(_ input: inout ByteBuffer) -> Framed {
        let view = input.readableBytesView
        guard let end = view[(view.startIndex + min(self.searched, view.count))...].firstIndex(of: 0x0A) else {
            self.searched = view.count
            guard self.isDropping || view.count >= self.settings.limits.line else { return .more }
            self.isDropping = true
            self.searched = 0
            input.moveReaderIndex(to: input.writerIndex)
            return .more
        }
        self.searched = 0
        let length = end + 1 - view.startIndex
        input.moveReaderIndex(forwardBy: length)
        if self.isDropping || length > self.settings.limits.line {
            self.isDropping = false
            return .tooLong
        }
        let line = view[view.startIndex..<end]
        return .line(line.last == 0x0D ? line.dropLast() : line)
    }

    private mutating func line(_ line: ByteBufferView, _ out: inout Output) {
        let verbEnd = line.firstIndex(of: 0x20) ?? line.endIndex
        let argument = verbEnd < line.endIndex ? line[(verbEnd + 1)...] : line[line.endIndex...]
        switch String(decoding: line[..<verbEnd].prefix(16).map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, as: UTF8.self) {
        case "user": self.user(argument, &out)
        case "pass": self.pass(argument, &out)
        case "newpass": self.newPassword(argument, &out)
        case "quit":
            self.say(200, PasswordPhrase.farewell, &out)
            self.close(&out)
        case "get", "post", "put", "head", "connect", "options", "ehlo", "helo":
            // A browser was made to talk to us: its next lines are chosen by a page.
            self.say(500, PasswordPhrase.unknown, &out)
            self.close(&out)
        default: self.mistake(PasswordPhrase.unknown, &out)
        }
    }

    private mutating func user(_ argument: ByteBufferView, _ out: inout Output) {
        switch self.phase {
        case .user, .pass: break
        default: return self.mistake(PasswordPhrase.alreadyLoggedIn, &out)
        }
        var name = argument
        while let last = name.last, last == 0x20 { name = name.dropLast() }
        guard !name.isEmpty, name.count <= 512, let text = String(validating: name, as: UTF8.self), !name.contains(where: { $0 < 0x20 })
        else {
            return self.mistake(PasswordPhrase.userFirst, &out)
        }
        self.phase = .pass(text)
        // The same for every name.
        self.say(200, PasswordPhrase.sendPassword, &out)
    }

    private mutating func pass(_ argument: ByteBufferView, _ out: inout Output) {
        guard case .pass(let name) = self.phase else { return self.mistake(PasswordPhrase.userFirst, &out) }
        guard !argument.isEmpty, argument.count <= PasswordPreparation.maximumLength else {
            self.phase = .user
            return self.mistake(PasswordPhrase.loginFailed, &out)
        }
        let password = Secret(Array(argument))
        self.phase = .asking(password)
        out.perform(.authenticate(.password(login: name, password), hasTLS: self.hasTLS))
    }

    private mutating func answered(_ answer: AuthOutcome, _ password: Secret, _ out: inout Output) {
        switch answer {
        case .accepted(let identity):
            self.phase = .newPassword(identity, old: password)
            self.errors = 0
            self.say(200, PasswordPhrase.sendNewPassword, &out)
        case .refused(let refusal):
            self.phase = .user
            self.say(500, PasswordPhrase.text(of: refusal), &out)
            self.authFailures += 1
            if self.authFailures >= self.settings.limits.authFailures { self.close(&out) }
        case .verifier: self.close(&out)
        }
    }

    private mutating func newPassword(_ argument: ByteBufferView, _ out: inout Output) {
        guard case .newPassword(let identity, let old) = self.phase else { return self.mistake(PasswordPhrase.loginFirst, &out) }
        self.phase = .changing(identity, old: old)
        out.perform(.change(identity, old: old, new: Secret(Array(argument))))
    }

    // MARK: Replies

    private mutating func mistake(_ phrase: Localized, _ out: inout Output) {
        self.say(500, phrase, &out)
        self.errors += 1
        if self.errors >= self.settings.limits.errors { self.close(&out) }
    }

    private func say(_ code: Int, _ phrase: Localized, _ out: inout Output) {
        // One line, whatever the sentence was made of.
        let text = phrase.text(self.settings.language).unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }
        out.replies.writeString("\(code) ")
        out.replies.writeString(String(String.UnicodeScalarView(text)))
        out.replies.writeString("\r\n")
    }

    private mutating func close(_ out: inout Output) {
        self.phase = .closed
        out.close()
    }
}
