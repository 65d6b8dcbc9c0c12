import Forms
import MailTesting
import MessageStore
import Policy
import Queue
import SMTPService
import Testing
import Vocabulary

@Suite("Relay restrictions and mail blocking, over the wire", .serialized)
struct SMTPRelayRuleTests {
    private static func server(_ peerless: Bool = false) throws -> SMTPFixture {
        let server = try SMTPFixture(sends: true, trustsLoopback: false)
        try server.account("taro@example.test", password: "taros word")
        try server.configure(LimitField.refusedRecipients, "1000")
        try server.configure(LimitField.smtpErrors, "1000")
        try server.configure(LimitField.unknownRecipients, "100000")
        // What is accepted stays in the queue.
        try server.configure(RoutingField.mailRoutingTable, "[*:hold]")
        return server
    }

    /// Opened for others as far as the forms allow: a stranger profits from none of it.
    private static func openForOthers(_ server: SMTPFixture) throws {
        try server.configure(RelayField.networks, "192.0.2.0/24", "2001:db8::/32")
        try server.configure(RelayField.popBeforeSMTP, "10 min")
        try server.configure(RelayField.recipientDomains, "partner.test", "*.partner.test")
        try server.configure(RelayField.senderDomains, "example.test", "remote.test")
        try server.configure(BlockField.exceptions, "127.0.0.0/8")
    }

    @Test(
        "A8 32 combinations of the switches, everything else open for others: no trick leads a stranger anywhere, nor over a domain passed on"
    )
    func matrix() throws {
        let server = try Self.server()
        try Self.openForOthers(server)
        let detours = [
            "x%remote.test@partner.test", "\"x%remote.test\"@partner.test", "remote.test!x@partner.test", "\"x@remote.test\"@partner.test",
            "\"@remote.test:x\"@partner.test", "x@partner.test@remote.test", "x@partner.test.remote.test", "@partner.test:x@remote.test",
            "partner.test!x@remote.test", "partner.test!remote.test!x@example.test", "x@[192.0.2.1]", "x@remotepartner.test",
            "\"x\" @remote.test", "x @remote.test", "x@remote.test partner.test", "@remote.test", "@", "", "x@",
            "%remote.test@partner.test",
            "x@partner.test%remote.test", "x%remote.test%example.test@partner.test", "\"x\"@remote.test", "x@@partner.test",
        ]
        for bits in 0..<32 {
            for (index, field) in SMTPRelayTests.switches.enumerated() {
                try server.configure(field, bits >> index & 1 == 1 ? "yes" : "no")
            }
            let client = try server.greeted()
            for sender in ["stranger@remote.test", "taro@example.test"] {
                _ = try client.say("MAIL FROM:<\(sender)>")
                for trick in SMTPRelayTests.tricks + detours {
                    let reply = try client.say("RCPT TO:<\(trick)>")
                    guard reply.hasPrefix("2") else {
                        #expect(reply.hasPrefix("5"), "\(trick): \(reply)")
                        continue
                    }
                    let isOurs = ["example.test", "mail.example.test", "[127.0.0.1]"].contains(trick.split(separator: "@").last ?? "")
                    // A source route is dropped, and what is left is plain mail for the domain. A bang path of one step likewise. [RFC5321-C]
                    let isPlain = bits & 2 == 0 && trick.hasPrefix("partner.test!x@")
                    #expect(isOurs || isPlain, "\(trick) was taken with \(bits)")
                }
                #expect(try client.say("RCPT TO:<x@partner.test>").hasPrefix("250"))
                #expect(try client.say("RCPT TO:<x@a.partner.test>").hasPrefix("250"))
                _ = try client.say("RSET")
            }
        }
        #expect(server.events.lines("relay-refused").allSatisfy { $0.contains("reason=") })
    }

    @Test("94 each rule lets pass what the form says; the log names the rule, or the reason")
    func rules() throws {
        let server = try Self.server()
        func ask(_ recipient: String = "x@remote.test", sender: String = "a@any.test") throws -> String {
            let client = try server.greeted()
            _ = try client.say("MAIL FROM:<\(sender)>")
            return try client.say("RCPT TO:<\(recipient)>")
        }
        #expect(try ask() == "550 5.7.1 Relaying is not allowed: the address is not of this server, and you have not logged in")
        try server.configure(RelayField.networks, "127.0.0.0/8")
        #expect(try ask().hasPrefix("250"))
        #expect(server.events.lines("recipient-accepted").last?.contains("relayed-by=network") == true)
        try server.configure(RelayField.senderDomains, "example.test")
        #expect(try ask() == "550 5.7.1 Relaying is not allowed for this sender's domain")
        #expect(try ask(sender: "a@example.test").hasPrefix("250"))
        #expect(try ask(sender: "").hasPrefix("250"))
        try server.configure(RelayField.deniedNetworks, "127.0.0.1")
        #expect(try ask(sender: "a@example.test") == "550 5.7.1 Relaying is not allowed from your address; log in first")
        try server.configure(RelayField.recipientDomains, "remote.test")
        #expect(try ask().hasPrefix("250"))
        #expect(try ask("x@other.test").hasPrefix("550 5.7.1"))
        #expect(server.events.lines("relay-refused").last?.contains("reason=client-denied") == true)
    }

