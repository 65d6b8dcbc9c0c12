package import Vocabulary

// What the backend answered.
extension SMTPSession {
    package mutating func completed(_ outcome: SMTPOutcome, _ out: inout SessionOutput<SMTPCall>) {
        guard case .awaiting(let awaited) = self.phase else { return }
        switch awaited {
        case .greeting: self.greet(outcome, &out)
        case .secured: self.goOn(&out)
        case .hello(let hello): self.unlessRefused(outcome, &out) { $0.named(hello, &$1) }
        case .renaming(let hello): self.ask(.hello(hello), .hello(hello), &out)
        case .auth(let exchange): self.authAnswered(outcome, exchange, &out)
        case .mail(let envelope):
            self.unlessRefused(outcome, &out) { session, out in
                session.envelope = envelope
                out.replies.writeStaticString("250 2.1.0 Sender Ok\r\n")
                session.goOn(&out)
            }
        case .recipients(let lines):
            if case .recipients(let verdicts) = outcome {
                self.answer(lines, verdicts, &out)
            } else if case .reply(let reply) = outcome {
                self.answer(lines, lines.map { _ in reply }, &out)
            } else {
                self.answer(lines, [], &out)
            }
        case .body(let source): self.bodyAnswered(outcome, source, &out)
        case .url(let reference): self.urlAnswered(outcome, reference, &out)
        case .reset(let reply): if let reply { self.sayFate(reply, &out) } else { self.goOn(&out) }
        case .finish: if case .reply(let reply) = outcome { self.sayFate(reply, &out) } else { self.sayFate(.internalError, &out) }
        case .special:
            if case .reply(let reply) = outcome { self.say(reply, &out) } else { self.say(.internalError, &out) }
        }
    }

    private mutating func greet(_ outcome: SMTPOutcome, _ out: inout SessionOutput<SMTPCall>) {
        guard case .reply(let greeting) = outcome, greeting.code == 220 else {
            if case .reply(let refusal) = outcome { self.end(refusal, &out) } else { self.end(.internalError, &out) }
            return
        }
        guard out.unreadInput == 0 else {
            self.end(.earlyTalker, &out)
            return
        }
        out.replies.writeReply(greeting)
        self.goOn(&out)
    }

    private mutating func unlessRefused(
        _ outcome: SMTPOutcome, _ out: inout SessionOutput<SMTPCall>,
        _ proceed: (inout SMTPSession, inout SessionOutput<SMTPCall>) -> Void
    ) {
        if case .reply(let reply) = outcome, !reply.isPositive { self.say(reply, &out) } else { proceed(&self, &out) }
    }
}
