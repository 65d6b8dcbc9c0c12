import MailTesting
import NIOCore
import NetKit
import Policy
import Synchronization
import Testing
import Vocabulary

/// The real library against a name server of our own on loopback.
@Suite(.serialized) struct ResolverTests {
    private final class World {
        let server = LocalNameServer()
        let resolver: UnboundResolver

        init() throws {
            var settings = ResolverSettings()
            settings.servers = [ResolverSettings.Server(try #require(IPAddress("127.0.0.1")), port: self.server.port)]
            settings.hostsFile = ""
            self.resolver = try UnboundResolver(settings)
        }

        deinit {
            self.resolver.shutDown()
            self.server.stop()
        }

        func ask(_ name: String, _ type: DNSType, within deadline: TimeAmount = .seconds(20)) -> Result<DNSAnswer, DNSFailure>? {
            let box = Box<Result<DNSAnswer, DNSFailure>>()
            _ = self.resolver.ask(name, type, within: deadline) { box.set($0) }
            _ = eventually { box.value != nil }
            return box.value
        }
    }

    @Test func addressesAndNames() throws {
        let world = try World()
        world.server.set("mail.example.org", type: 1, .records([[192, 0, 2, 1], [192, 0, 2, 2]]))
        world.server.set("mail.example.org", type: 28, .records([[0x20, 1, 0xD, 0xB8] + Array(repeating: 0, count: 11) + [1]]))
        world.server.set("1.2.0.192.in-addr.arpa", type: 12, .records([LocalNameServer.wire("Mail.Example.ORG")]))
        let four = try #require(world.ask("mail.example.org", .a)).get()
        guard case .addresses(let found) = four.records else { return #expect(Bool(false)) }
        #expect(Set(found.map(\.description)) == ["192.0.2.1", "192.0.2.2"])
        #expect(try #require(world.ask("mail.example.org", .aaaa)).get().records == .addresses([try #require(IPAddress("2001:db8::1"))]))
        #expect(try #require(world.ask("1.2.0.192.in-addr.arpa", .ptr)).get().records == .names(["mail.example.org"]))
    }

    @Test func failuresAreToldApart() throws {
        let world = try World()
        world.server.set("empty.example.org", type: 1, .noRecords)
        world.server.set("broken.example.org", type: 1, .fail)
        world.server.set("silent.example.org", type: 1, .silent)
        #expect(world.ask("none.example.org", .a) == .failure(.noName))
        #expect(world.ask("empty.example.org", .a) == .failure(.noRecords))
        #expect(world.ask("broken.example.org", .a) == .failure(.temporary))
        #expect(world.ask("silent.example.org", .a, within: .milliseconds(100)) == .failure(.timedOut))
        #expect(world.ask(String(repeating: "x", count: 300), .a) == .failure(.temporary))
    }

    @Test("P6 answers are capped, and names that are no host names are dropped")
    func hostileAnswers() throws {
        let world = try World()
        world.server.set("many.example.org", type: 1, .records((0..<90).map { [192, 0, 2, $0] }))
        guard case .addresses(let found) = try #require(world.ask("many.example.org", .a)).get().records else {
            return #expect(Bool(false))
        }
        #expect(found.count == DNSLimits.records)
        world.server.set(
            "9.2.0.192.in-addr.arpa", type: 12,
            .records([
                [7] + Array("a\r\nb@*c".utf8) + [0], LocalNameServer.wire("x.<script>.test"), [0], LocalNameServer.wire("good.example.org"),
            ]))
        #expect(try #require(world.ask("9.2.0.192.in-addr.arpa", .ptr)).get().records == .names(["good.example.org"]))
        world.server.set("short.example.org", type: 1, .records([[1, 2, 3]]))
        // Malformed record data may be refused by the library or read as no address, but never as one.
        switch try #require(world.ask("short.example.org", .a)) {
        case .success(let answer): #expect(answer.records == .addresses([]))
        case .failure: break
        }
    }

