import Database
import Delivery
import Directory
import Forms
import Glibc
import MailTesting
import MessageStore
import Queue
import Testing
import Vocabulary

/// Accounts that answer by themselves, on a server with queue and deliveries.
@Suite("Accounts answer by themselves", .serialized)
struct AutoReplyServiceTests {
    /// A server that answers, with `remote.test` routed to `peer`.
    final class World {
        let peer = EvilServer()
        let server: SMTPFixture
        private(set) var ledger: AccountLedger
        private(set) var local: LocalDelivery
        let offset = SharedLimit()

        init(remoteName: String = "remote.test") throws {
            let server = try SMTPFixture(sends: true)
            self.server = server
            self.ledger = try AccountLedger.open(server.folder("ledger.db"), now: server.clock.now)
            self.local = Self.delivery(server, self.ledger)
            self.local.start()
            _ = try server.account("chief@example.test")
            try server.change(try #require(server.directory.snapshot.postmaster?.account), DeliveryField.forwarding, "chief@example.test")
            try server.configure(RoutingField.mailRoutingTable, "[\(remoteName):127.0.0.1:\(self.peer.port)]")
        }

        private static func delivery(_ server: SMTPFixture, _ ledger: AccountLedger) -> LocalDelivery {
            let clock = server.clock
            return LocalDelivery(
                directory: server.directory, store: server.store, remote: server.remote, events: server.events,
                answering: Answering(ledger: ledger, offset: { _ in 540 }, random: SystemSources.random), now: { clock.now })
        }

        /// As after a restart: nothing is remembered but what is on disk.
        func restart() throws {
            self.local.stop()
            self.ledger.close()
            self.ledger = try AccountLedger.open(self.server.folder("ledger.db"), now: self.server.clock.now)
            self.local = Self.delivery(self.server, self.ledger)
            self.local.start()
        }

        deinit {
            boundedEnd("the local delivery to end") { [local, ledger] in
                local.stop()
                ledger.close()
            }
            self.peer.stop()
        }

        func send(_ header: String, from sender: String = "stranger@remote.test", to recipient: String = "jane@example.test") throws {
            let client = try self.server.greeted()
            try #require(try client.mail(from: sender, to: [recipient], header + "\r\nHello\r\n").hasPrefix("250"))
        }

        /// So many answers have come to the other host, and nothing waits.
        func answers(_ count: Int) -> Bool {
            MailTesting.eventually { self.peer.taken.count == count && (try? self.server.store.queueCount()) == 0 }
        }

        var refusals: [String] { self.server.events.lines("method-ended").compactMap { $0.split(separator: "=").last.map(String.init) } }
    }

    private static let to = "To: jane@example.test\r\nSubject: Lunch\r\n"

    @Test("34 36 vacation: each sender once in the interval, the mailbox gets everything; a new text is told anew")
    func vacation() throws {
        let world = try World()
        let jane = try world.server.account(
            "jane@example.test", fields: [(DeliveryField.autoReply, "vacation"), (DeliveryField.autoReplyText, "Away.")])
        for _ in 0..<3 { try world.send(Self.to) }
        #expect(world.answers(1))
        try world.send(Self.to, from: "Other@remote.test")
        #expect(world.answers(2))
        let first = try #require(world.peer.taken.first)
        #expect(first.mail.hasPrefix("MAIL FROM:<>") && first.recipients == ["RCPT TO:<stranger@remote.test>"])
        #expect(first.body.contains("\r\nSubject: Auto: Lunch\r\n") && first.body.hasSuffix("\r\n\r\nAway.\r\n"))
        #expect(try world.server.mailbox(of: jane).count == 4)
        world.server.clock.advance(7 * 86_400 - 1)
        try world.send(Self.to)
        #expect(world.answers(2))
        world.server.clock.advance(2)
        try world.send(Self.to)
        #expect(world.answers(3))
        try world.server.change(jane, DeliveryField.autoReplyText, "Still away.")
        try world.send(Self.to)
        #expect(world.answers(4))
    }

    @Test("34 where the owner wrote nothing the site's text answers, in the language of the account; else a sentence of ours")
    func siteTexts() throws {
        let world = try World()
        for (name, language) in [("jane", "en"), ("taro", "ja")] {
            _ = try world.server.account(
                "\(name)@example.test", fields: [(DeliveryField.autoReply, "reply"), (AccountField.language, language)])
        }
        try world.server.configure(ReplyTextField.reply, "We have your letter to {address}.")
        try world.send("To: x@y.test\r\n")
        #expect(world.answers(1))
        #expect(world.peer.taken.first?.body.hasSuffix("\r\n\r\nWe have your letter to jane@example.test.\r\n") == true)
        try world.send("To: x@y.test\r\n", to: "taro@example.test")
        #expect(world.answers(2))
        #expect(world.peer.taken.last?.body.contains("charset=utf-8") == true)
        try world.server.configure(ReplyTextField.replyJapanese, "Nihongo: {address}")
        try world.send("To: x@y.test\r\n", to: "taro@example.test")
        #expect(world.answers(3))
        #expect(world.peer.taken.last?.body.hasSuffix("\r\n\r\nNihongo: taro@example.test\r\n") == true)
    }

