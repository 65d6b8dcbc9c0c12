package import NIOCore
internal import Policy
package import Vocabulary

/// The client's side of SMTP: one conversation with one server, any number of messages. [RFC5321-4.1]
///
/// Commands that wait for replies stand in `expected`; each reply belongs to the first of them. Pipelined groups are therefore nothing
/// special: more commands are written before the replies are read. [RFC2920-3.1]
package struct SMTPClient: SessionMachine {
    package typealias Call = SMTPClientCall
    package typealias Outcome = SMTPClientOutcome
    package typealias Event = ConnectionEvent

    /// A reply that is owed to us.
    enum Expected: Sendable, Hashable {
        case greeting, ehlo, helo, startTLS, reset, quit
        case auth(AuthStep)
        case mail
        /// Index of the recipient.
        case rcpt(Int)
        case data
        /// DATA was taken though nobody is there to get it: its end.
        case emptyMessage
        case chunk(isLast: Bool)
        case message
        /// LMTP: what became of the message for this recipient. [RFC2033-4.2]
        case delivery(Int)
    }

    enum AuthStep: Sendable, Hashable { case plain, plainAnswer, loginStart, loginName, loginPassword }

    enum Phase: Sendable {
        /// Replies are awaited, or bytes to read them from.
        case talking
        /// The backend has been asked.
        case asking
        case handshaking
        case closed
    }

    /// In the note of a failure: the server offers TLS, and does not want it now.
    package static let startTLSRefused = "STARTTLS was refused"

    let settings: SMTPClientSettings
    var reader = SMTPReplyReader()
    var phase = Phase.talking
    var expected: [Expected] = []
    var peer = SMTPPeer()
    var tls: TLSFacts?
    var isAuthenticated = false
    /// nil outside a transaction.
    var transaction: SMTPClientTransaction?
    /// MAIL was taken and not brought to its end.
    var needsReset = false
    /// Messages that came to their end in this conversation.
    var transactions = 0
    var isDraining = false

    package init(_ settings: SMTPClientSettings) { self.settings = settings }

    // MARK: Events

    package mutating func connected(tls: TLSFacts?, _ out: inout SessionOutput<SMTPClientCall>) {
        self.tls = tls
        self.expect(.greeting, self.settings.timeouts.greeting, &out)
    }

    package mutating func received(_ input: inout ByteBuffer, _ out: inout SessionOutput<SMTPClientCall>) {
        while case .talking = self.phase, !out.hasWork {
            do throws(SMTPReplyReader.Fault) {
                guard let reply = try self.reader.next(&input) else { return }
                self.received(reply, &out)
            } catch {
                self.lose("the other host does not speak SMTP: \(error)", &out)
            }
        }
        if case .closed = self.phase { input.moveReaderIndex(forwardBy: input.readableBytes) }
    }

    package mutating func completed(_ outcome: SMTPClientOutcome, _ out: inout SessionOutput<SMTPClientCall>) {
        guard case .asking = self.phase else { return }
        switch outcome {
        case .send(let message): self.begin(message, &out)
        case .quit: self.quit(&out)
        case .piece(let bytes): self.send(bytes, &out)
        case .bodyEnded: self.endBody(&out)
        // Whatever we said now would end the message in the middle.
        case .bodyFailed: self.lose(.local("the message could not be read"), "the message could not be read", &out)
        }
    }

    package mutating func tlsEstablished(_ tls: TLSFacts, _ out: inout SessionOutput<SMTPClientCall>) {
        // What was said in clear counts no more. [RFC3207-4.2]
        let (settings, isDraining) = (self.settings, self.isDraining)
        self = SMTPClient(settings)
        self.isDraining = isDraining
        self.tls = tls
        self.sayHello(&out)
    }

    package mutating func notified(_ event: ConnectionEvent, _ out: inout SessionOutput<SMTPClientCall>) {
        switch event {
        case .lost(let reason): self.lose(reason, &out)
        case .tlsFailed(let reason): self.lose(.tlsRequired(reason), reason, &out)
        }
    }

    package mutating func timedOut(_ out: inout SessionOutput<SMTPClientCall>) {
        switch self.phase {
        case .asking: out.setDeadline(self.settings.timeouts.block)  // we are the slow one
        case .talking, .handshaking, .closed: self.lose("no answer in time", &out)
        }
    }

    /// What is in hand is finished; then QUIT instead of the next message.
    package mutating func shuttingDown(_ out: inout SessionOutput<SMTPClientCall>) { self.isDraining = true }

    // MARK: Replies

    private mutating func received(_ reply: Reply, _ out: inout SessionOutput<SMTPClientCall>) {
        guard !self.expected.isEmpty else { return self.unasked(reply, &out) }
        let step = self.expected.removeFirst()
        // The service closes, whatever was asked. [RFC5321-3.8]
        if reply.code == 421, step != .quit { return self.end(with: reply, at: step, &out) }
        switch step {
        case .greeting: self.greeted(reply, &out)
        case .ehlo, .helo: self.helloAnswered(reply, isExtended: step == .ehlo, &out)
        case .startTLS: self.startTLSAnswered(reply, &out)
        case .auth(let step): self.authAnswered(step, reply, &out)
        case .reset: if reply.isPositive { self.awaitNext(&out) } else { self.lose("RSET was refused", &out) }
        case .quit: self.close(&out)
        case .mail, .rcpt, .data, .emptyMessage, .chunk, .message, .delivery: self.transactionAnswered(step, reply, &out)
        }
    }

    /// A reply that nobody asked for: goodbye when it says so, otherwise we no longer know which reply is to what.
    private mutating func unasked(_ reply: Reply, _ out: inout SessionOutput<SMTPClientCall>) {
        if reply.code == 421 { self.end(with: reply, at: .mail, &out) } else { self.lose("a reply that belongs to nothing", &out) }
    }

    // MARK: Common ways

    mutating func expect(_ step: Expected, _ deadline: TimeAmount, _ out: inout SessionOutput<SMTPClientCall>) {
        self.expected.append(step)
        self.phase = .talking
        out.setDeadline(deadline)
    }

    mutating func ask(_ call: SMTPClientCall, _ out: inout SessionOutput<SMTPClientCall>) {
        self.phase = .asking
        out.perform(call)
    }

    /// The reply that is owed next gets its time.
    mutating func awaitNext(_ out: inout SessionOutput<SMTPClientCall>) {
        self.phase = .talking
        switch self.expected.first {
        case .data: out.setDeadline(self.settings.timeouts.data)
        case .message, .emptyMessage, .chunk(isLast: true), .delivery: out.setDeadline(self.settings.timeouts.message)
        default: out.setDeadline(self.settings.timeouts.command)
        }
    }

    mutating func quit(_ out: inout SessionOutput<SMTPClientCall>) {
        if case .closed = self.phase { return }
        self.transaction = nil
        out.replies.writeStaticString("QUIT\r\n")
        self.expect(.quit, self.settings.timeouts.quit, &out)
    }

    mutating func close(_ out: inout SessionOutput<SMTPClientCall>) {
        self.phase = .closed
        out.close()
    }

    // MARK: Bad ends

    /// 421, or a refusal that leaves nothing to talk about.
    mutating func end(with reply: Reply, at step: Expected, _ out: inout SessionOutput<SMTPClientCall>) {
        self.lose(.reply(reply, self.stage(of: step)), "", &out)
    }

    mutating func lose(_ note: String, _ out: inout SessionOutput<SMTPClientCall>) {
        self.lose(.connectionLost(self.stage(of: self.expected.first ?? self.lastStep)), note, &out)
    }

    /// Reports and closes; nothing more is written, so that what is half sent stays half sent.
    mutating func lose(_ cause: DeliveryFailure.Cause, _ note: String, _ out: inout SessionOutput<SMTPClientCall>) {
        if case .closed = self.phase { return }
        if self.expected.contains(.quit) { return self.close(&out) }
        let unfinished = self.transaction
        self.transaction = nil
        self.phase = .closed
        if var unfinished {
            // An idle connection that was cut while we reached for it: nothing of this message was looked at.
            let isUntouched = self.transactions > 0 && unfinished.isUnanswered
            unfinished.failRest(cause)
            out.perform(
                .finished(
                    SMTPClientReport(
                        results: unfinished.report, isUntouched: isUntouched, passedDSN: self.peer.hasDSN, note: note), canGoOn: false))
        } else {
            out.perform(.failed(cause, note: note))
        }
        out.close()
    }

    private var lastStep: Expected { self.transaction == nil ? .mail : .message }

    func stage(of step: Expected) -> DeliveryFailure.Stage {
        switch step {
        case .greeting: .connect
        case .ehlo, .helo: .hello
        case .startTLS: .tls
        case .auth: .auth
        case .mail, .reset, .quit: .mail
        case .rcpt: .rcpt
        case .data, .emptyMessage: .data
        case .chunk, .message, .delivery: .message
        }
    }
}
