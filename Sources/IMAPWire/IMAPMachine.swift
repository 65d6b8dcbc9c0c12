internal import Bytes
package import NIOCore
internal import SASL
package import Vocabulary

// Invariants of this target:
// 1. `received` handles whole commands; only messages of APPEND pass through in pieces. While a call is open nothing is consumed.
// 2. What was said before TLS is forgotten when it stands: the machine starts again from a fresh value. [RFC9051-6.2.1]
// 3. The client's numbering changes only by what it is told: EXPUNGE and VANISHED go out where RFC 9051 7.5.1 allows, and nowhere else.
// 4. A long answer is never longer in memory than `pieceSize` and one piece of the backend: between parts a call is performed, which the
//    driver holds back until the peer has read.
// 5. Every size and depth that a peer controls has its bound in `IMAPLimits`.
// 6. No word before login depends on whether a name exists.

/// An IMAP session as a value. RFC 9051 RFC 3501
package struct IMAPMachine: SessionMachine {
    package typealias Call = IMAPCall
    package typealias Outcome = IMAPOutcome
    package typealias Event = IMAPEvent
    typealias Output = SessionOutput<IMAPCall>

    /// Each case names what is awaited.
    enum Phase: Sendable {
        /// A command, or its rest.
        case command
        /// A line of an AUTHENTICATE exchange.
        case exchange(SASLServer)
        /// The backend's answer.
        case working(Work)
        /// DONE.
        case idling
        /// Octets of a message.
        case message
        case startingTLS
        case closed
    }

    /// Octets of a long answer that are written before the peer must have read some.
    static let pieceSize = 64 << 10

    let settings: IMAPSettings
    var phase: Phase = .command
    var tls: TLSFacts?
    var reader = CommandReader()
    /// The command in hand, or the last one.
    var command = Command.none
    var identity: Identity?
    var selected: SelectedView?
    var mode = WireMode()
    /// `$`. [RFC5182-2.1]
    var saved = UIDSet()
    /// An APPEND in hand.
    var appending: Appending?
    /// STOREs, COPYs or APPENDs that are made and not told yet.
    var commandRun = CommandRun()
    var notify = NotifyState()
    /// Results that are kept up. [RFC5267-4.3]
    var contexts: [SearchContextState] = []
    /// Of the words behind OK, NO and BAD: ASCII until the client asks for another language. [RFC5255-3.2]
    var language = Language.english
    var errors = 0
    var authFailures = 0
    var isDraining = false
    /// A hint came while SELECT was at work.
    var isStaleBefore = false
    var isCompressed = false
    /// How long IDLE has been quiet.
    var quiet: TimeAmount = .zero
    /// IDLE has just begun: what has happened is told a moment later.
    var isIdleFresh = false

    package init(settings: IMAPSettings) { self.settings = settings }

    package mutating func connected(tls: TLSFacts?, _ out: inout SessionOutput<IMAPCall>) {
        self.tls = tls
        out.replies.writeString("* OK [CAPABILITY \(self.capabilities)] \(self.settings.greeting)\r\n")
        out.setDeadline(self.settings.limits.loginTimeout)
    }

    package mutating func tlsEstablished(_ tls: TLSFacts, _ out: inout SessionOutput<IMAPCall>) {
        // The count of failures stays: a handshake must not buy more guesses.
        let failures = self.authFailures
        self = IMAPMachine(settings: self.settings)
        self.tls = tls
        self.authFailures = failures
        out.setDeadline(self.settings.limits.loginTimeout)
    }

    package mutating func received(_ input: inout ByteBuffer, _ out: inout SessionOutput<IMAPCall>) {
        var handledAny = false
        while !out.isFull, !out.hasWork {
            let isHandled =
                switch self.phase {
                case .command: self.takeCommand(&input, &out)
                case .exchange(let exchange): self.takeExchangeLine(&input, exchange, &out)
                case .idling: self.takeDone(&input, &out)
                case .message: self.takeMessage(&input, &out)
                case .working, .startingTLS, .closed: false
                }
            guard isHandled else { break }
            handledAny = true
            self.gatherRun(&input, &out)
        }
        if handledAny { self.extendDeadline(&out) }
    }

    package mutating func completed(_ outcome: IMAPOutcome, _ out: inout SessionOutput<IMAPCall>) {
        guard case .working(let work) = self.phase else { return self.close(&out) }
        self.phase = .command
        self.answered(outcome, work, &out)
        self.extendDeadline(&out)
        self.settle(&out)
    }

    package mutating func notified(_ event: IMAPEvent, _ out: inout SessionOutput<IMAPCall>) {
        switch event {
        case .mailboxChanged:
            self.selected?.isStale = true
            // The mailbox that is being selected has changed before we know of it.
            if case .working(.selecting) = self.phase { self.isStaleBefore = true }
        case .noticesWait: self.notify.noticesWait = true
        case .mailboxGone: self.notify.farewell = .mailboxGone
        case .accountClosed: self.notify.farewell = .accountClosed
        case .accountChanged: break  // asked below
        }
        self.settle(&out)
    }

    package mutating func timedOut(_ out: inout SessionOutput<IMAPCall>) {
        if case .closed = self.phase { return }
        if self.leavesClosedAccount(&out) { return }
        if case .idling = self.phase, self.isIdleFresh { return self.lookFirst(&out) }
        if case .idling = self.phase, self.keepIdling(&out) { return }
        self.sayBye(.idleTooLong, &out)
    }

    package mutating func shuttingDown(_ out: inout SessionOutput<IMAPCall>) {
        self.isDraining = true
        self.settle(&out)
    }

    // MARK: Common steps

    /// Between commands, and in IDLE: what has happened meanwhile is told, as far as it may be; or the end comes.
    mutating func settle(_ out: inout Output) {
        guard !out.hasWork else { return }
        switch self.phase {
        case .command where !self.reader.hasBegun && self.appending == nil, .idling, .exchange: break
        case .command, .working, .message, .startingTLS, .closed: return
        }
        if let farewell = self.notify.farewell { return self.sayBye(farewell, &out) }
        if self.isDraining { return self.sayBye(.shuttingDown, &out) }
        if self.leavesClosedAccount(&out) { return }
        self.tellUnasked(&out)
    }

    /// Ends the session of an account that was locked, has expired or is gone. Asked before each command, and before anything is told that
    /// nobody asked for: what IDLE and NOTIFY tell are whole messages, of others' mailboxes too.
    mutating func leavesClosedAccount(_ out: inout Output) -> Bool {
        guard let identity = self.identity, !self.settings.mayStay(identity) else { return false }
        self.sayBye(.accountClosed, &out)
        return true
    }

    /// Before login one deadline stands for all; afterwards each command starts it anew. [RFC9051-5.4]
    func extendDeadline(_ out: inout Output) {
        guard self.identity != nil else { return }
        if case .closed = self.phase { return }
        if case .idling = self.phase { return out.setDeadline(self.idleDeadline) }
        out.setDeadline(self.settings.limits.inactivity)
    }

    /// Asks the backend; the answer comes to `answered` with `work`.
    mutating func ask(_ call: IMAPCall, _ work: Work, _ out: inout Output) {
        self.phase = .working(work)
        out.perform(call)
    }

    /// [RFC9051-7.1.5]
    mutating func sayBye(_ phrase: IMAPPhrase, code: String? = nil, _ out: inout Output) {
        out.replies.writeStaticString("* BYE ")
        if let code { out.replies.writeString("[\(code)] ") }
        out.replies.writeStaticString(phrase.text(self.language))
        out.replies.writeStaticString("\r\n")
        self.close(&out)
    }

    mutating func close(_ out: inout Output) {
        self.phase = .closed
        self.selected = nil
        self.appending = nil
        self.commandRun = CommandRun()
        out.close()
    }
}
