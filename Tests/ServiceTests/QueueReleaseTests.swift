import Delivery
import Forms
import MailTesting
import MessageStore
import NetKit
import Routing
import Testing
import Vocabulary

@Suite("QSND and ETRN", .serialized)
struct QueueReleaseTests {
    /// Mail for podunk.test and other.test waits until somebody calls; podunk's MX is the host that asks, other's is not.
    private static func server() throws -> SMTPFixture {
        let server = try SMTPFixture(sends: true)
        try server.account("taro@example.test", password: "taros word")
        try server.configure(RoutingField.mailRoutingTable, list: ["[*.podunk.test:hold]", "[podunk.test:hold]", "[other.test:hold]"])
        Self.mx(server, "podunk.test", "gw.podunk.test", "127.0.0.1")
        Self.mx(server, "a.podunk.test", "gw.podunk.test", "127.0.0.1")
        Self.mx(server, "other.test", "mx.other.test", "192.0.2.9")
        return server
    }

    private static func mx(_ server: SMTPFixture, _ domain: String, _ host: String, _ address: String) {
        server.names.set(domain, .mx, .success(DNSAnswer(records: .exchanges([MXRecord(preference: 10, host: host)]))))
        server.names.addHost(host, [address], reverse: false)
    }

    /// Sends to each as taro; waits until all are held.
    private static func wait(_ server: SMTPFixture, _ recipients: String...) throws {
        let client = try server.greeted("submission")
        _ = try client.login("taro", "taros word")
        #expect(try client.mail(from: "taro@example.test", to: recipients, "Subject: x\r\n\r\nx\r\n").hasPrefix("250"))
        #expect(eventually { Self.held(server).count == recipients.count })
    }

    private static func held(_ server: SMTPFixture) -> [String] {
        ((try? server.store.queueEntries(limit: 100)) ?? []).filter { $0.flags.contains(.held) }.map { "\($0.draft.recipient.address)" }
            .sorted()
    }

    @Test("23 QSND typed by hand, without greeting or argument, releases what waits for the asking host and says how much; nobody else's")
    func byHand() throws {
        let server = try Self.server()
        try Self.wait(server, "x@podunk.test", "y@podunk.test", "z@other.test")
        let client = try server.connect()
        _ = try client.reply()
        #expect(try client.say("qsnd") == "250 2.0.0 2 messages released")
        #expect(Self.held(server) == ["z@other.test"])
        #expect(try client.say("QSND other.test").hasPrefix("550 5.7.1"))
        #expect(Self.held(server) == ["z@other.test"])
        #expect(try client.say("QSND bad domain").hasPrefix("501"))
        #expect(server.events.lines("queue-released").first?.contains("entries=2") == true)
    }

    @Test("ETRN by domain, by host name, with sub-domains; the codes of RFC 1985")
    func etrn() throws {
        let server = try Self.server()
        try Self.wait(server, "x@podunk.test", "y@a.podunk.test", "z@other.test")
        let client = try server.connect()
        _ = try client.reply()
        #expect(try client.say("EHLO gw.podunk.test").contains("ETRN"))
        #expect(try client.say("ETRN nothing.test") == "251 2.0.0 No messages waiting")
        #expect(try client.say("ETRN other.test").hasPrefix("459"))
        #expect(try client.say("ETRN podunk.test") == "253 2.0.0 1 pending messages started")
        #expect(try client.say("ETRN @podunk.test").hasPrefix("253"))
        #expect(Self.held(server) == ["z@other.test"])
        for wrong in ["ETRN", "ETRN #queue", "ETRN @", "ETRN [127.0.0.1]", "ETRN a b"] {
            #expect(try client.say(wrong).hasPrefix("501"), "\(wrong)")
        }
        try Self.wait2(server, "w@podunk.test")
        #expect(try client.say("ETRN gw.podunk.test").hasPrefix("253"))
        _ = try client.say("MAIL FROM:<a@b.test>")
        #expect(try client.say("ETRN podunk.test").hasPrefix("503"))
    }

    private static func wait2(_ server: SMTPFixture, _ recipient: String) throws {
        let client = try server.greeted("submission")
        _ = try client.login("taro", "taros word")
        #expect(try client.mail(from: "taro@example.test", to: [recipient], "Subject: x\r\n\r\nx\r\n").hasPrefix("250"))
        #expect(eventually { Self.held(server).contains(recipient) })
    }

    @Test("After a login the user whom the postmaster named gets his domain's mail where he is now, whatever DNS says")
    func fromAnywhere() throws {
        let peer = EvilServer()
        defer { peer.stop() }
        let server = try Self.server()
        Self.mx(server, "podunk.test", "gw.podunk.test", "192.0.2.50")
        server.remoteChanges.set { [port = peer.port] in $0.callerPort = port }
        try server.account("jane@example.test", password: "janes word")
        try Self.wait(server, "x@podunk.test", "z@other.test")
        let stranger = try server.greeted()
        #expect(try stranger.say("QSND") == "250 2.0.0 No messages waiting")
        let jane = try server.greeted("submission")
        _ = try jane.login("jane", "janes word")
        #expect(try jane.say("QSND") == "250 2.0.0 No messages waiting")
        try server.configure(RoutingField.queueUsers, "[<jane@example.test> podunk.test]")
        #expect(try jane.say("QSND") == "250 2.0.0 1 messages released")
        #expect(eventually { peer.taken.count == 1 })
        #expect(peer.taken.first?.recipients == ["RCPT TO:<x@podunk.test>"])
        #expect(Self.held(server) == ["z@other.test"])
    }

    @Test("What was put off for the host of a route is sent when it asks; what the postmaster holds stays held")
    func putOff() throws {
        let peer = EvilServer([.init("connect", .say("421 4.3.2 Not now\r\n"))])
        defer { peer.stop() }
        let server = try SMTPFixture(sends: true)
        try server.account("taro@example.test", password: "taros word")
        try server.configure(RoutingField.mailRoutingTable, "[podunk.test:127.0.0.1:\(peer.port)]")
        let client = try server.greeted("submission")
        _ = try client.login("taro", "taros word")
        _ = try client.mail(from: "taro@example.test", to: ["x@podunk.test"], "Subject: x\r\n\r\nx\r\n")
        #expect(eventually { (try? server.store.queueEntries(limit: 5))?.first?.attempts ?? 0 > 0 && server.remote?.isIdle == true })
        let asking = try server.connect()
        _ = try asking.reply()
        #expect(try asking.say("QSND") == "250 2.0.0 1 messages released")
        let entry = try #require(try server.store.queueEntries(limit: 5).first)
        let remote = try #require(server.remote)
        #expect(eventually { (try? remote.edit([entry], .hold(reason: "by hand")).done) == 1 })
        #expect(try asking.say("QSND") == "250 2.0.0 No messages waiting")
        #expect(Self.held(server) == ["x@podunk.test"])
    }

    @Test("Who asks all the time is told to come later")
    func tooOften() throws {
        let server = try Self.server()
        let client = try server.connect()
        _ = try client.reply()
        for _ in 0..<20 { #expect(try client.say("QSND").hasPrefix("250")) }
        #expect(try client.say("QSND").hasPrefix("450 4.3.2"))
    }
}
