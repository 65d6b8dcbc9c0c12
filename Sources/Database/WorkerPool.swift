internal import CPlatform
internal import Glibc

/// A thread of our own: blocking work never runs on an event loop nor in the cooperative pool.
package final class Thread: Sendable {
    private struct State {
        var hasFinished = false
        var id: pthread_t?
    }

    private let state = Monitor(State())

    /// Starts at once. `name` is cut to 15 bytes, which is what the kernel shows.
    package init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(
            Start(name: String(decoding: name.utf8.prefix(15), as: UTF8.self), body: body, state: self.state))
        var id = pthread_t()
        let code = pthread_create(&id, nil, Self.main, box.toOpaque())
        // Without threads nothing can be served; this happens at start-up only.
        precondition(code == 0, "a thread could not be started: errno \(code)")
        pthread_detach(id)
    }

    /// Waits for the thread's end. On the thread itself it returns at once: the last owner of what runs there may be let go by a job.
    package func join() {
        self.state.wait(until: { $0.hasFinished || $0.id.map { pthread_equal($0, pthread_self()) != 0 } ?? false }, then: { _ in })
    }

    private final class Start {
        let name: String
        let body: @Sendable () -> Void
        let state: Monitor<State>
        init(name: String, body: @escaping @Sendable () -> Void, state: Monitor<State>) {
            self.name = name
            self.body = body
            self.state = state
        }
    }

    private static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { raw in
        guard let raw else { return nil }
        let start = Unmanaged<Start>.fromOpaque(raw).takeRetainedValue()
        po_name_thread(start.name)
        start.state.withLock { $0.id = pthread_self() }
        start.body()
        start.state.withLock { $0 = State(hasFinished: true, id: nil) }
        start.state.broadcast()
        return nil
    }
}

/// N threads and a bounded queue for work that blocks: database reads, file reads, password hashes.
package final class WorkerPool: Sendable {
    private struct State {
        var waiting: [(@Sendable () -> Void)?] = []
        /// Index of the first that was not taken; the array is compacted when half of it is spent.
        var first = 0
        var isStopped = false
        var count: Int { self.waiting.count - self.first }

        mutating func take() -> (@Sendable () -> Void)? {
            guard self.count > 0 else { return nil }
            let job = self.waiting[self.first]
            // What a job holds (bodies, open files, the owner of this pool) goes with it, not when the array is compacted.
            self.waiting[self.first] = nil
            self.first += 1
            if self.first > 64 && self.first * 2 > self.waiting.count {
                self.waiting.removeFirst(self.first)
                self.first = 0
            }
            return job
        }
    }

    private let state = Monitor(State())
    private let bound: Int
    private let threads: [Thread]

    /// `bound` is the greatest number of jobs that wait beside those that run.
    package init(_ name: String, threads: Int, bound: Int) {
        self.bound = bound
        let state = self.state
        self.threads = (0..<max(1, threads)).map { index in
            Thread("\(name)-\(index)") {
                while let job = state.wait(until: { $0.isStopped || $0.count > 0 }, then: { $0.take() }) { job() }
            }
        }
    }

    /// False when the queue is full or the pool has stopped: the caller answers "try again later".
    package func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        let taken = self.state.withLock { state in
            guard !state.isStopped, state.count < self.bound else { return false }
            state.waiting.append(job)
            return true
        }
        if taken { self.state.signal() }
        return taken
    }

    /// Jobs that wait now; a measure of load.
    package var backlog: Int { self.state.withLock { $0.count } }

    /// Runs what waits, then ends the threads; returns when they have ended. Not to be called from a job.
    package func stop() {
        self.state.withLock { $0.isStopped = true }
        self.state.broadcast()
        for thread in self.threads { thread.join() }
    }
}
