internal import Synchronization

/// Bytes of bodies that wait in memory, over all sessions. Above the limit sessions stop reading.
package final class MemoryBudget: Sendable {
    package let limit: Int
    private let used = Atomic<Int>(0)

    package init(limit: Int) { self.limit = limit }

    /// False, and nothing taken, when it does not fit.
    package func reserve(_ bytes: Int) -> Bool {
        let (_, now) = self.used.wrappingAdd(bytes, ordering: .relaxed)
        if now <= self.limit { return true }
        self.used.wrappingSubtract(bytes, ordering: .relaxed)
        return false
    }

    package func release(_ bytes: Int) { self.used.wrappingSubtract(bytes, ordering: .relaxed) }

    package var inUse: Int { self.used.load(ordering: .relaxed) }
}
