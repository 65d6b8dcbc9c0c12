import Bounces
import Delivery
import Forms
import MailTesting
import MessageStore
import NIOCore
import Policy
import Testing
import Vocabulary

/// Words to the postmaster, and what becomes of them where he cannot be reached.
@Suite("Notices that do not arrive", .serialized)
struct NoticeTests {
    /// A server that sends, with delivery to mailboxes and forwarding, and a host that refuses everything for `bad.test`.
    private final class World {
        let peer = EvilServer([.init(".", .say("554 5.6.0 no\r\nthanks\r\n"))])
        let server: SMTPFixture
        let local: LocalDelivery

        init(_ change: (inout StoreOptions) -> Void = { _ in }) throws {
            let server = try SMTPFixture(sends: true, change)
            self.server = server
            self.local = LocalDelivery(
                directory: server.directory, store: server.store, remote: server.remote, events: server.events,
                now: { [clock = server.clock] in clock.now })
            try server.configure(RoutingField.mailRoutingTable, list: ["[bad.test:127.0.0.1:\(self.peer.port)]"])
            self.local.start()
        }

        deinit {
            boundedEnd("local delivery to end") { [local] in local.stop() }
            self.peer.stop()
        }

        func forwardPostmaster(to address: String) throws {
            try self.server.change(try #require(self.server.directory.snapshot.postmaster?.account), DeliveryField.forwarding, address)
        }

        func count(_ event: String) -> Int { self.server.events.all.count { $0.event == event } }

        /// Nothing is under way, and nothing comes of what was.
        func settles(_ entries: Int) -> Bool {
            eventually {
                let events = self.server.events.all.count
                guard (try? self.server.store.queueCount()) == entries, self.server.remote?.isIdle == true else { return false }
                return events == self.server.events.all.count
            }
        }
    }

    @Test("L2 a postmaster whose own mail is refused gets one notice of a stranger's message, and none of that notice")
    func refusedPostmaster() throws {
        let world = try World()
        try world.forwardPostmaster(to: "pm@bad.test")
        let client = try world.server.greeted()
        #expect(try client.mail(from: "", to: ["postmaster@example.test"], "Subject: x\r\n\r\nHello\r\n").hasPrefix("250"))
        #expect(eventually { world.count("failed") >= 1 && world.count("not-returned") >= 1 })
        #expect(world.settles(0))
        #expect(world.count("notified") <= 1 && world.count("failed") <= 2, "\(world.server.events.names)")
    }

    @Test("L2 notices to an address that is refused end there", arguments: ["headers", "whole"])
    func refusedPeople(_ notice: String) throws {
        let world = try World()
        let taro = try world.server.account("taro@example.test", password: "taros word")
        try world.server.configure(ErrorField.refused.notice, notice)
        try world.server.configure(ErrorField.refused.people, "pm@bad.test")
        try world.server.configure(ErrorField.doubleBounce, notice)
        let client = try world.server.greeted("submission")
        _ = try client.login("taro", "taros word")
        #expect(try client.mail(from: "taro@example.test", to: ["a@bad.test"], "Subject: x\r\n\r\nHello\r\n").hasPrefix("250"))
        #expect(eventually { world.count("failed") == 2 && world.count("not-returned") == 1 }, "the message, and the notice of it")
        #expect(world.settles(0))
        #expect(world.count("notified") == 1 && world.count("returned") == 1)
        #expect(try world.server.mailbox(of: taro).count == 1)
    }

    @Test("L2 a question about a held message that is refused is not asked about; the message waits")
    func refusedQuestion() throws {
        let world = try World()
        let taro = try world.server.account("taro@example.test", password: "taros word")
        try world.server.configure(ErrorField.refused.action, "hold")
        try world.server.configure(ErrorField.refused.people, "pm@bad.test")
        let client = try world.server.greeted("submission")
        _ = try client.login("taro", "taros word")
        #expect(try client.mail(from: "taro@example.test", to: ["a@bad.test"], "Subject: x\r\n\r\nHello\r\n").hasPrefix("250"))
        #expect(eventually { world.count("failed") == 2 && world.count("not-returned") == 1 })
        #expect(world.settles(1))
        #expect(world.count("asked") == 1 && world.count("held") == 1)

        // Sent back by hand it goes back for what the other host said.
        let entry = try #require(try world.server.store.queueEntries(limit: 2).first)
        #expect(entry.flags.contains(.held) && entry.reason.hasPrefix("refused: the other host said: 554 5.6.0 no"), "\(entry.reason)")
        #expect(try world.server.remote?.edit([entry], .giveBack).done == 1)
        #expect(eventually { (try? world.server.mailbox(of: taro).count) == 1 })
        let text = try #require(try world.server.mailbox(of: taro).first)
        let report = try #require(ReportReader(ByteBuffer(string: text)))
        #expect(report.recipients.map(\.status) == [EnhancedStatus(5, 6, 0)])
        #expect(text.contains("Diagnostic-Code: smtp; 554 5.6.0 no") && !text.contains("trouble of this server"), "\(text)")
        #expect(text.contains("Remote-MTA: dns; "), "\(text)")
    }

    @Test("What the postmaster returns by hand says so, with the last trouble; where it cannot be written, it stays as it was")
    func byHand() throws {
        let failing = Flag()
        let world = try World { options in
            options.faults = FileFaults { operation, _ in operation == .sync && failing.isSet ? 5 : nil }
        }
        let taro = try world.server.account("taro@example.test", password: "taros word")
        world.peer.set([.init("RCPT", .say("450 4.2.1 grey\r\n"))])
        let client = try world.server.greeted("submission")
        _ = try client.login("taro", "taros word")
        #expect(try client.mail(from: "taro@example.test", to: ["a@bad.test"], "Subject: x\r\n\r\nHello\r\n").hasPrefix("250"))
        #expect(eventually { world.count("deferred") == 1 && world.server.remote?.isIdle == true })
        let entry = try #require(try world.server.store.queueEntries(limit: 2).first)
        failing.set(true)
        #expect(try world.server.remote?.edit([entry], .giveBack) == .init(failed: 1))
        #expect(try world.server.store.queueEntry(entry.id)?.reason == entry.reason)
        failing.set(false)
        #expect(try world.server.remote?.edit([entry], .giveBack).done == 1)
        #expect(eventually { (try? world.server.mailbox(of: taro).count) == 1 })
        let text = try #require(try world.server.mailbox(of: taro).first)
        #expect(text.contains("returned by the postmaster; the last trouble: the other host said: 450 4.2.1 grey"), "\(text)")
    }
}
