import MailTesting
import Routing
import Testing
import Text
import Vocabulary

/// A table made by chance.
private struct ChanceTable: RoutingTable {
    var rules: RoutingRules
    var domains: Set<String> = []
    var entries: [String: RoutingEntry] = [:]
    var postmaster: LocalRecipient?
    var postmasterDelivery: [Address] = []
    var routes = RouteTable()

    func isLocal(_ domain: Substring) -> Bool { domain == self.rules.hostName || self.domains.contains(String(domain)) }
    func entry(_ key: AddressKey) -> RoutingEntry? { self.entries[key.text] }
    func returned(_ localPart: String) -> ReturnedSender? {
        localPart.hasPrefix("srs0=") ? .to(Address(localPart: String(localPart.dropFirst(5)), domain: "far.test")) : nil
    }
}

@Suite("Resolution, over tables made by chance")
struct ResolverPropertyTests {
    private static let domains = ["a.test", "b.test", "far.test", "host.a.test", "x.far.test"]
    private static let locals = [
        "jane", "bob", "*", "jane+x", "o'neil", "u%h", "h1!u", "h.test!v!u", "postmaster", "accounts", "srs0=jane", "a@b", "",
    ]

    private func table(_ generator: inout SeededGenerator) -> ChanceTable {
        var rules = RoutingRules(
            hostName: "host.a.test", mainDomain: "a.test", completionDomain: Bool.random(using: &generator) ? "a.test" : nil)
        rules.refusals = Set(RefusedCharacter.allCases.filter { _ in Bool.random(using: &generator) })
        var table = ChanceTable(rules: rules)
        table.domains = Set(Self.domains.prefix(3).filter { _ in Bool.random(using: &generator) })
        for number in 0..<Int.random(in: 0...8, using: &generator) {
            let address = self.address(&generator)
            guard let key = AddressKey(address) else { continue }
            table.entries[key.text] =
                switch Int.random(in: 0...3, using: &generator) {
                case 0: .alias(self.address(&generator))
                case 1: .closed(AccountID(rawValue: Int64(number)))
                default:
                    .account(
                        LocalRecipient(account: AccountID(rawValue: Int64(number)), primary: address, delivery: .mailbox, quota: nil))
                }
        }
        return table
    }

    private func address(_ generator: inout SeededGenerator) -> Address {
        Address(
            localPart: Self.locals.randomElement(using: &generator) ?? "x",
            domain: Self.domains.randomElement(using: &generator) ?? "a.test")
    }

    @Test("mail for a local domain never leaves by itself, a refused character is never passed on, and the explanation is the decision")
    func invariants() {
        var generator = SeededGenerator(seed: 71)
        for _ in 0..<20_000 {
            let table = self.table(&generator)
            var address = self.address(&generator)
            if Int.random(in: 0...9, using: &generator) == 0 { address = Address(localPart: address.localPart, domain: "") }
            let resolver = Resolver(table)
            let resolution = resolver.resolve(address)
            let explained = resolver.explain(address)
            #expect(explained.resolution == resolution)
            #expect(explained.steps.contains { $0.decides }, "\(address): nothing decided")
            switch resolution {
            case .remote(let domain):
                #expect(!table.isLocal(Substring(domain)))
                #expect(table.rules.refused(in: address.localPart) == nil, "\(address) went on")
            case .redirected(_, let domain): #expect(!table.isLocal(Substring(domain)))
            case .bangPath(let target, let domain):
                #expect(!table.rules.refusals.contains(.exclamation))
                #expect(!table.isLocal(Substring(domain)))
                #expect(!target.localPart.contains("!"))
            case .refused(let character): #expect(table.rules.refusals.contains(character))
            case .account, .postmaster, .handler, .unknown: break
            }
        }
    }

    @Test("routes do not change what an address is: the same resolution with and without a table of routes")
    func routesChangeOnlyTheHop() {
        var generator = SeededGenerator(seed: 72)
        for _ in 0..<5000 {
            var table = self.table(&generator)
            let address = self.address(&generator)
            let plain = Resolver(table).resolve(address)
            table.routes = RouteTable([Route(.exactly("far.test"), .hold), Route(.any, .host("gw.test"), port: 2525)])
            #expect(Resolver(table).resolve(address) == plain)
        }
    }

    @Test("addresses of our own people pass the switches; strangers' do not")
    func targets() {
        let table = ChanceTable(rules: RoutingRules(hostName: "host.a.test", mainDomain: "a.test"))
        let address = Address(localPart: "o'neil", domain: "far.test")
        #expect(Resolver(table).resolve(address) == .refused(.quote))
        #expect(Resolver(table).resolveTarget(address) == .remote(domain: "far.test"))
        #expect(
            Resolver(table).resolve(Address(localPart: "srs0=o'neil", domain: "host.a.test")) == .redirected(address, domain: "far.test"))
    }
}
