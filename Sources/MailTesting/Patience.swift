internal import Dispatch
internal import Glibc
internal import Synchronization

// Invariants:
// - No test waits without end. Whatever waits for another thread or process uses what stands here (or `ChildProcess`, or a socket timeout).
// - A bound is patience, never a measure of success: it is far above what a slow machine needs, and its end is a failure with a name.

/// What a test waited for did not come.
package struct InVain: Error, CustomStringConvertible, Sendable {
    package let description: String

    package init(_ what: String, seconds: Double, _ detail: String = "") {
        self.description = "waited \(Int(seconds)) s in vain for \(what)" + (detail.isEmpty ? "" : ": \(detail)")
    }
}

/// How long a test waits for things that take milliseconds when all is well.
package enum Patience {
    package static let usual = 60.0
}

/// Seconds of the clock that nobody sets.
package func monotonicSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}

/// A value that one thread gives and another waits for. The first value given stays.
package final class Promised<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let given = DispatchSemaphore(value: 0)

    package init() {}

    package func give(_ value: Value) {
        let isFirst = self.value.withLock { held in
            defer { held = held ?? value }
            return held == nil
        }
        if isFirst { self.given.signal() }
    }

    /// Blocks; not from an event loop.
    package func wait(for what: String, seconds: Double = Patience.usual) throws(InVain) -> Value {
        guard self.given.wait(timeout: .now() + seconds) == .success, let value = self.value.withLock({ $0 }) else {
            throw InVain(what, seconds: seconds)
        }
        // Whoever comes later finds it too.
        self.given.signal()
        return value
    }
}

/// Runs something that may block for ever on a thread of its own, and waits at most so long. A thread that does not come back is left behind.
package func bounded<Value: Sendable>(
    _ what: String, seconds: Double = Patience.usual, _ body: @escaping @Sendable () throws -> Value
) throws -> Value {
    let result = Promised<Result<Value, any Error>>()
    testThread { result.give(Result { try body() }) }
    do {
        return try result.wait(for: what, seconds: seconds).get()
    } catch let failure as InVain where failure.description == InVain(what, seconds: seconds).description {
        throw InVain(what, seconds: seconds, "threads of this process:\n\(whereabouts(of: getpid(), depth: 0))")
    }
}

/// The same in `deinit` and `defer`, where nothing can be thrown: the failure is printed, and what hangs is left behind.
package func boundedEnd(_ what: String, seconds: Double = Patience.usual, _ body: @escaping @Sendable () throws -> Void) {
    do {
        try bounded(what, seconds: seconds, body)
    } catch {
        print("a test could not clean up: \(error)")
    }
}
