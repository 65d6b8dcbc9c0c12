internal import Synchronization

/// What changed while a check runs: it looks at numbers one after the other, and those that moved meanwhile are no mistakes.
final class CheckWatch: Sendable {
    private struct State: Sendable {
        var blobs: Set<Int64> = []
        var mailboxes: Set<Int64> = []
    }

    private let isOn = Atomic(false)
    private let state = Mutex(State())

    func begin() {
        self.state.withLock { $0 = State() }
        self.isOn.store(true, ordering: .sequentiallyConsistent)
    }

    func end() {
        self.isOn.store(false, ordering: .sequentiallyConsistent)
        self.state.withLock { $0 = State() }
    }

    func noteBlob(_ id: Int64) {
        guard self.isOn.load(ordering: .relaxed) else { return }
        self.state.withLock { _ = $0.blobs.insert(id) }
    }

    func noteMailbox(_ id: Int64) {
        guard self.isOn.load(ordering: .relaxed) else { return }
        self.state.withLock { _ = $0.mailboxes.insert(id) }
    }

    var hasMovedAtAll: Bool { self.state.withLock { !$0.blobs.isEmpty } }
    func hasMoved(blob id: Int64) -> Bool { self.state.withLock { $0.blobs.contains(id) } }
    func hasMoved(mailbox id: Int64) -> Bool { self.state.withLock { $0.mailboxes.contains(id) } }
}
