internal import Synchronization
package import Vocabulary

/// Jobs of many accounts on a few threads: each account has a line of its own, the lines are served in turn, and no account is on more than
/// some of the threads at once. Whoever asks for much waits for himself.
package final class FairWork: Sendable {
    package typealias Job = @Sendable () -> Void

    fileprivate struct Line {
        var waiting: [(number: UInt64, job: Job?)] = []
        /// Those before it were taken.
        var first = 0
        var running = 0
        /// Stands among those that may be served.
        var isReady = false

        var count: Int { self.waiting.count - self.first }

        mutating func take() -> Job? {
            guard self.count > 0 else { return nil }
            let job = self.waiting[self.first].job
            // What a job holds goes with it, not when the array is cut.
            self.waiting[self.first].job = nil
            self.first += 1
            if self.first * 2 > self.waiting.count {
                self.waiting.removeFirst(self.first)
                self.first = 0
            }
            return job
        }
    }

    fileprivate struct State {
        var lines: [AccountID: Line] = [:]
        /// Accounts with a job that may run now, in turn.
        var ready: [AccountID] = []
        var firstReady = 0
        var number: UInt64 = 0
        /// Threads that came and found that all who wait had enough threads already.
        var turnedAway = 0
    }

    private let limit: Int
    private let submit: @Sendable (@escaping Job) -> Bool
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: threads that one account may be on at once.
    ///   - submit: runs a job on some thread, in order; false when too much waits.
    package init(limit: Int, _ submit: @escaping @Sendable (@escaping Job) -> Bool) {
        self.limit = max(1, limit)
        self.submit = submit
    }

    /// False when too much waits.
    package func submit(_ job: @escaping Job, for account: AccountID) -> Bool {
        let number = self.state.withLock { state -> UInt64 in
            state.number += 1
            state.lines[account, default: Line()].waiting.append((state.number, job))
            state.makeReady(account, limit: self.limit)
            return state.number
        }
        if self.submit({ self.serve() }) { return true }
        // Another's thread may have come for it meanwhile.
        return !self.state.withLock { $0.withdraw(number, account) }
    }

    /// One thread's visit: one job of whose turn it is.
    private func serve() {
        while let (account, job) = self.state.withLock({ $0.take(limit: self.limit) }) {
            job()
            guard self.state.withLock({ $0.finished(account, limit: self.limit) }) else { return }
            // In place of the thread that was turned away; behind whatever else waits, where there is room.
            if self.submit({ self.serve() }) { return }
        }
    }

    /// Jobs of an account that are on a thread now, and that wait.
    package func count(of account: AccountID) -> (running: Int, waiting: Int) {
        self.state.withLock { state in state.lines[account].map { ($0.running, $0.count) } ?? (0, 0) }
    }
}

extension FairWork.State {
    fileprivate mutating func makeReady(_ account: AccountID, limit: Int) {
        guard let line = self.lines[account], line.count > 0, line.running < limit, !line.isReady else { return }
        self.lines[account]?.isReady = true
        self.ready.append(account)
    }

    fileprivate mutating func take(limit: Int) -> (AccountID, FairWork.Job)? {
        while self.firstReady < self.ready.count {
            let account = self.ready[self.firstReady]
            self.firstReady += 1
            if self.firstReady * 2 > self.ready.count {
                self.ready.removeFirst(self.firstReady)
                self.firstReady = 0
            }
            self.lines[account]?.isReady = false
            // Nothing where what waited was withdrawn.
            guard let job = self.lines[account]?.take() else { continue }
            self.lines[account]?.running += 1
            self.makeReady(account, limit: limit)
            return (account, job)
        }
        self.turnedAway += 1
        return nil
    }

    /// True when a thread that was turned away is needed now.
    fileprivate mutating func finished(_ account: AccountID, limit: Int) -> Bool {
        self.lines[account]?.running -= 1
        self.makeReady(account, limit: limit)
        if let line = self.lines[account], line.running == 0, line.count == 0 { self.lines[account] = nil }
        guard self.turnedAway > 0, self.firstReady < self.ready.count else { return false }
        self.turnedAway -= 1
        return true
    }

    /// False when it runs already.
    fileprivate mutating func withdraw(_ number: UInt64, _ account: AccountID) -> Bool {
        guard let at = self.lines[account]?.waiting.lastIndex(where: { $0.number == number }), at >= self.lines[account]?.first ?? 0 else {
            return false
        }
        self.lines[account]?.waiting.remove(at: at)
        return true
    }
}
