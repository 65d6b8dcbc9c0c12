package import Delivery
package import SMTPService

/// Ties QSND and ETRN of the sessions to the queue.
package enum QueueReleasing {
    package static func closure(
        _ releaser: QueueReleaser
    ) -> @Sendable (QueueQuestion, @escaping @Sendable (QueueReply) -> Void) -> Void {
        { question, completion in
            let scope: QueueRequest.Scope =
                switch question.scope {
                case .everything: .everything
                case .name(let name): .name(name)
                case .below(let name): .below(name)
                }
            releaser.release(QueueRequest(peer: question.peer, login: question.login, scope: scope)) { answer in
                switch answer {
                case .released(let count): completion(.released(count))
                case .notAllowed: completion(.notAllowed)
                case .later: completion(.later)
                }
            }
        }
    }
}
