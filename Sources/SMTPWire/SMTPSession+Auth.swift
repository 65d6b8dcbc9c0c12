import Bytes
import NIOCore
import SASL
import Vocabulary

// AUTH. [RFC4954-4]
extension SMTPSession {
    mutating func authCommand(_ line: ByteBuffer, _ out: inout SessionOutput<SMTPCall>) {
        guard self.identity == nil, self.hello?.isExtended == true else {
            self.complain(.badSequence, &out)
            return
        }
        switch Self.parse(line, 4, { cursor throws(Reply) in try SMTPGrammar.auth(&cursor) }) {
        case .failure(let reply): self.complain(reply, &out)
        case .success(let (name, initial)):
            guard let mechanism = SASLMechanism(wireName: name) else {
                self.complain(Reply(504, EnhancedStatus(5, 5, 4), "Mechanism not supported"), &out)
                return
            }
            guard self.offersAuth else {
                self.complain(Reply(538, EnhancedStatus(5, 7, 11), "Encryption required, send STARTTLS first"), &out)
                return
            }
            var exchange = SASLServer(mechanism, serverNonce: self.profile.makeNonce())
            let step = exchange.begin(initialResponse: initial)
            self.authStep(step, exchange, &out)
        }
    }

    /// The client's answer to a challenge.
    mutating func authLine(_ line: ByteBuffer, _ exchange: SASLServer, _ out: inout SessionOutput<SMTPCall>) {
        if line.readableBytesView.elementsEqual([UInt8(ascii: "*")]) {
            self.complain(Reply(501, EnhancedStatus(5, 7, 0), "Authentication cancelled"), &out)
            return
        }
        guard let answer = Base64.decode(line.readableBytesView) else {
            self.authFailed(.badBase64, &out)
            return
        }
        var exchange = exchange
        let step = exchange.respond(answer)
        self.authStep(step, exchange, &out)
    }

    mutating func authAnswered(_ outcome: SMTPOutcome, _ exchange: SASLServer, _ out: inout SessionOutput<SMTPCall>) {
        var exchange = exchange
        guard case .auth(let answer) = outcome else {
            // The backend may also end the matter with a reply of its own.
            if case .reply(let reply) = outcome { self.authFailed(reply, &out) } else { self.authFailed(.internalError, &out) }
            return
        }
        let step = exchange.answered(answer)
        self.authStep(step, exchange, &out)
    }

    private mutating func authStep(_ step: SASLServer.Step, _ exchange: SASLServer, _ out: inout SessionOutput<SMTPCall>) {
        switch step {
        case .challenge(let bytes):
            out.replies.writeString("334 \(Base64.encode(bytes))\r\n")
            self.phase = .auth(exchange)
            out.setDeadline(self.commandPatience)
        case .ask(let request): self.ask(.authenticate(request, exchange.mechanism), .auth(exchange), &out)
        case .succeeded(let identity):
            self.identity = identity
            self.say(Reply(235, EnhancedStatus(2, 7, 0), "Authentication successful"), &out)
        case .failed(.malformed): self.authFailed(Reply(501, EnhancedStatus(5, 5, 2), "Authentication exchange malformed"), &out)
        case .failed(.refused(let refusal)): self.authFailed(Self.reply(to: refusal), &out)
        }
    }

    private mutating func authFailed(_ reply: Reply, _ out: inout SessionOutput<SMTPCall>) {
        self.counts.authFailures += 1
        guard self.counts.authFailures < self.profile.limits.authFailures else {
            out.replies.writeReply(reply)
            self.end(Reply(421, EnhancedStatus(4, 7, 0), "Too many failed logins, closing"), &out)
            return
        }
        self.complain(reply, &out)
    }

    /// What a stranger learns: nothing about which accounts exist. [RFC4954-6]
    private static func reply(to refusal: AuthRefusal) -> Reply {
        switch refusal {
        case .badCredentials: Reply(535, EnhancedStatus(5, 7, 8), "Authentication credentials invalid")
        case .notFromHere: Reply(535, EnhancedStatus(5, 7, 8), "Login is not allowed from your address")
        case .locked, .expired: Reply(525, EnhancedStatus(5, 7, 13), "Account is \(refusal.rawValue)")  // [RFC5248-2.4]
        case .serviceOff: Reply(535, EnhancedStatus(5, 7, 8), "Account may not send mail here")
        case .tooManyFailures: Reply(454, EnhancedStatus(4, 7, 0), "Too many failed logins, try again later")
        case .unavailable: Reply(454, EnhancedStatus(4, 7, 0), "Authentication is not possible now, try again later")
        }
    }
}
