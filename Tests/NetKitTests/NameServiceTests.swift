import Glibc
import MailTesting
import NIOCore
import NetKit
import Routing
import Synchronization
import Testing
import Vocabulary

/// Both contexts against a real name server with signed zones, and what stands between: relays that lose signatures, forgers, silence.
@Suite(.serialized) struct NameServiceTests {
    private static let zones = [
        SignedDNS.Zone(
            "good.example",
            [
                "good.example. IN MX 10 mx.good.example.", "mx.good.example. IN A 192.0.2.1",
                "alias.good.example. IN CNAME mx.good.example.",
                "_25._tcp.mx.good.example. IN TLSA 3 1 1 \(String(repeating: "ab", count: 32))",
            ]),
        SignedDNS.Zone(
            "forged.example", ["forged.example. IN MX 10 mx.forged.example.", "mx.forged.example. IN A 192.0.2.2"],
            forge: { $0.replacing("192.0.2.2", with: "192.0.2.66") }),
        SignedDNS.Zone(
            "plain.example", ["plain.example. IN MX 10 mx.plain.example.", "mx.plain.example. IN A 192.0.2.3"], isSigned: false),
    ]

    private final class World {
        let dns: SignedDNS
        let reports = Reports()

        init() throws { self.dns = try SignedDNS(NameServiceTests.zones) }

        func settings(_ port: Int?, direct: Bool = false, hosts: String = "") throws -> NameService.Settings {
            var settings = NameService.Settings()
            let loopback = try #require(IPAddress("127.0.0.1"))
            // Nobody answers on port 1.
            settings.servers = [ResolverSettings.Server(loopback, port: port ?? 1)]
            settings.roots = [ResolverSettings.Server(loopback, port: direct ? self.dns.port : 1)]
            settings.anchors = [self.dns.anchor]
            settings.hostsFile = hosts
            settings.probeDeadline = .seconds(30)
            return settings
        }

        func service(_ settings: NameService.Settings) throws -> NameService {
            let reports = self.reports
            return try NameService(settings) { reports.add($0) }
        }
    }

    private final class Reports: Sendable {
        private let all = Mutex<[NameService.Validation]>([])
        func add(_ validation: NameService.Validation) { self.all.withLock { $0.append(validation) } }
        var last: NameService.Validation? { self.all.withLock { $0.last } }
    }

