internal import Synchronization

/// Below so much free space mail is refused; the postmaster may change it while the store is open. Bytes.
final class FreeSpaceLimit: Sendable {
    private let bytes: Atomic<Int64>

    init(_ bytes: Int64) { self.bytes = Atomic(max(0, bytes)) }

    var value: Int64 { self.bytes.load(ordering: .relaxed) }

    func set(_ bytes: Int64) { self.bytes.store(max(0, bytes), ordering: .relaxed) }
}

extension MessageStore {
    /// Why the newest message could not be stored; nil when it was. For `status`.
    package var lastFailure: String? { self.parts.state.lastFailure }

    /// Holds at once: mail that the disk has no room for by the new measure is refused when this returns. Two short system calls.
    package func setMinimumFree(_ bytes: Int64) {
        self.parts.minimumFree.set(bytes)
        self.parts.disk.look(force: true)
    }
}
