import Routing
import Testing
import Text
import Vocabulary

/// Domains and accounts in a few lines.
private struct SmallTable: RoutingTable {
    var rules = RoutingRules(hostName: "host.a.test", mainDomain: "a.test", completionDomain: "a.test")
    var domains: Set<String> = ["a.test", "b.test"]
    var entries: [String: RoutingEntry] = [:]
    var postmaster: LocalRecipient? = SmallTable.recipient(1, "postmaster@host.a.test")
    var postmasterDelivery: [Address] = []

    static func recipient(_ id: Int64, _ primary: String) -> LocalRecipient {
        let parts = primary.split(separator: "@").map(String.init)
        return LocalRecipient(
            account: AccountID(rawValue: id), primary: Address(localPart: parts[0], domain: parts[1]), delivery: .mailbox, quota: nil)
    }

    mutating func add(_ id: Int64, _ address: String) { self.entries[address] = .account(Self.recipient(id, address)) }
    func isLocal(_ domain: Substring) -> Bool { domain == "host.a.test" || self.domains.contains(String(domain)) }
    func entry(_ key: AddressKey) -> RoutingEntry? { self.entries[key.text] }

    func resolve(_ localPart: String, _ domain: String, own: IPAddress? = nil) -> Resolution {
        Resolver(self, ownAddress: own).resolve(Address(localPart: localPart, domain: domain))
    }
}

@Suite struct ResolverTests {
    private static let table: SmallTable = {
        var table = SmallTable()
        table.add(2, "jane@a.test")
        table.add(3, "*@b.test")
        table.add(4, "u%h@a.test")
        table.add(5, "jane+vip@a.test")
        table.entries["gone@a.test"] = .closed(AccountID(rawValue: 9))
        table.entries["one@a.test"] = .alias(Address(localPart: "two", domain: "a.test"))
        table.entries["two@a.test"] = .alias(Address(localPart: "one", domain: "a.test"))
        table.entries["out@a.test"] = .alias(Address(localPart: "x", domain: "far.test"))
        table.entries["in@far.test"] = .alias(Address(localPart: "jane", domain: "a.test"))
        return table
    }()

    private func account(_ resolution: Resolution) -> Int64? {
        if case .account(let found) = resolution { found.account.rawValue } else { nil }
    }

    @Test(arguments: [
        ("jane", "a.test", 2), ("JANE", "A.TEST", 2), ("jane", "", 2), ("jane+lists", "a.test", 2), ("jane+vip", "a.test", 5),
        ("jane+vip+x", "a.test", 2),
        ("anybody", "b.test", 3), ("any+body", "b.test", 3), ("u%h", "a.test", 4), ("in", "far.test", 2),
    ]) func localAddressesLeadToAccounts(localPart: String, domain: String, id: Int64) {
        #expect(self.account(Self.table.resolve(localPart, domain)) == id)
    }

    @Test func theDetailIsKeptAsTyped() throws {
        guard case .account(let recipient) = Self.table.resolve("jane+Lists+More", "a.test") else { throw Wrong() }
        #expect(recipient.detail == "Lists+More")
        #expect(recipient.match == .detailStripped)
        #expect(Self.table.resolve("+jane", "a.test") == .unknown(.noSuchAddress))
    }

    @Test(arguments: [
        ("nobody", "a.test", Resolution.unknown(.noSuchAddress)), ("gone", "a.test", .unknown(.expired)),
        ("x", "-bad-.test", .unknown(.badDomain)),
        ("one", "a.test", .unknown(.aliasLoop)), ("accounts", "a.test", .handler(.accounts)),
        ("List.Manager", "HOST.a.test", .handler(.listManager)),
        ("configuration", "b.test", .account(recipient(3, "*@b.test", .catchAll))), ("jane", "far.test", .remote(domain: "far.test")),
        ("用户", "例子.test", .remote(domain: "xn--fsqu00a.test")),
        ("out", "a.test", .redirected(Address(localPart: "x", domain: "far.test"), domain: "far.test")),
        // The switches: refused where nothing here has the address, remote or local, also before a catch-all.
        ("u%h", "far.test", .refused(.percent)), ("u%x", "a.test", .refused(.percent)), ("u%x", "b.test", .refused(.percent)),
        ("h!u", "a.test", .refused(.exclamation)), ("o'neil", "a.test", .refused(.quote)), ("a\"b", "far.test", .refused(.quote)),
        ("a@b", "a.test", .refused(.at)), ("x", "[127.0.0.1]", .remote(domain: "[127.0.0.1]")),
    ]) func theOrderOfRules(localPart: String, domain: String, expected: Resolution) {
        #expect(Self.table.resolve(localPart, domain) == expected)
    }

