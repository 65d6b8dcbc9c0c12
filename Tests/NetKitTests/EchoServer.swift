import MailTesting
import NIOCore
import NetKit
import Policy
import Synchronization
import Vocabulary

/// `EchoMachine` behind real listeners on loopback.
final class EchoServer: Sendable {
    let loops: EventLoops
    let set: ListenerSet
    let limits: ConnectionLimits
    let sink = RecordingSink()
    let service = EchoService()

    /// Ports in the order of `roles`.
    let ports: [Int]
    var port: Int { self.ports.first ?? 0 }

    init(
        _ roles: [ListenerRole] = [ListenerRole(name: "echo", service: .pop3)],
        tls: TLSStore? = nil,
        bounds: ConnectionLimits.Bounds = ConnectionLimits.Bounds(),
        options: DriverOptions = DriverOptions(),
        rules: AccessRules = AccessRules(),
        resolver: (any Resolver)? = nil,
        busyLine: String = "",
        loopCount: Int = 2,
        _ change: (inout ListenerWorld) -> Void = { _ in }
    ) throws {
        self.loops = EventLoops(count: loopCount)
        self.limits = ConnectionLimits(bounds)
        var world = ListenerWorld(limits: self.limits, sink: self.sink, resolver: resolver, makeTrace: { TraceID("T1") })
        change(&world)
        self.set = ListenerSet(loops: self.loops, world: world)
        var ports: [Int] = []
        for role in roles {
            let listener = try BoundListener.bind(IPAddress("127.0.0.1"), port: 0)
            ports.append(listener.port)
            self.set.add(
                listener, role: role, rules: rules, service: ServiceBinding(self.service, tls: tls, options: options, busyLine: busyLine))
        }
        self.ports = ports
        try self.set.start()
    }

    /// Ends everything; blocks.
    func stop() {
        let isDone = Atomic<Bool>(false)
        self.set.drain(within: .seconds(5)) { _ in isDone.store(true, ordering: .releasing) }
        _ = eventually { isDone.load(ordering: .acquiring) }
        _ = eventually { self.limits.count == 0 }
        boundedEnd("the event loops to end") { [loops] in try loops.shutDown() }
    }
}

/// Makes echo sessions and remembers their backends.
final class EchoService: SessionService, Sendable {
    typealias Machine = EchoMachine
    private struct State {
        var backends: [EchoBackend] = []
        var links: [SessionLink<String>] = []
        var facts: [ConnectionFacts] = []
        var manner = EchoBackend.Manner.atOnce
        var keeps = true
    }
    private let state = Mutex(State())

    func makeSession(_ facts: ConnectionFacts, _ link: SessionLink<String>) -> (
        machine: EchoMachine, backend: any SessionBackend<EchoMachine>
    ) {
        self.state.withLock { state in
            let backend = EchoBackend(state.manner)
            if state.keeps {
                state.backends.append(backend)
                state.links.append(link)
                state.facts.append(facts)
            }
            return (EchoMachine(), backend)
        }
    }

    func setManner(_ manner: EchoBackend.Manner) { self.state.withLock { $0.manner = manner } }
    func forgetSessions() { self.state.withLock { $0.keeps = false } }
    var backends: [EchoBackend] { self.state.withLock { $0.backends } }
    var links: [SessionLink<String>] { self.state.withLock { $0.links } }
    var facts: [ConnectionFacts] { self.state.withLock { $0.facts } }
}
