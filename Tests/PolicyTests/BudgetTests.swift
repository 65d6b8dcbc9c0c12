import MailTesting
import Policy
import Testing

@Suite struct BudgetTests {
    @Test func aBudgetIsSpentAndComesBackWithTime() {
        let clock = ManualClock()
        var budget = GlitchBudget(limit: 3, window: 60)
        var spent = (0..<4).map { _ in budget.spend(at: clock.now) }
        #expect(spent == [true, true, true, false])
        clock.advance(121)
        spent = [budget.spend(at: clock.now)]
        #expect(spent == [true])
    }

    @Test func theBorderOfTwoWindowsIsNoLoophole() {
        var counter = RateCounter(window: 60)
        for _ in 0..<100 { _ = counter.add(at: 1059) }
        // One second later another fixed window would have begun and shown 1.
        let count = counter.add(at: 1060)
        #expect(count > 90)
    }

    @Test("When a count falls below a limit is foretold to the second")
    func falls() {
        var counter = RateCounter(window: 600)
        #expect(counter.falls(below: 1, after: 1000) == 1000)
        for _ in 0..<10 { _ = counter.add(at: 1000) }
        let time = counter.falls(below: 5, after: 1100)
        var (before, after) = (counter, counter)
        #expect(before.count(at: time - 1) >= 5 && after.count(at: time) < 5)
        #expect((1101...2200).contains(time))
        #expect(counter.falls(below: 11, after: 1100) == 1100)
        #expect(RateCounter(window: .max).falls(below: 1, after: .max) == .max)
    }

    @Test("R11 a clock that jumps neither traps nor blocks for ever", arguments: [Int64.min, -1, 0, 1, Int64.max])
    func jumps(to time: Int64) {
        var counter = RateCounter(window: 60)
        var counts = [1000, time, 1000].map { counter.add(at: $0) }
        #expect(counts.allSatisfy { (1...3).contains($0) })
        counter = RateCounter(window: Int64.max)
        counts = [time, 1000].map { counter.add(at: $0) }
        #expect(counts.allSatisfy { (1...2).contains($0) })
    }
}
