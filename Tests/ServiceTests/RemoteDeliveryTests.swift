import Delivery
import Directory
import Forms
import MailTesting
import MessageStore
import NIOCore
import NetKit
import Policy
import Queue
import Routing
import SMTPWire
import Testing
import Vocabulary

@Suite("Mail to other hosts, from the login to the other host's mailbox", .serialized)
struct RemoteDeliveryTests {
    /// A server that sends, with an account, and `remote.test` routed to `peer`.
    private static func server(_ peer: EvilServer, _ routes: String...) throws -> (SMTPFixture, AccountID) {
        let server = try SMTPFixture(sends: true)
        let taro = try server.account("taro@example.test", password: "taros word")
        // Notices for a postmaster without a delivery list would wait in the queue.
        _ = try server.account("boss@example.test")
        try server.change(try #require(server.directory.snapshot.postmaster?.account), DeliveryField.forwarding, "boss@example.test")
        try server.configure(RoutingField.mailRoutingTable, list: ["[remote.test:127.0.0.1:\(peer.port)]"] + routes)
        return (server, taro)
    }

    /// Sends one message as taro; the reply that ended it.
    @discardableResult
    private static func send(
        _ server: SMTPFixture, to recipients: [String], _ text: String = "Subject: x\r\n\r\nHello\r\n",
        from sender: String = "taro@example.test"
    ) throws -> String {
        let client = try server.greeted("submission")
        _ = try client.login("taro", "taros word")
        let reply = try client.mail(from: sender, to: recipients, text)
        #expect(reply.hasPrefix("250"), "\(reply)")
        return reply
    }

    /// Everything that was queued came to its end. Rows come a moment after 250, so that an empty table alone says nothing.
    private static func emptied(_ server: SMTPFixture, within seconds: Int = 60) -> Bool {
        eventually(within: seconds) {
            let names = server.events.all.filter { $0.module == .smtpDeliver }.map(\.event)
            let ended = names.count { $0 == "delivered" || $0 == "failed" }
            return ended >= names.count { $0 == "queued" } && ended > 0 && (try? server.store.queueCount()) == 0
        }
    }

    private static func events(_ server: SMTPFixture, _ name: String) -> [TrailEvent] { server.events.all.filter { $0.event == name } }

    private static func waits(_ server: SMTPFixture, _ name: String, _ count: Int = 1) -> Bool {
        eventually { Self.events(server, name).count >= count }
    }

    /// The first entry that waits, once an attempt failed and that is on disk.
    private static func entry(_ server: SMTPFixture) throws -> StoredQueueEntry {
        var found: StoredQueueEntry?
        // Idle as well: a next hop that rests begins to rest when its courier is home.
        _ = eventually {
            found = (try? server.store.queueEntries(limit: 20))?.first { $0.attempts > 0 }
            return found != nil && server.remote?.isIdle == true
        }
        return try #require(found)
    }

    // MARK: The straight way

    @Test(
        "A message arrives whole, once, with our Received field on top and all recipients of a host in one transaction",
        arguments: [true, false])
    func arrives(_ chunking: Bool) throws {
        let peer = EvilServer(keywords: chunking ? ["PIPELINING", "CHUNKING", "8BITMIME"] : ["8BITMIME"])
        defer { peer.stop() }
        let (server, _) = try Self.server(peer)
        try Self.send(server, to: ["a@remote.test", "b@remote.test"], "Subject: x\r\n\r\n..dots\r\nend\r\n")
        #expect(Self.emptied(server))
        #expect(peer.taken.count == 1)
        let taken = try #require(peer.taken.first)
        #expect(taken.recipients == ["RCPT TO:<a@remote.test>", "RCPT TO:<b@remote.test>"])
        #expect(
            taken.body.hasPrefix(
                "Received: from client.test ([127.0.0.1])\r\n          by mail.example.test (Post.Office MTA v1.2 release 3)"))
        #expect(taken.body.hasSuffix("\r\nSubject: x\r\n\r\n.dots\r\nend\r\n"))
        #expect(!taken.body.contains("Return-Path") && !taken.body.contains("Delivered-To"))
        #expect(Self.events(server, "delivered").count == 2)
    }

