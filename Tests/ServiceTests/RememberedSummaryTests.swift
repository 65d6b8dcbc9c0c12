import Database
import Delivery
import MailTesting
import MessageStore
import Testing

/// The count of a long queue, for pages that must not wait for it.
@Suite struct RememberedSummaryTests {
    /// A count that takes as long as the test likes.
    private final class Counter: Sendable {
        private struct State {
            var entries = 0
            var counts = 0
            var isHeld = false
        }
        private let state = Monitor(State())

        func count() -> QueueSummary {
            let entries = self.state.withLock { state in
                state.counts += 1
                return state.entries
            }
            self.state.wait(until: { !$0.isHeld }, then: { _ in })
            var summary = QueueSummary()
            summary.deferred = entries
            return summary
        }

        func set(_ entries: Int) { self.state.withLock { $0.entries = entries } }
        func hold(_ isHeld: Bool) {
            self.state.withLock { $0.isHeld = isHeld }
            self.state.broadcast()
        }
        var counts: Int { self.state.withLock { $0.counts } }
    }

    @Test("Who looks at a long queue gets the count of before, while it is counted anew behind him")
    func behind() throws {
        let (counter, remembered) = (Counter(), RememberedSummary(moment: 0))
        defer { remembered.stop() }
        counter.set(1)
        #expect(try remembered.value(counter.count).deferred == 1)
        counter.set(2)
        counter.hold(true)
        // Each look is answered at once, though the count that one of them began does not end.
        #expect(eventually { (try? remembered.value(counter.count).deferred) == 1 && counter.counts == 2 })
        for _ in 0..<100 { #expect(try remembered.value(counter.count).deferred == 1) }
        #expect(counter.counts == 2)
        counter.hold(false)
        #expect(eventually { (try? remembered.value(counter.count).deferred) == 2 })
    }

    @Test("After a change by somebody nothing of before is told, also by a count that began before it")
    func changed() throws {
        let (counter, remembered) = (Counter(), RememberedSummary(moment: 0))
        defer { remembered.stop() }
        counter.set(1)
        #expect(try remembered.value(counter.count).deferred == 1)
        counter.hold(true)
        #expect(
            eventually {
                _ = try? remembered.value(counter.count); return counter.counts == 2
            })
        counter.set(0)
        remembered.forget()
        counter.hold(false)
        #expect(try remembered.value(counter.count).deferred == 0)
        for _ in 0..<100 { #expect(try remembered.value(counter.count).deferred == 0) }
    }

    @Test("What is counted in a moment is counted each time")
    func short() throws {
        let (counter, remembered) = (Counter(), RememberedSummary(moment: .max))
        for entries in 0..<5 {
            counter.set(entries)
            #expect(try remembered.value(counter.count).deferred == entries)
        }
        #expect(counter.counts == 5)
    }
}
