package import Routing
package import Vocabulary

/// All settings, typed and ready for use; made from the table of fields whenever one changes.
package struct Configuration: Sendable {
    package var routing: RoutingRules
    package var smtp = SMTPLimits()
    package var pop3 = POP3Limits()
    /// Events of SMTP-Accept that are logged.
    package var logged: Set<LogSwitch> = Set(LogSwitch.allCases)
    /// Name and version in greetings; false shows the name alone.
    package var showsVersion = true
    package var connections = ConnectionSettings()
    package var storage = StorageSettings()
    package var passwords = PasswordSettings()

    package init(routing: RoutingRules) { self.routing = routing }
}

package struct ConnectionSettings: Sendable, Equatable {
    package var maximumSMTP = 10_000
    package var maximumPOP3 = 10_000
    package var maximumPerAddress = 100
    package init() {}
}

package struct StorageSettings: Sendable, Equatable {
    /// Quota of an account where neither it nor its domain says one; nil is none.
    package var defaultQuota: Int64?
    /// Below so many free bytes senders get 452.
    package var minimumFree: Int64 = 256 << 20
    package init() {}
}

package struct PasswordSettings: Sendable, Equatable {
    /// Characters a new password needs at least.
    package var minimumLength = 6
    package init() {}
}
