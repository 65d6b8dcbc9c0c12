import MailTesting
import Policy
import Testing

@Suite("When waiting mail is tried, warned about and returned")
struct QueuePolicyTests {
    private let policy = QueuePolicy()
    private let start: Int64 = 1_000_000

    @Test("the times of the design: 5, 15, 30 min, 1, 2, 4 h, then every 4 h; warning after 24 h; return after 5 days")
    func standard() {
        var now = self.start
        var delays: [Int64] = []
        var attempts = 1
        while let next = self.policy.nextAttempt(after: attempts, acceptedAt: self.start, isReport: false, now: now) {
            delays.append(next - now)
            now = next
            attempts += 1
            if attempts > 100 { break }
        }
        #expect(Array(delays.prefix(8)) == [300, 900, 1800, 3600, 7200, 14_400, 14_400, 14_400])
        #expect(now == self.start + 5 * 86_400)
        #expect(!self.policy.isWarningDue(acceptedAt: self.start, wasWarned: false, isReport: false, now: self.start + 86_399))
        #expect(self.policy.isWarningDue(acceptedAt: self.start, wasWarned: false, isReport: false, now: self.start + 86_400))
        #expect(!self.policy.isWarningDue(acceptedAt: self.start, wasWarned: true, isReport: false, now: self.start + 86_400))
        #expect(!self.policy.isWarningDue(acceptedAt: self.start, wasWarned: false, isReport: true, now: self.start + 86_400))
        #expect(self.policy.nextAttempt(after: 9, acceptedAt: self.start, isReport: true, now: self.start + 2 * 86_400) == nil)
    }

    @Test("the next attempt is always in the future and never behind the expiry; the spread takes off an eighth at most")
    func properties() {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<5000 {
            let delays = (0..<Int.random(in: 0...4, using: &generator)).map { _ in Int64.random(in: -5...100_000, using: &generator) }
            let policy = QueuePolicy(
                delays: delays, warnAfter: nil, giveUpAfter: Int64.random(in: 0...500_000, using: &generator),
                giveUpReportsAfter: Int64.random(in: 0...500_000, using: &generator))
            let starts: [Int64] = [0, self.start, .max - 5, .min + 5]
            let accepted = starts.randomElement(using: &generator) ?? 0
            let times: [Int64] = [accepted, accepted &+ 1000, .max, .min]
            let now = times.randomElement(using: &generator) ?? 0
            let attempts = Int.random(in: -1...10, using: &generator)
            let isReport = Bool.random(using: &generator)
            let full = policy.nextAttempt(after: attempts, acceptedAt: accepted, isReport: isReport, now: now)
            let spread = policy.nextAttempt(
                after: attempts, acceptedAt: accepted, isReport: isReport, now: now, spread: Int64.random(in: -10...2000, using: &generator)
            )
            let expiry = policy.expiry(acceptedAt: accepted, isReport: isReport)
            #expect((full == nil) == (now >= expiry))
            #expect((spread == nil) == (full == nil))
            if let full, let spread {
                #expect(full > now && full <= expiry)
                #expect(spread > now && spread <= full)
                // The subtraction cannot overflow: both are behind now.
                #expect(full - spread <= (full - now) / 8 + 1 || full == expiry)
            }
        }
    }
}