    @Test(
        "A large body is streamed in pieces and arrives byte for byte",
        arguments: [["PIPELINING", "CHUNKING"], ["PIPELINING"], ["CHUNKING"]])
    func large(_ keywords: [String]) throws {
        let peer = EvilServer(keywords: keywords)
        defer { peer.stop() }
        let (server, _) = try Self.server(peer)
        let lines = (0..<40_000).map { "line \($0) of a long message, .with. dots\r\n" }.joined()
        try Self.send(server, to: ["a@remote.test"], "Subject: long\r\n\r\n" + lines)
        #expect(Self.emptied(server, within: 60))
        #expect(peer.taken.first?.body.hasSuffix("Subject: long\r\n\r\n" + lines) == true)
    }

    @Test("Local and remote recipients are one message, one commit")
    func mixed() throws {
        let peer = EvilServer()
        defer { peer.stop() }
        let (server, taro) = try Self.server(peer)
        try Self.send(server, to: ["taro@example.test", "a@remote.test"])
        #expect(Self.emptied(server))
        #expect(peer.taken.count == 1)
        #expect(try server.mailbox(of: taro).count == 1)
    }

    @Test("A8 strangers cannot send to other hosts, whatever the routes say; an alias of the postmaster leads there for everybody")
    func strangers() throws {
        let peer = EvilServer()
        defer { peer.stop() }
        let (server, _) = try Self.server(peer)
        try server.configure(RoutingField.channelAliases, "[<out@example.test> <a@remote.test>]")
        for field in SMTPRelayTests.switches { try server.configure(field, "no") }
        let client = try server.greeted()
        _ = try client.say("MAIL FROM:<stranger@elsewhere.test>")
        for trick in SMTPRelayTests.tricks {
            let reply = try client.say("RCPT TO:<\(trick)>")
            if reply.hasPrefix("2") {
                let domain = trick.split(separator: "@").last ?? ""
                #expect(["example.test", "mail.example.test", "[127.0.0.1]"].contains(domain), "\(trick) was taken")
            }
        }
        #expect(try server.store.queueEntries(limit: 10).allSatisfy { $0.draft.channel != .remote })
        let other = try server.greeted()
        #expect(try other.mail(from: "stranger@elsewhere.test", to: ["out@example.test"], "x\r\n").hasPrefix("250"))
        #expect(eventually { peer.taken.count == 1 })
        #expect(peer.taken.first?.recipients == ["RCPT TO:<a@remote.test>"])
    }

    // MARK: DNS

    private static func dns(_ server: SMTPFixture, _ records: [(UInt16, String?)], _ addresses: [(String, String)]) {
        server.names.set(
            "mx.test", .mx, .success(DNSAnswer(records: .exchanges(records.map { MXRecord(preference: $0.0, host: $0.1) }))))
        for (name, address) in addresses { server.names.addHost(name, [address], reverse: false) }
    }

    @Test("All hosts are tried in the order of their preferences: one that refuses connections, one that is busy, one that takes it")
    func order() throws {
        let taking = EvilServer(address: "127.0.0.3")
        let busy = EvilServer([.init("connect", .say("421 4.3.2 Busy\r\n"))], address: "127.0.0.2", port: taking.port)
        defer { for peer in [taking, busy] { peer.stop() } }
        let (server, _) = try Self.server(taking, "[mx.test:*:\(taking.port)]")
        Self.dns(
            server, [(30, "c.mx.test"), (10, "a.mx.test"), (20, "b.mx.test")],
            [("a.mx.test", "127.0.0.4"), ("b.mx.test", "127.0.0.2"), ("c.mx.test", "127.0.0.3")])
        try Self.send(server, to: ["x@mx.test"])
        #expect(Self.emptied(server))
        #expect(busy.connections == 1 && taking.taken.count == 1)
        #expect(Self.events(server, "delivered").first?.facts.contains { $0 == ("host", "c.mx.test") } == true)
    }

    @Test("The domain itself is asked when it has no MX")
    func implicit() throws {
        let peer = EvilServer()
        defer { peer.stop() }
        let (server, _) = try Self.server(peer, "[a.test:*:\(peer.port)]")
        server.names.set("a.test", .mx, .failure(.noRecords))
        server.names.addHost("a.test", ["127.0.0.1"], reverse: false)
        try Self.send(server, to: ["x@a.test"])
        #expect(Self.emptied(server) && peer.taken.count == 1)
    }

