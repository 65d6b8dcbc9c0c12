import Forms
import MailTesting
import Testing
import Vocabulary

@Suite("A8 no relay for strangers, in any combination of settings", .serialized)
struct SMTPRelayTests {
    /// Addresses that have opened relays in the past: each leads to another host if some part of it is taken for a route.
    static let tricks = [
        "x@remote.test", "x%remote.test@example.test", "x%remote.test@[127.0.0.1]", "\"x@remote.test\"@example.test",
        "\"x%remote.test\"@example.test",
        "remote.test!x@example.test", "remote.test!x@[127.0.0.1]", "\"remote.test!x\"@example.test", "@example.test:x@remote.test",
        "@mail.example.test,@example.test:x@remote.test", "x%remote.test@mail.example.test", "x@remote.test@example.test", "x@[192.0.2.1]",
        "x%[192.0.2.1]@example.test", "x@[IPv6:2001:db8::1]", "x@remote.test.", "\"x\"@remote.test", "\"\"@remote.test",
        "postmaster@remote.test",
        "postmaster%remote.test@example.test", "x@example.test.remote.test", "x@remote.test%example.test",
        "mail.example.test!remote.test!x@example.test",
        "x@xn--remote-.test", "taro@EXAMPLE.test@remote.test", "taro\\@remote.test@example.test", "\"taro\\@remote.test\"@example.test",
    ]

    static let switches: [Field] = [
        RoutingField.refusesPercent, RoutingField.refusesExclamation, RoutingField.refusesQuotes, RoutingField.refusesAt,
        RoutingField.checksRecipients,
    ]

    @Test("32 combinations of the switches times 27 tricks, with sub-addresses and without: nothing for another host is taken")
    func matrix() throws {
        let server = try SMTPFixture()
        try server.account("taro@example.test")
        try server.configure(LimitField.refusedRecipients, "1000")
        try server.configure(LimitField.smtpErrors, "1000")
        var taken: Set<String> = []
        for bits in 0..<32 {
            for (index, field) in Self.switches.enumerated() { try server.configure(field, bits >> index & 1 == 1 ? "yes" : "no") }
            let client = try server.greeted()
            _ = try client.say("MAIL FROM:<stranger@remote.test>")
            for trick in Self.tricks {
                let reply = try client.say("RCPT TO:<\(trick)>")
                #expect(reply.hasPrefix("5") || reply.hasPrefix("2"), "\(trick): \(reply)")
                if reply.hasPrefix("2") { taken.insert(trick) }
            }
        }
        // With the existence check switched off, a local part of ours with odd signs in it is a local mailbox that does not exist, nothing else.
        for trick in taken {
            let domain = trick.split(separator: "@").last ?? ""
            #expect(["example.test", "mail.example.test", "[127.0.0.1]"].contains(domain), "\(trick) was taken")
        }
    }

    @Test("What was taken unchecked goes nowhere: it waits here")
    func uncheckedStaysHere() throws {
        let server = try SMTPFixture()
        try server.account("taro@example.test")
        for field in Self.switches { try server.configure(field, "no") }
        let client = try server.greeted()
        #expect(try client.mail(from: "a@remote.test", to: ["x%remote.test@example.test"], "x\r\n").hasPrefix("2") == true)
        #expect(eventually { server.events.all.contains { $0.event == "deferred" } })
        #expect(!server.events.all.contains { $0.event == "delivered" })
    }

    @Test("Neither a sender of ours, nor HELO with our name, nor an empty sender makes a stranger one of us")
    func claims() throws {
        let server = try SMTPFixture()
        try server.account("taro@example.test")
        for sender in ["taro@example.test", "", "postmaster@mail.example.test"] {
            let client = try server.connect()
            _ = try client.reply()
            _ = try client.say("EHLO mail.example.test", "MAIL FROM:<\(sender)>")
            #expect(try client.say("RCPT TO:<x@remote.test>").hasPrefix("550 5.7.1"))
        }
    }
}