    @Test("36 a restart forgets nobody who was answered")
    func restart() throws {
        let world = try World()
        _ = try world.server.account("jane@example.test", fields: [(DeliveryField.autoReply, "vacation")])
        try world.send(Self.to)
        #expect(world.answers(1))
        try world.restart()
        try world.send(Self.to)
        #expect(eventually { world.refusals.contains("answered-before") } && world.answers(1))
    }

    @Test("36 the reply begins and ends with its days, as this host counts them")
    func days() throws {
        let world = try World()
        // The clock says 2027-01-15 08:00 UTC, which is 17:00 of the same day here.
        _ = try world.server.account(
            "jane@example.test",
            fields: [
                (DeliveryField.autoReply, "reply"), (DeliveryField.autoReplyFrom, "2027-01-16"),
                (DeliveryField.autoReplyUntil, "2027-01-17"),
            ])
        try world.send(Self.to)
        #expect(world.answers(0) && eventually { world.refusals == ["not-today"] })
        world.server.clock.advance(7 * 3600)
        try world.send(Self.to)
        #expect(world.answers(1))
        world.server.clock.advance(2 * 86_400)
        try world.send(Self.to)
        #expect(world.answers(1) && eventually { world.refusals == ["not-today", "not-today"] })
    }

    @Test("35 an information account: no mailbox, every message is answered, ten an hour and sender")
    func information() throws {
        let world = try World()
        let info = try world.server.account(
            "info@example.test",
            fields: [
                (DeliveryField.mailboxDelivery, "no"), (DeliveryField.autoReply, "reply"), (DeliveryField.autoReplyText, "Open 9 to 5."),
            ])
        for _ in 0..<12 { try world.send("Subject: x\r\n", to: "info@example.test") }
        #expect(world.answers(10))
        #expect(try world.server.mailbox(of: info).isEmpty)
        world.server.clock.advance(3601)
        try world.send("Subject: x\r\n", to: "info@example.test")
        #expect(world.answers(11))
        #expect(try world.server.store.check().problems.isEmpty)
    }

    @Test("34 echo sends the message back whole")
    func echo() throws {
        let world = try World()
        _ = try world.server.account("jane@example.test", fields: [(DeliveryField.autoReply, "echo")])
        try world.send("Subject: Ping\r\nX-Mine: yes\r\n")
        #expect(world.answers(1))
        let body = try #require(world.peer.taken.first?.body)
        #expect(
            body.contains("Content-Type: message/rfc822") && body.contains("\r\n\r\nSubject: Ping\r\nX-Mine: yes\r\n\r\nHello\r\n\r\n--=_"))
    }

    @Test("L2 nobody is answered who must not be, and nothing is left in the queue")
    func refusals() throws {
        let world = try World()
        let jane = try world.server.account("jane@example.test", fields: [(DeliveryField.autoReply, "vacation")])
        try world.send(Self.to, from: "")
        try world.send(Self.to, from: "list-request@remote.test")
        try world.send(Self.to + "List-Id: <a>\r\n")
        try world.send(Self.to + "Auto-Submitted: auto-replied\r\n")
        try world.send("To: everybody@remote.test\r\n")
        try world.send(Self.to, from: "jane@example.test")
        #expect(
            eventually {
                world.refusals.sorted() == ["auto-submitted", "automatic-sender", "list", "not-addressed", "null-sender", "own-address"]
            })
        #expect(world.answers(0))
        #expect(try world.server.mailbox(of: jane).count == 6)
    }

    @Test("L2 two accounts here that answer each other stop after one answer; an answer to an answer is delivered and not answered")
    func twoHere() throws {
        let world = try World()
        let jane = try world.server.account(
            "jane@example.test", fields: [(DeliveryField.autoReply, "vacation")], password: "janes word")
        let taro = try world.server.account("taro@example.test", fields: [(DeliveryField.autoReply, "reply")])
        try world.send("To: taro@example.test\r\n", from: "jane@example.test", to: "taro@example.test")
        #expect(eventually { (try? world.server.mailbox(of: jane).count) == 1 })
        #expect(eventually { (try? world.server.store.queueCount()) == 0 })
        #expect(try world.server.mailbox(of: taro).count == 1 && world.server.mailbox(of: jane).count == 1)
        #expect(try world.server.mailbox(of: jane).first?.contains("Auto-Submitted: auto-replied") == true)
    }
}