    @Test(
        "What DNS says for good comes back at once; what it cannot say now is tried later",
        arguments: ["null", "none", "loop", "address-loop", "zero", "nothing", "silent", "bogus"])
    func dnsFailures(_ kind: String) throws {
        let peer = EvilServer()
        defer { peer.stop() }
        let (server, taro) = try Self.server(peer)
        var words = ""
        switch kind {
        case "null":
            Self.dns(server, [(0, nil)], [])
            words = "5.1.10"
        case "none": words = "5.1.2"
        case "loop":
            Self.dns(server, [(10, "mail.example.test"), (20, "b.test")], [("b.test", "127.0.0.1")])
            words = "MX loop"
        case "address-loop":
            Self.dns(server, [(10, "a.test")], [("a.test", "127.0.0.99")])
            words = "MX loop"
        case "zero":
            Self.dns(server, [(10, "a.test"), (20, "b.test")], [("a.test", "0.0.0.0"), ("b.test", "255.255.255.255")])
            words = "5.1.2"
        case "nothing":
            Self.dns(server, [(10, "gone.test")], [])
            words = "5.1.2"
        case "silent": server.names.set("mx.test", .mx, .failure(.timedOut))
        default: server.names.set("mx.test", .mx, .failure(.bogus))
        }
        try Self.send(server, to: ["x@mx.test"])
        if words.isEmpty {
            #expect(Self.waits(server, "deferred"))
            #expect(try Self.entry(server).attempts == 1)
        } else {
            #expect(Self.emptied(server))
            #expect(try server.mailbox(of: taro).first?.contains(words) == true)
        }
        #expect(peer.connections == 0)
    }

    // MARK: Retries

    @Test("A greylisting host gets the message at the second attempt, five minutes later")
    func greylisting() throws {
        let peer = EvilServer([.init("RCPT", .say("450 4.7.1 Come back\r\n"), times: 1)])
        defer { peer.stop() }
        let (server, _) = try Self.server(peer)
        try Self.send(server, to: ["a@remote.test"])
        #expect(Self.waits(server, "deferred"))
        let waiting = try Self.entry(server)
        #expect(waiting.attempts == 1 && waiting.reason.contains("450 4.7.1 Come back"))
        #expect((server.clock.now + 250...server.clock.now + 300).contains(waiting.draft.due))
        server.clock.advance(310)
        server.remote?.scan()
        #expect(Self.emptied(server))
        #expect(peer.taken.count == 1)
    }

    @Test("One refused, one deferred, one taken: each recipient has its own fate")
    func perRecipient() throws {
        let peer = EvilServer([
            .init("RCPT", .say("550 5.1.1 No such user\r\n"), containing: "<no@"),
            .init("RCPT", .say("450 4.2.1 Later\r\n"), containing: "<later@"),
        ])
        defer { peer.stop() }
        let (server, taro) = try Self.server(peer)
        try Self.send(server, to: ["no@remote.test", "later@remote.test", "yes@remote.test"])
        #expect(Self.waits(server, "returned") && Self.waits(server, "deferred"))
        #expect(eventually { (try? server.store.queueCount()) == 1 })
        #expect(try Self.entry(server).draft.recipient.address.localPart == "later")
        let report = try #require(try server.mailbox(of: taro).first)
        #expect(report.contains("Final-Recipient: rfc822; no@remote.test") && !report.contains("yes@remote.test\r\nAction"))
        #expect(peer.taken.first?.recipients == ["RCPT TO:<yes@remote.test>"])
    }

    private static let deeds: [(String, EvilServer.Deed)] = ["connect", "EHLO", "MAIL", "RCPT", "DATA", "."].flatMap { verb in
        let deeds: [EvilServer.Deed] = [
            .hangUp, .say("nonsense\r\n"), .say("421 4.3.2 Away\r\n"), .say("451 4.3.0 Not now\r\n"), .fallSilent, .say("250-never\r\n"),
            .say("999 x\r\n"),
        ]
        return deeds.map { (verb, $0) }
    }

