internal import Synchronization
package import Vocabulary

/// How many connections may stand at once. Counted from accept to close of the descriptor.
package final class ConnectionLimits: Sendable {
    package struct Bounds: Sendable, Equatable {
        /// All connections of the process; set well below RLIMIT_NOFILE by `Descriptors`.
        package var total = 8000
        /// Of one service, all listeners together.
        package var perService = 4000
        /// Of one address.
        package var perAddress = 50
        /// Of one IPv6 /64, which one customer has to himself.
        package var perNetwork = 100
        /// Loopback and listeners declared inside are bound by `total` and `perService` only.
        package var exemptsTrusted = true
        package init() {}
    }

    package enum Refusal: String, Sendable { case total, service, address, network }

    /// One counted connection; give it back with `leave`.
    package struct Ticket: Sendable {
        let service: ListenerRole.Service
        let peer: IPAddress
        let isTrusted: Bool
    }

    private struct State { var bounds: Bounds }
    private let state: Mutex<State>

    package init(_ bounds: Bounds = Bounds()) { self.state = Mutex(State(bounds: bounds)) }

    /// New bounds hold for connections to come; none is closed for them.
    package func setBounds(_ bounds: Bounds) { self.state.withLock { $0.bounds = bounds } }

    package func enter(_ peer: IPAddress, _ role: ListenerRole) -> Result<Ticket, RefusalError> {
        .success(Ticket(service: role.service, peer: peer, isTrusted: role.isInside || peer.isLoopback))
    }
    package func leave(_ ticket: Ticket) {}

    /// Connections that stand now.
    package var count: Int { 0 }

    package struct RefusalError: Error, Equatable { package let reason: Refusal }
}
