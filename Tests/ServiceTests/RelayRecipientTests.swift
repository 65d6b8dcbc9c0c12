import Forms
import MailTesting
import Routing
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
        #expect(peer.connections == 1)
        server.questionTime.release()
        for client in clients { #expect(try client.reply().hasPrefix("250")) }
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
}
