import MailTesting
import Routing
import Testing
import Vocabulary

@Suite("The mail routing table")
struct RouteTableTests {
    /// The manual's rule, spelled out: the first row that covers the domain.
    private func firstMatch(_ routes: [Route], _ domain: String) -> Route? {
        routes.first { route in
            switch route.pattern {
            case .any: true
            case .exactly(let name): name == domain
            case .below(let name): domain.hasSuffix(".\(name)") && !domain.hasPrefix("[")
            }
        }
    }

    @Test("the look-up finds the first row that covers the domain, whatever the order")
    func property() {
        var generator = SeededGenerator(seed: 3)
        let labels = ["a", "b", "test", "x"]
        func name() -> String {
            (0..<Int.random(in: 1...4, using: &generator)).map { _ in labels.randomElement(using: &generator) ?? "a" }.joined(
                separator: ".")
        }
        for _ in 0..<3000 {
            let routes = (0..<Int.random(in: 0...12, using: &generator)).map { index -> Route in
                let pattern: Route.Pattern =
                    switch Int.random(in: 0...5, using: &generator) {
                    case 0: .any
                    case 1...3: .below(name())
                    default: .exactly(name())
                    }
                return Route(pattern, .host("h\(index).test"))
            }
            let table = RouteTable(routes)
            for domain in [name(), name(), "[192.0.2.1]", "test", "."] {
                #expect(table.route(for: domain) == self.firstMatch(routes, domain), "\(routes) \(domain)")
            }
        }
    }

    @Test("the manual's firewall table: own domain directly, everything else to the gateway")
    func manual() {
        let table = RouteTable([
            Route(.below("podunk.edu"), .recipientDomain), Route(.exactly("podunk.edu"), .recipientDomain),
            Route(.any, .host("gw.podunk.edu")),
        ])
        #expect(table.hop(for: "math.podunk.edu") == .domain("math.podunk.edu", port: 25))
        #expect(table.hop(for: "podunk.edu") == .domain("podunk.edu", port: 25))
        #expect(table.hop(for: "example.com") == .host("gw.podunk.edu", port: 25))
        #expect(RouteTable().hop(for: "example.com") == .domain("example.com", port: 25))
    }

    @Test(
        "rows are read from the form's cells and written as on the form",
        arguments: [
            (["*", "gw.test", ""], "[*:gw.test]"), (["*.a.test", "*", "2525"], "[*.a.test:*:2525]"),
            (["a.test", "192.0.2.1", "29025"], "[a.test:192.0.2.1:29025]"),
            (["a.test", "[2001:db8::1]", "25"], "[a.test:[2001:db8::1]]"), (["a.test", "[mx.test]", ""], "[a.test:[mx.test]]"),
            (["*", "hold", ""], "[*:hold]"),
        ])
    func rows(_ cells: [String], _ written: String) throws {
        let route = try #require(Route(cells: cells))
        #expect(route.description == written)
    }

    @Test("damaged cells give no route")
    func damaged() {
        for cells in [
            [], ["*"], ["", "x"], ["*", ""], ["*", "x", "0"], ["*", "x", "65536"], ["*", "x", "-"], ["*.", "x"], ["*", "[]"],
        ] {
            #expect(Route(cells: cells) == nil, "\(cells)")
        }
    }

    @Test("every hop is explained in both languages")
    func explained() throws {
        let address = try #require(IPAddress("192.0.2.1"))
        let table = RouteTable([Route(.exactly("a.test"), .hold), Route(.any, .address(address), port: 2525)])
        #expect(table.step(for: "a.test").text.english.contains("[a.test:hold]"))
        #expect(table.step(for: "b.test").text.english.contains("192.0.2.1, port 2525"))
        #expect(RouteTable().step(for: "b.test").text.english.contains("MX"))
        #expect(RouteTable().step(for: "b.test").text.japanese.contains("MX"))
    }

}
