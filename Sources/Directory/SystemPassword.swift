internal import CPlatform
package import SASL

/// Passwords of the operating system's users, for accounts that log in with them.
package enum SystemPassword {
    package struct Question: Sendable {
        package let user: String
        package let password: Secret

        package init(user: String, password: Secret) {
            self.user = user
            self.password = password
        }
    }

    package enum Answer: Sendable, Hashable {
        case right, wrong
        /// Nobody could be asked, or nobody knew.
        case unavailable
    }

    /// Seconds for which a password that was right is taken without asking: as long as one that was changed may still work.
    private static let remembered: Int64 = 300

    /// In place of the version that own passwords have: below zero, another every five minutes.
    static func version(at now: Int64) -> Int64 { -1 - max(0, now) / self.remembered }

    /// Every refusal comes a whole number of these after its request.
    private static let step: Int64 = 1000

    /// Milliseconds to wait with a refusal.
    static func pause(since began: Int64) -> Int64 {
        let passed = max(0, self.milliseconds - began)
        return self.step - passed % self.step
    }

    static var milliseconds: Int64 { po_monotonic() / 1_000_000 }
}