    private static func recipient(_ id: Int64, _ primary: String, _ match: LocalRecipient.Match) -> LocalRecipient {
        var recipient = SmallTable.recipient(id, primary)
        recipient.match = match
        return recipient
    }

    @Test func theFourSwitchesWorkOneByOne() {
        for (content, character) in [
            ("a%b", RefusedCharacter.percent), ("a!b", .exclamation), ("a'b", .quote), ("a\"b", .quote), ("a@b", .at),
        ] {
            for other in RefusedCharacter.allCases {
                var table = Self.table
                table.rules.refusals = [other]
                let refused = table.resolve(content, "far.test")
                #expect((refused == .refused(character)) == (other == character), "\(content) with only \(other)")
                table.rules.refusals = Set(RefusedCharacter.allCases).subtracting([character])
                #expect(table.resolve(content, "far.test") == .remote(domain: "far.test"))
            }
        }
    }

    @Test func bangPathsAreRewrittenOnlyWhereTheSwitchIsOff() {
        var table = Self.table
        #expect(table.resolve("h1!h2!user", "") == .refused(.exclamation))
        table.rules.refusals.remove(.exclamation)
        #expect(table.resolve("h1!h2!user", "") == .bangPath(Address(localPart: "user%h2", domain: "h1"), domain: "h1"))
        #expect(table.resolve("h1!user", "a.test") == .bangPath(Address(localPart: "user", domain: "h1"), domain: "h1"))
        // A local address with % is never a route.
        table.rules.refusals = []
        #expect(table.resolve("u%h9", "a.test") == .unknown(.noSuchAddress))
        #expect(table.resolve("!user", "a.test") == .unknown(.noSuchAddress))
    }

    @Test func thePostmasterAnswersInEveryLocalDomain() {
        var table = Self.table
        table.domains.remove("b.test")
        for (localPart, domain) in [
            ("postmaster", ""), ("PostMaster", "a.test"), ("postmaster", "host.a.test"), ("postmaster+x", "a.test"),
        ] {
            guard case .postmaster(let found) = table.resolve(localPart, domain) else {
                Issue.record("\(localPart)@\(domain) is not the postmaster")
                continue
            }
            #expect(found.local.isEmpty && found.remote.isEmpty)
        }
        table.postmasterDelivery = ["jane@a.test", "jane+x@a.test", "far@far.test", "postmaster@a.test", "nobody@a.test", "out@a.test"].map
        {
            Address(localPart: String($0.split(separator: "@")[0]), domain: String($0.split(separator: "@")[1]))
        }
        guard case .postmaster(let found) = table.resolve("postmaster", "") else { return #expect(Bool(false)) }
        #expect(found.local.map(\.account.rawValue) == [2])
        #expect(found.remote.map(\.description) == ["far@far.test", "x@far.test"])
    }

    @Test func ourOwnAddressLiteralIsThisHost() throws {
        let own = try #require(IPAddress("192.0.2.1"))
        guard case .postmaster = Self.table.resolve("postmaster", "[192.0.2.1]", own: own) else { throw Wrong() }
        #expect(Self.table.resolve("x", "[192.0.2.2]", own: own) == .remote(domain: "[192.0.2.2]"))
    }

    @Test("A circle of aliases is told once around; a literal of ours says so")
    func circleOnce() throws {
        let (resolution, steps) = Resolver(Self.table).explain(Address(localPart: "one", domain: "a.test"))
        #expect(resolution == .unknown(.aliasLoop))
        #expect(steps.map(\.rule) == [.domain, .alias, .domain, .alias, .alias])
        #expect(steps.last?.decides == true && steps.last?.text.english == "channel aliases lead in a circle")
        let own = try #require(IPAddress("192.0.2.1"))
        let told = Resolver(Self.table, ownAddress: own).explain(Address(localPart: "postmaster", domain: "[192.0.2.1]")).steps
        #expect(told.first?.text.english.hasPrefix("[192.0.2.1] is an address of this host") == true)
    }

    @Test func stepsSayWhatDecided() {
        let (resolution, steps) = Resolver(Self.table).explain(Address(localPart: "jane+x", domain: ""))
        #expect(self.account(resolution) == 2)
        #expect(steps.map(\.rule) == [.completion, .domain, .address, .detail, .address])
        #expect(steps.map(\.decides) == [false, false, false, false, true])
    }
}

private struct Wrong: Error {}
