import Policy
import Testing

@Suite struct STSPolicyTests {
    private func policy(_ text: String) -> STSPolicy? { STSPolicy(Array(text.utf8)) }

    @Test("T5 a policy is read with either line end, keys in any order, the first of doubled ones, and unknown keys passed over")
    func reading() throws {
        let policy = try #require(
            self.policy(
                "version: STSv1\r\nmode: enforce\r\nmx: mail.Example.com\r\nmx: *.example.net\r\nfuture: x: y\r\nmax_age: 604800\r\nmode: none\r\n"
            ))
        #expect(policy == STSPolicy(mode: .enforce, maxAge: 604_800, patterns: ["mail.example.com", "*.example.net"]))
        #expect(self.policy("max_age:5\nmode:none\nversion:STSv1")?.mode == STSPolicy.Mode.none)
        #expect(self.policy(policy.lines.joined(separator: "\n")) == policy)
        #expect(self.policy("version: STSv1\nmode: testing\nmx: a.b\nmax_age: 9999999999\n")?.maxAge == STSPolicy.longestAge)
    }

    @Test(
        "What is no policy is none",
        arguments: [
            "", "version: STSv2\nmode: enforce\nmx: a.b\nmax_age: 1", "mode: enforce\nmx: a.b\nmax_age: 1",
            "version: STSv1\nmx: a.b\nmax_age: 1",
            "version: STSv1\nmode: enforce\nmax_age: 1", "version: STSv1\nmode: strict\nmx: a.b\nmax_age: 1",
            "version: STSv1\nmode: enforce\nmx: a.b", "version: STSv1\nmode: enforce\nmx: a.b\nmax_age: -1",
            "version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 99999999999", "version: STSv1\nmode: enforce\nmx: a..b\nmax_age: 1",
            "version: STSv1\nmode: enforce\nmx: *\nmax_age: 1", "version: STSv1\nmode: enforce\nmx: a.*.b\nmax_age: 1",
            "version: STSv1\nmode: enforce\nmx: a\u{0}b\nmax_age: 1", "<html>version: STSv1</html>",
        ])
    func notReading(_ text: String) { #expect(self.policy(text) == nil) }

    @Test func tooLongIsNone() {
        #expect(self.policy("version: STSv1\nmode: none\nmax_age: 1\n" + String(repeating: "x: y\n", count: 20_000)) == nil)
        let many = String(repeating: "mx: a.b\n", count: STSPolicy.mostPatterns + 1)
        #expect(self.policy("version: STSv1\nmode: enforce\nmax_age: 1\n" + many) == nil)
    }

    @Test("T5 a wildcard stands for exactly one label")
    func matching() {
        let policy = STSPolicy(mode: .enforce, maxAge: 1, patterns: ["mail.example.com", "*.example.net"])
        for host in ["mail.example.com", "mx1.example.net"] { #expect(policy.allows(host), "\(host)") }
        for host in [
            "example.net", "a.b.example.net", "xmail.example.com", "example.com", ".example.net", "", "mail.example.com.evil.test",
        ] {
            #expect(!policy.allows(host), "\(host)")
        }
    }

    @Test func recordsAreRead() {
        func id(_ texts: String...) -> String? { TransportRecord.policyID(texts.map { Array($0.utf8) }) }
        #expect(id("v=STSv1; id=20160831085700Z;") == "20160831085700Z")
        #expect(id("other", "v=STSv1;id=1;future=2") == "1")
        #expect(id("v=STSv1; id=1;", "v=STSv1; id=2;") == nil)
        for bad in [
            "v=STSv1", "v=STSv1; id=;", "v=STSv1; id=a-b;", "id=1; v=STSv1", "v=STSv12; id=1;",
            "v=STSv1; id=\(String(repeating: "1", count: 33))",
        ] {
            #expect(id(bad) == nil, "\(bad)")
        }
        func uris(_ text: String) -> [String] { TransportRecord.reportURIs([Array(text.utf8)]) }
        #expect(uris("v=TLSRPTv1; rua=mailto:reports@example.com") == ["mailto:reports@example.com"])
        #expect(uris("v=TLSRPTv1;rua=https://r.example.com/v1, mailto:a@b.c;") == ["https://r.example.com/v1", "mailto:a@b.c"])
        #expect(uris("v=TLSRPTv1;") == [] && uris("rua=mailto:a@b.c") == [])
    }
}
