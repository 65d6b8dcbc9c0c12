internal import CPlatform
package import Glibc
package import NIOCore
internal import Policy
internal import Synchronization
package import Vocabulary

/// All listeners of the process. Accepts on a thread of its own, so that limits and access rules are applied before a
/// connection costs anything, and running out of descriptors makes it wait instead of spin.
package final class ListenerSet: Sendable {
    private struct State {
        var entries: [Acceptor.Entry] = []
        var acceptor: Acceptor?
        var open = 0
        /// Everybody who waits for the end of a drain.
        var whenEmpty: [@Sendable (Int) -> Void] = []
    }

    let world: ListenerWorld
    private let homes: [LoopHome]
    private let nextHome = Atomic<Int>(0)
    private let state = Mutex(State())

    package init(loops: EventLoops, world: ListenerWorld) {
        self.world = world
        self.homes = loops.all.map { LoopHome(loop: $0, world: world) }
        for home in self.homes { home.setWhenLeft { [weak self] in self?.oneLeft() } }
    }

    /// Takes the descriptor over. Connections are accepted from `start` on. `rules` decide before any module starts; they can be
    /// replaced while running.
    package func add(_ listener: BoundListener, role: ListenerRole, rules: AccessRules = AccessRules(), service: ServiceBinding) {
        self.state.withLock { state in
            state.entries.append(Acceptor.Entry(listener: listener, role: role, rules: rules, service: service))
            state.acceptor?.replace(state.entries, closing: [])
        }
    }

    /// Accepts no more from the listener of this name and closes its socket; its sessions live on.
    package func remove(_ name: String) {
        self.state.withLock { state in
            let gone = state.entries.filter { $0.role.name == name }.map(\.listener.descriptor)
            state.entries.removeAll { $0.role.name == name }
            if let acceptor = state.acceptor { return acceptor.replace(state.entries, closing: gone) }
            for descriptor in gone { close(descriptor) }
        }
    }

    package func start() throws(ListenFailure) {
        try self.state.withLock { state throws(ListenFailure) in
            guard state.acceptor == nil else { return }
            let acceptor = try Acceptor(state.entries, self)
            self.world.limits.setWhenRoom { acceptor.wake() }
            acceptor.start()
            state.acceptor = acceptor
        }
    }

    /// Accept no more. The listening sockets stay open, so that the backlog waits for whoever takes over.
    package func stopAccepting() {
        let acceptor = self.state.withLock { $0.acceptor }
        acceptor?.stop()
        self.world.limits.setWhenRoom(nil)
    }

    /// Stops accepting, tells every session to finish, and cuts off what is left after `deadline`. The completion, on some
    /// loop, gets the number of those cut off. A second call with an earlier deadline hurries the first.
    package func drain(within deadline: TimeAmount, _ completion: @escaping @Sendable (Int) -> Void) {
        self.stopAccepting()
        let isEmpty = self.state.withLock { state in
            if state.open == 0 { return true }
            state.whenEmpty.append(completion)
            return false
        }
        if isEmpty { return completion(0) }
        for home in self.homes { home.drain() }
        self.homes[0].loop.scheduleTask(in: deadline) {
            let (waiting, count) = self.state.withLock { state in
                defer { state.whenEmpty = [] }
                return (state.whenEmpty, state.open)
            }
            guard !waiting.isEmpty else { return }
            for home in self.homes { home.cut() }
            for completion in waiting { completion(count) }
        }
    }

    /// What listens where, in order of adding.
    package var ports: [(role: ListenerRole, address: IPAddress, port: Int)] {
        self.state.withLock { $0.entries.map { ($0.role, $0.listener.address, $0.listener.port) } }
    }

    /// Connections that stand now.
    package var openConnections: Int { self.state.withLock { $0.open } }

    // MARK: From the acceptor

    /// Puts an admitted connection on the next loop.
    func settle(_ descriptor: CInt, _ facts: ConnectionFacts, _ ticket: ConnectionLimits.Ticket, _ service: ServiceBinding) {
        self.state.withLock { $0.open += 1 }
        let turn = self.nextHome.wrappingAdd(1, ordering: .relaxed).oldValue
        let home = self.homes[abs(turn % self.homes.count)]
        let observer = SessionObserver(facts, self.world, home: home, ticket: ticket)
        home.loop.execute { home.adopt(descriptor, facts, observer, service) }
    }

    private func oneLeft() {
        let waiting = self.state.withLock { state in
            state.open -= 1
            guard state.open == 0 else { return [] as [@Sendable (Int) -> Void] }
            defer { state.whenEmpty = [] }
            return state.whenEmpty
        }
        for completion in waiting { completion(0) }
    }
}

/// What all listeners of a process share, injected by the composition root.
package struct ListenerWorld: Sendable {
    package var limits: ConnectionLimits
    package var sink: any EventSink
    /// Asked only for peers that an access rule with a name decides about.
    package var resolver: (any Resolver)?
    package var crashGuard: any CrashGuard
    package var makeTrace: @Sendable () -> TraceID
    /// accept(2) with the peer's name: the descriptor, or -1 and errno. Exchanged where its failures are tried out.
    package var accept: @Sendable (CInt, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt = {
        po_accept_peer($0, $1, $2)
    }

    package init(
        limits: ConnectionLimits = ConnectionLimits(),
        sink: any EventSink = NullSink(),
        resolver: (any Resolver)? = nil,
        crashGuard: any CrashGuard = NoCrashGuard(),
        makeTrace: @escaping @Sendable () -> TraceID
    ) {
        self.limits = limits
        self.sink = sink
        self.resolver = resolver
        self.crashGuard = crashGuard
        self.makeTrace = makeTrace
    }
}
