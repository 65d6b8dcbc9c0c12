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
