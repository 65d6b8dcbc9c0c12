internal import Dispatch
internal import Synchronization

/// The thread on which certificates of peers are checked. The certificate library's verifier is asynchronous, and the pool that Swift
/// would run it on belongs to everybody: whoever blocks a thread there would keep a handshake waiting until its time is over.
final class CheckingExecutor: TaskExecutor {
    static let shared = CheckingExecutor()

    private let jobs = Mutex<[UnownedJob]>([])
    private let waiting = DispatchSemaphore(value: 0)

    private init() {
        startThread("certificates") { self.run() }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.jobs.withLock { $0.append(job) }
        self.waiting.signal()
    }

    private func run() {
        while true {
            self.waiting.wait()
            let jobs = self.jobs.withLock { jobs in
                defer { jobs = [] }
                return jobs
            }
            for job in jobs { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }
}
