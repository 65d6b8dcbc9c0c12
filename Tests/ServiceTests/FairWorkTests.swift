import IMAPService
import Synchronization
import Testing
import Vocabulary

/// A pool whose threads are calls of the test: what is in hand while another thread comes is nested within it.
private final class PlayedPool: Sendable {
    private let waiting = Mutex<[@Sendable () -> Void]>([])
    private let room: Int

    init(room: Int = 1000) { self.room = room }

    func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        self.waiting.withLock { waiting in
            guard waiting.count < self.room else { return false }
            waiting.append(job)
            return true
        }
    }

    /// One thread takes the next job; false when none waits.
    @discardableResult func visit() -> Bool {
        guard let job = self.waiting.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return false }
        job()
        return true
    }

    func run() { while self.visit() {} }
}

@Suite("Work of many accounts on few threads")
struct FairWorkTests {
    private static let heavy = AccountID(rawValue: 1)
    private static let light = AccountID(rawValue: 2)

    private final class Notes: Sendable {
        private let names = Mutex<[String]>([])
        func note(_ name: String) { self.names.withLock { $0.append(name) } }
        var all: [String] { self.names.withLock { $0 } }
    }

    @Test("an account that asks for much is never on all threads, however much of it waits before another's command")
    func oneAccountLeavesAThread() {
        let (pool, notes) = (PlayedPool(), Notes())
        let work = FairWork(limit: 3) { pool.submit($0) }
        // Each of the heavy jobs keeps its thread until another thread has come.
        for number in 1...40 {
            let isTaken = work.submit(
                {
                    notes.note("heavy \(number)")
                    pool.visit()
                    notes.note("end \(number)")
                }, for: Self.heavy)
            #expect(isTaken)
        }
        let isTaken = work.submit({ notes.note("NOOP") }, for: Self.light)
        #expect(isTaken)
        pool.visit()
        // Three threads went to the first three; the fourth was not given to the heavy account, but to the other's command.
        let before = notes.all.prefix { $0 != "NOOP" }
        #expect(before.filter { $0.hasPrefix("heavy") }.count <= 3)
        #expect(notes.all.contains("NOOP"), "\(notes.all)")
        pool.run()
        #expect(notes.all.filter { $0.hasPrefix("end") }.count == 40)
        #expect(work.count(of: Self.heavy) == (0, 0))
    }

    @Test("lines are served in turn: the third account's job is the third, not the two hundredth")
    func turns() {
        let (pool, notes) = (PlayedPool(), Notes())
        let work = FairWork(limit: 2) { pool.submit($0) }
        for _ in 1...100 { _ = work.submit({ notes.note("a") }, for: AccountID(rawValue: 1)) }
        for _ in 1...100 { _ = work.submit({ notes.note("b") }, for: AccountID(rawValue: 2)) }
        _ = work.submit({ notes.note("c") }, for: AccountID(rawValue: 3))
        pool.run()
        #expect(Array(notes.all.prefix(4)) == ["a", "b", "c", "a"])
        #expect(notes.all.count == 201)
    }

    @Test("a job that yields goes behind the others")
    func yielding() {
        let (pool, notes) = (PlayedPool(), Notes())
        let work = FairWork(limit: 2) { pool.submit($0) }
        @Sendable func part(_ number: Int) {
            notes.note("part \(number)")
            if number < 3 { _ = work.submit({ part(number + 1) }, for: Self.heavy) }
        }
        _ = work.submit({ part(1) }, for: Self.heavy)
        _ = work.submit({ notes.note("NOOP") }, for: Self.light)
        pool.run()
        #expect(notes.all == ["part 1", "NOOP", "part 2", "part 3"])
    }

    @Test("when too much waits the job is refused, and never run")
    func refused() {
        let (pool, notes) = (PlayedPool(room: 2), Notes())
        let work = FairWork(limit: 2) { pool.submit($0) }
        let first = work.submit({ notes.note("1") }, for: Self.heavy)
        let second = work.submit({ notes.note("2") }, for: Self.heavy)
        let third = work.submit({ notes.note("3") }, for: Self.light)
        #expect(first && second && !third)
        pool.run()
        #expect(notes.all == ["1", "2"])
        let fourth = work.submit({ notes.note("4") }, for: Self.light)
        #expect(fourth)
        pool.run()
        #expect(notes.all == ["1", "2", "4"])
    }
}
