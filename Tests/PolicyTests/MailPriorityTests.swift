import Policy
import Testing

@Suite("Who goes first")
struct MailPriorityTests {
    @Test("short mail of people is before large mail, that before lists and reports")
    func classes() {
        #expect(MailPriority(of: .init(recipients: 1, size: 1000)) == .normal)
        #expect(MailPriority(of: .init(recipients: 51, size: 1000)) == .later)
        #expect(MailPriority(of: .init(recipients: 1, size: 6 << 20)) == .later)
        #expect(MailPriority(of: .init(recipients: 1, size: 1, precedence: "Bulk")) == .bulk)
        #expect(MailPriority(of: .init(recipients: 1, size: 1, precedence: "first-class")) == .normal)
        #expect(MailPriority(of: .init(recipients: 1, size: 1, isReport: true)) == .bulk)
        #expect(MailPriority(of: .init(recipients: 1, size: 1, isAutomatic: true)) == .bulk)
    }

    @Test("while all wait, each gets its share and nobody starves")
    func turns() {
        var turns = MailPriority.Turns()
        var counts: [MailPriority: Int] = [:]
        // One of the lowest takes 4 of the next, 20 of the one above, 100 of the highest.
        for _ in 0..<(125 * 40) {
            guard let next = turns.next(of: Set(MailPriority.allCases)) else { continue }
            counts[next, default: 0] += 1
        }
        #expect(counts == [.bulk: 40, .later: 160, .normal: 800, .urgent: 4000])
    }

    @Test("who waits alone goes at once; nobody waits, nobody goes")
    func alone() {
        var turns = MailPriority.Turns()
        for priority in MailPriority.allCases {
            for _ in 0..<10 { #expect(turns.next(of: [priority]) == priority) }
        }
        #expect(turns.next(of: []) == nil)
    }
}
