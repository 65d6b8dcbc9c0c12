package import Vocabulary

/// Where a session reports what no machine can see: failed handshakes, plaintext behind STARTTLS, ends that are not the protocol's.
package struct SessionObserver: Sendable {
    let sink: any EventSink
    let module: TrailEvent.Module
    let trace: TraceID?
    /// Learns whose bytes are being handled, in case they end the process.
    let crashGuard: any CrashGuard
    let peer: IPAddress?
    let home: (any ConnectionHome)?
    let ticket: ConnectionLimits.Ticket?

    /// For a session without a listener.
    package init(sink: any EventSink = NullSink(), module: TrailEvent.Module = .mta, trace: TraceID? = nil) {
        self.sink = sink
        self.module = module
        self.trace = trace
        self.crashGuard = NoCrashGuard()
        self.peer = nil
        self.home = nil
        self.ticket = nil
    }

    /// For a session of a listener.
    init(_ facts: ConnectionFacts, _ world: ListenerWorld, home: any ConnectionHome, ticket: ConnectionLimits.Ticket) {
        self.sink = world.sink
        self.module = facts.listener.module
        self.trace = facts.trace
        self.crashGuard = world.crashGuard
        self.peer = facts.peer
        self.home = home
        self.ticket = ticket
    }

    /// Around everything that a machine or backend does with this peer's bytes, on one thread.
    package func enter() { if let peer = self.peer { self.crashGuard.enterPeer(peer) } }
    package func leave() { if self.peer != nil { self.crashGuard.leavePeer() } }

    package func record(_ event: String, cause: String? = nil) {
        self.sink.record(TrailEvent(self.module, event, trace: self.trace, cause.map { [("cause", $0)] } ?? []), switchedBy: nil)
    }

    func plaintextDropped(_ count: Int) {
        self.sink.record(
            TrailEvent(self.module, "plaintext-dropped", trace: self.trace, [("bytes", "\(count)")]),
            switchedBy: .tls
        )
    }

    /// The descriptor is closed: the connection counts no more.
    package func left(_ session: some DrainableSession) { self.home?.left(session, self.ticket) }
}

/// Keeps count of the sessions of one event loop. Called on that loop.
protocol ConnectionHome: AnyObject, Sendable {
    func left(_ session: any DrainableSession, _ ticket: ConnectionLimits.Ticket?)
}

/// A session that can be asked to come to its end. Called on its loop.
package protocol DrainableSession: AnyObject {
    /// Say goodbye when idle, otherwise finish what is in hand.
    func drain()
    /// End at once.
    func cut()
}

extension ListenerRole {
    /// The module under which events of this service are written.
    var module: TrailEvent.Module {
        switch self.service {
        case .smtp, .submission, .lmtp: .smtpAccept
        case .pop3: .pop3Server
        case .imap: .imapServer
        case .finger: .fingerServer
        case .password: .passwordServer
        case .http: .webServer
        case .ldap, .sieve: .mta
        }
    }
}
