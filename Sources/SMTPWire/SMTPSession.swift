internal import Bytes
package import NIOCore
package import SASL
package import Vocabulary

// Invariants of this target:
// 1. A session is a value; how its input was cut into packets changes nothing that it says.
// 2. Only CRLF ends a line, only CRLF.CRLF ends DATA. After a fault the body is read to its true end before anything is answered.
// 3. Whatever a peer sends is bounded: line, parameters, recipients, body, errors, logins, transactions.
// 4. Nothing said before STARTTLS counts after it, and nothing sent behind it in clear is ever read.
// 5. No reply carries text of the peer's.

/// One SMTP session on the server's side. [RFC5321-4.1]
package struct SMTPSession: SessionMachine {
    package typealias Call = SMTPCall
    package typealias Outcome = SMTPOutcome
    package typealias Event = SMTPEvent

    enum Phase: Sendable {
        /// Before the connection stands.
        case opening
        case command
        /// A command line is longer than it may be: dropped up to its end; octets dropped so far.
        case skippingLine(dropped: Int)
        case auth(SASLServer)
        case data
        case chunk(SMTPChunk)
        /// A chunk that nobody wants: dropped, then answered.
        case droppedChunk(remaining: Int64, Reply)
        case awaiting(Awaited)
        case closed
    }

    /// What the open call is about.
    enum Awaited: Sendable {
        case greeting, secured, special, finish
        case hello(SMTPHello)
        case auth(SASLServer)
        case mail(Envelope)
        case recipients([RecipientLine])
        /// The body goes on as it was.
        case body(SMTPSource)
        case url(SMTPReference)
        /// Then say this and go on.
        case reset(then: Reply?)
        /// The transaction is dropped because the peer names itself anew.
        case renaming(SMTPHello)
    }

    enum RecipientLine: Sendable {
        case asked(Envelope.Recipient)
        case refused(Reply)
    }

    let profile: SMTPProfile
    /// Passwords may be sent without TLS here: loopback, or a network that the postmaster listed.
    let allowsClearAuth: Bool
    /// Asked before each command behind a login: whether the account may still be here. Must answer at once.
    let mayStay: @Sendable (Identity) -> Bool
    /// An LF alone in a message of this peer becomes CRLF instead of a refusal.
    let repairsNewlines: Bool
    var phase = Phase.opening
    var tls: TLSFacts?
    var hello: SMTPHello?
    var identity: Identity?
    /// nil outside a transaction.
    var envelope: Envelope?
    /// nil outside a body.
    var body: SMTPBody?
    var counts = Counts()
    /// Replies that the end of the message at hand brings: one, or with LMTP one for each recipient. [RFC2033-4.2]
    var fates = 1
    /// Bytes of the unfinished line that were searched already: a slow sender must not make us quadratic.
    var searched = 0
    /// The server stops: close as soon as nothing is in hand.
    var isDraining = false

    struct Counts: Sendable {
        var errors = 0
        var authFailures = 0
        var refusedRecipients = 0
        var transactions = 0
    }

    package init(
        _ profile: SMTPProfile, allowsClearAuth: Bool, repairsNewlines: Bool = false,
        mayStay: @escaping @Sendable (Identity) -> Bool = { _ in true }
    ) {
        self.profile = profile
        self.allowsClearAuth = allowsClearAuth
        self.mayStay = mayStay
        self.repairsNewlines = repairsNewlines
    }

    // MARK: Events

    package mutating func connected(tls: TLSFacts?, _ out: inout SessionOutput<SMTPCall>) {
        self.tls = tls
        out.setDeadline(self.profile.limits.commandTimeout)
        self.ask(.connect(tls: tls), .greeting, &out)
    }

    package mutating func tlsEstablished(_ tls: TLSFacts, _ out: inout SessionOutput<SMTPCall>) {
        let (counts, isDraining) = (self.counts, self.isDraining)
        self = SMTPSession(
            self.profile, allowsClearAuth: self.allowsClearAuth, repairsNewlines: self.repairsNewlines, mayStay: self.mayStay
        )  // [RFC3207-4.2]
        self.counts = counts  // what the peer has done wrong is all that is remembered
        self.isDraining = isDraining
        self.tls = tls
        out.setDeadline(self.profile.limits.commandTimeout)
        self.ask(.secured(tls), .secured, &out)
    }

    package mutating func received(_ input: inout ByteBuffer, _ out: inout SessionOutput<SMTPCall>) {
        var goesOn = true
        while goesOn {
            switch self.phase {
            case .command, .auth, .skippingLine: goesOn = self.readLine(&input, &out)
            case .data: goesOn = self.readData(&input, &out)
            case .chunk(let chunk): goesOn = self.readChunk(chunk, &input, &out)
            case .droppedChunk(let remaining, let reply): goesOn = self.dropChunk(remaining, reply, &input, &out)
            case .opening, .awaiting: goesOn = false
            case .closed:
                input.moveReaderIndex(forwardBy: input.readableBytes)
                goesOn = false
            }
        }
    }

    package mutating func timedOut(_ out: inout SessionOutput<SMTPCall>) {
        switch self.phase {
        case .awaiting:  // we are the slow one
            out.setDeadline(self.commandPatience)
        case .closed: out.close()
        case .command where self.isDraining: self.end(self.stopping, &out)
        case .opening, .command, .skippingLine, .auth, .data, .chunk, .droppedChunk:
            self.end(Reply(421, EnhancedStatus(4, 4, 2), "\(self.profile.hostName) Timeout, closing"), &out)
        }
    }

    /// Who waits for nothing but his next command is told goodbye; what is in hand comes to its end, and is refused there. [RFC5321-3.8]
    package mutating func notified(_ event: SMTPEvent, _ out: inout SessionOutput<SMTPCall>) {
        guard let identity = self.identity, !self.mayStay(identity) else { return }
        switch self.phase {
        case .command, .skippingLine, .auth: self.end(.accountClosed, &out)
        case .opening, .data, .chunk, .droppedChunk, .awaiting, .closed: break
        }
    }

    package mutating func shuttingDown(_ out: inout SessionOutput<SMTPCall>) {
        self.isDraining = true
        switch self.phase {
        case .command, .skippingLine, .auth: out.setDeadline(self.commandPatience)
        case .opening, .data, .chunk, .droppedChunk, .awaiting, .closed: break
        }
        self.endIfDraining(&out)
    }

    /// How long the next line may take. A server that stops waits for a message in hand, but not for one of which only the envelope has begun.
    var commandPatience: TimeAmount {
        let usual = self.profile.limits.commandTimeout
        return self.isDraining ? min(usual, .seconds(5)) : usual
    }

    // MARK: Common ways out

    /// Hands a call to the backend; nothing is read until it is answered.
    mutating func ask(_ call: SMTPCall, _ awaited: Awaited, _ out: inout SessionOutput<SMTPCall>) {
        self.phase = .awaiting(awaited)
        out.perform(call)
    }

    /// Back to commands after a reply was written.
    mutating func goOn(_ out: inout SessionOutput<SMTPCall>) {
        self.phase = .command
        out.setDeadline(self.commandPatience)
        self.endIfDraining(&out)
    }

    /// Writes the reply; 421 ends the session. [RFC5321-3.8]
    mutating func say(_ reply: Reply, _ out: inout SessionOutput<SMTPCall>) {
        guard reply.code != 421 else {
            self.end(reply, &out)
            return
        }
        out.replies.writeReply(reply)
        self.goOn(&out)
    }

    /// The end of a message: as many replies as are owed.
    mutating func sayFate(_ reply: Reply, _ out: inout SessionOutput<SMTPCall>) {
        let count = self.fates
        self.fates = 1
        if reply.code != 421 { for _ in 1..<max(count, 1) { out.replies.writeReply(reply) } }
        if count > 0 { self.say(reply, &out) } else { self.goOn(&out) }
    }

    /// A reply to something that the peer did wrong; it may do so only so often.
    mutating func complain(_ reply: Reply, _ out: inout SessionOutput<SMTPCall>) {
        self.counts.errors += 1
        guard self.counts.errors < self.profile.limits.errors else {
            out.replies.writeReply(reply)
            self.end(.tooManyErrors, &out)
            return
        }
        self.say(reply, &out)
    }

    mutating func end(_ reply: Reply, _ out: inout SessionOutput<SMTPCall>) {
        out.replies.writeReply(reply)
        self.phase = .closed
        self.envelope = nil
        self.body = nil
        out.close()
    }

    private mutating func endIfDraining(_ out: inout SessionOutput<SMTPCall>) {
        guard self.isDraining, self.envelope == nil, case .command = self.phase else { return }
        self.end(self.stopping, &out)
    }

    private var stopping: Reply { Reply(421, EnhancedStatus(4, 3, 2), "\(self.profile.hostName) Server is stopping, try again later") }
}
