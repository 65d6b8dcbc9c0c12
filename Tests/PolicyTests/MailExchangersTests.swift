import MailTesting
import Routing
import Testing

@Suite("Order of mail exchangers")
struct MailExchangersTests {
    private static func ordered(_ records: [(UInt16, String?)], ours: Set<String> = [], seed: UInt64 = 1) -> MailExchangers.Outcome {
        var generator = SeededGenerator(seed: seed)
        return MailExchangers.ordered(
            records.map { MXRecord(preference: $0.0, host: $0.1) }, isOurs: { ours.contains($0) }, using: &generator)
    }

    @Test("[RFC5321-5.1] lower preferences first, equal ones in any order and every order")
    func preferences() {
        var seen: Set<[String]> = []
        for seed in UInt64(1)..<200 {
            guard case .hosts(let hosts) = Self.ordered([(20, "c.test"), (10, "b.test"), (10, "a.test")], seed: seed) else {
                Issue.record("no hosts")
                continue
            }
            #expect(hosts.last == "c.test")
            seen.insert(Array(hosts.prefix(2)))
        }
        #expect(seen == [["a.test", "b.test"], ["b.test", "a.test"]])
    }

    @Test("[RFC5321-5.1] where we are one of them only better ones count, and none better is a loop")
    func loop() {
        let records: [(UInt16, String?)] = [(10, "first.test"), (20, "us.test"), (20, "peer.test"), (30, "last.test")]
        #expect(Self.ordered(records, ours: ["us.test"]) == .hosts(["first.test"]))
        #expect(Self.ordered(records, ours: ["first.test"]) == .loop)
        #expect(Self.ordered(records, ours: ["last.test", "us.test"]) == .hosts(["first.test"]))
    }

    @Test("[RFC7505-3] a single null MX takes no mail; beside others it counts for nothing; no name at all is no host")
    func null() {
        #expect(Self.ordered([(0, nil)]) == .nullMX)
        #expect(Self.ordered([(0, nil), (10, "a.test")]) == .hosts(["a.test"]))
        #expect(Self.ordered([(0, nil), (5, nil)]) == MailExchangers.Outcome.none)
    }
}
