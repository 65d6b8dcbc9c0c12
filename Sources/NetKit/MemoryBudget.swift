internal import Synchronization

/// Memory that all sessions share for bodies on their way to the store. Whoever cannot get its share waits or takes the way over the disk.
package final class MemoryBudget: Sendable {
    private let used = Mutex(0)
    package let limit: Int

    package init(limit: Int = 256 << 20) { self.limit = limit }

    /// Takes `count` bytes now, or nothing. Ask for the whole of what one body may need: a holder must never have to wait for more.
    package func reserve(_ count: Int) -> Bool {
        self.used.withLock { used in
            guard count >= 0, count <= self.limit - used else { return false }
            used += count
            return true
        }
    }

    package func release(_ count: Int) { self.used.withLock { $0 = max(0, $0 - max(0, count)) } }

    package var inUse: Int { self.used.withLock { $0 } }
}
