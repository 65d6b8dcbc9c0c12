package import NIOCore
internal import SASL
package import Vocabulary

// Invariants of this target:
// 1. `received` handles one whole line at a time; while a call is open, or TLS is awaited, nothing is consumed.
// 2. What was said before TLS is forgotten when it stands: the machine starts again from a fresh value. [RFC2595-4]
// 3. DELE only marks. The one call that removes is `finish`, and only QUIT in the TRANSACTION state makes it with messages. [RFC1939-6]
// 4. A reply in parts is never longer in memory than `pieceSize` plus one piece of the backend: between parts a call is performed,
//    which the driver holds back until the peer has read.
// 5. No word before login depends on whether a name exists.

/// A POP3 session as a value. RFC 1939 RFC 2449
package struct POP3Machine: SessionMachine {
    package typealias Call = POP3Call
    package typealias Outcome = POP3Outcome
    package typealias Event = POP3Event
    typealias Output = SessionOutput<POP3Call>

    /// Each case names what is awaited.
    enum Phase: Sendable {
        case authorization
        /// A line of an AUTH exchange.
        case exchange(SASLServer)
        /// The authenticator's answer; nil is USER and PASS.
        case asking(SASLServer?)
        case opening
        case transaction
        case listing(Listing)
        case sending(Sending)
        case finishing
        case startingTLS
        case closed
    }

    /// Octets of a list that are written before the peer must have read some.
    static let pieceSize = 32 << 10

    let settings: POP3Settings
    var phase: Phase = .authorization
    var tls: TLSFacts?
    var lines = LineReader()
    /// What USER said.
    var userName: String?
    var maildrop: MaildropSession?
    /// Who has logged in.
    var identity: Identity?
    /// Of the words behind +OK and -ERR: ASCII until the client asks for another language. [RFC6856-3.2]
    var language = Language.english
    var isUTF8 = false
    var errors = 0
    var authFailures = 0
    var isDraining = false

    package init(settings: POP3Settings) { self.settings = settings }

    package mutating func connected(tls: TLSFacts?, _ out: inout SessionOutput<POP3Call>) {
        self.tls = tls
        out.replies.writeStaticString("+OK ")
        out.replies.writeString(self.settings.greeting)
        out.replies.writeStaticString("\r\n")
        out.setDeadline(self.settings.limits.loginTimeout)
    }

    package mutating func tlsEstablished(_ tls: TLSFacts, _ out: inout SessionOutput<POP3Call>) {
        // The count of failures stays: a handshake must not buy more guesses.
        let failures = self.authFailures
        self = POP3Machine(settings: self.settings)
        self.tls = tls
        self.authFailures = failures
        out.setDeadline(self.settings.limits.loginTimeout)
    }

    package mutating func received(_ input: inout ByteBuffer, _ out: inout SessionOutput<POP3Call>) {
        var handledAny = false
        while self.takesLines, !out.isFull {
            guard let event = self.lines.next(&input, limit: self.lineLimit(input)) else { break }
            handledAny = true
            self.handle(event, &out)
        }
        if handledAny { self.extendDeadline(&out) }
    }

    package mutating func completed(_ outcome: POP3Outcome, _ out: inout SessionOutput<POP3Call>) {
        self.answered(outcome, &out)
        self.extendDeadline(&out)
        if self.isDraining { self.closeIfIdle(&out) }
    }

    /// Autologout: closes without a word and removes nothing. [RFC1939-3]
    package mutating func timedOut(_ out: inout SessionOutput<POP3Call>) { self.close(&out) }

    /// Who waits for nothing but his next command is cut off, as by the autologout timer: POP3 has no word for it. Nothing is removed. [RFC1939-3]
    package mutating func notified(_ event: POP3Event, _ out: inout SessionOutput<POP3Call>) {
        guard self.takesLines, let identity = self.identity, !self.settings.mayStay(identity) else { return }
        self.close(&out)
    }

    package mutating func shuttingDown(_ out: inout SessionOutput<POP3Call>) {
        self.isDraining = true
        self.closeIfIdle(&out)
    }

    private mutating func answered(_ outcome: POP3Outcome, _ out: inout Output) {
        switch (self.phase, outcome) {
        case (.asking(let exchange), .auth(let answer)): self.authAnswered(answer, exchange, &out)
        case (.opening, .maildrop(let maildrop)): self.opened(maildrop, &out)
        case (.opening, .noMaildrop(let refusal)): self.notOpened(refusal, &out)
        case (.listing(let listing), .resumed): self.continueListing(listing, &out)
        case (.sending(let sending), .piece(let piece, let isLast, let name)):
            self.read(piece, isLast: isLast, of: name, sending, &out)
        case (.sending(let sending), .unreadable(let failure)): self.unreadable(failure, sending, &out)
        case (.finishing, .finished(let removedAll)): self.finished(removedAll: removedAll, &out)
        default: self.close(&out)  // The backend broke its contract: better no session than a wrong one.
        }
    }

    // MARK: Common steps

    var account: AccountID? { self.identity?.account }

    private var takesLines: Bool {
        switch self.phase {
        case .authorization, .exchange, .transaction: return true
        case .asking, .opening, .listing, .sending, .finishing, .startingTLS, .closed: return false
        }
    }

    private func lineLimit(_ input: ByteBuffer) -> Int {
        switch self.phase {
        case .exchange: self.settings.limits.authLine
        case .authorization where LineReader.startsWithAuth(input): self.settings.limits.authLine
        default: self.settings.limits.commandLine
        }
    }

    /// Before login one deadline stands for all; afterwards each command starts it anew. [RFC1939-3]
    private func extendDeadline(_ out: inout Output) {
        switch self.phase {
        case .authorization, .exchange, .asking, .startingTLS, .closed: break
        case .opening, .transaction, .listing, .sending, .finishing: out.setDeadline(self.settings.limits.inactivity)
        }
    }

    private mutating func closeIfIdle(_ out: inout Output) {
        guard self.takesLines else { return }
        self.close(&out)
    }

    mutating func close(_ out: inout Output) {
        self.phase = .closed
        self.maildrop = nil
        out.close()
    }

    /// A refusal that counts against the peer.
    mutating func refuse(_ phrase: POP3Phrase, code: StaticString = POP3Code.none, _ out: inout Output) {
        out.replies.writeError(phrase, self.language, code: code)
        self.countError(&out)
    }

    mutating func countError(_ out: inout Output) {
        self.errors += 1
        guard self.errors >= self.settings.limits.errors else { return }
        out.replies.writeError(.tooManyErrors, self.language)
        self.close(&out)
    }
}
