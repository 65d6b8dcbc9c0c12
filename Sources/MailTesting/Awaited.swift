internal import Glibc
internal import Synchronization

/// Waits, without blocking a thread, for the one completion of a call.
package func awaited<Value: Sendable, Problem: Error>(
    _ what: String, seconds: Double = Patience.usual, _ start: (@escaping @Sendable (Result<Value, Problem>) -> Void) -> Void
) async throws -> Value {
    let result: Result<Value, any Error> = await withCheckedContinuation { next in
        let answered = Answered(next)
        AlarmClock.shared.ring(after: seconds) { answered.give(.failure(InVain(what, seconds: seconds))) }
        start { answered.give($0.mapError { $0 }) }
    }
    return try result.get()
}

/// Resumes a continuation with whatever comes first.
private final class Answered<Value: Sendable>: Sendable {
    private let isAnswered = Atomic<Bool>(false)
    private let next: CheckedContinuation<Result<Value, any Error>, Never>

    init(_ next: CheckedContinuation<Result<Value, any Error>, Never>) { self.next = next }

    func give(_ result: Result<Value, any Error>) {
        if !self.isAnswered.exchange(true, ordering: .acquiringAndReleasing) { self.next.resume(returning: result) }
    }
}

/// One thread that rings for everybody: a pool may be the very thing that is stuck.
private final class AlarmClock: Sendable {
    static let shared = AlarmClock()
    private let alarms = Mutex<[(at: Double, action: @Sendable () -> Void)]>([])

    private init() {
        testThread { [self] in
            while true {
                usleep(250_000)
                let now = monotonicSeconds()
                let due = self.alarms.withLock { alarms in
                    let due = alarms.filter { $0.at <= now }
                    alarms.removeAll { $0.at <= now }
                    return due
                }
                for alarm in due { alarm.action() }
            }
        }
    }

    func ring(after seconds: Double, _ action: @escaping @Sendable () -> Void) {
        self.alarms.withLock { $0.append((monotonicSeconds() + seconds, action)) }
    }
}
