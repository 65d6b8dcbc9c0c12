internal import Database
internal import Policy
package import Queue
package import Vocabulary

/// Watches what accounts send to other hosts, and stops one that suddenly sends as no person does: three times its own peak of the last thirty days,
/// or with half of its recipients refused. Its password is probably in other hands. It is stopped at once in memory; a thread makes that
/// durable and tells the postmaster, once.
package final class SendingWatch: Sendable {
    /// Why an account was stopped: for the postmaster.
    package enum Evidence: Sendable, Hashable {
        /// Recipients in the last hour, and in the fullest one of thirty days.
        case peak(count: Int, usual: Int)
        /// Of so many recipients of the last ten minutes.
        case refused(count: Int, of: Int)
    }

    package struct Limits: Sendable, Hashable {
        /// nil switches a rule off.
        package var anomalyFloor: Int?
        package var refusalFloor: Int?

        package init(anomalyFloor: Int?, refusalFloor: Int?) {
            self.anomalyFloor = anomalyFloor
            self.refusalFloor = refusalFloor
        }
    }

    fileprivate struct Known {
        var history = SendingHistory()
        var named = RateCounter(window: SendingWatch.refusalWindow)
        var refused = RateCounter(window: SendingWatch.refusalWindow)
        var isChanged = false
    }

    fileprivate struct Stopped: Sendable {
        var evidence: Evidence
        /// The directory has it.
        var isWritten = false
    }

    fileprivate struct State {
        var accounts: [AccountID: Known] = [:]
        var stopped: [AccountID: Stopped] = [:]
        /// Who handed over a message, while its recipients may still be refused.
        var submitters: [TraceID: (account: AccountID, time: Int64)] = [:]
        var mustWrite = false
        var isEnded = false
    }

    private static let factor = 3
    fileprivate static let refusalWindow: Int64 = 600
    private static let mostAccounts = 200_000
    private static let mostMessages = 50_000
    /// Milliseconds between two writings.
    private static let pause = 30_000

    private let ledger: AccountLedger?
    private let now: @Sendable () -> Int64
    private let limits: @Sendable () -> Limits
    /// Makes it durable and tells the postmaster; false: once more later. Called on a thread of the watch.
    private let suspend: @Sendable (AccountID, Evidence) -> Bool
    private let state: Monitor<State>
    private let thread = Monitor<Thread?>(nil)

    /// - Parameter ledger: nil remembers nothing over a restart.
    package init(
        ledger: AccountLedger?, limits: @escaping @Sendable () -> Limits, now: @escaping @Sendable () -> Int64,
        suspend: @escaping @Sendable (AccountID, Evidence) -> Bool
    ) {
        self.ledger = ledger
        self.limits = limits
        self.now = now
        self.suspend = suspend
        var state = State()
        for (account, history) in (try? ledger?.histories()) ?? [:] { state.accounts[account] = Known(history: history) }
        self.state = Monitor(state)
    }

    // MARK: Life

    package func start() {
        self.thread.withLock { thread in
            guard thread == nil else { return }
            thread = Thread("sending-watch") { [weak self] in
                while let self, self.turn() {}
            }
        }
    }

    /// Writes what is known. Blocks; before the ledger is closed.
    package func stop() {
        self.state.withLock { $0.isEnded = true }
        self.state.broadcast()
        self.thread.withLock { $0 }?.join()
        self.write()
    }

    private func turn() -> Bool {
        let isEnded = self.state.wait(milliseconds: Self.pause, until: { $0.isEnded || $0.mustWrite }) { state in
            state.mustWrite = false
            return state.isEnded
        }
        self.suspendStopped()
        self.write()
        return !isEnded
    }

    // MARK: What happens

    package func isStopped(_ account: AccountID) -> Bool { self.state.withLock { $0.stopped[account] != nil } }

    /// The account names one more recipient at another host, and we take it. False: it is stopped, by this one or before.
    package func named(_ account: AccountID) -> Bool {
        let (limits, now) = (self.limits(), self.now())
        let isStopped = self.state.withLock { state -> Bool in
            if state.stopped[account] != nil { return true }
            guard var known = state.known(account, now, most: Self.mostAccounts) else { return false }
            _ = known.named.add(at: now)
            let count = known.history.add(1, at: now)
            known.isChanged = true
            state.accounts[account] = known
            let usual = known.history.peak(at: now)
            guard let floor = limits.anomalyFloor, count > floor, count > Self.factor * usual else { return false }
            state.stopped[account] = Stopped(evidence: .peak(count: count, usual: usual))
            state.mustWrite = true
            return true
        }
        if isStopped { self.state.signal() }
        return !isStopped
    }

    /// A recipient that the account named is refused: by us, when it was named, or by its own host, later.
    package func refused(_ account: AccountID, isNew: Bool) {
        let (limits, now) = (self.limits(), self.now())
        let isStopped = self.state.withLock { state -> Bool in
            guard state.stopped[account] == nil, var known = state.known(account, now, most: Self.mostAccounts) else { return false }
            if isNew { _ = known.named.add(at: now) }
            let refused = known.refused.add(at: now)
            let all = known.named.count(at: now)
            state.accounts[account] = known
            // Refusals come behind what was named longer ago: then there are more of them than names.
            guard let floor = limits.refusalFloor, refused >= floor, refused * 2 >= all else { return false }
            state.stopped[account] = Stopped(evidence: .refused(count: refused, of: max(all, refused)))
            state.mustWrite = true
            return true
        }
        if isStopped { self.state.signal() }
    }

    /// So that refusals of the message's recipients by other hosts can be told of its sender, and of nobody who only used his name.
    package func submitted(_ trace: TraceID, by account: AccountID) {
        let now = self.now()
        self.state.withLock { state in
            if state.submitters.count >= Self.mostMessages {
                state.submitters = state.submitters.filter { now - $0.value.time < Self.refusalWindow }
                guard state.submitters.count < Self.mostMessages else { return }
            }
            state.submitters[trace] = (account, now)
        }
    }

    /// Another host does not take a recipient of the message, and never will.
    package func refusedElsewhere(_ trace: TraceID) {
        guard let account = self.state.withLock({ $0.submitters[trace]?.account }) else { return }
        self.refused(account, isNew: false)
    }

    /// The postmaster lets it send again: what it sent lately is nothing unusual.
    package func release(_ account: AccountID) {
        let now = self.now()
        self.state.withLock { state in
            state.stopped[account] = nil
            guard var known = state.accounts[account] else { return }
            known.history.accept(at: now)
            known.named = RateCounter(window: Self.refusalWindow)
            known.refused = RateCounter(window: Self.refusalWindow)
            known.isChanged = true
            state.accounts[account] = known
            state.mustWrite = true
        }
        self.state.signal()
    }

    /// The directory has changed: who may send again by its word may do so here too.
    package func directoryChanged(isSuspended: (AccountID) -> Bool) {
        let written = self.state.withLock { $0.stopped.filter(\.value.isWritten).map(\.key) }
        for account in written where !isSuspended(account) { self.release(account) }
    }

    /// Recipients in the last hour, and in the fullest one of thirty days.
    package func counts(of account: AccountID) -> (lately: Int, usual: Int) {
        let now = self.now()
        return self.state.withLock { state in
            guard var known = state.accounts[account] else { return (0, 0) }
            return (known.history.count(at: now), known.history.peak(at: now))
        }
    }

    // MARK: Writing

    /// The directory may not be writable now: then the account stays stopped in memory, and it is tried again.
    private func suspendStopped() {
        let open = self.state.withLock { state in state.stopped.filter { !$0.value.isWritten } }
        for (account, stopped) in open where self.suspend(account, stopped.evidence) {
            self.state.withLock { $0.stopped[account]?.isWritten = true }
        }
    }

    private func write() {
        guard let ledger = self.ledger else { return }
        let changed = self.state.withLock { state -> [AccountID: SendingHistory] in
            var changed: [AccountID: SendingHistory] = [:]
            for (account, known) in state.accounts where known.isChanged {
                changed[account] = known.history
                state.accounts[account]?.isChanged = false
            }
            return changed
        }
        guard !changed.isEmpty, (try? ledger.write(changed, now: self.now())) == nil else { return }
        self.state.withLock { state in for account in changed.keys { state.accounts[account]?.isChanged = true } }
    }
}

extension SendingWatch.State {
    /// nil when so many are known that this one cannot be.
    fileprivate mutating func known(_ account: AccountID, _ now: Int64, most: Int) -> SendingWatch.Known? {
        if let known = self.accounts[account] { return known }
        if self.accounts.count >= most {
            self.accounts = self.accounts.filter { $0.value.isChanged || !$0.value.history.isStale(at: now) }
            guard self.accounts.count < most else { return nil }
        }
        return SendingWatch.Known()
    }
}
