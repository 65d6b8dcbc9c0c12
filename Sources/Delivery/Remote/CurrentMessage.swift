internal import Policy
internal import Synchronization

/// What a session has in hand; set on a worker, read on the event loop.
final class CurrentMessage: Sendable {
    private let state = Mutex<(transaction: Transaction, body: OutgoingBody)?>(nil)
    private let known = Mutex(HostFitness.unfit(.needsEncryption(.noTLS)))
    private let eightBit = Atomic<Bool>(true)

    /// Whether messages with REQUIRETLS may go over this connection.
    var fitness: HostFitness { self.known.withLock { $0 } }
    func set(_ fitness: HostFitness) { self.known.withLock { $0 = fitness } }

    /// The other host takes 8-bit text.
    var takesEightBit: Bool { self.eightBit.load(ordering: .relaxed) }
    func set(takesEightBit: Bool) { self.eightBit.store(takesEightBit, ordering: .relaxed) }

    func set(_ transaction: Transaction, _ body: OutgoingBody) { self.state.withLock { $0 = (transaction, body) } }

    var body: OutgoingBody? { self.state.withLock { $0?.body } }

    func take() -> Transaction? {
        self.state.withLock { state in
            defer { state = nil }
            return state?.transaction
        }
    }
}
