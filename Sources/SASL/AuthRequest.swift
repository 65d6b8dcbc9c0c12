internal import Bytes
package import Vocabulary

/// What a login asks of the authenticator. The service adds who asks (peer, listener, TLS) when it passes this on.
package enum AuthRequest: Sendable {
    /// Check a password: PLAIN, LOGIN, and USER with PASS of POP3.
    case password(login: String, Secret)
    /// Give the verifier for SCRAM. For an unknown name the answer is a stable decoy (`SCRAMVerifier.decoy`), never a refusal.
    case verifier(login: String)
    /// SCRAM came to its end. `isValid` is the machine's check of the proof against `verifier`, as it was handed out for this login.
    /// Answer `.accepted` only if it is true, the account (still) exists, its verifier is still that one, and it may log in.
    case proof(login: String, verifier: SCRAMVerifier, isValid: Bool)

    /// The name typed by the peer; never trust it to be short or printable in a log.
    package var login: String {
        switch self {
        case .password(let login, _), .verifier(let login), .proof(let login, _, _): login
        }
    }
}

package enum AuthOutcome: Sendable {
    case verifier(SCRAMVerifier)
    case accepted(Identity)
    case refused(AuthRefusal)
}

/// Why a login is refused. The peer learns only what does not tell a stranger which accounts exist:
/// the states of an account are told to those who know its password.
package enum AuthRefusal: String, Hashable, Sendable, CaseIterable {
    /// Unknown name or wrong password: one answer for both.
    case badCredentials = "bad-credentials"
    /// The access list of the service or of the account does not admit this peer; checked before the password.
    case notFromHere = "not-from-here"
    case locked
    case expired
    /// The account may not use this service.
    case serviceOff = "service-off"
    /// Too many failures from this peer or for this name lately.
    case tooManyFailures = "too-many-failures"
    /// Our fault; trying again later may help.
    case unavailable

    /// True when the same credentials may work later: the client should not ask its user for another password. [RFC3206-5]
    package var isTemporary: Bool { self == .tooManyFailures || self == .unavailable }
}

/// Who has logged in.
package struct Identity: Hashable, Sendable {
    package var account: AccountID
    /// The account's login name, as the directory has it.
    package var login: String
    package var primaryAddress: Address
    /// The app password that was used; nil for the account's own password.
    package var appPassword: AppPasswordID?

    package init(account: AccountID, login: String, primaryAddress: Address, appPassword: AppPasswordID? = nil) {
        self.account = account
        self.login = login
        self.primaryAddress = primaryAddress
        self.appPassword = appPassword
    }

    /// True when `name` is the login name or the primary address.
    package func isNamed(_ name: String) -> Bool {
        let wanted = name.asciiLowercased
        return wanted == self.login.asciiLowercased || wanted == self.primaryAddress.description.asciiLowercased
    }
}

/// One app password of an account. A number is given once.
package struct AppPasswordID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
    package var description: String { "\(self.rawValue)" }
}