    @Test("Whatever a host does wrong at any verb, the message is kept and arrives once when it behaves again", arguments: 0..<42)
    func evil(_ number: Int) throws {
        let (verb, deed) = Self.deeds[number]
        let peer = EvilServer([.init(verb, deed)], keywords: ["PIPELINING"])
        defer { peer.stop() }
        let (server, _) = try Self.server(peer)
        server.remoteChanges.set { settings in
            settings.timeouts.greeting = .milliseconds(300)
            settings.timeouts.command = .milliseconds(300)
            settings.timeouts.data = .milliseconds(300)
            settings.timeouts.message = .milliseconds(300)
            settings.timeouts.quit = .milliseconds(300)
        }
        try Self.send(server, to: ["a@remote.test"])
        #expect(try Self.entry(server).attempts == 1, "\(verb) \(deed)")
        #expect(peer.taken.isEmpty)
        peer.set([])
        server.clock.advance(400)
        server.remote?.scan()
        #expect(Self.emptied(server), "\(verb) \(deed)")
        #expect(peer.taken.count == 1)
        #expect(eventually { server.remote.map { $0.openConnections == 0 } ?? true })
    }

    @Test("TLS that is offered and does not work costs the message nothing but the encryption", arguments: 0..<3)
    func brokenTLS(_ kind: Int) throws {
        let deeds: [EvilServer.Deed] = [.say("220 Go\r\n"), .say("454 4.7.0 Not now\r\n"), .sayAndHangUp("220 Go\r\n")]
        let peer = EvilServer([.init("STARTTLS", deeds[kind])], keywords: ["PIPELINING", "STARTTLS"])
        defer { peer.stop() }
        let (server, _) = try Self.server(peer)
        try Self.send(server, to: ["a@remote.test"])
        #expect(Self.emptied(server))
        #expect(peer.taken.count == 1)
    }

    @Test("After five days the sender gets the message back, after one a warning; a report that cannot be delivered is answered by nothing")
    func givingUp() throws {
        let peer = EvilServer([.init("RCPT", .say("450 4.2.1 Later\r\n"))])
        defer { peer.stop() }
        let (server, taro) = try Self.server(peer)
        let boss = try #require(server.directory.snapshot.account(holding: Address(localPart: "boss", domain: "example.test")))
        try Self.send(server, to: ["a@remote.test"])
        _ = try Self.entry(server)
        server.clock.advance(86_500)
        server.remote?.scan()
        #expect(Self.waits(server, "warned"))
        #expect(eventually { (try? server.mailbox(of: taro).first?.contains("Action: delayed")) == true })
        #expect(eventually { (try? server.store.queueEntries(limit: 2).first?.attempts) == 2 })
        server.clock.advance(4 * 86_400)
        server.remote?.scan()
        #expect(Self.waits(server, "returned"))
        #expect(Self.emptied(server))
        let reports = try server.mailbox(of: taro)
        #expect(reports.count == 2 && reports.last?.contains("Action: failed") == true && reports.last?.contains("450 4.2.1 Later") == true)
        peer.set([.init("RCPT", .say("550 5.1.1 No\r\n"))])
        try Self.send(server, to: ["a@remote.test"], from: "")
        #expect(Self.waits(server, "not-returned"))
        #expect(Self.emptied(server))
        #expect(try server.mailbox(of: taro).count == 2)
        #expect(eventually { (try? server.mailbox(of: boss).count) == 1 }, "the postmaster hears of it")
    }

