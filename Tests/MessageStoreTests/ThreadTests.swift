import Database
import MailTesting
import Synchronization
import Testing

/// Threads, pools and monitors of `Database`, on which the store stands.
@Suite struct ThreadTests {
    @Test("no wake-up is lost when single jobs come while all threads of a pool fall asleep")
    func wakesAreKept() throws {
        let pool = WorkerPool("test", threads: 4, bound: 1000)
        let done = Monitor(0)
        for round in 1...20_000 {
            for _ in 0..<2 {
                #expect(
                    pool.submit {
                        done.withLock { $0 += 1 }
                        done.broadcast()
                    })
            }
            let reached = done.wait(milliseconds: 60_000, until: { $0 == 2 * round }, then: { $0 })
            guard reached == 2 * round else {
                Issue.record("round \(round): \(reached) jobs ran")
                return
            }
        }
        pool.stop()
    }

    @Test("a pool whose last owner is one of its jobs ends without waiting for itself")
    func lastOwnerIsAJob() throws {
        final class Owner: Sendable {
            let pool = WorkerPool("owned", threads: 2, bound: 10)
            deinit { self.pool.stop() }
        }
        let hasEnded = Monitor(false)
        let mayEnd = Monitor(false)
        do {
            let owner = Owner()
            #expect(
                owner.pool.submit {
                    _ = mayEnd.wait(milliseconds: 60_000, until: { $0 }, then: { $0 })
                    withExtendedLifetime(owner) {}
                })
            #expect(
                owner.pool.submit {
                    _ = mayEnd.wait(milliseconds: 60_000, until: { $0 }, then: { $0 })
                    hasEnded.withLock { $0 = true }
                    hasEnded.broadcast()
                })
        }
        mayEnd.withLock { $0 = true }
        mayEnd.broadcast()
        #expect(hasEnded.wait(milliseconds: 60_000, until: { $0 }, then: { $0 }))
    }

    @Test("a wait with a deadline ends at it")
    func deadline() {
        let never = Monitor(false)
        #expect(never.wait(milliseconds: 20, until: { $0 }, then: { $0 }) == false)
    }
}
