package import Directory
import NIOCore
package import NetKit
package import Policy
package import Vocabulary

/// Looks up the name of a peer that wants to log in, but only where an access list in force names hosts: nobody else waits for DNS.
package struct LoginNames: Sendable {
    /// Time allowed; who is not known by then is not let in by name.
    private static let deadline = TimeAmount.seconds(5)

    private let authenticator: Authenticator
    private let reverse: ReverseLookup

    package init(_ authenticator: Authenticator, _ reverse: ReverseLookup) {
        self.authenticator = authenticator
        self.reverse = reverse
    }

    /// The completion comes once, from any thread; `.notLooked` comes at once.
    package func lookUp(_ peer: IPAddress, _ service: ListenerRole.Service, _ completion: @escaping @Sendable (HostNameFact) -> Void) {
        guard self.authenticator.needsHostName(peer, service) else { return completion(.notLooked) }
        self.reverse.confirm(peer, within: Self.deadline, completion)
    }
}