    @Test("What a rule let pass is queued for its host, and what none let pass is not, even in one transaction")
    func queued() throws {
        let server = try Self.server()
        try server.configure(RelayField.recipientDomains, "partner.test")
        let client = try server.greeted()
        _ = try client.say("MAIL FROM:<a@any.test>")
        #expect(try client.say("RCPT TO:<x@partner.test>").hasPrefix("250"))
        #expect(try client.say("RCPT TO:<x@remote.test>").hasPrefix("550"))
        #expect(try client.say("RCPT TO:<taro@example.test>").hasPrefix("250"))
        #expect(try client.send("Subject: x\r\n\r\nx\r\n").hasPrefix("250"))
        try server.waitForQueue(1)
        let entries = try server.store.queueEntries(limit: 10)
        #expect(entries.map { "\($0.draft.recipient.address)" } == ["x@partner.test"])
    }

    @Test("Users who may not send to other hosts are told so")
    func users() throws {
        let server = try Self.server()
        func ask() throws -> String {
            let client = try server.greeted("submission")
            _ = try client.login("taro", "taros word")
            _ = try client.say("MAIL FROM:<taro@example.test>")
            return try client.say("RCPT TO:<x@remote.test>")
        }
        #expect(try ask().hasPrefix("250"))
        try server.configure(RelayField.logins, "none")
        #expect(try ask() == "550 5.7.1 Your account may not send to other hosts")
        try server.configure(RelayField.logins, "listed")
        try server.configure(RelayField.users, "hanako@example.test")
        #expect(try ask().hasPrefix("550 5.7.1"))
        try server.configure(RelayField.users, "hanako@example.test", "taro@")
        #expect(try ask().hasPrefix("250"))
    }

    @Test("POP before SMTP: off by default; with a window, a login opens the way for so long")
    func popBeforeSMTP() throws {
        let server = try Self.server()
        func ask() throws -> String {
            let client = try server.greeted()
            _ = try client.say("MAIL FROM:<taro@example.test>")
            return try client.say("RCPT TO:<x@remote.test>")
        }
        func login(_ password: String) throws {
            let reader = try server.reader()
            _ = try reader.say("USER taro")
            _ = try reader.say("PASS \(password)")
            _ = try reader.say("QUIT")
        }
        try login("taros word")
        #expect(try ask().hasPrefix("550"))
        try server.configure(RelayField.popBeforeSMTP, "5 min")
        #expect(try ask().hasPrefix("250"))
        server.clock.advance(299)
        #expect(try ask().hasPrefix("250"))
        server.clock.advance(1)
        #expect(try ask().hasPrefix("550"))
        try login("wrong word")
        #expect(try ask().hasPrefix("550"))
        try login("taros word")
        #expect(try ask().hasPrefix("250"))
        #expect(server.events.lines("recipient-accepted").last?.contains("relayed-by=pop-before-smtp") == true)
    }

    @Test("POP before SMTP ends with the account that logged in: locked, without POP3, or gone; a neighbour's login stays")
    func popBeforeSMTPEnds() throws {
        let server = try Self.server()
        try server.configure(RelayField.popBeforeSMTP, "5 min")
        let taro = try #require(server.directory.find("taro"))
        try server.account("hanako@example.test", password: "hanakos word")
        func reply() throws -> String {
            let client = try server.greeted()
            _ = try client.say("MAIL FROM:<taro@example.test>")
            return String(try client.say("RCPT TO:<x@remote.test>").prefix(3))
        }
        func login(_ name: String) throws {
            let reader = try server.reader()
            _ = try reader.say("USER \(name)")
            #expect(try reader.say("PASS \(name)s word").hasPrefix("+OK"))
            _ = try reader.say("QUIT")
        }
        try login("taro")
        #expect(try reply() == "250")
        try server.change(taro, AccountField.state, "locked")
        #expect(try reply() == "550")
        try server.change(taro, AccountField.state, "active")
        #expect(try reply() == "250")
        try server.change(taro, DeliveryField.services, "submission")
        #expect(try reply() == "550")
        try login("hanako")
        #expect(try reply() == "250")
        try server.remove(try #require(server.directory.find("hanako")))
        #expect(try reply() == "550")
    }

    @Test("Networks and domains that would make an open relay are refused by the form")
    func tooWide() throws {
        let server = try Self.server()
        for network in ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "::/0", "2000::/3"] {
            #expect(throws: (any Error).self) { try server.configure(RelayField.networks, network) }
        }
        try server.configure(RelayField.networks, "10.0.0.0/8", "fd00::/16")
        for domain in ["*", "*.test", "*.*", "[192.0.2.1]", "@"] {
            #expect(throws: (any Error).self) { try server.configure(RelayField.recipientDomains, domain) }
        }
    }

    // MARK: Blocking

