internal import NetKit
internal import SASL
internal import SMTPWire
internal import Text
internal import Vocabulary

// VRFY, EXPN, ETRN, QSND.
extension SMTPBackend {
    func special(_ command: SMTPSpecialCommand, _ identity: Identity?, _ answer: SessionAnswer<SMTPOutcome>) {
        switch command {
        case .verify(let text):
            self.note("VRFY", text)
            answer(.reply(Reply(252, EnhancedStatus(2, 0, 0), "Cannot verify, but will take mail and try to deliver it")))  // [RFC5321-7.3]
        case .expand(let text):
            self.note("EXPN", text)
            answer(.reply(Reply(252, EnhancedStatus(2, 0, 0), "Cannot expand, but will take mail and try to deliver it")))
        case .releaseQueue(let text):
            self.note("ETRN", text)
            guard let scope = Self.scope(text) else {
                return answer(.reply(Reply(501, EnhancedStatus(5, 5, 4), "ETRN takes the name of a domain or host, or @domain")))
            }
            self.release(scope, identity, answer, Self.etrnReply)
        case .sendQueue(let text):
            self.note("QSND", text)
            guard text.isEmpty || Self.scope(text) != nil else {
                return answer(.reply(Reply(501, EnhancedStatus(5, 5, 4), "QSND takes nothing, or the name of a domain")))
            }
            self.release(Self.scope(text) ?? .everything, identity, answer, Self.qsndReply)
        }
    }

    /// `domain` or `@domain`; nil for anything else. Names of queues (`#name`) are nobody's business. [RFC1985-5.3]
    private static func scope(_ text: String) -> QueueQuestion.Scope? {
        let isBelow = text.hasPrefix("@")
        guard let name = DomainName.normalized(isBelow ? String(text.dropFirst()) : text), !name.hasPrefix("[") else { return nil }
        return isBelow ? .below(name) : .name(name)
    }

    private func release(
        _ scope: QueueQuestion.Scope, _ identity: Identity?, _ answer: SessionAnswer<SMTPOutcome>,
        _ reply: @escaping @Sendable (QueueReply) -> Reply
    ) {
        guard let release = self.environment.releaseQueue else { return answer(.reply(reply(.released(0)))) }
        let (events, trace, peer) = (self.environment.events, self.trace, self.facts.peer)
        release(QueueQuestion(peer: peer, login: identity?.primaryAddress, scope: scope)) { result in
            if case .released(let count) = result {
                events.record(
                    TrailEvent(.smtpAccept, "queue-released", trace: trace, [("peer", "\(peer)"), ("entries", "\(count)")]),
                    switchedBy: .specialCommand)
            }
            answer(.reply(reply(result)))
        }
    }

    @Sendable private static func etrnReply(_ result: QueueReply) -> Reply {
        switch result {
        case .released(0): Reply(251, EnhancedStatus(2, 0, 0), "No messages waiting")
        case .released(let count): Reply(253, EnhancedStatus(2, 0, 0), "\(count) pending messages started")
        case .notAllowed: Reply(459, EnhancedStatus(4, 7, 1), "Not allowed: neither route nor MX of that name leads to your address")
        case .later: Reply(458, EnhancedStatus(4, 3, 2), "Unable to queue messages now, try again later")
        }
    }

    @Sendable private static func qsndReply(_ result: QueueReply) -> Reply {
        switch result {
        case .released(0): Reply(250, EnhancedStatus(2, 0, 0), "No messages waiting")
        case .released(let count): Reply(250, EnhancedStatus(2, 0, 0), "\(count) messages released")
        case .notAllowed: Reply(550, EnhancedStatus(5, 7, 1), "Not allowed: neither route nor MX of that name leads to your address")
        case .later: Reply(450, EnhancedStatus(4, 3, 2), "Cannot release messages now, try again later")
        }
    }

    private func note(_ verb: String, _ argument: String) {
        self.record("special-command", .specialCommand, [("verb", verb), ("argument", argument)])
    }
}
