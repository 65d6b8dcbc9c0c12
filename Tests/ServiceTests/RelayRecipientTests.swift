import Delivery
import Directory
import Forms
import MailTesting
import NetKit
import Queue
import Routing
import SASL
import Testing
import Vocabulary

@Suite("L4 a backup MX knows its recipients", .serialized)
struct RelayRecipientTests {
    /// A host that takes mail for `behind.test` and passes it on to `peer`, which knows jane and nobody else.
    private static func server(_ rules: [EvilServer.Rule]? = nil, trustsLoopback: Bool = true) throws -> (SMTPFixture, EvilServer) {
        let peer = EvilServer(
            rules ?? [
                .init("RCPT", .say("550 5.1.1 No such user\r\n"), containing: "nobody@"),
                .init("RCPT", .say("550 5.1.1 No such user\r\n"), containing: "<x"),
            ])
        let server = try SMTPFixture(sends: true, trustsLoopback: trustsLoopback)
        try server.configure(RoutingField.mailRoutingTable, "[behind.test:127.0.0.1:\(peer.port)]")
        try server.configure(RelayField.recipientDomains, "behind.test")
        return (server, peer)
    }

    private static func rcpt(_ server: SMTPFixture, _ address: String) throws -> String {
        let client = try server.greeted()
        _ = try client.say("MAIL FROM:<stranger@elsewhere.test>")
        return try client.say("RCPT TO:<\(address)>")
    }

    @Test(
        "The next host is asked at RCPT with the null sender, never gets a message for that, and is asked once: yes and no are remembered")
    func asks() throws {
        let (server, peer) = try Self.server()
        defer { peer.stop() }
        #expect(try Self.rcpt(server, "jane@behind.test").hasPrefix("250"))
        #expect(try Self.rcpt(server, "nobody@behind.test").hasPrefix("550 5.1.1"))
        let asked = peer.lines.filter { $0.hasPrefix("RCPT") }
        #expect(asked == ["RCPT TO:<jane@behind.test>", "RCPT TO:<nobody@behind.test>"])
        #expect(peer.lines.contains("MAIL FROM:<>") && !peer.lines.contains { $0.hasPrefix("DATA") || $0.hasPrefix("BDAT") })
        for _ in 0..<3 {
            #expect(try Self.rcpt(server, "jane@BEHIND.test").hasPrefix("250"))
            #expect(try Self.rcpt(server, "nobody@behind.test").hasPrefix("550"))
        }
        #expect(peer.lines.filter { $0.hasPrefix("RCPT") }.count == 2)
        // No is forgotten after a quarter of an hour, yes after a day.
        server.clock.advance(901)
        #expect(try Self.rcpt(server, "nobody@behind.test").hasPrefix("550"))
        #expect(try Self.rcpt(server, "jane@behind.test").hasPrefix("250"))
        #expect(peer.lines.filter { $0.hasPrefix("RCPT") }.count == 3)
        server.clock.advance(86_400)
        #expect(try Self.rcpt(server, "jane@behind.test").hasPrefix("250"))
        #expect(peer.lines.filter { $0.hasPrefix("RCPT") }.count == 4)
    }

