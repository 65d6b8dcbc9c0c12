import Directory
import Forms
import Glibc
import Routing
import Testing
import Text
import Vocabulary

/// Sizes of a large site. Figures are printed, not judged: only the answers are.
@Suite(.serialized) struct ScaleTests {
    @Test func tenThousandDomainsAreFoundAsFastAsOne() throws {
        let fixture = try Fixture()
        let few = try self.nanoseconds(fixture, "x@one.test")
        let names = (0..<10_000).map { "d\($0).example.test" } + ["example.test"]
        let field = RoutingField.localMailDomains
        let start = self.now()
        try fixture.directory.configure([field.key: try field.parse(names)], by: Fixture.actor)
        let set = self.now() - start
        try fixture.add("jane@d7777.example.test")
        let many = try self.nanoseconds(fixture, "x@d9999.example.test")
        print("10,000 local mail domains: set in \(set / 1_000_000) ms; a lookup \(few) ns with one, \(many) ns with all")
        guard case .account = try fixture.resolve("JANE@D7777.Example.Test") else { throw Unexpected() }
        #expect(try fixture.resolve("x@d10000.example.test") == .remote(domain: "d10000.example.test"))
        // One more is one more row, here and in the history.
        try fixture.directory.configure([field.key: .list(names + ["new.test"])], by: Fixture.actor)
        #expect(try fixture.directory.history(limit: 1).first?.changes.first?.new == .list(["new.test"]))
        let again = try fixture.reopened()
        defer { again.close() }
        #expect(again.snapshot.isLocal("d9999.example.test") && again.snapshot.isLocal("new.test"))
    }

    /// 20,000 here, to keep the tests short; POSTOFFICE_SCALE=100000 makes it as many as a large site has.
    @Test func aHundredThousandAccountsFitInMemory() throws {
        let fixture = try Fixture()
        let verifier = Fixture.verifier("secret")
        let count = getenv("POSTOFFICE_SCALE").flatMap { Int(String(cString: $0)) } ?? 20_000
        let begun = self.now()
        for start in stride(from: 0, to: count, by: 100) {
            let inputs = try (start..<start + 100).map { number in
                var input = try AccountInput(parsing: [
                    (name: "addresses", texts: ["first.last-\(number)@example.test"]), (name: "real-name", texts: ["First Last \(number)"]),
                ])
                input.verifier = verifier
                return input
            }
            for result in try fixture.directory.addAccounts(inputs, by: Fixture.actor) { _ = try result.get() }
        }
        let added = self.now() - begun
        let before = self.residentBytes()
        let opening = self.now()
        let again = try fixture.reopened()
        defer { again.close() }
        let opened = self.now() - opening
        let memory = self.residentBytes() - before
        #expect(again.snapshot.accountCount == count + 1)
        let addresses = try stride(from: 0, to: count, by: 97).map { try Address(parsing: "First.Last-\($0)@Example.Test") }
        let looking = self.now()
        for address in addresses { guard case .account = again.snapshot.resolve(address) else { throw Unexpected() } }
        let lookup = (self.now() - looking) / Int64(addresses.count)
        let changing = self.now()
        let id = try #require(again.find("first.last-500"))
        try again.changeAccount(id, AccountInput(values: ["state": .text("locked")]), by: Fixture.actor)
        let change = self.now() - changing
        #expect(!again.snapshot.isActive(id))
        print(
            "\(count) accounts: added in \(added / 1_000_000) ms (without hashes), opened in \(opened / 1_000_000) ms, \(memory / 1_048_576) MiB, "
                + "a lookup \(lookup) ns, a change \(change / 1000) us")
    }

    private func nanoseconds(_ fixture: Fixture, _ text: String) throws -> Int64 {
        let address = try Address(parsing: text)
        let snapshot = fixture.directory.snapshot
        let start = self.now()
        var count = 0
        for _ in 0..<20_000 { if case .account = snapshot.resolve(address) { count += 1 } }
        #expect(count == 0)
        return (self.now() - start) / 20_000
    }

    private func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 200)
        guard fgets(&line, 200, file) != nil else { return 0 }
        let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
    }
}
