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

/// The way back: what cannot be delivered here goes to its sender, or waits for the postmaster.
@Suite("What cannot be delivered comes back", .serialized)
struct ReturnTests {
    /// Both deliveries over one server; nothing of it listens or connects.
    private final class Ways {
        let server: SMTPFixture
        let loops = EventLoops(count: 1)
        let remote: RemoteDelivery
        let local: LocalDelivery

        init(_ change: (inout StoreOptions) -> Void = { _ in }) throws {
            let server = try SMTPFixture(change)
            let clock = server.clock
            let finder = HostFinder(FakeResolver(), own: HostFinder.Own(isName: { _ in false }, isAddress: { _, _ in false }), seed: { 1 })
            let directory = server.directory
            let environment = RemoteEnvironment(
                directory: directory, store: server.store, queue: OutboundQueue(server.store), connector: Connector(loops: self.loops),
                finder: finder, events: server.events,
                settings: {
                    var settings = RemoteSettings(helloName: "mail.example.test")
                    settings.routes = directory.configuration.routes
                    settings.policy = directory.configuration.queue
                    settings.responses = directory.configuration.errorResponses
                    return settings
                }, now: { clock.now }, random: SystemSources.random)
            self.server = server
            self.remote = try RemoteDelivery(environment)
            self.local = LocalDelivery(
                directory: directory, store: server.store, remote: self.remote, events: server.events, now: { clock.now })
            environment.queue.start()
        }

        deinit {
            self.remote.stop(within: 1000)
            boundedEnd("the event loops to end") { [loops] in try loops.shutDown() }
        }
    }

    private static func unchecked(_ server: SMTPFixture) throws {
        for field in SMTPRelayTests.switches { try server.configure(field, "no") }
    }

    /// Messages of a mailbox, when there are `count` of them; at most five seconds.
    private func mailbox(_ server: SMTPFixture, _ account: AccountID, _ count: Int) throws -> [String] {
        for _ in 0..<5000 where try server.mailbox(of: account).count < count { usleep(1000) }
        return try server.mailbox(of: account)
    }

