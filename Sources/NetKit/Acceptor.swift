internal import CPlatform
internal import Glibc
internal import NIOCore
internal import Policy
internal import Synchronization
internal import Vocabulary

/// The accepting thread: waits for connections on all listeners, refuses what the rules and limits refuse, hands on the rest.
final class Acceptor: Sendable {
    struct Entry: Sendable {
        let listener: BoundListener
        let role: ListenerRole
        let rules: AccessRules
        let service: ServiceBinding
    }

    /// Taken from one listener before the others get their turn.
    private static let batch = 64
    /// Time allowed for the name of a peer that only a name entry can admit.
    private static let nameDeadline = TimeAmount.seconds(5)

    /// What is listened on, and sockets that this thread has to close: nobody else knows when it has stopped using them.
    private struct Table {
        var entries: [Entry]
        var closing: [CInt] = []
    }

    private let table: Mutex<Table>
    private let changes = Atomic<Int>(0)
    private let set: ListenerSet
    private let wakeup: CInt
    private let isStopped = Atomic<Bool>(false)
    /// Milliseconds of the current pause after the system ran out of something; 0 when all is well.
    private let pause = Atomic<CInt>(0)

    init(_ entries: [Entry], _ set: ListenerSet) throws(ListenFailure) {
        self.table = Mutex(Table(entries: entries))
        self.set = set
        self.wakeup = po_eventfd()
        guard self.wakeup >= 0 else { throw ListenFailure(operation: "eventfd", errno: errno) }
    }

    deinit { close(self.wakeup) }

    func start() { startThread("accept") { self.run() } }

    func stop() {
        self.isStopped.store(true, ordering: .releasing)
        self.wake()
    }

    /// From now on these are listened on. `closing` are closed once that is so.
    func replace(_ entries: [Entry], closing: [CInt]) {
        self.table.withLock { table in
            table.entries = entries
            table.closing += closing
        }
        self.changes.add(1, ordering: .releasing)
        self.wake()
    }

    func wake() {
        var one: UInt64 = 1
        write(self.wakeup, &one, MemoryLayout<UInt64>.size)
    }

    // MARK: The thread

    private func run() {
        var seen = -1
        var entries: [Entry] = []
        var listening: [pollfd] = []
        while !self.isStopped.load(ordering: .acquiring) {
            let changes = self.changes.load(ordering: .acquiring)
            if changes != seen {
                seen = changes
                entries = self.takeChanges()
                listening = entries.map { pollfd(fd: $0.listener.descriptor, events: Int16(POLLIN), revents: 0) }
            }
            // Full, or out of descriptors: the listeners are left alone, and clients wait in the backlog.
            let pause = self.pause.load(ordering: .relaxed)
            let mayAccept = pause == 0 && self.set.world.limits.hasRoom()
            var waiting = [pollfd(fd: self.wakeup, events: Int16(POLLIN), revents: 0)] + (mayAccept ? listening : [])
            let ready = poll(&waiting, nfds_t(waiting.count), pause > 0 ? pause : -1)
            if ready == 0 { self.pause.store(0, ordering: .relaxed) }
            if waiting[0].revents != 0 { self.drainWakeup() }
            for (entry, state) in zip(entries, waiting.dropFirst()) where state.revents != 0 { self.acceptBatch(entry) }
        }
    }

    private func takeChanges() -> [Entry] {
        let (entries, closing) = self.table.withLock { table in
            defer { table.closing = [] }
            return (table.entries, table.closing)
        }
        for descriptor in closing { close(descriptor) }
        return entries
    }

    private func drainWakeup() {
        var count: UInt64 = 0
        read(self.wakeup, &count, MemoryLayout<UInt64>.size)
    }

