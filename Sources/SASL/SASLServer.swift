// Invariants of this target:
// 1. Everything is a value: no clock, no socket, no randomness of its own; nonces are given in.
// 2. A password is a `Secret` from the moment it is decoded, and nothing here prints one.
// 3. What the peer sees of a failed login never depends on whether the account exists: same steps, same words, same work.
// 4. Secrets and proofs are compared in constant time.

internal import Bytes

/// The server side of one SASL exchange, for SMTP, POP3 and IMAP alike. [RFC4422-3]
///
/// The protocol machine feeds it decoded (not base64) bytes and carries out the step it gets back:
/// `begin` once, then `respond` after each `.challenge` and `answered` after each `.ask`, until `.succeeded` or `.failed`.
/// A client that cancels (`*`) is the protocol's business: it just drops this value.
package struct SASLServer: Sendable {
    package enum Step: Sendable {
        /// Send these bytes (base64 on the wire), then hand the client's answer to `respond`.
        case challenge([UInt8])
        /// Ask the authenticator, then hand its answer to `answered`.
        case ask(AuthRequest)
        /// The login stands. Nothing more goes to the client but the protocol's own success line.
        case succeeded(Identity)
        case failed(SASLFailure)
    }

    package let mechanism: SASLMechanism
    var exchange: Exchange
    /// Identity to act as, when the client named one.
    var authorization: String?

    /// `serverNonce` must be fresh and unguessable for each exchange, printable ASCII without comma; only SCRAM uses it.
    package init(_ mechanism: SASLMechanism, serverNonce: String) {
        self.mechanism = mechanism
        switch mechanism {
        case .plain: self.exchange = .plain
        case .login: self.exchange = .loginName
        case .scramSHA256: self.exchange = .scram(SCRAMExchange(serverNonce: serverNonce))
        }
    }

    /// Where the exchange is; each case names what is awaited.
    enum Exchange: Sendable {
        /// One message with everything.
        case plain
        case loginName
        case loginPassword(name: String)
        case scram(SCRAMExchange)
        /// The authenticator's word on a password.
        case verdict
        case finished
    }

    /// `initialResponse` is nil when the command carried none; an empty one (`=` on the wire) is not nil. [RFC4954-4]
    package mutating func begin(initialResponse: [UInt8]?) -> Step {
        if let initialResponse { return self.respond(initialResponse) }
        if case .loginName = self.exchange { return .challenge(Array("Username:".utf8)) }
        return .challenge([])
    }

    package mutating func respond(_ bytes: [UInt8]) -> Step {
        switch self.exchange {
        case .plain: return self.plainMessage(bytes)
        case .loginName: return self.loginName(bytes)
        case .loginPassword(let name): return self.loginPassword(bytes, name: name)
        case .scram(var scram):
            self.exchange = .finished
            let step = scram.received(bytes, authorization: &self.authorization)
            return self.goOn(step, scram)
        case .verdict, .finished: return self.fail(.malformed)
        }
    }

    package mutating func answered(_ outcome: AuthOutcome) -> Step {
        switch self.exchange {
        case .verdict:
            switch outcome {
            case .accepted(let identity): return self.succeed(identity)
            case .refused(let refusal): return self.fail(.refused(refusal))
            case .verifier: return self.fail(.refused(.unavailable))
            }
        case .scram(var scram):
            self.exchange = .finished
            let step = scram.answered(outcome)
            return self.goOn(step, scram)
        case .plain, .loginName, .loginPassword, .finished: return self.fail(.malformed)
        }
    }

    // MARK: Common ends

    private mutating func goOn(_ step: Step, _ scram: SCRAMExchange) -> Step {
        switch step {
        case .challenge, .ask:
            self.exchange = .scram(scram)
            return step
        case .succeeded(let identity): return self.succeed(identity)
        case .failed(let failure): return self.fail(failure)
        }
    }

    /// A client may act as itself only: the authorization identity is empty or a name of the account that logged in. [RFC4616-2]
    private mutating func succeed(_ identity: Identity) -> Step {
        guard let wanted = self.authorization, !wanted.isEmpty, !identity.isNamed(wanted) else {
            self.exchange = .finished
            return .succeeded(identity)
        }
        return self.fail(.refused(.badCredentials))
    }

    mutating func fail(_ failure: SASLFailure) -> Step {
        self.exchange = .finished
        return .failed(failure)
    }
}

/// Mechanisms in the order in which they are offered: the one that does not send the password comes first.
package enum SASLMechanism: String, Hashable, Sendable, CaseIterable {
    case scramSHA256 = "SCRAM-SHA-256"  // [RFC7677-2]
    case plain = "PLAIN"  // [RFC4616-2]
    case login = "LOGIN"

    /// True when the wire carries the password itself, so that the line must be protected.
    package var sendsPassword: Bool { self != .scramSHA256 }

    /// By wire name, in any case of letters. [RFC4422-3.1]
    package init?(wireName: String) {
        guard let found = Self.allCases.first(where: { $0.rawValue.asciiLowercased == wireName.asciiLowercased }) else { return nil }
        self = found
    }
}

extension [SASLMechanism] {
    /// What a capability list names of these. Where a password may travel as it is, SCRAM is taken but not listed unless the postmaster wants it:
    /// clients that are built on Cyrus SASL choose it before all others and then refuse more than 65,536 rounds; some of them hang.
    /// [docs/decisions: 0021]
    package func listed(passwordsMayTravel: Bool, withSCRAM: Bool) -> [SASLMechanism] {
        self.filter { $0.sendsPassword ? passwordsMayTravel : withSCRAM || !passwordsMayTravel }
    }
}

package enum SASLFailure: Hashable, Sendable {
    /// What came is not a message of the mechanism.
    case malformed
    case refused(AuthRefusal)
}
