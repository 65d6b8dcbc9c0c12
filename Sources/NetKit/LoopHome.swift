internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import Vocabulary

/// The sessions of one event loop. Everything but `drain` and `cut` is called on that loop.
final class LoopHome: ConnectionHome, Sendable {
    private struct Roster {
        var sessions: [ObjectIdentifier: any DrainableSession] = [:]
        var isDraining = false
        var whenLeft: @Sendable () -> Void = {}
    }

    let loop: any EventLoop
    private let world: ListenerWorld
    private let roster: NIOLoopBoundBox<Roster>

    init(loop: any EventLoop, world: ListenerWorld) {
        self.loop = loop
        self.world = world
        self.roster = NIOLoopBoundBox.makeBoxSendingValue(Roster(), eventLoop: loop)
    }

    /// Called after each session that left. Set once, before the first connection.
    func setWhenLeft(_ callback: @escaping @Sendable () -> Void) { self.loop.execute { self.roster.value.whenLeft = callback } }

    /// Makes a channel of an accepted descriptor and starts its session.
    func adopt(_ descriptor: CInt, _ facts: ConnectionFacts, _ observer: SessionObserver, _ service: ServiceBinding) {
        guard !self.roster.value.isDraining else {
            Glibc.close(descriptor)
            return self.leave(observer.ticket)
        }
        let isInstalled = NIOLoopBoundBox(false, eventLoop: self.loop)
        ClientBootstrap(group: self.loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let session = try service.install(channel, facts, observer)
                    isInstalled.value = true
                    self.roster.value.sessions[ObjectIdentifier(session)] = session
                }
            }
            .withConnectedSocket(descriptor)
            .whenFailure { error in
                // With a driver in the pipeline it is the driver that leaves.
                if isInstalled.value { return }
                observer.record("session-failed", cause: "\(error)")
                self.leave(observer.ticket)
            }
    }

    func left(_ session: any DrainableSession, _ ticket: ConnectionLimits.Ticket?) {
        self.roster.value.sessions[ObjectIdentifier(session)] = nil
        self.leave(ticket)
    }

    private func leave(_ ticket: ConnectionLimits.Ticket?) {
        if let ticket { self.world.limits.leave(ticket) }
        self.roster.value.whenLeft()
    }

    func drain() {
        self.loop.execute {
            self.roster.value.isDraining = true
            for session in self.roster.value.sessions.values { session.drain() }
        }
    }

    func cut() { self.loop.execute { for session in self.roster.value.sessions.values { session.cut() } } }
}
