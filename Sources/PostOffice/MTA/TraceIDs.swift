import Glibc
import Synchronization
import Vocabulary

/// Ids of connections: unique over restarts, upper-case letters and digits. The time of the start in milliseconds, then a count.
final class TraceIDs: Sendable {
    private let prefix: String
    private let count = Atomic<UInt64>(0)

    init(now: Int64 = TraceIDs.milliseconds) { self.prefix = String(now, radix: 36, uppercase: true) }

    func next() -> TraceID {
        let number = self.count.wrappingAdd(1, ordering: .relaxed).newValue
        return TraceID(self.prefix + String(number, radix: 36, uppercase: true))
    }

    private static var milliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