    @Test("99 with the check off an unknown recipient is accepted and returned at once, with the message, and never sent on")
    func unknownReturns() throws {
        let ways = try Ways()
        let server = ways.server
        let taro = try server.account("taro@example.test")
        try Self.unchecked(server)
        let client = try server.greeted()
        #expect(
            try client.mail(
                from: "taro@example.test", to: ["nobody@example.test"], "Subject: hello\r\nMessage-ID: <1@x>\r\n\r\nbody text\r\n"
            )
            .hasPrefix("250"))
        try server.waitForQueue(1)
        ways.local.runOnce()
        let texts = try self.mailbox(server, taro, 1)
        let text = try #require(texts.first)
        #expect(text.hasPrefix("Return-Path: <>\r\n"))
        #expect(text.contains("Subject: Mail System Error - Returned Mail\r\n"))
        #expect(text.contains("    SMTP <nobody@example.test>\r\n"))
        #expect(text.contains("body text"))
        let report = try #require(ReportReader(ByteBuffer(string: text)))
        #expect(report.recipients.map(\.finalRecipient) == ["nobody@example.test"])
        #expect(report.recipients.map(\.status) == [EnhancedStatus(5, 1, 1)])
        try server.waitForQueue(0)
        #expect(try server.store.check().problems.isEmpty)
    }

    @Test("102 mail without a sender that cannot be delivered is deleted, the postmaster is told, and nothing is left behind")
    func nullSender() throws {
        let ways = try Ways()
        let server = ways.server
        let taro = try server.account("taro@example.test")
        let id = try #require(server.directory.snapshot.postmaster?.account)
        try server.change(id, DeliveryField.forwarding, "taro@example.test")
        try Self.unchecked(server)
        let client = try server.greeted()
        #expect(try client.mail(from: "", to: ["nobody@example.test"], "Subject: stray\r\n\r\nbody text\r\n").hasPrefix("250"))
        try server.waitForQueue(1)
        ways.local.runOnce()
        let text = try #require(try self.mailbox(server, taro, 1).first)
        #expect(text.contains("Subject: Mail System Notification - Unknown user\r\n"))
        #expect(text.contains("Subject: stray\r\n"))
        #expect(!text.contains("body text"))
        try server.waitForQueue(0)
        #expect(server.events.names.contains("not-returned"))
        #expect(!server.events.names.contains("returned"))
        #expect(try server.store.check().problems.isEmpty)
    }

    @Test("a class that is set to hold keeps the message and asks the postmaster with a form whose secret is right")
    func held() throws {
        let ways = try Ways()
        let server = ways.server
        let taro = try server.account("taro@example.test")
        let boss = try server.account("boss@example.test")
        try server.configure(ErrorField.unknownUser.action, "hold")
        try server.configure(ErrorField.unknownUser.people, "boss@example.test")
        try Self.unchecked(server)
        let client = try server.greeted()
        #expect(
            try client.mail(from: "taro@example.test", to: ["nobody@example.test"], "Subject: hello\r\n\r\nbody text\r\n").hasPrefix("250"))
        try server.waitForQueue(1)
        ways.local.runOnce()
        let form = try #require(try self.mailbox(server, boss, 1).first)
        #expect(form.contains("Subject: Form: Undeliverable Mail - Unknown user\r\n"))
        #expect(form.contains("Reply-To: Configuration-Manager <configuration@mail.example.test>\r\n"))
        let answer = try ActionForm.read(
            form.split(separator: "\r\n").map { $0.hasPrefix("Action: []") ? "Action: [delete]" : "\($0)" }.joined(separator: "\n"))
        let entry = try #require(try server.store.queueEntries(limit: 10).first)
        #expect(answer.entry == entry.id)
        #expect(server.directory.snapshot.actionSecret.isRight(answer.secret, entry.id, heldAt: entry.since))
        #expect(entry.flags.contains(.held))
        #expect(entry.reason.hasPrefix("unknown-user: "))
        #expect(try server.mailbox(of: taro).isEmpty)
        // Nobody is asked twice, however often the queue is looked through.
        server.clock.advance(10 * 86_400)
        ways.local.runOnce()
        #expect(try server.mailbox(of: boss).count == 1)
        #expect(try server.store.queueEntries(limit: 10).count == 1)
    }

    @Test("a full mailbox makes the message wait, warns the sender after a day, and returns it after five, with the family's words")
    func overQuota() throws {
        let ways = try Ways()
        let server = ways.server
        let taro = try server.account("taro@example.test")
        try server.account("small@example.test", fields: [(DeliveryField.quota, "1000")])
        let client = try server.greeted()
        for _ in 0..<2 {
            #expect(
                try client.mail(from: "taro@example.test", to: ["small@example.test"], String(repeating: "x\r\n", count: 200)).hasPrefix(
                    "250"))
        }
        try server.waitForQueue(1)
        ways.local.runOnce(everything: true)
        #expect(try server.mailbox(of: taro).isEmpty)
        server.clock.advance(86_400 + 1)
        ways.local.runOnce()
        let warned = try self.mailbox(server, taro, 1)
        #expect(warned.first?.contains("Subject: Mail System Warning - Delayed Mail\r\n") == true)
        server.clock.advance(3600 * 4)
        ways.local.runOnce()
        #expect(try server.mailbox(of: taro).count == 1, "warned once")
        server.clock.advance(5 * 86_400)
        ways.local.runOnce()
        let texts = try self.mailbox(server, taro, 2)
        #expect(texts.last?.contains("    User quota exceeded: SMTP <small@example.test>\r\n") == true)
        try server.waitForQueue(0)
        #expect(try server.store.check().problems.isEmpty)
    }
}
