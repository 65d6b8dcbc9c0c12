internal import NIOCore

/// Runs what Hummingbird does for a connection on that connection's loop, where its bytes are. The pool that Swift would use belongs to everybody:
/// whoever blocks a thread there would hold up the web, and each step would cost a change of threads.
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
