import Counters
import Delivery
import Glibc
import MessageStore

/// How things stand, looked at once a minute.
enum GaugeLook {
    static func closure(
        _ start: StartConfiguration, _ census: CensusKeeper, _ remote: RemoteDelivery, connections: @escaping @Sendable () -> Int
    ) -> Counters.Look {
        let (spool, mailbox) = (start.directories.spool, start.directories.mailbox)
        return {
            var gauges: [Gauge: Int64] = [.connections: Int64(connections())]
            gauges[.spoolFree] = SystemFacts.space(of: spool)?.free
            gauges[.mailboxFree] = SystemFacts.space(of: mailbox)?.free
            gauges[.memory] = SystemFacts.memory(of: getpid())
            // A long queue is counted for whoever looks at the status next.
            _ = try? remote.summary()
            guard let queue = census.counted() else { return gauges }
            gauges[.queueEntries] = Int64(queue.all.all)
            gauges[.queueDeferred] = Int64(queue.all.deferred)
            gauges[.queueHeld] = Int64(queue.all.held)
            gauges[.queueAge] = queue.oldest.map { max(0, queue.time - $0) } ?? 0
            gauges[.queueBytes] = queue.bytes
            return gauges
        }
    }
}