    @Test("names of the hosts file need no DNS")
    func hostsFile() throws {
        let directory = TemporaryDirectory("hosts")
        directory.write("hosts", "192.0.2.7 mail.inside.lan mail\n2001:db8::7 mail.inside.lan\n")
        var settings = ResolverSettings()
        settings.servers = [ResolverSettings.Server(try #require(IPAddress("127.0.0.1")), port: 1)]  // nobody answers there
        settings.hostsFile = directory("hosts")
        let resolver = try UnboundResolver(settings)
        defer { resolver.shutDown() }
        for (name, type, address) in [
            ("mail.inside.lan", DNSType.a, "192.0.2.7"), ("mail", .a, "192.0.2.7"), ("mail.inside.lan", .aaaa, "2001:db8::7"),
        ] {
            let box = Box<Result<DNSAnswer, DNSFailure>>()
            _ = resolver.ask(name, type, within: .seconds(20)) { box.set($0) }
            #expect(eventually { box.value != nil })
            #expect(try box.value?.get().records == .addresses([try #require(IPAddress(address))]))
        }
    }

    @Test func aWrongNameServerFileIsSaid() {
        var settings = ResolverSettings()
        settings.resolvConf = "/nowhere/resolv.conf"
        #expect(throws: ResolverFailure.self) { try UnboundResolver(settings) }
    }

    @Test func aQuestionCanBeTakenBack() throws {
        let world = try World()
        world.server.set("silent.example.org", type: 1, .silent)
        let box = Box<Result<DNSAnswer, DNSFailure>>()
        let query = world.resolver.ask("silent.example.org", .a, within: .seconds(60)) { box.set($0) }
        query.cancel()
        query.cancel()
        #expect(box.value == .failure(.cancelled))
        #expect(box.times == 1)
    }

    @Test func openQuestionsEndWithTheResolver() throws {
        let world = try World()
        world.server.set("silent.example.org", type: 1, .silent)
        let box = Box<Result<DNSAnswer, DNSFailure>>()
        _ = world.resolver.ask("silent.example.org", .a, within: .seconds(60)) { box.set($0) }
        world.resolver.shutDown()
        #expect(eventually { box.value == .failure(.cancelled) })
        let late = Box<Result<DNSAnswer, DNSFailure>>()
        _ = world.resolver.ask("mail.example.org", .a, within: .seconds(60)) { late.set($0) }
        #expect(late.value == .failure(.temporary))
    }

    @Test func aThousandQuestionsAtOnceAreAllAnswered() throws {
        let world = try World()
        for number in 0..<1000 { world.server.set("h\(number).example.org", type: 1, .records([[192, 0, 2, 1]])) }
        let boxes = (0..<1000).map { _ in Box<Result<DNSAnswer, DNSFailure>>() }
        for (number, box) in boxes.enumerated() {
            _ = world.resolver.ask("h\(number).example.org", .a, within: .seconds(60)) { box.set($0) }
        }
        #expect(eventually(within: 60) { boxes.allSatisfy { $0.times == 1 } })
        #expect(boxes.allSatisfy { if case .success = $0.value { true } else { false } })
    }

    @Test func aNameCountsOnlyWhenItLeadsBack() throws {
        let world = try World()
        world.server.set(
            "1.2.0.192.in-addr.arpa", type: 12,
            .records([LocalNameServer.wire("liar.example.org"), LocalNameServer.wire("mail.example.org")]))
        world.server.set("liar.example.org", type: 1, .records([[198, 51, 100, 1]]))
        world.server.set("mail.example.org", type: 1, .records([[198, 51, 100, 2], [192, 0, 2, 1]]))
        world.server.set("2.2.0.192.in-addr.arpa", type: 12, .fail)
        let lookup = ReverseLookup(world.resolver)
        func fact(_ address: String) throws -> HostNameFact? {
            let box = Box<HostNameFact>()
            lookup.confirm(try #require(IPAddress(address)), within: .seconds(20)) { box.set($0) }
            _ = eventually { box.value != nil }
            return box.value
        }
        #expect(try fact("192.0.2.1") == .confirmed(["mail.example.org"]))
        #expect(try fact("192.0.2.2") == .unknown)
        #expect(try fact("192.0.2.3") == .confirmed([]))
    }

    @Test func reverseNames() {
        #expect(IPAddress("192.0.2.1")?.reverseName == "1.2.0.192.in-addr.arpa")
        #expect(IPAddress("2001:db8::1")?.reverseName == "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")
    }

    private final class Box<Value: Sendable>: Sendable {
        private let state = Mutex<Value?>(nil)
        private let count = Atomic<Int>(0)
        init() {}
        func set(_ value: Value) {
            self.count.add(1, ordering: .relaxed)
            self.state.withLock { $0 = value }
        }
        var value: Value? { self.state.withLock { $0 } }
        var times: Int { self.count.load(ordering: .relaxed) }
    }
}
