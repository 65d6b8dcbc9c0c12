import Bounces
import Delivery
import Directory
import Forms
import MailTesting
import MessageStore
import NIOCore
import NetKit
import Policy
import Queue
import SMTPService
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

    /// Messages of a mailbox, when there are `count` of them.
    private func mailbox(_ server: SMTPFixture, _ account: AccountID, _ count: Int) throws -> [String] {
        _ = eventually { ((try? server.mailbox(of: account).count) ?? 0) >= count }
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

    /// A message to two unknown recipients that is held, and the form that asks about it.
    private func question(_ ways: Ways) throws -> (form: String, taro: AccountID, boss: AccountID) {
        let server = ways.server
        let taro = try server.account("taro@example.test")
        let boss = try server.account("boss@example.test")
        try server.configure(ErrorField.unknownUser.action, "hold")
        try server.configure(ErrorField.unknownUser.people, "boss@example.test")
        try Self.unchecked(server)
        let client = try server.greeted()
        let reply = try client.mail(
            from: "taro@example.test", to: ["nobody@example.test", "none@example.test"], "Subject: hello\r\n\r\nbody text\r\n")
        #expect(reply.hasPrefix("250"))
        try server.waitForQueue(2)
        ways.local.runOnce()
        // Each was looked at alone: two questions, of which the first is answered for both.
        let forms = try self.mailbox(server, boss, 2)
        return (try #require(forms.first), taro, boss)
    }

    /// Sends what is in the brackets behind Action, with everything else quoted as mail programs do.
    private func answer(_ ways: Ways, _ form: String, _ action: String, from sender: String? = "boss@example.test", header: String = "")
        throws
    {
        let quoted = form.split(separator: "\r\n", omittingEmptySubsequences: false).map { "> \($0)" }.joined(separator: "\r\n")
        let text = "Subject: Re: form\r\n\(header)\r\n\(action)\r\n\r\n\(quoted)\r\n"
        let count = try ways.server.store.queueCount()
        var rest = ByteBuffer(string: text)
        let message = LocalSubmission.Message(
            sender: sender, recipients: ["configuration@example.test"], userID: 1, size: Int64(text.utf8.count))
        try ways.server.submission.accept(message, trace: TraceID("F1")) { () throws(LocalSubmission.Failure) -> ByteBuffer in
            rest.readSlice(length: rest.readableBytes) ?? ByteBuffer()
        }
        try ways.server.waitForQueue(count + 1)
        ways.local.runOnce()
    }

    @Test(
        "an action message is answered by mail, once and for all its recipients, and the answer is confirmed; late answers are explained"
    )
    func answered() throws {
        let ways = try Ways()
        let server = ways.server
        let (form, taro, boss) = try self.question(ways)
        try self.answer(ways, form, "Action: [ Return ]")
        let returned = try self.mailbox(server, taro, 1)
        #expect(returned.first?.contains("<nobody@example.test>") == true && returned.first?.contains("<none@example.test>") == true)
        try server.waitForQueue(0)
        let confirmation = try #require(try self.mailbox(server, boss, 3).last)
        #expect(confirmation.contains("From: Configuration-Manager <") && confirmation.contains("return was carried out for 2 recipients"))
        #expect(confirmation.contains("Auto-Submitted: auto-replied") && confirmation.hasPrefix("Return-Path: <>\r\n"))
        try self.answer(ways, form, "Action: [delete]")
        #expect(try self.mailbox(server, boss, 4).last?.contains("is not held any more") == true)
        #expect(try server.mailbox(of: taro).count == 1)
        try server.waitForQueue(0)
        #expect(try server.store.check().problems.isEmpty)
    }

    @Test("redirect, retry and delete by mail; a retried message that fails again asks with another secret")
    func otherAnswers() throws {
        let ways = try Ways()
        let server = ways.server
        let (form, taro, boss) = try self.question(ways)
        server.clock.advance(60)
        try self.answer(ways, form, "Action: [retry]")
        // Released, tried again, held again.
        ways.local.runOnce()
        #expect(try server.store.queueEntries(limit: 10).allSatisfy { $0.flags.contains(.held) })
        try self.answer(ways, form, "Action: [delete]")
        #expect(try server.store.queueEntries(limit: 10).count == 2, "the old secret is worth nothing any more")
        #expect(eventually { (try? server.mailbox(of: boss).contains { $0.contains("The secret is not that of queue entry") }) == true })
        let fresh = try #require(
            try server.mailbox(of: boss).last { $0.contains("Subject: Form: Undeliverable Mail") && $0.contains("Reply-To") })
        try self.answer(ways, fresh, "Action: [redirect]\r\nRedirect-To: [<taro@example.test>]")
        ways.local.runOnce()
        #expect(try self.mailbox(server, taro, 1).first?.contains("body text") == true)
        try server.waitForQueue(0)
    }

    @Test("forged and automatic answers change nothing; who is not of this site hears nothing")
    func forged() throws {
        let ways = try Ways()
        let server = ways.server
        let (form, taro, boss) = try self.question(ways)
        let mails = try server.mailbox(of: boss).count
        let lines = form.split(separator: "\r\n")
        let secret = try #require(lines.first { $0.hasPrefix("Secret: [") })
        let wrong = form.replacing(secret, with: "Secret: [aaaaaaaaaaaaaaaa]")
        try self.answer(ways, wrong, "Action: [delete]", from: "stranger@elsewhere.test")
        try self.answer(ways, wrong, "Action: [delete]", from: nil)
        try self.answer(ways, form, "", header: "Auto-Submitted: auto-replied\r\n")
        #expect(try server.mailbox(of: boss).count == mails)
        try self.answer(ways, wrong, "Action: [delete]")
        #expect(try self.mailbox(server, boss, mails + 1).last?.contains("The secret is not that of queue entry") == true)
        try self.answer(ways, form, "Action: [explode]")
        #expect(try self.mailbox(server, boss, mails + 2).last?.contains("none of return, redirect, retry, delete") == true)
        #expect(try server.store.queueEntries(limit: 10).count { $0.flags.contains(.held) } == 2)
        #expect(try server.mailbox(of: taro).isEmpty)
        // From anywhere, with the right secret.
        try self.answer(ways, form, "Action: [delete]", from: "boss.elsewhere@example.net")
        #expect(try server.store.queueEntries(limit: 10).allSatisfy { !$0.flags.contains(.held) })
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
