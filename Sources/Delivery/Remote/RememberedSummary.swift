internal import CPlatform
internal import MessageStore
internal import Synchronization

/// How the queue stood at the newest count. Counting a million entries takes some 50 ms: as long as a count took is a fortieth of the time
/// that it stands for, so that pages and `status` that many look at do not count without end. What is counted in a moment is counted anew.
final class RememberedSummary: Sendable {
    private struct Count {
        let summary: QueueSummary
        /// Of the monotonic clock, nanoseconds.
        let end: Int64
        let cost: Int64
    }

    /// A count that took no longer is not kept. Nanoseconds.
    private static let moment: Int64 = 5_000_000
    private static let share: Int64 = 40
    private let newest = Mutex<Count?>(nil)

    func value(_ count: () throws(StoreError) -> QueueSummary) throws(StoreError) -> QueueSummary {
        let start = po_monotonic()
        if let kept = self.newest.withLock({ $0 }), start - kept.end < kept.cost * Self.share { return kept.summary }
        let summary = try count()
        let end = po_monotonic()
        let new = end - start > Self.moment ? Count(summary: summary, end: end, cost: end - start) : nil
        self.newest.withLock { $0 = new }
        return summary
    }

    /// Somebody changed the queue, and looks what became of it.
    func forget() { self.newest.withLock { $0 = nil } }
}