    @Test("A blocked sender is refused at MAIL, a blocked name at HELO; not for excepted hosts, nor for users of ours")
    func blocked() throws {
        let server = try Self.server()
        try server.configure(BlockField.senders, "spam@remote.test", "*.bulk.test", "advert@")
        try server.configure(BlockField.helloNames, "bad.test", "*.dyn.test")
        let client = try server.connect()
        _ = try client.reply()
        #expect(try client.say("EHLO x.dyn.test") == "550 5.7.1 Mail from hosts of this name is not taken here")
        #expect(try client.say("MAIL FROM:<a@remote.test>").hasPrefix("503"))
        _ = try client.say("EHLO client.test")
        for sender in ["spam@remote.test", "x@a.bulk.test", "advert@any.test"] {
            #expect(try client.say("MAIL FROM:<\(sender)>") == "550 5.7.1 Mail from this sender is not taken here", "\(sender)")
        }
        #expect(try client.say("MAIL FROM:<ham@remote.test>").hasPrefix("250"))
        #expect(server.events.lines("blocked").count == 4)
        #expect(server.events.lines("blocked").last?.contains("entry=advert@") == true)
        try server.configure(BlockField.exceptions, "127.0.0.1")
        let other = try server.greeted()
        #expect(try other.say("MAIL FROM:<spam@remote.test>").hasPrefix("250"))
        try server.configure(BlockField.exceptions)
        try server.configure(BlockField.senders, "example.test")
        let user = try server.greeted("submission")
        _ = try user.login("taro", "taros word")
        #expect(try user.say("MAIL FROM:<taro@example.test>").hasPrefix("250"))
        let stranger = try server.greeted()
        #expect(try stranger.say("MAIL FROM:<taro@example.test>").hasPrefix("550 5.7.1"))
    }

    @Test("Messages an hour of an address, recipients an hour of a user: what is more is put off, and can be released")
    func rates() throws {
        let server = try Self.server()
        try server.configure(BlockField.clientRate, "2")
        func send() throws -> String {
            try server.greeted().mail(from: "a@remote.test", to: ["taro@example.test"], "x\r\n")
        }
        for _ in 0..<2 { #expect(try send().hasPrefix("250")) }
        #expect(try send() == "450 4.7.1 Too many messages from your address lately; try again later")
        #expect(server.guards.rates.known(at: server.clock.now).map { "\($0.sender)" } == ["127.0.0.1"])
        #expect(server.guards.rates.release(at: server.clock.now) { "\($0)" == "127.0.0.1" }.count == 1)
        #expect(try send().hasPrefix("250"))
        server.clock.advance(7200)
        for _ in 0..<2 { #expect(try send().hasPrefix("250")) }
        try server.configure(BlockField.userRate, "3")
        let user = try server.greeted("submission")
        _ = try user.login("taro", "taros word")
        _ = try user.say("MAIL FROM:<taro@example.test>")
        for number in 0..<3 { #expect(try user.say("RCPT TO:<x\(number)@remote.test>").hasPrefix("250")) }
        #expect(try user.say("RCPT TO:<x4@remote.test>").hasPrefix("450 4.7.1"))
        #expect(try user.say("RCPT TO:<taro@example.test>").hasPrefix("250"))
    }
}

@Suite struct RecentLoginsTests {
    @Test("R11 a clock that jumps gives nobody more time and traps nowhere")
    func clockJumps() throws {
        let peer = try #require(IPAddress("192.0.2.1"))
        let logins = RecentLogins()
        logins.note(AccountID(rawValue: 1), peer, at: 1000)
        for (time, isIn) in [(Int64(1000), true), (1599, true), (1600, false), (999, false), (Int64.max, false), (Int64.min, false)] {
            #expect(logins.has(peer, within: 600, at: time, isActive: { _ in true }) == isIn, "\(time)")
        }
        #expect(!logins.has(peer, within: 0, at: 1000, isActive: { _ in true }))
        #expect(!logins.has(peer, within: 600, at: 1000, isActive: { _ in false }))
        for number in Int64(2)..<100 { logins.note(AccountID(rawValue: number), peer, at: 1000) }
        #expect(!logins.has(peer, within: 600, at: 1000, isActive: { $0.rawValue < 90 }), "what is kept of one address is bounded")
        #expect(logins.has(peer, within: 600, at: 1000, isActive: { $0.rawValue == 95 }))
    }

    @Test("The tables of senders are bounded, and what one sends is not another's")
    func bounded() throws {
        let rates = SendingRates()
        for number in 0..<60_000 {
            let address = try #require(IPAddress(bytes: [10, UInt8(number >> 16), UInt8(number >> 8 & 255), UInt8(number & 255)]))
            #expect(rates.take(.client(address), 1, limit: 1, at: 1000))
        }
        #expect(rates.known(at: 1000, limit: 100_000).count <= 50_000)
        let first = try #require(IPAddress("10.0.0.0"))
        #expect(!rates.take(.client(first), 1, limit: 1, at: 1000))
        #expect(rates.take(.client(first), 1, limit: 1, at: 9000))
    }
}
