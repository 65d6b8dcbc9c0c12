import Bounces
import Delivery
import Directory
import Forms
import Glibc
import MailTesting
import MessageStore
import NIOCore
import NetKit
import Policy
import Queue
import Testing
import Vocabulary

/// Accounts whose mail goes on: to other accounts, to other hosts, with and without a mailbox of their own.
@Suite("Mail is forwarded", .serialized)
struct ForwardingTests {
    /// A server that sends and delivers, with `remote.test` routed to `peer`.
    private final class World {
        let peer = EvilServer()
        let server: SMTPFixture
        let local: LocalDelivery

        /// - Parameter hasPostmaster: false leaves the delivery list empty, as before the wrap-up.
        init(hasPostmaster: Bool = true) throws {
            let server = try SMTPFixture(sends: true)
            let clock = server.clock
            self.server = server
            self.local = LocalDelivery(
                directory: server.directory, store: server.store, remote: server.remote, events: server.events, now: { clock.now })
            self.local.start()
            // Notices for a postmaster without a delivery list would wait in the queue.
            _ = try server.account("chief@example.test")
            if hasPostmaster {
                try server.change(
                    try #require(server.directory.snapshot.postmaster?.account), DeliveryField.forwarding, "chief@example.test")
            }
            try server.configure(RoutingField.mailRoutingTable, "[remote.test:127.0.0.1:\(self.peer.port)]")
        }

        deinit {
            boundedEnd("the local delivery to end") { [local] in local.stop() }
            self.peer.stop()
        }

        /// From a stranger.
        func send(
            to recipient: String, from sender: String = "stranger@elsewhere.test", _ text: String = "Subject: x\r\n\r\nHello\r\n",
            parameters: String = ""
        ) throws {
            let client = try self.server.greeted()
            _ = try client.say("MAIL FROM:<\(sender)>")
            let reply = try client.say("RCPT TO:<\(recipient)>\(parameters)")
            try #require(reply.hasPrefix("250"), "\(reply)")
            #expect(try client.send(text).hasPrefix("250"))
        }

        func has(_ account: AccountID, _ count: Int) -> Bool {
            MailTesting.eventually { (try? self.server.mailbox(of: account).count) == count }
        }

        func queued(_ count: Int) -> Bool { MailTesting.eventually { (try? self.server.store.queueCount()) == count } }
    }

    private static let forward = DeliveryField.forwarding
    private static let noMailbox = (DeliveryField.mailboxDelivery, "no")

    @Test("38 an account that only forwards takes mail; the stranger's sender is replaced, the message is not, and Delivered-To is written")
    func remote() throws {
        let world = try World()
        _ = try world.server.account("jane@example.test", fields: [(Self.forward, "jane@remote.test"), Self.noMailbox])
        try world.send(to: "jane@example.test", "Subject: x\r\nX-Mine: yes\r\n\r\n..dots\r\n")
        #expect(MailTesting.eventually { world.peer.taken.count == 1 })
        let taken = try #require(world.peer.taken.first)
        #expect(taken.recipients == ["RCPT TO:<jane@remote.test>"])
        #expect(taken.mail.hasPrefix("MAIL FROM:<SRS0=") && taken.mail.contains("=elsewhere.test=stranger@example.test>"), "\(taken.mail)")
        #expect(taken.body.hasPrefix("Delivered-To: jane@example.test\r\nReceived: from client.test"))
        #expect(taken.body.hasSuffix("\r\nSubject: x\r\nX-Mine: yes\r\n\r\n.dots\r\n"))
        #expect(!taken.body.contains("Return-Path"))
        #expect(world.queued(0))
        #expect(try world.server.store.check().problems.isEmpty)
    }

    @Test("A report to the replaced sender goes back to the stranger who wrote")
    func reportComesBack() throws {
        let world = try World()
        world.peer.set([.init("RCPT", .say("550 5.1.1 No such user\r\n"), containing: "<gone@")])
        _ = try world.server.account("jane@example.test", fields: [(Self.forward, "gone@remote.test")])
        try world.send(to: "jane@example.test", from: "stranger@remote.test")
        #expect(MailTesting.eventually { world.peer.taken.count == 1 })
        let report = try #require(world.peer.taken.first)
        #expect(report.mail.hasPrefix("MAIL FROM:<>") && report.recipients == ["RCPT TO:<stranger@remote.test>"])
        #expect(report.body.contains("Final-Recipient: rfc822; gone@remote.test"))
        #expect(world.queued(0))
    }