    @Test("A run of recipients is one question over one connection, and each has its own answer")
    func together() throws {
        let (server, peer) = try Self.server()
        defer { peer.stop() }
        let client = try server.greeted()
        let names = (0..<20).map { $0 % 2 == 0 ? "jane@behind.test" : "x\($0)@behind.test" }
        let lines = ["MAIL FROM:<stranger@elsewhere.test>"] + names.map { "RCPT TO:<\($0)>" }
        try client.connection.send(Array(lines.map { "\($0)\r\n" }.joined().utf8))
        #expect(try client.reply().hasPrefix("250"))
        for name in names { #expect(try client.reply().hasPrefix(name.hasPrefix("jane") ? "250" : "550")) }
        #expect(peer.connections <= 2)
        #expect(try client.send("Subject: x\r\n\r\nHello\r\n").hasPrefix("250"))
        #expect(eventually { peer.taken.count == 1 })
    }

    @Test("Without an answer mail is taken or put off, as configured; a host that cannot be asked is not asked again for a while")
    func silent() throws {
        let (server, peer) = try Self.server([.init("connect", .sayAndHangUp("421 4.3.2 Busy\r\n"))])
        defer { peer.stop() }
        #expect(try Self.rcpt(server, "jane@behind.test").hasPrefix("250"))
        let tries = peer.connections
        #expect(tries >= 1)
        #expect(try Self.rcpt(server, "other@behind.test").hasPrefix("250"))
        #expect(peer.connections == tries)
        #expect(server.events.lines("recipient-accepted").last?.contains("unchecked") == true)
        try server.configure(RelayField.recipientsUnknown, "later")
        #expect(try Self.rcpt(server, "jane@behind.test").hasPrefix("450 4.4.3"))
        // A refusal for now says nothing about the recipient.
        server.clock.advance(61)
        peer.set([.init("RCPT", .say("451 4.7.1 Greylisted\r\n"))])
        #expect(try Self.rcpt(server, "jane@behind.test").hasPrefix("450"))
        // And nobody is, where a route holds.
        try server.configure(RelayField.recipientsUnknown, "accept")
        try server.configure(RoutingField.mailRoutingTable, "[behind.test:hold]")
        let known = peer.connections
        #expect(try Self.rcpt(server, "new@behind.test").hasPrefix("250"))
        #expect(peer.connections == known)
    }

    @Test("A host that hangs holds nobody for longer than the deadline, and gets no more than its connections")
    func hangs() throws {
        let (server, peer) = try Self.server([.init("RCPT", .fallSilent)])
        defer { peer.stop() }
        let clients = try (0..<8).map { _ in try server.greeted() }
        for (index, client) in clients.enumerated() {
            _ = try client.say("MAIL FROM:<stranger@elsewhere.test>")
            try client.connection.send(Array("RCPT TO:<x\(index)@behind.test>\r\n".utf8))
        }
        #expect(eventually { server.questionTime.seconds.count == 8 })
        // The peer counts a connection a moment after it was made.
        #expect(eventually { peer.connections == 1 })
        server.questionTime.release()
        for client in clients { #expect(try client.reply().hasPrefix("250")) }
        #expect(peer.connections == 1)
    }

    @Test("By list: who is not on it is refused, and nobody is asked; who may relay for another reason is not checked at all")
    func list() throws {
        let (server, peer) = try Self.server()
        defer { peer.stop() }
        try server.configure(RelayField.recipientCheck, "list")
        try server.configure(RelayField.recipients, "jane@behind.test", "info@")
        #expect(try Self.rcpt(server, "JANE@behind.test").hasPrefix("250"))
        #expect(try Self.rcpt(server, "info@behind.test").hasPrefix("250"))
        #expect(try Self.rcpt(server, "nobody@behind.test").hasPrefix("550 5.1.1"))
        #expect(peer.connections == 0)
        try server.configure(RelayField.networks, "127.0.0.0/8")
        #expect(try Self.rcpt(server, "nobody@behind.test").hasPrefix("250"))
        try server.configure(RelayField.networks, list: [])
        try server.configure(RelayField.recipientCheck, "none")
        #expect(try Self.rcpt(server, "nobody@behind.test").hasPrefix("250"))
        #expect(peer.connections == 0)
    }

    @Test("Who asks for unknown recipients behind us pays as for ours, and is shut out")
    func harvesting() throws {
        let (server, peer) = try Self.server(trustsLoopback: false)
        defer { peer.stop() }
        try server.configure(LimitField.unknownRecipients, "5")
        var replies: [String] = []
        let client = try server.greeted()
        _ = try client.say("MAIL FROM:<stranger@elsewhere.test>")
        for index in 0..<6 { replies.append(try client.say("RCPT TO:<x\(index)@behind.test>")) }
        #expect(replies.last?.hasPrefix("421") == true)
        #expect(peer.connections <= 6 && peer.lines.filter { $0.hasPrefix("RCPT") }.count == 6)
    }
    // MARK: Under TLS

    /// The same, where `behind.test` has the MX `mx.behind.test`, for which DNSSEC vouches; a policy of the domain is known from before.
    private final class World {
        let peer = EvilServer(keywords: ["PIPELINING", "STARTTLS", "AUTH PLAIN"])
        let server: SMTPFixture
        let authority: TestCA
        private let folder = TemporaryDirectory("asker")
        private let loops = EventLoops(count: 1)

        init(policy: String? = nil) throws {
            self.authority = try TestCA()
            let (folder, loops) = (self.folder, self.loops)
            folder.write("ca.pem", self.authority.pem)
            self.peer.setCertificate(try self.authority.issue(["mx.behind.test"]))
            let authorities = TrustedAuthorities(files: [folder("ca.pem")])
            let (names, clock) = (FakeResolver(), ManualClock())
            let now: @Sendable () -> Int64 = { clock.now }
            let memory = try TransportMemory.open(folder("transport.db"), now: now())
            let web = try WebFetch(loops: loops, resolver: names, authorities: authorities, product: "test", mayConnect: { _ in false })
            if let policy {
                let text = "version: STSv1\nmode: enforce\nmx: \(policy)\nmax_age: 86400"
                memory.keep(.init(id: "1", text: text, fetchedAt: now(), expiresAt: now() + 86_400), of: "behind.test")
            }
            self.server = try SMTPFixture(
                sends: true, resolver: names, clock: clock,
                remote: { environment in
                    environment.authorities = authorities
                    environment.transport = memory
                    environment.policies = PolicyFinder(resolver: names, web: web, memory: memory, now: now)
                })
            self.names = names
            let mx = DNSAnswer(records: .exchanges([MXRecord(preference: 1, host: "mx.behind.test")]), isSecure: true)
            names.set("behind.test", .mx, .success(mx))
            let address = try #require(IPAddress("127.0.0.1"))
            names.set("mx.behind.test", .a, .success(DNSAnswer(records: .addresses([address]), isSecure: true)))
            try self.server.configure(RoutingField.mailRoutingTable, "[behind.test:behind.test:\(self.peer.port)]")
            try self.server.configure(RelayField.recipientDomains, "behind.test")
        }

        let names: FakeResolver

        deinit { self.peer.stop() }

        func record(_ key: [UInt8]) {
            let record = TLSARecord(usage: 3, selector: 1, matchingType: 1, data: TestCertificate.sha256(key))
            self.names.set(
                "_\(self.peer.port)._tcp.mx.behind.test", .tlsa,
                .success(DNSAnswer(records: .associations([record]), isSecure: true)))
        }

        /// RCPT lines that the peer saw once it was asked for `name`.
        func asked(_ name: String) throws -> Bool {
            #expect(try RelayRecipientTests.rcpt(self.server, "\(name)@behind.test").hasPrefix("250"))
            return self.peer.lines.contains("RCPT TO:<\(name)@behind.test>")
        }
    }

    @Test("Questions go under TLS where it is offered, and in clear where it does not work, as deliveries do")
    func opportunistic() throws {
        let world = try World()
        world.peer.setCertificate(try world.authority.issue(["anybody.test"]))
        #expect(try world.asked("jane"))
        #expect(world.peer.handshakes == 1)
        world.peer.set([.init("STARTTLS", .sayTwiceAndHangUp("220 Go\r\n", "500 What?\r\n"))])
        #expect(try world.asked("john"))
        world.peer.set([.init("STARTTLS", .say("454 4.7.0 Not now\r\n"))])
        #expect(try world.asked("joan"))
        world.peer.setKeywords(["PIPELINING"])
        #expect(try world.asked("jim"))
        #expect(world.peer.handshakes == 1)
    }

    @Test("DANE: a host whose certificate matches no TLSA record hears of no recipient; one that matches does")
    func dane() throws {
        let world = try World()
        world.record([1, 2, 3])
        #expect(try !world.asked("jane"))
        #expect(world.peer.connections == 1)
        let right = try world.authority.issue(["mx.behind.test"])
        world.peer.setCertificate(right)
        world.record(right.publicKey)
        world.server.clock.advance(61)
        #expect(try world.asked("jane"))
        // Encryption that is taken away is not done without.
        world.peer.setKeywords(["PIPELINING"])
        #expect(try !world.asked("john"))
    }

    @Test(
        "MTA-STS enforced: a host that the policy does not name is not connected to, one with another's certificate hears of no recipient")
    func policy() throws {
        let elsewhere = try World(policy: "other.test")
        #expect(try !elsewhere.asked("jane"))
        #expect(elsewhere.peer.connections == 0)
        let world = try World(policy: "mx.behind.test")
        #expect(try world.asked("jane"))
        world.peer.setCertificate(try world.authority.issue(["another.test"]))
        #expect(try !world.asked("john"))
        world.server.clock.advance(61)
        world.peer.setKeywords(["PIPELINING"])
        #expect(try !world.asked("john"))
    }

    @Test("A route with a login: the question comes after AUTH, over TLS with the host's certificate; without password nobody is asked")
    func login() throws {
        let world = try World()
        world.names.addHost("smtp.provider.test", ["127.0.0.1"], reverse: false)
        try world.server.configure(RoutingField.mailRoutingTable, "[behind.test:[smtp.provider.test]:\(world.peer.port)]")
        try world.server.configure(NextHopField.logins, "[smtp.provider.test:\(world.peer.port) jane]")
        #expect(try !world.asked("jane"))
        #expect(world.peer.connections == 0)
        let row = try #require(try NextHopField.logins.parse(["[smtp.provider.test:\(world.peer.port) jane]"]).rows.first)
        try world.server.directory.setRouteLogin(row, password: Secret("right word"), by: Actor(name: "tester", interface: "test"))
        // Its certificate is for another name: no password for it.
        #expect(try !world.asked("jane"))
        #expect(!world.peer.lines.contains { $0.hasPrefix("AUTH") })
        world.peer.setCertificate(try world.authority.issue(["smtp.provider.test"]))
        world.peer.set([.init("AUTH", .say("535 5.7.8 No\r\n"))])
        world.server.clock.advance(61)
        #expect(try !world.asked("jane"))
        // A refused password is not tried again at once.
        world.peer.set([.init("AUTH", .say("235 2.7.0 Welcome\r\n"))])
        world.server.clock.advance(61)
        let known = world.peer.connections
        #expect(try !world.asked("jane"))
        #expect(world.peer.connections == known)
        world.server.clock.advance(600)
        #expect(try world.asked("jane"))
        #expect(world.peer.lines.contains("AUTH PLAIN AGphbmUAcmlnaHQgd29yZA=="))
    }
}
