import Bytes
import NIOCore
import Search
import Testing
import Vocabulary

/// What flags decide alone is what everything together decides.
@Suite("Search plans asked of flags alone")
struct FlagPlanTests {
    private static let leaves: [SearchKey] = [
        .all, .flags(.seen), .flags(.flagged), .flags([.seen, .deleted]), .keyword("$Forwarded"), .keyword("$None"), .uids(UIDSet(1...20)),
        .uids(UIDSet(10...30)), .larger(40), .recent, .subject("x"), .body("word"),
        .internalDate(DateTest(.before, CalendarDay(number: 0))),
        .modSeq(ModSeq(rawValue: 7)),
    ]

    private func key(_ depth: Int, _ random: inout SeededRandom) -> SearchKey {
        guard depth > 0, Bool.random(using: &random) else { return Self.leaves.randomElement(using: &random) ?? .all }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return .not(self.key(depth - 1, &random))
        case 1: return .or(self.key(depth - 1, &random), self.key(depth - 1, &random))
        case 2: return .fuzzy(self.key(depth - 1, &random))
        default: return .and((0..<Int.random(in: 1...3, using: &random)).map { _ in self.key(depth - 1, &random) })
        }
    }

    @Test("random programs and messages: no contradiction, and flags alone decide programs of flags alone")
    func agrees() throws {
        var random = SeededRandom(seed: 20_261_122)
        var samples = [Sample("Subject: x\r\n\r\nword\r\n"), Sample("Subject: y\r\n\r\n\r\n")]
        var decided = 0
        for _ in 0..<20_000 {
            let key = self.key(4, &random)
            let plan = try #require(SearchPlan(SearchProgram(key), Sample.context))
            let index = Int.random(in: 0..<samples.count, using: &random)
            samples[index].facts.flags = Flags(rawValue: UInt64.random(in: 0..<64, using: &random))
            samples[index].facts.uid = UID(rawValue: UInt32.random(in: 1...40, using: &random))
            let sample = samples[index]
            if plan.uids?.contains(sample.facts.uid) == false { continue }
            let verdict = plan.decide(flags: sample.facts.flags)
            guard verdict != .unknown else { continue }
            decided += 1
            #expect(verdict == plan.decide(sample.facts, sample.summary, sample.text), "\(key), \(sample.facts)")
        }
        #expect(decided > 5000)
        for key in [SearchKey.not(.flags(.seen)), .and([.uids(UIDSet(1...9)), .flags(.flagged)]), .or(.flags(.seen), .keyword("$none"))] {
            let plan = try #require(SearchPlan(SearchProgram(key), Sample.context))
            #expect(plan.asksFlags)
            #expect(plan.decide(flags: []) != .unknown && plan.decide(flags: .seen) != .unknown)
        }
        #expect(try #require(SearchPlan(SearchProgram(.and([.subject("x"), .larger(1)])), Sample.context)).asksFlags == false)
    }
}
