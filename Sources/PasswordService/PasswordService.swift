package import Directory
package import NetKit
package import PasswordWire
package import Policy
package import SASL
package import Vocabulary

// Invariants of this target:
// 1. No call blocks a loop: logins go to the authenticator's threads, new verifiers (50 ms of CPU) to a queue where peers take turns.
// 2. What decides about a new password is `Directory.changePassword`, in one place for all ways of changing one.

/// Puts a session of the password server on each connection of its listeners.
package struct PasswordService: SessionService {
    package typealias Authenticate = @Sendable (AuthRequest, LoginContext, @escaping @Sendable (AuthOutcome) -> Void) -> Void

    package struct Environment: Sendable {
        package var directory: Directory
        package var authenticate: Authenticate
        package var sink: any EventSink
        package var version: String
        /// Changes wait here.
        package var queue: FairQueue
        /// Looks up the peer's name where some access list could ask for it.
        package var lookUpName: @Sendable (IPAddress, @escaping @Sendable (HostNameFact) -> Void) -> Void = { $1(.notLooked) }

        package init(
            directory: Directory, authenticate: @escaping Authenticate, sink: any EventSink, version: String, queue: FairQueue
        ) {
            self.directory = directory
            self.authenticate = authenticate
            self.sink = sink
            self.version = version
            self.queue = queue
        }
    }

    /// Changes of one peer and of all that may wait.
    package static let waitingPerPeer = 4
    package static let waiting = 256

    private let environment: Environment

    package init(_ environment: Environment) { self.environment = environment }

    package func makeSession(_ facts: ConnectionFacts, _ link: SessionLink<Never>)
        -> (machine: PasswordMachine, backend: any SessionBackend<PasswordMachine>)
    {
        let configuration = self.environment.directory.configuration
        // As Post.Office always greeted.
        let product = configuration.showsVersion ? "Post.Office v\(self.environment.version)" : "Post.Office"
        var settings = PasswordSettings(greeting: "\(product) password server ready")
        settings.language = configuration.language
        settings.isLoopback = facts.peer.isLoopback
        settings.limits.authFailures = configuration.pop3.authFailures
        return (PasswordMachine(settings: settings), PasswordBackend(facts, self.environment))
    }
}
