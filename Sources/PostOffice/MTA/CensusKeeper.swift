import CPlatform
import Database
package import MessageStore

/// Keeps a count of the queue that is at hand at once, and says of when it is. Counting a million entries takes a moment: it is done on a
/// thread of its own, when somebody looks or once a minute, and never takes more than a small part of the time.
package final class CensusKeeper: Sendable {
    private struct State {
        var census: QueueCensus?
        /// Milliseconds that the newest count took.
        var cost: Int64 = 0
        /// When it ended; milliseconds of the monotonic clock.
        var ended: Int64 = 0
        var isWanted = false
        var holdings: AccountHoldings?
        var holdingsCost: Int64 = 0
        var holdingsEnded: Int64 = 0
        var areHoldingsWanted = false
        var isStopped = false
    }

    private let store: MessageStore
    private let now: @Sendable () -> Int64
    private let state = Monitor(State())
    private let thread = Monitor<Thread?>(nil)

    /// A count is good for so long, and for this many times as long as it took. Milliseconds.
    private static let shortest: Int64 = 2000
    /// The same of what accounts hold.
    private static let shortestOfHoldings: Int64 = 30_000
    private static let rest: Int64 = 40

    package init(_ store: MessageStore, now: @escaping @Sendable () -> Int64) {
        self.store = store
        self.now = now
    }

    package func start() {
        self.thread.withLock { thread in
            guard thread == nil else { return }
            thread = Thread("census") { self.run() }
        }
    }

    package func stop() {
        self.state.withLock { $0.isStopped = true }
        self.state.broadcast()
        self.thread.withLock { $0 }?.join()
    }

    /// The newest count; an old one is renewed behind it. Waits for the first one only. nil when the queue cannot be read.
    package func census() -> QueueCensus? {
        let isThere = self.state.withLock { state in
            if Self.milliseconds() - state.ended > max(Self.shortest, state.cost * Self.rest) || state.census == nil {
                state.isWanted = true
            }
            return state.census != nil
        }
        self.state.broadcast()
        if isThere { return self.state.withLock { $0.census } }
        return self.state.wait(milliseconds: 2000, until: { $0.census != nil || $0.isStopped }, then: { $0.census })
    }

    /// What accounts hold, as of the newest look; an old one is renewed behind it. Waits a moment for the first one; nil until it is there.
    package func holdings() -> AccountHoldings? {
        let isThere = self.state.withLock { state in
            let rest = max(Self.shortestOfHoldings, state.holdingsCost * Self.rest)
            if state.holdings == nil || Self.milliseconds() - state.holdingsEnded > rest { state.areHoldingsWanted = true }
            return state.holdings != nil
        }
        self.state.broadcast()
        if isThere { return self.state.withLock { $0.holdings } }
        return self.state.wait(milliseconds: 2000, until: { $0.holdings != nil || $0.isStopped }, then: { $0.holdings })
    }

    private func lookAtHoldings() {
        let started = Self.milliseconds()
        let holdings = try? self.store.accountHoldings(now: self.now())
        let ended = Self.milliseconds()
        self.state.withLock { state in
            if let holdings { state.holdings = holdings }
            state.holdingsCost = ended - started
            state.holdingsEnded = ended
            state.areHoldingsWanted = false
        }
        self.state.broadcast()
    }

    /// As of now. Blocks for the counting.
    package func counted() -> QueueCensus? {
        let started = Self.milliseconds()
        let census = try? self.store.queueCensus(now: self.now())
        let ended = Self.milliseconds()
        self.state.withLock { state in
            if let census { state.census = census }
            state.cost = ended - started
            state.ended = ended
            state.isWanted = false
        }
        self.state.broadcast()
        return census
    }

    private func run() {
        // What an older version left is made findable first, in small pieces.
        while !self.state.withLock({ $0.isStopped }), (try? self.store.fillQueueKeys()) == true {
            self.state.wait(milliseconds: 5, until: { $0.isStopped }, then: { _ in })
        }
        while true {
            let (isStopped, isWanted, areHoldingsWanted) = self.state.wait(
                until: { $0.isWanted || $0.areHoldingsWanted || $0.isStopped }, then: { ($0.isStopped, $0.isWanted, $0.areHoldingsWanted) })
            if isStopped { return }
            if isWanted { _ = self.counted() }
            if areHoldingsWanted { self.lookAtHoldings() }
        }
    }

    private static func milliseconds() -> Int64 { po_monotonic() / 1_000_000 }
}
