import Glibc

/// Nanoseconds of the monotonic clock.
package func monotonicNow() -> Int64 {
    clock(CLOCK_MONOTONIC)
}

/// Nanoseconds of CPU that the calling thread has used: tells whether the client was the limit of a run.
package func threadCPU() -> Int64 {
    clock(CLOCK_THREAD_CPUTIME_ID)
}

private func clock(_ id: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(id, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// What went wrong, in words for the person at the terminal.
package struct BenchError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }

    /// The failure of a system call, with the text of `errno`.
    package static func system(_ what: String, _ code: CInt = errno) -> BenchError {
        BenchError("\(what): \(String(cString: strerror(code)))")
    }
}

/// Waits; only for what has no event to wait for.
package func sleepMilliseconds(_ count: UInt32) {
    usleep(count * 1000)
}
