import Delivery
import Forms
import MailTesting
import Routing
import Testing
import Vocabulary

@Suite("LMTP, as a way out and as a way in", .serialized)
struct LMTPTests {
    private static func server(_ peer: EvilServer) throws -> SMTPFixture {
        let server = try SMTPFixture(sends: true)
        try server.account("taro@example.test", password: "taros word")
        try server.configure(RoutingField.mailRoutingTable, "[remote.test:lmtp:127.0.0.1:\(peer.port)]")
        return server
    }

    private static func send(_ server: SMTPFixture, to recipients: [String]) throws {
        let client = try server.greeted("submission")
        _ = try client.login("taro", "taros word")
        let reply = try client.mail(from: "taro@example.test", to: recipients, "Subject: x\r\n\r\n..dots\r\n")
        #expect(reply.hasPrefix("250"), "\(reply)")
    }

    @Test("A route by LMTP: one transaction, and each recipient has the fate that the server gave it behind the message")
    func out() throws {
        let peer = EvilServer([
            .init("delivery", .say("452 4.2.2 Full\r\n"), times: 1, containing: "b@"),
            .init("delivery", .say("550 5.7.1 Never\r\n"), containing: "c@"),
        ])
        defer { peer.stop() }
        let server = try Self.server(peer)
        try Self.send(server, to: ["a@remote.test", "b@remote.test", "c@remote.test"])
        #expect(
            eventually {
                let names = server.events.names
                return names.contains("delivered") && names.contains("deferred") && names.contains("failed")
            })
        #expect(peer.lines.contains("LHLO mail.example.test") && !peer.lines.contains { $0.hasPrefix("EHLO") || $0.hasPrefix("BDAT") })
        #expect(peer.taken.map(\.recipients) == [["RCPT TO:<a@remote.test>"]])
        #expect(peer.taken.first?.body.hasSuffix("\r\n.dots\r\n") == true)
        #expect(server.events.lines("deferred").first?.contains("452 4.2.2 Full") == true)
        #expect(server.events.lines("failed").first?.contains("550 5.7.1 Never") == true)
        // Only the one that waits goes out again.
        server.clock.advance(600)
        server.remote?.scan()
        #expect(eventually { peer.taken.count == 2 })
        #expect(peer.taken.last?.recipients == ["RCPT TO:<b@remote.test>"])
    }

    @Test("Rows that could not be LMTP are refused: port 25, a socket with a port; those that are come out as they went in")
    func rows() throws {
        let server = try SMTPFixture()
        for row in ["[a.test:lmtp:127.0.0.1:25]", "[a.test:lmtp:/run/lmtp:24]"] {
            #expect(throws: (any Error).self, "\(row)") { try server.configure(RoutingField.mailRoutingTable, row) }
        }
        for (row, written) in [
            ("[a.test:lmtp:/run/dovecot/lmtp]", "[a.test:lmtp:/run/dovecot/lmtp]"),
            ("[a.test:LMTP:Store.Test]", "[a.test:lmtp:store.test]"),
            ("[a.test:lmtp:store.test:2424]", "[a.test:lmtp:store.test:2424]"), ("[a.test:lmtp:[::1]:24]", "[a.test:lmtp:[::1]:24]"),
        ] {
            try server.configure(RoutingField.mailRoutingTable, row)
            let value = server.directory.configuration.value(RoutingField.mailRoutingTable)
            #expect(RoutingField.mailRoutingTable.written(value) == [written])
        }
        #expect(server.directory.configuration.routes.hop(for: "a.test") == .lmtp(.address(try #require(IPAddress("::1"))), port: 24))
    }

    @Test("LMTP in: a reply for each recipient, mail for mailboxes here only, and nobody there is a stranger to be slowed down")
    func `in`() throws {
        let server = try SMTPFixture(sends: true, trustsLoopback: false)
        let taro = try server.account("taro@example.test")
        let hanako = try server.account("hanako@example.test")
        try server.configure(RelayField.networks, "127.0.0.0/8")
        try server.configure(BlockField.clientRate, "1")
        let client = try server.connect("lmtp")
        #expect(try client.reply().contains(" LMTP server ("))
        #expect(try client.say("EHLO client.test").hasPrefix("500"))
        let offer = try client.say("LHLO client.test")
        for keyword in ["PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME"] { #expect(offer.contains(keyword)) }
        #expect(!offer.contains("AUTH") && !offer.contains("ETRN"))
        for _ in 0..<2 {
            #expect(try client.say("MAIL FROM:<a@elsewhere.test>").hasPrefix("250"))
            #expect(try client.say("RCPT TO:<taro@example.test>").hasPrefix("250"))
            #expect(try client.say("RCPT TO:<nobody@example.test>").hasPrefix("550 5.1.1"))
            #expect(try client.say("RCPT TO:<x@remote.test>").hasPrefix("550 5.1.2"))
            #expect(try client.say("RCPT TO:<hanako@example.test>").hasPrefix("250"))
            #expect(try client.send("Subject: x\r\n\r\nHello\r\n").hasPrefix("250"))
            #expect(try client.reply().hasPrefix("250"))
        }
        #expect(try client.say("QUIT").hasPrefix("221"))
        for account in [taro, hanako] { #expect(try server.mailbox(of: account).count == 2) }
        #expect(try server.mailbox(of: taro).first?.contains("with LMTP id T") == true)
        #expect(try server.store.queueCount() == 0)
    }
}
