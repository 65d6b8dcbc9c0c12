internal import Dispatch
internal import Synchronization

/// Runs `body` on `count` threads of its own (a pool would run as many as there are cores, and blocked sessions would starve the rest) and
/// waits for all, at most `seconds`.
package func inParallel(_ count: Int, _ what: String, seconds: Double = 300, _ body: @escaping @Sendable (Int) -> Void) throws(InVain) {
    let crowd = Crowd(count)
    for index in 0..<count {
        testThread {
            body(index)
            crowd.left(index)
        }
    }
    try crowd.wait(what, seconds)
}

/// Threads that have not come back yet.
private final class Crowd: Sendable {
    private let running: Mutex<Set<Int>>
    private let isEmpty = DispatchSemaphore(value: 0)

    init(_ count: Int) { self.running = Mutex(Set(0..<count)) }

    func left(_ index: Int) {
        let isLast = self.running.withLock { running in
            running.remove(index)
            return running.isEmpty
        }
        if isLast { self.isEmpty.signal() }
    }

    func wait(_ what: String, _ seconds: Double) throws(InVain) {
        guard self.running.withLock({ !$0.isEmpty }), self.isEmpty.wait(timeout: .now() + seconds) != .success else { return }
        throw InVain("\(what), threads \(self.running.withLock { $0.sorted() })", seconds: seconds)
    }
}
