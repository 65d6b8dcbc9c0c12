// What is still to be delivered. The rows live in accept.db beside the acceptance that made them; the store writes them, this target
// says who has an entry in hand and when the next attempt is.
internal import Database
package import MessageStore
internal import Vocabulary

/// When a message that could not be delivered is tried again, and when it is given up.
package struct RetrySchedule: Sendable, Hashable {
    /// Seconds after the first, second, … attempt; the last one repeats.
    package var delays: [Int64] = [300, 900, 1800, 3600, 7200, 14_400]
    /// Seconds after acceptance at which the sender is warned, and at which the message goes back.
    package var warnAfter: Int64 = 86_400
    package var giveUpAfter: Int64 = 5 * 86_400

    package init() {}

    /// When the attempt after the `attempts`-th is due; nil when the message is too old for another.
    package func next(after attempts: Int, acceptedAt: Int64, now: Int64) -> Int64? {
        guard now - acceptedAt < self.giveUpAfter, let last = self.delays.last else { return nil }
        let delay = attempts >= 1 && attempts <= self.delays.count ? self.delays[attempts - 1] : last
        return min(now + delay, acceptedAt + self.giveUpAfter)
    }
}

/// The queue of one instance. Leases are in memory: after a restart every entry is free again, and at most the attempts that were in
/// hand are repeated. All calls block.
package final class MailQueue: Sendable {
    package let schedule: RetrySchedule
    private let store: MessageStore
    private let leased = Monitor<Set<QueueID>>([])

    package init(_ store: MessageStore, schedule: RetrySchedule = RetrySchedule()) {
        self.store = store
        self.schedule = schedule
    }

    /// Entries of a channel that are due and that nobody has in hand; they are the caller's until `delivered`, `failed` or `giveBack`.
    package func lease(_ channel: QueueDraft.Channel, now: Int64, limit: Int) throws(StoreError) -> [StoredQueueEntry] {
        let inHand = self.leased.withLock { $0.count }
        let due = try self.store.queueEntries(due: channel, until: now, limit: limit + inHand)
        return self.leased.withLock { leased in
            let free = due.filter { !leased.contains($0.id) }.prefix(limit)
            leased.formUnion(free.map(\.id))
            return Array(free)
        }
    }

    /// Done with, whatever became of it: delivered, returned, deleted.
    package func finished(_ entries: [StoredQueueEntry]) throws(StoreError) {
        defer { self.giveBack(entries) }
        try self.store.finishQueueEntries(entries.map(\.id))
    }

    package enum Verdict: Sendable, Hashable {
        /// Tried again then.
        case again(Int64)
        /// Too old: the caller returns it to its sender and calls `finished`. The lease stays.
        case tooOld
    }

    /// An attempt failed for now.
    package func failed(_ entry: StoredQueueEntry, reason: String, now: Int64) throws(StoreError) -> Verdict {
        guard let due = self.schedule.next(after: entry.attempts + 1, acceptedAt: entry.acceptedAt, now: now) else { return .tooOld }
        defer { self.giveBack([entry]) }
        _ = try self.store.postponeQueueEntry(entry.id, until: due, attempts: 1, reason: reason)
        return .again(due)
    }

    /// Nothing was tried: the entry is free and as due as before.
    package func giveBack(_ entries: [StoredQueueEntry]) {
        self.leased.withLock { $0.subtract(entries.map(\.id)) }
    }
}
