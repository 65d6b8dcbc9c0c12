import Glibc
package import Vocabulary

/// What handlers work on: the parts of the running server, or the same parts opened by the command under the server's lock.
package final class AdminContext: Sendable {
    package let start: StartConfiguration
    /// Reads certificates and start file anew; nil when no server runs here. Gives what is wrong, if anything.
    package let reload: (@Sendable () -> Localized?)?

    package init(start: StartConfiguration, reload: (@Sendable () -> Localized?)? = nil) {
        self.start = start
        self.reload = reload
    }

    /// Names that a certificate of this host should carry.
    var certificateNames: [String] { [] }

    /// For a command whose server is down. The caller holds the server's lock. Root becomes the service user first: whatever is
    /// written must belong to the service.
    static func open(_ start: StartConfiguration) throws(AdminFailure) -> AdminContext {
        try Privileges.drop(to: start)
        umask(0o077)
        return AdminContext(start: start)
    }
}
