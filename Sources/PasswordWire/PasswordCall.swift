package import SASL
package import Vocabulary

/// What a session of the password server asks of its backend. One is open at a time.
package enum PasswordCall: Sendable {
    /// Answer: `.auth`.
    case authenticate(AuthRequest, hasTLS: Bool)
    /// Answer: `.changed` or `.notChanged`.
    case change(Identity, old: Secret, new: Secret)
}

package enum PasswordOutcome: Sendable {
    case auth(AuthOutcome)
    case changed
    /// One sentence for the person, which names the rule that the new password breaks, or says that it cannot be done.
    case notChanged(Localized)
}

/// What a session must know before it begins.
package struct PasswordSettings: Sendable {
    /// `Post.Office v1.0 password server ready`.
    package var greeting: String
    package var limits = PasswordLimits()
    package var language = Language.english
    /// The peer is this computer, so that passwords may pass without TLS.
    package var isLoopback = false

    package init(greeting: String) { self.greeting = greeting }
}
