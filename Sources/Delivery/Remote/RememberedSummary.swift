internal import CPlatform
internal import Database
package import MessageStore

/// How the queue stood at the newest count. Counting a million entries takes some 50 ms, for which no page should wait. What took long stands
/// for forty times as long as it took; then it is given once more, and counted anew behind whoever asked. Only who asks first, or after a
/// change by somebody who wants to see what became of it, waits. What is counted in a moment is counted each time.
package final class RememberedSummary: Sendable {
    package typealias Count = @Sendable () throws(StoreError) -> QueueSummary

    private struct State {
        var newest: (summary: QueueSummary, end: Int64, cost: Int64)?
        /// Goes up when what was counted before is worth nothing any more.
        var generation = 0
        var isCounting = false
        var isStopped = false
    }

    /// A count that took no longer is not kept. Nanoseconds.
    private let moment: Int64
    private static let share: Int64 = 40
    /// Older than this none is shown: the server looks once a minute by itself. Nanoseconds.
    private static let oldest: Int64 = 150_000_000_000
    private let state = Monitor(State())
    private let thread = Monitor<Thread?>(nil)

    package init(moment: Int64 = 5_000_000) { self.moment = moment }

    package func value(_ count: @escaping Count) throws(StoreError) -> QueueSummary {
        let now = po_monotonic()
        let (kept, generation, isRenewer) = self.state.withLock { state -> (QueueSummary?, Int, Bool) in
            guard let newest = state.newest, now - newest.end < Self.oldest else { return (nil, state.generation, false) }
            let isRenewer = now - newest.end >= newest.cost * Self.share && !state.isCounting && !state.isStopped
            if isRenewer { state.isCounting = true }
            return (newest.summary, state.generation, isRenewer)
        }
        if isRenewer { self.thread.withLock { $0 = Thread("queue-count") { self.renew(count, generation) } } }
        if let kept { return kept }
        return try self.counted(count, generation)
    }

    private func renew(_ count: Count, _ generation: Int) {
        _ = try? self.counted(count, generation)
        self.state.withLock { $0.isCounting = false }
    }

    private func counted(_ count: Count, _ generation: Int) throws(StoreError) -> QueueSummary {
        let start = po_monotonic()
        let summary = try count()
        let end = po_monotonic()
        self.state.withLock { state in
            guard state.generation == generation else { return }
            state.newest = end - start >= self.moment ? (summary, end, end - start) : nil
        }
        return summary
    }

    /// Somebody changed the queue, and looks what became of it.
    package func forget() {
        self.state.withLock { state in
            state.newest = nil
            state.generation &+= 1
        }
    }

    /// Counts nothing more behind anybody, and waits for what is being counted.
    package func stop() {
        self.state.withLock { $0.isStopped = true }
        self.thread.withLock { $0 }?.join()
    }
}