    @Test("A host that takes no connection fails everything that waits for it at one attempt, and then rests")
    func deadHost() throws {
        let gone = EvilServer()
        let port = gone.port
        gone.stop()
        let peer = EvilServer()
        defer { peer.stop() }
        let (server, _) = try Self.server(peer, "[dead.test:127.0.0.77:\(port)]")
        for _ in 0..<20 { try Self.send(server, to: (0..<10).map { "u\($0)@dead.test" }) }
        #expect(
            eventually {
                server.clock.advance(61)
                server.remote?.scan()
                return (try? server.store.queueEntries(limit: 300).allSatisfy { $0.attempts >= 1 }) == true
            })
        #expect(try server.store.queueCount() == 200)
        // Others are not held up.
        try Self.send(server, to: ["a@remote.test"])
        #expect(eventually { peer.taken.count == 1 })
    }

    // MARK: Many

    @Test("Connections are used again, and one bulk mail holds up nobody")
    func reuse() throws {
        let peer = EvilServer(address: "127.0.0.5")
        let other = EvilServer()
        defer { for peer in [peer, other] { peer.stop() } }
        let (server, _) = try Self.server(other, "[bulk.test:127.0.0.5:\(peer.port)]")
        let client = try server.greeted("submission")
        _ = try client.login("taro", "taros word")
        for _ in 0..<150 { #expect(try client.mail(from: "taro@example.test", to: ["x@bulk.test"], "x\r\n").hasPrefix("250")) }
        #expect(try client.mail(from: "taro@example.test", to: ["a@remote.test"], "x\r\n").hasPrefix("250"))
        #expect(eventually { other.taken.count == 1 })
        #expect(Self.emptied(server))
        #expect(peer.taken.count == 150)
        #expect(peer.connections < 150)
    }

    // MARK: By hand

    @Test("A server that says 552 in the middle of the message and leaves is believed: the message goes back and is not tried for days")
    func refusedInTheMiddle() throws {
        // Said before the end of the message is there; what is sent after that meets a closed door.
        let peer = EvilServer(
            [.init("DATA", .sayAndHangUp("354 Go on\r\n552 5.3.4 Too much for us\r\n"))], keywords: ["PIPELINING"])
        defer { peer.stop() }
        for size in [1, 200_000] {
            let (server, _) = try Self.server(peer)
            let line = String(repeating: "x", count: 60) + "\r\n"
            try Self.send(server, to: ["a@remote.test"], "Subject: x\r\n\r\n" + String(repeating: line, count: size))
            #expect(eventually(within: 60) { Self.events(server, "failed").count + Self.events(server, "deferred").count > 0 })
            let reason = Self.events(server, "failed").first?.facts.first { $0.key == "reason" }?.value
            #expect(reason?.contains("552 5.3.4 Too much for us") == true, "\(size) lines: \(Self.events(server, "deferred"))")
        }
    }

    @Test("A report with an 8-bit original reaches a host without 8BITMIME: with the original's header in place of the original")
    func eightBitReport() throws {
        let peer = EvilServer(keywords: ["PIPELINING"])
        defer { peer.stop() }
        let (server, _) = try Self.server(peer)
        try server.configure(RelayField.networks, "127.0.0.0/8")
        // The next hop of the recipient refuses; the sender is behind the old host.
        let refusing = EvilServer([.init("RCPT", .say("550 5.1.1 No\r\n"))])
        defer { refusing.stop() }
        try server.configure(
            RoutingField.mailRoutingTable, "[remote.test:127.0.0.1:\(peer.port)]", "[nobody.test:127.0.0.1:\(refusing.port)]")
        let client = try server.greeted()
        #expect(try client.say("MAIL FROM:<jane@remote.test> BODY=8BITMIME").hasPrefix("250"))
        #expect(try client.say("RCPT TO:<x@nobody.test>").hasPrefix("250"))
        #expect(try client.send("Subject: gr\u{FC}\u{DF}e\r\nX-Plain: yes\r\n\r\nF\u{FC}r dich\r\n").hasPrefix("250"))
        #expect(eventually { peer.taken.count == 1 })
        let report = try #require(peer.taken.first)
        #expect(report.mail == "MAIL FROM:<>")
        #expect(report.body.utf8.allSatisfy { $0 < 0x80 })
        #expect(report.body.contains("Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: quoted-printable"))
        #expect(report.body.contains("X-Plain: yes") && !report.body.contains("dich"))
        #expect(report.body.contains("Final-Recipient: rfc822; x@nobody.test"))
        let lines = report.body.split(separator: "\r\n")
        #expect(lines.last?.hasPrefix("--") == true && lines.last?.hasSuffix("--") == true)
    }

    @Test("What is being delivered at this moment is known, and nothing else is") func underWay() throws {
        let peer = EvilServer([.init("DATA", .fallSilent), .init("BDAT", .fallSilent)])
        defer { peer.stop() }
        let (server, _) = try Self.server(peer, "[held.test:hold]")
        let remote = try #require(server.remote)
        try Self.send(server, to: ["a@held.test"])
        #expect(eventually { (try? server.store.queueEntries(limit: 10).count) == 1 })
        #expect(eventually { remote.underWay.isEmpty })
        try Self.send(server, to: ["a@remote.test"])
        #expect(eventually { remote.underWay.count == 1 })
        let entry = try #require(try server.store.queueEntries(limit: 10).first { remote.underWay.contains($0.id) })
        #expect("\(entry.draft.recipient.address)" == "a@remote.test")
        #expect(try remote.edit([entry], .delete) == .init(done: 0, busy: 1))
    }

    @Test("Hold, release, redirect, return and delete do what they say")
    func byHand() throws {
        let peer = EvilServer()
        defer { peer.stop() }
        let (server, taro) = try Self.server(peer, "[held.test:hold]")
        server.names.set("held.test", .mx, .failure(.noName))
        let remote = try #require(server.remote)
        for name in ["a", "b", "c", "d"] { try Self.send(server, to: ["\(name)@held.test"]) }
        #expect(eventually { (try? server.store.queueEntries(limit: 10).filter { $0.flags.contains(.held) }.count) == 4 })
        let entries = try server.store.queueEntries(limit: 10)
        server.clock.advance(10 * 86_400)
        let address = try Address(parsing: "z@remote.test")
        #expect(try remote.edit([entries[0]], .redirect(Envelope.Recipient(address))) == .init(done: 1, busy: 0))
        #expect(eventually { peer.taken.first?.recipients == ["RCPT TO:<z@remote.test>"] })
        #expect(try remote.edit([entries[1]], .giveBack).done == 1)
        #expect(eventually { (try? server.mailbox(of: taro).count) == 1 })
        #expect(try remote.edit([entries[2]], .delete).done == 1)
        #expect(eventually { (try? server.store.queueCount()) == 1 })
        // Released, it goes by DNS; waiting was no failure, so that it does not come back at the first trouble for now.
        server.names.set("held.test", .mx, .failure(.temporary))
        #expect(try remote.edit([entries[3]], .release).done == 1)
        #expect(Self.waits(server, "deferred"))
        #expect(try Self.entry(server).draft.destination == "held.test")
    }

    @Test("A server that is to send to this computer only holds what is for other hosts, until it may leave and is released")
    func trial() throws {
        let peer = EvilServer()
        defer { peer.stop() }
        let (server, _) = try Self.server(peer, "[far.test:192.0.2.7]")
        try server.configure(QueueField.reach, "this-host")
        Self.dns(server, [(10, "a.mx.test")], [("a.mx.test", "198.51.100.4")])
        try Self.send(server, to: ["near@remote.test", "x@far.test", "y@mx.test", "z@no-such-domain.test"])
        #expect(Self.waits(server, "held", 3))
        #expect(eventually { peer.taken.first?.recipients == ["RCPT TO:<near@remote.test>"] })
        #expect(eventually { (try? server.store.queueEntries(limit: 9).count { $0.flags.contains(.held) }) == 3 })
        #expect(server.names.asked == [], "nobody outside hears whom anybody writes to")
        let held = try server.store.queueEntries(limit: 9).filter { $0.flags.contains(.held) }
        #expect(held.allSatisfy { $0.reason.contains("outbound-reach") })
        // Nobody waits for days to hear of it, and nothing is tried again by itself.
        server.clock.advance(10 * 86_400)
        server.remote?.scan()
        let remote = try #require(server.remote)
        #expect(try remote.edit([held[0]], .release).done == 1)
        #expect(Self.waits(server, "held", 4), "released too early it is held again")
        try server.configure(QueueField.reach, "anywhere")
        try server.configure(
            RoutingField.mailRoutingTable, list: ["far", "mx", "no-such-domain"].map { "[\($0).test:127.0.0.1:\(peer.port)]" })
        #expect(eventually { (try? server.store.queueEntries(limit: 9).count { $0.flags.contains(.held) }) == 3 })
        #expect(try remote.edit(try server.store.queueEntries(limit: 9), .release).done == 3)
        // Next hops that took nothing rest for a while.
        server.clock.advance(86_400)
        server.remote?.scan()
        #expect(eventually { peer.taken.flatMap(\.recipients).count == 4 })
    }

    @Test("This computer is found without DNS: its addresses, and names of the hosts file that lead to it; nothing else is")
    func hostsHere() throws {
        var finder = HostFinder(FakeResolver(), own: HostFinder.Own(isName: { _ in false }, isAddress: { _, _ in false }), seed: { 1 })
        let (here, there) = (try #require(IPAddress("127.0.0.5")), try #require(IPAddress("192.0.2.1")))
        finder.knownHere = { $0 == "box.test" ? [there, here] : [] }
        func found(_ hop: NextHop) -> [IPAddress?] { finder.hostsHere(of: hop).map(\.address) }
        #expect(found(.address(here, port: 25)) == [here] && found(.address(there, port: 25)) == [])
        #expect(found(.domain("box.test", port: 25)) == [here] && found(.domain("far.test", port: 25)) == [])
        #expect(found(.host("[127.0.0.5]", port: 25)) == [here] && found(.exactly("box.test", port: 99)) == [here])
        #expect(found(.hold) == [])
    }
}
