package import Policy
internal import Synchronization

/// Next hops whose set-up is at fault, until a session with them succeeds. There are no more of them than routes with logins, and those that
/// ask for one.
package final class RouteTroubles: Sendable {
    package struct Trouble: Sendable {
        /// Of the next hop, as the queue has it.
        package var name: String
        package var fault: RouteLoginFault
        /// Unix seconds of the first failure.
        package var since: Int64
    }

    private let known = Mutex<[String: Trouble]>([:])
    private static let most = 1000

    func note(_ name: String, _ fault: RouteLoginFault, now: Int64) {
        self.known.withLock { known in
            guard known[name] != nil || known.count < Self.most else { return }
            known[name] = Trouble(name: name, fault: fault, since: known[name]?.since ?? now)
        }
    }

    func forget(_ name: String) { self.known.withLock { $0[name] = nil } }

    /// In the order of their names.
    package var all: [Trouble] { self.known.withLock { $0.values.sorted { $0.name < $1.name } } }
}
