internal import Database

// Filing while the sync of the log is still under way, for who waits for both: an APPEND. [docs/decisions: 0034]
//
// Invariants:
// 1. A transaction with a record is committed after the sync of that record. Until then nobody sees anything of it, and a power cut leaves nothing of it.
// 2. Records whose sync failed are taken back before the writer goes on; the transaction that had them is undone and what else was in it is made again.
// 3. Nobody is answered for a record that is not on stable storage, also when filing has to wait or has failed.

/// A transaction that is made but for its commit. Whoever learns first that its records are on stable storage ends it: where that is the writer's
/// thread and nothing else waits for it, a change of threads is saved.
final class WaitingCommit: @unchecked Sendable {
    // SAFETY: `work` and `tell` are called once each, by the thread that set `step` to `.claimed` under the lock of `Folder.pending`. The folder's thread,
    // whose transaction it is, does not touch it between that and `.committed`, nor anything of its effects before `.told`; both are set under that lock.
    enum Step { case open, claimed, committed, told }

    fileprivate let upTo: Int64
    fileprivate var step = Step.open
    fileprivate var failure: DatabaseError?
    private let work: () throws(DatabaseError) -> Void
    private let tell: () -> Void

    init(upTo: Int64, commit work: @escaping () throws(DatabaseError) -> Void, tell: @escaping () -> Void) {
        self.upTo = upTo
        self.work = work
        self.tell = tell
    }

    /// On the thread that claimed it.
    fileprivate func run(_ pending: Monitor<Folder.Pending>) {
        var failure: DatabaseError?
        do throws(DatabaseError) { try self.work() } catch { failure = error }
        pending.withLock { [failure] _ in (self.step, self.failure) = (.committed, failure) }
        pending.broadcast()
        if failure == nil { self.tell() }
        pending.withLock { _ in self.step = .told }
        pending.broadcast()
    }
}

extension Folder {
    // MARK: The writer's thread

    /// Records that are written and about to be synced: their transaction may be made, up to its commit. False where that is of no use: nobody waits for
    /// filing, or they bring more than messages.
    func announce(_ records: [LogRecord]) -> Bool {
        let isUseful =
            records.contains { $0.whenFiled != nil } && records.allSatisfy { $0.payload.queue.isEmpty && $0.payload.finished.isEmpty }
        guard isUseful else { return false }
        let isTaken = self.pending.withLock { state in
            guard !state.isHopeless, !state.isStopped else { return false }
            state.add(records)
            return true
        }
        if isTaken { self.pending.broadcast() }
        return isTaken
    }

    /// They are on stable storage.
    /// - Parameter mayCommit: the caller has time to end the transaction itself.
    func takeAnnounced(_ records: [LogRecord], mayCommit: Bool) {
        guard let last = records.last?.sequence else { return }
        let (answers, mine) = self.pending.withLock { state -> ([@Sendable () -> Void], WaitingCommit?) in
            state.accepted = last
            let answers = state.isHopeless ? state.takeAnswers() : []
            guard mayCommit, let waiting = state.waiting, waiting.upTo == last, waiting.step == .open else { return (answers, nil) }
            waiting.step = .claimed
            return (answers, waiting)
        }
        if let mine { mine.run(self.pending) } else { self.pending.broadcast() }
        for answer in answers { answer() }
    }

    /// They could not be synced, and their senders are about to be told so.
    func retract(_ records: [LogRecord]) {
        guard let first = records.first?.sequence else { return }
        self.pending.withLock { $0.lost = first }
        self.pending.broadcast()
        self.pending.wait(until: { $0.inHand < first }) { state in
            while let last = state.records.last, last.sequence >= first {
                state.deliveries -= last.payload.deliveries.count
                if last.whenFiled != nil { state.awaited -= 1 }
                state.records.removeLast()
            }
            state.lost = nil
        }
    }

    // MARK: The folder's thread

    /// Waits until it is known what became of the records, and answers those that are on stable storage: all, or all but the last ones.
    func synced(_ pieces: [Piece]) -> [Piece] {
        guard let last = pieces.last?.record.sequence else { return pieces }
        let lost = self.pending.wait(until: { $0.accepted >= last || $0.lost != nil }) { state -> Int64? in
            guard state.accepted < last else { return nil }
            state.inHand = 0
            return state.lost
        }
        guard let lost else { return pieces }
        self.pending.broadcast()
        return pieces.filter { $0.record.sequence < lost }
    }

    /// How a transaction ended that waited for its records.
    enum End {
        /// To be ended by the folder's thread.
        case isDue
        /// By the writer's thread, which tells of it as well.
        case committed(WaitingCommit)
        /// Records could not be synced.
        case lost
    }

    /// Waits until the transaction that is made may be committed, or somebody has done so.
    /// - Parameter isLent: the writer's thread may do it.
    func awaitSync(_ made: WaitingCommit, isLent: Bool) throws(DatabaseError) -> End {
        let last = made.upTo
        if isLent { self.pending.withLock { $0.waiting = $0.accepted < last ? made : nil } }
        let isReady: (Pending) -> Bool = { $0.lost != nil || ($0.accepted >= last && made.step != .claimed) }
        let (end, failure) = self.pending.wait(until: isReady) { state -> (End, DatabaseError?) in
            state.waiting = nil
            if made.step != .open { return (.committed(made), made.failure) }
            return (state.accepted >= last ? .isDue : .lost, nil)
        }
        if let failure { throw failure }
        return end
    }

    /// What the writer's thread says of the transaction comes before what the next one brings.
    func awaitTold(_ made: WaitingCommit) { self.pending.wait(until: { _ in made.step == .told }, then: { _ in }) }

    /// Nothing is in hand any more.
    func letGo() {
        let isAwaited = self.pending.withLock { state in
            state.inHand = 0
            return state.lost != nil
        }
        if isAwaited { self.pending.broadcast() }
    }
}

extension Folder.Pending {
    mutating func add(_ records: [LogRecord]) {
        self.records.append(contentsOf: records)
        for record in records {
            self.deliveries += record.payload.deliveries.count
            if record.whenFiled != nil { self.awaited += 1 }
        }
    }
}
