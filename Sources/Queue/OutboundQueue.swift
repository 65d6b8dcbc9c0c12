internal import Database
package import MessageStore
package import Vocabulary

// Invariants:
// 1. An entry is in one pair of hands at most: leased from the moment it is read until its change is durable.
// 2. An entry whose change could not be made durable stays leased until the server starts anew: it is not sent twice because a disk is sick.
// 3. What is in memory is bounded by the connections and `OutboundLimits`, not by the length of the queue.

/// The queue of everything that goes to other hosts. Leases are in memory: after a crash every entry is free again, and at most the messages
/// in hand are sent once more. Calls that read or write block.
package final class OutboundQueue: Sendable {
    /// What became of entries, to be made durable together.
    private struct Order {
        var changes: [QueueChange]
        var ids: [QueueID]
        var completion: @Sendable (Bool) -> Void
    }
    private struct State {
        var book: OutboundBook
        var leased: Set<QueueID> = []
        /// Leased entries of a next hop that no connection has taken yet.
        var buffers: [String: FairBuffer] = [:]
        /// Next hops for which something came since they were last read.
        var news: Set<String> = []
        var isFilling: Set<String> = []
        /// Reads of the table under way.
        var readers = 0
        /// Entries that became free while somebody read the table: what was read may show them as they were before.
        var freedMeanwhile: Set<QueueID> = []

        mutating func free(_ ids: some Sequence<QueueID>) {
            self.leased.subtract(ids)
            if self.readers > 0 { self.freedMeanwhile.formUnion(ids) }
        }

        mutating func endFilling(_ name: String) {
            self.isFilling.remove(name)
            self.readers -= 1
            if self.readers == 0 { self.freedMeanwhile = [] }
        }
    }
    private struct Orders {
        var waiting: [Order] = []
        var isStopped = false
    }

    private let store: MessageStore
    private let state: Monitor<State>
    private let orders = Monitor(Orders())
    private let thread = Monitor<Thread?>(nil)
    private static let batch = 256

    package init(_ store: MessageStore, limits: OutboundLimits = OutboundLimits()) {
        self.store = store
        self.state = Monitor(State(book: OutboundBook(limits)))
    }

    package func start() {
        self.thread.withLock { thread in
            guard thread == nil else { return }
            thread = Thread("queue-commit") { [orders, store] in Self.commit(orders, store, self) }
        }
    }

    /// Makes durable what was handed in, then ends.
    package func stop() {
        self.orders.withLock { $0.isStopped = true }
        self.orders.broadcast()
        self.thread.withLock { $0 }?.join()
    }

    package func book<Value>(_ body: (inout OutboundBook) -> Value) -> Value { self.state.withLock { body(&$0.book) } }

    /// Entries in somebody's hands.
    package var leasedCount: Int { self.state.withLock { $0.leased.count } }
    /// Entries in somebody's hands, without those that were only read ahead for a next hop.
    package var underWay: Set<QueueID> {
        self.state.withLock { state in state.leased.filter { id in !state.buffers.values.contains { $0.contains(id) } } }
    }
    package func isLeased(_ id: QueueID) -> Bool { self.state.withLock { $0.leased.contains(id) } }

    // MARK: Taking

    /// The entries of the next transaction for a next hop: recipients of one message. Empty when nothing is due. They are the caller's
    /// until `settle` or `giveBack`.
    package func take(_ destination: String, now: Int64) throws(StoreError) -> [StoredQueueEntry] {
        while true {
            let ready: [StoredQueueEntry]? = self.state.withLock { state in
                let isFilling = state.isFilling.contains(destination)
                // What has come since must not wait until a message with very many recipients is through.
                let mustLook = !isFilling && state.news.contains(destination) && state.buffers[destination]?.messages == 1
                if !mustLook, let taken = Self.takeBuffered(&state, destination) { return taken }
                if isFilling { return [] }
                state.isFilling.insert(destination)
                return nil
            }
            if let ready { return ready }
            if try !self.fill(destination, now), !self.hasBuffered(destination) { return [] }
        }
    }

    private static func takeBuffered(_ state: inout State, _ destination: String) -> [StoredQueueEntry]? {
        guard var buffer = state.buffers.removeValue(forKey: destination), !buffer.isEmpty else { return nil }
        let taken = buffer.take(state.book.limits.recipients)
        if !buffer.isEmpty { state.buffers[destination] = buffer }
        return taken
    }

    private func hasBuffered(_ destination: String) -> Bool { self.state.withLock { $0.buffers[destination] != nil } }

    /// Entries have come for these next hops.
    package func noteNews(_ destinations: Set<String>) {
        self.state.withLock { state in
            // Of interest only where something is in hand: everything else is read anew.
            for name in destinations where state.buffers[name] != nil { state.news.insert(name) }
        }
    }

    /// False when there is nothing.
    private func fill(_ destination: String, _ now: Int64) throws(StoreError) -> Bool {
        let (inHand, recipients) = self.state.withLock { state in
            state.isFilling.insert(destination)
            state.readers += 1
            state.news.remove(destination)
            return (state.leased.count, state.book.limits.recipients)
        }
        defer { self.state.withLock { $0.endFilling(destination) } }
        let scan = QueueScan(
            store: self.store, destination: destination, now: now, batch: Self.batch, perMessage: recipients * 2, inHand: inHand)
        let found = try scan.read()
        return self.state.withLock { state in
            let isStale = found.entries.contains { state.freedMeanwhile.contains($0.id) }
            var counts: [BlobID: Int] = [:]
            var free: [StoredQueueEntry] = []
            var seen: Set<QueueID> = []
            for entry in found.entries where !state.leased.contains(entry.id) && !state.freedMeanwhile.contains(entry.id) {
                // Nobody's message fills what is read, unless there is nothing else.
                guard found.isAll || counts[entry.blob, default: 0] < scan.perMessage, seen.insert(entry.id).inserted else { continue }
                counts[entry.blob, default: 0] += 1
                free.append(entry)
            }
            if found.isAll, !isStale { state.book.drained(destination) }
            guard !free.isEmpty else { return false }
            state.leased.formUnion(free.map(\.id))
            state.buffers[destination, default: FairBuffer()].add(free)
            return true
        }
    }

    /// Those of the entries that nobody has in hand; they are the caller's now.
    package func claim(_ entries: [StoredQueueEntry]) -> [StoredQueueEntry] {
        self.state.withLock { state in
            let free = entries.filter { !state.leased.contains($0.id) }
            state.leased.formUnion(free.map(\.id))
            return free
        }
    }

    /// Entries that were leased and not tried are free and as due as before.
    package func giveBack(_ entries: [StoredQueueEntry]) {
        self.state.withLock { $0.free(entries.map(\.id)) }
    }

    /// Everything that is due for a next hop and that nobody has in hand, in portions; for a next hop that takes nothing.
    package func takeRest(_ destination: String, now: Int64) throws(StoreError) -> [StoredQueueEntry] {
        let buffered = self.drainBuffer(destination)
        if !buffered.isEmpty { return buffered }
        guard try self.fill(destination, now) else { return [] }
        return self.drainBuffer(destination)
    }

    /// Gives back what a next hop has in its buffer: nobody is there to take it.
    package func release(_ destination: String) {
        self.state.withLock { state in
            state.news.remove(destination)
            var buffer = state.buffers.removeValue(forKey: destination) ?? FairBuffer()
            state.free(buffer.drain().map(\.id))
        }
    }

    private func drainBuffer(_ destination: String) -> [StoredQueueEntry] {
        self.state.withLock { state in
            var buffer = state.buffers.removeValue(forKey: destination) ?? FairBuffer()
            return buffer.drain()
        }
    }

    // MARK: Results

    /// Makes changes durable, together with those of others who wait. The completion comes on the queue's thread, with false when they could
    /// not be made; then the entries stay leased.
    /// - Parameter ids: entries that are free afterwards.
    package func settle(_ changes: [QueueChange], freeing ids: [QueueID], _ completion: @escaping @Sendable (Bool) -> Void) {
        let isTaken = self.orders.withLock { orders in
            guard !orders.isStopped else { return false }
            orders.waiting.append(Order(changes: changes, ids: ids, completion: completion))
            return true
        }
        if isTaken { self.orders.signal() } else { completion(false) }
    }

    /// Orders of one transaction.
    private static let mostOrders = 200

    private static func commit(_ orders: Monitor<Orders>, _ store: MessageStore, _ queue: OutboundQueue) {
        while true {
            let batch = orders.wait(until: { $0.isStopped || !$0.waiting.isEmpty }) { orders in
                let batch = Array(orders.waiting.prefix(Self.mostOrders))
                orders.waiting.removeFirst(batch.count)
                return batch
            }
            if batch.isEmpty { return }
            let isKept = (try? store.changeQueue(batch.flatMap(\.changes))) != nil
            if isKept { queue.state.withLock { state in for order in batch { state.free(order.ids) } } }
            for order in batch { order.completion(isKept) }
        }
    }
}
