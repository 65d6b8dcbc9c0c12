package import Policy
package import SASL
package import Vocabulary

/// Answers the logins of all services: access lists first, then the account's state and password, on a bounded pool, with a cache.
package final class Authenticator: Sendable {
    package init(_ directory: Directory, _ options: AuthenticatorOptions) {}

    /// Answers exactly once, now or later, from any thread. Never blocks the caller.
    package func answer(_ request: AuthRequest, _ context: LoginContext, _ completion: @escaping @Sendable (AuthOutcome) -> Void) {
        completion(.refused(.unavailable))
    }

    /// True when some access list in force names hosts, so that the peer's name could matter: look it up before the first `answer`.
    package func needsHostName(_ peer: IPAddress, _ service: ListenerRole.Service) -> Bool { false }

    /// Finishes what is in hand, answers the rest with `.unavailable`.
    package func close() {}
}

package struct AuthenticatorOptions: Sendable {
    /// Keys the cache of verified logins; given from outside, so that it survives a restart of the mta.
    package var cacheKey: Secret
    /// Threads that compute PBKDF2; each login takes one for some 50 ms of CPU.
    package var workers: Int

    package init(cacheKey: Secret, workers: Int = 2) {
        self.cacheKey = cacheKey
        self.workers = workers
    }
}

/// Who tries to log in, where and how.
package struct LoginContext: Sendable {
    package var facts: ConnectionFacts
    package var hasTLS: Bool
    /// The peer's name, where somebody asked for it.
    package var hostName: HostNameFact

    package init(facts: ConnectionFacts, hasTLS: Bool, hostName: HostNameFact) {
        self.facts = facts
        self.hasTLS = hasTLS
        self.hostName = hostName
    }
}
