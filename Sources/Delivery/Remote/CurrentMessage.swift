internal import Synchronization

/// What a session has in hand; set on a worker, read on the event loop.
final class CurrentMessage: Sendable {
    private let state = Mutex<(transaction: Transaction, body: OutgoingBody)?>(nil)
    private let trusted = Atomic<Bool>(false)
    private let eightBit = Atomic<Bool>(true)

    /// The other end has proved who it is.
    var isTrusted: Bool { self.trusted.load(ordering: .relaxed) }
    func set(isTrusted: Bool) { self.trusted.store(isTrusted, ordering: .relaxed) }

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
