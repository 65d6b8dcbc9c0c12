package import NIOCore
package import Policy
package import Vocabulary

/// All listeners of the process. Accepts on a thread of its own, so that limits and access rules are applied before a session costs anything.
package final class ListenerSet: Sendable {
    package init(
        loops: EventLoops,
        limits: ConnectionLimits,
        sink: any EventSink,
        resolver: (any Resolver)? = nil,
        makeTrace: @escaping @Sendable () -> TraceID
    ) {}

    /// Takes the descriptor over. Connections are accepted from `start` on. `rules` decide before any module starts; they can be replaced while running.
    package func add(_ listener: BoundListener, role: ListenerRole, rules: AccessRules = AccessRules(), service: ServiceBinding) {}

    package func start() throws(ListenFailure) {}

    /// Accept no more. The listening sockets stay open, so that the backlog waits for whoever takes over.
    package func stopAccepting() {}

    /// Stops accepting, tells every session to finish, and closes what is left after `deadline`. The completion gets the number that was cut off.
    package func drain(within deadline: TimeAmount, _ completion: @escaping @Sendable (Int) -> Void) {}

    /// Name of the role and port, in order of adding.
    package var ports: [(role: ListenerRole, address: IPAddress, port: Int)] { [] }
}

/// The access rules of one listener; a configuration change swaps them under running traffic.
package final class AccessRules: Sendable {
    package init(allow: AccessList = AccessList(), deny: AccessList = AccessList()) {}
    package func replace(allow: AccessList, deny: AccessList) {}
}
