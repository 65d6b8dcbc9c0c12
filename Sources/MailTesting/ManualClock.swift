internal import Synchronization

/// Time that passes when the test says so. Unix seconds.
package final class ManualClock: Sendable {
    private let seconds: Mutex<Int64>
    package init(_ start: Int64 = 1_800_000_000) { self.seconds = Mutex(start) }
    package var now: Int64 { self.seconds.withLock { $0 } }
    package func advance(_ amount: Int64) { self.seconds.withLock { $0 += amount } }
    package func set(_ time: Int64) { self.seconds.withLock { $0 = time } }
}