    @Test("A name server that was away is asked again at once when a person says so, and soon by itself")
    func renewing() throws {
        let server = LocalNameServer()
        defer { server.stop() }
        server.set("back.example", type: 1, .silent)
        var settings = NameService.Settings()
        settings.servers = [ResolverSettings.Server(try #require(IPAddress("127.0.0.1")), port: server.port)]
        settings.anchors = []
        settings.hostsFile = ""
        let service = try NameService(settings)
        defer { service.shutDown() }
        for resolver in [service.delivery, service.plain] {
            #expect(throws: DNSFailure.self) { try self.ask(resolver, "back.example", .a, within: .seconds(2)).get() }
        }
        server.set("back.example", type: 1, .records([[192, 0, 2, 8]]))
        service.renew()
        for resolver in [service.delivery, service.plain] {
            let answer = try self.ask(resolver, "back.example", .a).get()
            #expect(answer.records == .addresses([IPAddress("192.0.2.8")].compactMap { $0 }))
        }
    }

    private func ask(
        _ resolver: any NetKit.Resolver, _ name: String, _ type: DNSType, within deadline: TimeAmount = .seconds(60)
    ) throws -> Result<DNSAnswer, DNSFailure> {
        let result = Promised<Result<DNSAnswer, DNSFailure>>()
        _ = resolver.ask(name, type, within: deadline) { result.give($0) }
        return try result.wait(for: "\(name) \(type)", seconds: 120)
    }

    private func isSecure(_ result: Result<DNSAnswer, DNSFailure>) -> Bool? { (try? result.get())?.isSecure }

    @Test("Signed answers are secure, unsigned ones are not, forged ones are none")
    func validation() throws {
        let world = try World()
        let service = try world.service(world.settings(world.dns.port))
        defer { service.shutDown() }
        #expect(self.isSecure(try self.ask(service.delivery, "good.example", .mx)) == true)
        #expect(self.isSecure(try self.ask(service.delivery, "mx.good.example", .a)) == true)
        #expect(self.isSecure(try self.ask(service.delivery, "_25._tcp.mx.good.example", .tlsa)) == true)
        let alias = try self.ask(service.delivery, "alias.good.example", .a).get()
        #expect(alias.isSecure && alias.canonicalName == "mx.good.example")
        #expect(self.isSecure(try self.ask(service.delivery, "plain.example", .mx)) == false)
        #expect(try self.ask(service.delivery, "mx.forged.example", .a) == .failure(.bogus))
        #expect(try self.ask(service.delivery, "none.good.example", .a) == .failure(.noName))
        #expect(service.validation == .forwarded)
        // The other context believes what it hears, and calls nothing secure.
        #expect(self.isSecure(try self.ask(service.plain, "mx.forged.example", .a)) == false)
        #expect(self.isSecure(try self.ask(service.plain, "good.example", .mx)) == false)
    }

    @Test("Name servers that strip signatures are passed by: the root is asked")
    func stripping() throws {
        let world = try World()
        let relay = try StrippingRelay(to: world.dns.port)
        defer { relay.stop() }
        let service = try world.service(world.settings(relay.port, direct: true))
        defer { service.shutDown() }
        #expect(self.isSecure(try self.ask(service.delivery, "good.example", .mx)) == true)
        #expect(service.validation == .direct)
        #expect(try self.ask(service.delivery, "mx.forged.example", .a) == .failure(.bogus))
    }

    @Test("Where the root cannot be asked either, mail goes on without validation, and a change is noticed at once")
    func strippingAlone() throws {
        let world = try World()
        let relay = try StrippingRelay(to: world.dns.port)
        defer { relay.stop() }
        let service = try world.service(world.settings(relay.port))
        defer { service.shutDown() }
        #expect(self.isSecure(try self.ask(service.delivery, "good.example", .mx)) == false)
        #expect(service.validation == .off(answers: true))
        service.change(try world.settings(world.dns.port))
        #expect(eventually(within: 60) { service.validation == .forwarded })
        #expect(self.isSecure(try self.ask(service.delivery, "good.example", .mx)) == true)
        #expect(world.reports.last == .forwarded)
    }

    @Test("Where nothing can be validated, a change of the name servers reaches deliveries all the same")
    func otherServers() throws {
        let world = try World()
        let other = try SignedDNS([SignedDNS.Zone("good.example", ["good.example. IN MX 10 other.good.example."])])
        let (first, second) = (try StrippingRelay(to: world.dns.port), try StrippingRelay(to: other.port))
        defer {
            first.stop()
            second.stop()
        }
        let service = try world.service(world.settings(first.port))
        defer { service.shutDown() }
        func exchanger() -> String? {
            guard case .exchanges(let records)? = try? self.ask(service.delivery, "good.example", .mx).get().records else { return nil }
            return records.first?.host
        }
        #expect(exchanger() == "mx.good.example")
        #expect(eventually { service.validation == .off(answers: true) })
        service.change(try world.settings(second.port))
        #expect(eventually(within: 60) { exchanger() == "other.good.example" })
        #expect(service.validation == .off(answers: true))
    }

    @Test("A network without DNS has its hosts file, and waits for nothing that stands in it")
    func noDNS() throws {
        let world = try World()
        let directory = TemporaryDirectory("hosts")
        directory.write("hosts", "192.0.2.7 mail.inside.lan mail # the hub\n2001:db8::7 Mail.Inside.LAN.\nrubbish here\n")
        var settings = try world.settings(nil, hosts: directory("hosts"))
        settings.probeDeadline = .seconds(2)
        let service = try world.service(settings)
        defer { service.shutDown() }
        // Before it is known that nobody answers: the file is enough.
        let four = try self.ask(service.delivery, "mail.inside.lan", .a).get()
        #expect(four.records == .addresses([try #require(IPAddress("192.0.2.7"))]) && !four.isSecure)
        #expect(try self.ask(service.delivery, "mail", .aaaa) == .failure(.noRecords))
        #expect(eventually(within: 60) { service.validation == .off(answers: false) })
        // An answer of a name server would take as long as the deadline, which is an hour here.
        #expect(try self.ask(service.delivery, "mail.inside.lan", .mx, within: .hours(1)) == .failure(.noRecords))
        let names = try self.ask(service.plain, "7.2.0.192.in-addr.arpa", .ptr, within: .hours(1)).get()
        #expect(names.records == .names(["mail.inside.lan", "mail"]))
        directory.write("hosts", "192.0.2.8 other.lan\n")
        #expect(
            eventually(within: 60) {
                (try? self.ask(service.plain, "other.lan", .a, within: .seconds(1)).get())?.records
                    == .addresses([IPAddress("192.0.2.8")].compactMap { $0 })
            })
    }

    @Test("No wish for validation, none")
    func unwanted() throws {
        let world = try World()
        var settings = try world.settings(world.dns.port)
        settings.anchors = []
        let service = try world.service(settings)
        defer { service.shutDown() }
        #expect(self.isSecure(try self.ask(service.delivery, "good.example", .mx)) == false)
        #expect(service.validation == .unwanted)
    }

    @Test("Questions under way end when the service does, and those that wait can be taken back")
    func endings() throws {
        let silent = LocalNameServer()
        defer { silent.stop() }
        silent.set(".", type: 48, .silent)
        silent.set("", type: 48, .silent)
        var settings = NameService.Settings()
        settings.servers = [ResolverSettings.Server(try #require(IPAddress("127.0.0.1")), port: silent.port)]
        settings.roots = [ResolverSettings.Server(try #require(IPAddress("127.0.0.1")), port: 1)]
        settings.hostsFile = ""
        settings.probeDeadline = .seconds(3)
        let service = try NameService(settings)
        let (back, left) = (Promised<Result<DNSAnswer, DNSFailure>>(), Promised<Result<DNSAnswer, DNSFailure>>())
        service.delivery.ask("a.example", .a, within: .seconds(60)) { back.give($0) }.cancel()
        _ = service.delivery.ask("b.example", .a, within: .seconds(60)) { left.give($0) }
        service.shutDown()
        #expect(try back.wait(for: "the one taken back") == .failure(.cancelled))
        #expect(try left.wait(for: "the one that was left") == .failure(.cancelled))
    }

    /// What a hostile or broken name server may send. Each must end in a failure or in nothing at all, within the deadline.
    private static let lies: [@Sendable ([UInt8]) -> [UInt8]] = [
        { _ in [] },
        { Array($0.prefix(5)) },
        { Array($0.prefix(12)) },
        { $0 },
        // Truncated, and nobody takes TCP.
        { Self.head($0, 0x83, 0x80, answers: 0) },
        // Another question's number.
        { [$0[0] ^ 0xFF, $0[1]] + Self.head($0, 0x81, 0x80, answers: 0).dropFirst(2) },
        // Sixty-five thousand records, and none there.
        { Self.head($0, 0x81, 0x80, answers: 65_535) },
        // A name that points at itself.
        { Self.head($0, 0x81, 0x80, answers: 1) + [0xC0, UInt8(truncatingIfNeeded: $0.count), 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 1, 2, 3, 4] },
        // Data that goes beyond the end.
        { Self.head($0, 0x81, 0x80, answers: 1) + [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0xFF, 0xFF, 1, 2, 3, 4] },
        // An alias that leads to itself.
        { Self.head($0, 0x81, 0x80, answers: 1) + [0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xC0, 12] },
        // An address three octets long.
        { Self.head($0, 0x81, 0x80, answers: 1) + [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 3, 1, 2, 3] },
        // Another name's address.
        { Self.head($0, 0x81, 0x80, answers: 1) + LocalNameServer.wire("other.example") + [0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 6, 6, 6, 6] },
        { query in [query[0], query[1]] + (0..<200).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) } },
        { query in [query[0], query[1], 0x81, 0x80] + [UInt8](repeating: 0xFF, count: 4000) },
    ]

    /// Header and question of an answer.
    private static func head(_ query: [UInt8], _ first: UInt8, _ second: UInt8, answers: Int) -> [UInt8] {
        let end = (query[12...].firstIndex(of: 0) ?? 12) + 5
        return [query[0], query[1], first, second, 0, 1, UInt8(answers >> 8), UInt8(answers & 0xFF), 0, 0, 0, 0] + query[12..<end]
    }

    @Test("P6 a name server that lies, truncates or talks nonsense is believed nothing, and the next question is answered")
    func evil() throws {
        let server = LocalNameServer()
        defer { server.stop() }
        var settings = ResolverSettings()
        settings.servers = [ResolverSettings.Server(try #require(IPAddress("127.0.0.1")), port: server.port)]
        settings.hostsFile = ""
        let resolver = try UnboundResolver(settings)
        defer { resolver.shutDown() }
        server.set("honest.example", type: 1, .records([[192, 0, 2, 9]]))
        for (number, lie) in Self.lies.enumerated() { server.set("lie\(number).example", type: 1, .raw(lie)) }
        let answers = (0..<Self.lies.count).map { _ in Promised<Result<DNSAnswer, DNSFailure>>() }
        for (number, answer) in answers.enumerated() {
            _ = resolver.ask("lie\(number).example", .a, within: .seconds(3)) { answer.give($0) }
        }
        for (number, answer) in answers.enumerated() {
            switch try answer.wait(for: "lie \(number)") {
            case .failure: break
            case .success(let believed): #expect(believed.records == .addresses([]), "lie \(number)")
            }
        }
        // Its name server may be taken for dead for a moment; another context asks afresh.
        let fresh = try UnboundResolver(settings)
        defer { fresh.shutDown() }
        #expect(try self.ask(fresh, "honest.example", .a).get().records == .addresses([try #require(IPAddress("192.0.2.9"))]))
    }
}