    @Test("forward-sender-rewrite: never leaves the sender, always replaces our own users' too, auto leaves those and the null sender")
    func senders() throws {
        let world = try World()
        _ = try world.server.account("jane@example.test", fields: [(Self.forward, "jane@remote.test")])
        _ = try world.server.account("taro@example.test")
        var count = 0
        for (setting, sender, expected) in [
            ("never", "stranger@elsewhere.test", "MAIL FROM:<stranger@elsewhere.test>"), ("auto", "", "MAIL FROM:<>"),
            ("auto", "taro@example.test", "MAIL FROM:<taro@example.test>"), ("always", "taro@example.test", "MAIL FROM:<SRS0="),
        ] {
            try world.server.configure(QueueField.forwardRewrite, setting)
            try world.send(to: "jane@example.test", from: sender)
            count += 1
            #expect(MailTesting.eventually { world.peer.taken.count == count })
            #expect(world.peer.taken.last?.mail.hasPrefix(expected) == true, "\(setting): \(world.peer.taken.last?.mail ?? "")")
        }
    }

    @Test("38 several targets, here and elsewhere, beside the mailbox: everybody gets one copy")
    func several() throws {
        let world = try World()
        let taro = try world.server.account("taro@example.test", "t@example.test")
        let jane = try world.server.account("jane@example.test")
        try world.server.change(
            jane, Self.forward, ["taro@example.test", "t@example.test", "a@remote.test", "b@remote.test", "jane@example.test"])
        try world.send(to: "jane@example.test")
        #expect(world.has(jane, 1) && world.has(taro, 1))
        #expect(MailTesting.eventually { world.peer.taken.count == 1 })
        #expect(world.peer.taken.first?.recipients == ["RCPT TO:<a@remote.test>", "RCPT TO:<b@remote.test>"])
        #expect(world.queued(0))
        #expect(
            try world.server.mailbox(of: jane).first?.hasPrefix("Return-Path: <stranger@elsewhere.test>\r\nDelivered-To: jane@") == true)
        #expect(
            try world.server.mailbox(of: taro).first?.hasPrefix(
                "Return-Path: <stranger@elsewhere.test>\r\nDelivered-To: taro@example.test\r\nDelivered-To: jane@example.test\r\nReceived:")
                == true)
    }

    @Test("A large message is forwarded byte for byte")
    func large() throws {
        let world = try World()
        _ = try world.server.account("jane@example.test", fields: [(Self.forward, "jane@remote.test")])
        let lines = (0..<20_000).map { "line \($0) of a long message\r\n" }.joined()
        try world.send(to: "jane@example.test", "Subject: long\r\n\r\n" + lines)
        #expect(MailTesting.eventually(within: 60) { world.peer.taken.first?.body.hasSuffix("Subject: long\r\n\r\n" + lines) == true })
        #expect(world.queued(0))
        #expect(try world.server.store.check().problems.isEmpty)
    }

    // MARK: Circles

    @Test("Accounts that forward to each other get one copy each, and the message goes no further")
    func circle() throws {
        let world = try World()
        let a = try world.server.account("a@example.test", fields: [(Self.forward, "b@example.test")])
        let b = try world.server.account("b@example.test", fields: [(Self.forward, "c@example.test")])
        let c = try world.server.account("c@example.test", fields: [(Self.forward, "a@example.test")])
        try world.send(to: "a@example.test")
        #expect(world.has(c, 1) && world.has(b, 1) && world.has(a, 1))
        #expect(world.queued(0))
        #expect(world.server.events.names.contains("circled"))
        for account in [a, b, c] { #expect(try world.server.mailbox(of: account).count == 1) }
    }

    @Test("A circle in which nobody has a mailbox goes back to the sender as a loop", arguments: [true, false])
    func emptyCircle(_ toItself: Bool) throws {
        let world = try World()
        let taro = try world.server.account("taro@example.test")
        _ = try world.server.account(
            "a@example.test", fields: [(Self.forward, toItself ? "a@example.test" : "b@example.test"), Self.noMailbox])
        _ = try world.server.account("b@example.test", fields: [(Self.forward, "a@example.test"), Self.noMailbox])
        try world.send(to: "a@example.test", from: "taro@example.test")
        #expect(world.has(taro, 1))
        #expect(try world.server.mailbox(of: taro).first?.contains("Status: 5.4.6") == true)
        #expect(world.queued(0))
    }

    @Test("A message that comes back from the other host is not forwarded again")
    func comesBack() throws {
        let world = try World()
        let jane = try world.server.account("jane@example.test", fields: [(Self.forward, "jane@remote.test")])
        try world.send(to: "jane@example.test")
        #expect(MailTesting.eventually { world.peer.taken.count == 1 })
        try world.send(to: "jane@example.test", world.peer.taken.first?.body ?? "")
        #expect(MailTesting.eventually { world.server.events.names.contains("circled") })
        #expect(world.queued(0) && world.has(jane, 2))
        #expect(world.peer.taken.count == 1)
    }

    @Test("An account and one of another host that forward to each other get one copy each, wherever the message comes in first")
    func twoHosts() throws {
        let (here, there) = (try World(), try World())
        try there.server.configure(RoutingField.mainDomain, "other.test")
        try there.server.configure(RoutingField.localMailDomains, "other.test")
        try here.server.configure(RoutingField.mailRoutingTable, "[other.test:127.0.0.1:\(try there.server.port("smtp"))]")
        try there.server.configure(RoutingField.mailRoutingTable, "[example.test:127.0.0.1:\(try here.server.port("smtp"))]")
        let jane = try here.server.account("jane@example.test", fields: [(Self.forward, "john@other.test")])
        let john = try there.server.account("john@other.test", fields: [(Self.forward, "jane@example.test")])
        for (count, (first, recipient)) in [(here, "jane@example.test"), (there, "john@other.test")].enumerated() {
            try first.send(to: recipient)
            #expect(here.has(jane, count + 1) && there.has(john, count + 1))
            #expect(here.queued(0) && there.queued(0))
            #expect(here.server.remote?.isIdle == true || MailTesting.eventually { here.server.remote?.isIdle == true })
            #expect(try here.server.mailbox(of: jane).count == count + 1)
            #expect(try there.server.mailbox(of: john).count == count + 1)
        }
        #expect(there.server.events.names.contains("circled") && here.server.events.names.contains("circled"))
    }

    @Test("Where no copy stays here, what a header says of the target is not believed: the message goes on")
    func notBelieved() throws {
        let world = try World()
        let text = "Delivered-To: jane@remote.test\r\nSubject: x\r\n\r\nHello\r\n"
        _ = try world.server.account("one@example.test", fields: [(Self.forward, "jane@remote.test"), Self.noMailbox])
        try world.send(to: "one@example.test", text)
        #expect(MailTesting.eventually { world.peer.taken.count == 1 })
        let two = try world.server.account("two@example.test")
        try world.server.change(two, Self.forward, "jane@remote.test", "jim@remote.test")
        try world.send(to: "two@example.test", text)
        #expect(MailTesting.eventually { world.peer.taken.count == 2 })
        #expect(world.peer.taken.last?.recipients == ["RCPT TO:<jim@remote.test>"])
        #expect(world.has(two, 1) && world.queued(0))
    }

    // MARK: Wishes of the sender

    @Test("NOTIFY goes along to a single target; of several each keeps it without SUCCESS, and the sender hears that it was expanded")
    func notify() throws {
        let world = try World()
        world.peer.setKeywords(["PIPELINING", "DSN", "8BITMIME"])
        let taro = try world.server.account("taro@example.test")
        _ = try world.server.account("one@example.test", fields: [(Self.forward, "one@remote.test"), Self.noMailbox])
        let two = try world.server.account("two@example.test", fields: [(Self.forward, "two@remote.test")])
        try world.send(to: "one@example.test", from: "taro@example.test", parameters: " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;one@x.test")
        #expect(MailTesting.eventually { world.peer.taken.count == 1 })
        let line = try #require(world.peer.taken.first?.recipients.first)
        #expect(line.contains("NOTIFY=SUCCESS,FAILURE") && line.contains("ORCPT=rfc822;one@x.test"), "\(line)")
        try world.send(to: "two@example.test", from: "taro@example.test", parameters: " NOTIFY=SUCCESS,FAILURE")
        #expect(MailTesting.eventually { world.peer.taken.count == 2 })
        #expect(world.peer.taken.last?.recipients.first?.contains("NOTIFY=FAILURE") == true)
        #expect(world.has(two, 1) && world.has(taro, 1))
        #expect(try world.server.mailbox(of: taro).first?.contains("Action: expanded") == true)
    }

    @Test("NOTIFY=SUCCESS for a mailbox here is confirmed, with the header of the message")
    func confirmed() throws {
        let world = try World()
        let (taro, jane) = (try world.server.account("taro@example.test"), try world.server.account("jane@example.test"))
        try world.send(
            to: "jane@example.test", from: "taro@example.test", "Subject: confirm me\r\n\r\nbody text\r\n", parameters: " NOTIFY=SUCCESS")
        #expect(world.has(jane, 1) && world.has(taro, 1))
        let report = try #require(try world.server.mailbox(of: taro).first)
        #expect(report.contains("Action: delivered") && report.contains("Status: 2.1.5") && report.contains("Subject: confirm me"))
        #expect(world.queued(0))
    }

    // MARK: Changes meanwhile

    @Test("What waits to be forwarded follows the account: mailbox when it forwards no more, back when nothing is left")
    func changedMeanwhile() throws {
        let world = try World()
        let jane = try world.server.account("jane@example.test", fields: [(Self.forward, "jane@remote.test"), Self.noMailbox])
        world.local.stop()
        try world.send(to: "jane@example.test")
        #expect(world.queued(1))
        var input = AccountInput()
        input.values[Self.forward.key] = FieldValue.none
        input.values[DeliveryField.mailboxDelivery.key] = .flag(true)
        try world.server.directory.changeAccount(jane, input, by: Actor(name: "tester", interface: "test"))
        let clock = world.server.clock
        let again = LocalDelivery(
            directory: world.server.directory, store: world.server.store, remote: world.server.remote, events: world.server.events,
            now: { clock.now })
        #expect(again.runOnce() == 1)
        #expect(world.has(jane, 1) && world.queued(0))
        #expect(world.peer.taken.isEmpty)
    }

    @Test("57 the postmaster's list may name other hosts: everybody on it gets the mail, at once or when the list is written")
    func postmaster() throws {
        let world = try World(hasPostmaster: false)
        let taro = try world.server.account("taro@example.test")
        let postmaster = try #require(world.server.directory.snapshot.postmaster?.account)
        try world.send(to: "postmaster@example.test")
        #expect(MailTesting.eventually { world.server.events.names.contains("deferred") })
        try world.server.change(postmaster, Self.forward, ["taro@example.test", "boss@remote.test"])
        #expect(MailTesting.eventually { world.peer.taken.count == 1 })
        #expect(world.has(taro, 1))
        try world.send(to: "postmaster@example.test")
        #expect(MailTesting.eventually { world.peer.taken.count == 2 })
        #expect(world.has(taro, 2) && world.queued(0))
    }

    // MARK: By hand

    @Test("What waits for a mailbox can be redirected, released and returned by hand like everything else")
    func byHand() throws {
        let world = try World()
        let server = world.server
        let taro = try server.account("taro@example.test")
        let remote = try #require(server.remote)
        try server.configure(ErrorField.unknownUser.action, "hold")
        try server.configure(ErrorField.unknownUser.people, "boss@remote.test")
        for field in SMTPRelayTests.switches { try server.configure(field, "no") }
        try server.configure(RoutingField.checksRecipients, "no")
        for name in ["n1", "n2", "n3"] { try world.send(to: "\(name)@example.test", from: "taro@example.test") }
        #expect(
            MailTesting.eventually {
                (try? server.store.queueEntries(limit: 10).filter { $0.flags.contains(.held) && $0.draft.channel == .mailbox }.count) == 3
            })
        let held = try server.store.queueEntries(limit: 10).filter { $0.flags.contains(.held) }
        #expect(try remote.edit([held[0]], .redirect(Envelope.Recipient(try Address(parsing: "x@remote.test")))).done == 1)
        #expect(MailTesting.eventually { world.peer.taken.contains { $0.recipients == ["RCPT TO:<x@remote.test>"] } })
        let moved = try #require(world.peer.taken.first { $0.recipients == ["RCPT TO:<x@remote.test>"] })
        #expect(moved.body.hasPrefix("Received: from client.test") && !moved.body.contains("Return-Path"))
        #expect(try remote.edit([held[1]], .redirect(Envelope.Recipient(try Address(parsing: "taro@example.test")))).done == 1)
        #expect(world.has(taro, 1))
        #expect(try remote.edit([held[2]], .giveBack).done == 1)
        #expect(world.has(taro, 2))
        let report = try #require(try server.mailbox(of: taro).last)
        #expect(report.contains("Status: 5.1.1") && report.contains("UnknownUser"), "\(report)")
        #expect(world.queued(0))
    }

    @Test("One message to many unknown recipients asks the postmaster once")
    func oneQuestion() throws {
        let world = try World()
        let server = world.server
        let boss = try server.account("boss@example.test")
        world.peer.set([.init("RCPT", .say("550 5.1.1 No such user\r\n"))])
        try server.configure(ErrorField.unknownUser.action, "hold")
        try server.configure(ErrorField.unknownUser.people, "boss@example.test")
        _ = try server.account("taro@example.test", password: "taros word")
        let client = try server.greeted("submission")
        _ = try client.login("taro", "taros word")
        let many = (0..<50).map { "u\($0)@remote.test" }
        #expect(try client.mail(from: "taro@example.test", to: many, "Subject: many\r\n\r\nx\r\n").hasPrefix("250"))
        #expect(MailTesting.eventually { (try? server.store.queueEntries(limit: 100).filter { $0.flags.contains(.held) }.count) == 50 })
        let forms = try server.mailbox(of: boss)
        #expect(forms.count == 1)
        #expect(forms.first?.contains("<u0@remote.test>") == true && forms.first?.contains("<u49@remote.test>") == true)
    }
}
