internal import Bytes
internal import Database
internal import NIOCore
internal import Synchronization
internal import Vocabulary

// Invariants of the writer:
// 1. One thread appends to the log; nothing else writes to log segments.
// 2. Answers leave after fdatasync of everything they stand for. A failed sync is never tried again on the same bytes: the segment is
//    sealed where its last good record ends, the next one's header says so, and all of the batch is refused.
// 3. The folder hears of a record before its sender does, so that who asks afterwards waits for it; of one that somebody adds before its sync,
//    so that it is filed meanwhile but for the commit (`Folder.announce`).

/// Appends to the log in batches: takes all that waits, one write, one sync, answers all; the next batch gathers meanwhile.
final class LogWriter: Sendable {
    struct Waiting: Sendable {
        var prepared: PreparedItem
        let completion: @Sendable (Result<Accepted, StoreRefusal>) -> Void
        /// For what a client adds: told once it is filed. Deliveries that cannot be made then refuse the whole, in `completion`.
        var whenFiled: (@Sendable (Result<AppendResult, StoreError>) -> Void)?
    }

    private struct Inbox: Sendable {
        var waiting: [Waiting] = []
        var isStopped = false
    }

    private let inbox = Monitor(Inbox())
    private let thread = Mutex<Thread?>(nil)
    private static let mostWaiting = 50_000

    func start(_ log: sending OpenLog) {
        let box = LogBox(log)
        let inbox = self.inbox
        let thread = Thread("store-writer") {
            while true {
                let batch: [Waiting] = inbox.wait(until: { $0.isStopped || !$0.waiting.isEmpty }) { state in
                    let count = Self.batchCount(state.waiting)
                    defer { state.waiting.removeFirst(count) }
                    return Array(state.waiting[..<count])
                }
                if batch.isEmpty { break }
                box.log.process(batch) { inbox.withLock { $0.waiting.isEmpty } }
            }
            box.log.close()
        }
        self.thread.withLock { $0 = thread }
    }

    /// Items of one batch: all that wait, within what one write should carry.
    private static func batchCount(_ waiting: [Waiting]) -> Int {
        var bytes = 0
        var count = 0
        for item in waiting {
            bytes += item.prepared.recordLength
            if count > 0 && bytes > OpenLog.batchBytes { break }
            count += 1
        }
        return count
    }

    func append(_ item: Waiting) {
        enum Verdict { case taken, busy, closed }
        let verdict: Verdict = self.inbox.withLock { state in
            if state.isStopped { return .closed }
            guard state.waiting.count < Self.mostWaiting else { return .busy }
            state.waiting.append(item)
            return .taken
        }
        switch verdict {
        case .taken: self.inbox.signal()
        case .busy: item.completion(.failure(.busy))
        case .closed: item.completion(.failure(.closed))
        }
    }

    /// Finishes what waits and ends the thread.
    func stop() {
        self.inbox.withLock { $0.isStopped = true }
        self.inbox.broadcast()
        self.thread.withLock { $0 }?.join()
    }

    private final class LogBox: @unchecked Sendable {
        // SAFETY: made before the thread starts and touched by that thread alone.
        let log: OpenLog
        init(_ log: OpenLog) { self.log = log }
    }
}