    private func acceptBatch(_ entry: Entry) {
        for _ in 0..<Self.batch where self.set.world.limits.hasRoom() {
            var descriptor: CInt = -1
            let peer = SocketName { name, length in
                descriptor = self.set.world.accept(entry.listener.descriptor, name, length)
                return descriptor
            }
            guard descriptor >= 0 else {
                if self.isOver(errno) { return }
                continue
            }
            if let peer { self.admit(descriptor, peer, entry) } else { close(descriptor) }
        }
    }

    /// After a failed accept: true when this listener has no more to give now.
    private func isOver(_ error: CInt) -> Bool {
        switch error {
        case EINTR, ECONNABORTED: return false
        case EAGAIN: return true
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            // Trying again at once would fail again, thousands of times a second.
            self.pause.store(200, ordering: .relaxed)
            self.set.world.sink.record(
                TrailEvent(.mta, "accept-paused", trace: nil, [("cause", String(cString: strerror(error)))]), switchedBy: nil)
            return true
        default:
            // Errors of the connection that was to be accepted (ENETDOWN, EPROTO, EPERM …): accept(2) says to treat them like EAGAIN.
            return true
        }
    }

    // MARK: Who may come in

    private func admit(_ descriptor: CInt, _ peer: SocketName, _ entry: Entry) {
        if self.set.world.crashGuard.isShutOut(peer.address) { return self.refuse(descriptor, peer, entry, "crash", line: "") }
        switch entry.rules.verdict(peer.address, .notLooked) {
        case .accept: self.count(descriptor, peer, entry)
        case .refuse: self.refuse(descriptor, peer, entry, "rule", line: "")
        case .needsName: self.lookUp(descriptor, peer, entry)
        }
    }

    /// Only where an entry with a name decides: everyone else is greeted without waiting for DNS.
    private func lookUp(_ descriptor: CInt, _ peer: SocketName, _ entry: Entry) {
        guard let ticket = self.enter(descriptor, peer, entry) else { return }
        let decide: @Sendable (HostNameFact) -> Void = { fact in
            if entry.rules.verdict(peer.address, fact) == .accept { return self.settle(descriptor, peer, entry, ticket) }
            self.set.world.limits.leave(ticket)
            self.refuse(descriptor, peer, entry, "rule", line: "")
        }
        guard let resolver = self.set.world.resolver else { return decide(.unknown) }
        ReverseLookup(resolver).confirm(peer.address, within: Self.nameDeadline, decide)
    }

    private func count(_ descriptor: CInt, _ peer: SocketName, _ entry: Entry) {
        if let ticket = self.enter(descriptor, peer, entry) { self.settle(descriptor, peer, entry, ticket) }
    }

    private func enter(_ descriptor: CInt, _ peer: SocketName, _ entry: Entry) -> ConnectionLimits.Ticket? {
        do {
            return try self.set.world.limits.enter(peer.address, entry.role)
        } catch {
            self.refuse(descriptor, peer, entry, "limit-\(error.rawValue)", line: entry.role.implicitTLS ? "" : entry.service.busyLine)
            return nil
        }
    }

    private func settle(_ descriptor: CInt, _ peer: SocketName, _ entry: Entry, _ ticket: ConnectionLimits.Ticket) {
        let local = SocketName { getsockname(descriptor, $0, $1) }
        let facts = ConnectionFacts(
            peer: peer.address,
            peerPort: peer.port,
            local: local?.address ?? entry.listener.address,
            localPort: entry.listener.port,
            listener: entry.role,
            trace: self.set.world.makeTrace()
        )
        self.set.settle(descriptor, facts, ticket, entry.service)
    }

    private func refuse(_ descriptor: CInt, _ peer: SocketName, _ entry: Entry, _ cause: String, line: String) {
        if !line.isEmpty {
            let bytes = Array(line.utf8)
            send(descriptor, bytes, bytes.count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
        }
        close(descriptor)
        self.set.world.sink.record(
            TrailEvent(
                entry.role.module, "refused-at-connect", trace: nil,
                [("peer", "\(peer.address)"), ("listener", entry.role.name), ("cause", cause)]),
            switchedBy: .refusedAtConnect
        )
    }
}
