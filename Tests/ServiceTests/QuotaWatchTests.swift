import Delivery
import Directory
import Forms
import Glibc
import MailTesting
import MessageStore
import Queue
import Synchronization
import Testing
import Vocabulary

/// Nearly full and full mailboxes.
@Suite("Quota: warning and refusal", .serialized)
struct QuotaWatchTests {
    private final class World {
        let server: SMTPFixture
        let ledger: AccountLedger
        let watch: QuotaWatch
        let taro: AccountID

        init(_ fields: [(Field, String)] = []) throws {
            let reference = Reference()
            let server = try SMTPFixture(isFullForGood: { reference.watch?.isFullForGood($0) ?? false })
            let clock = server.clock
            self.server = server
            self.taro = try server.account("taro@example.test", fields: [(DeliveryField.quota, "20000")] + fields)
            self.ledger = try AccountLedger.open(server.folder("ledger.db"), now: clock.now)
            self.watch = Self.watch(server, self.ledger)
            reference.watch = self.watch
            self.watch.start()
        }

        static func watch(_ server: SMTPFixture, _ ledger: AccountLedger) -> QuotaWatch {
            let clock = server.clock
            return QuotaWatch(
                QuotaWatch.World(
                    directory: server.directory, store: server.store, ledger: ledger, events: server.events, now: { clock.now },
                    offset: { _ in 0 }, random: SystemSources.random, makeTrace: { TraceID("QUOTA") }))
        }

        deinit {
            boundedEnd("the watch to end") { [watch, ledger] in
                watch.stop()
                ledger.close()
            }
        }

        func send(_ octets: Int, _ expected: String = "250") throws {
            let client = try self.server.greeted()
            let text = "Subject: x\r\n\r\n" + String(repeating: "0123456789abcdef\r\n", count: octets / 18)
            #expect(try client.mail(from: "a@remote.test", to: ["taro@example.test"], text).hasPrefix(expected))
        }

        var warnings: Int { (try? self.server.mailbox(of: self.taro).count { $0.contains("Mail Administrator") }) ?? -1 }

        /// Everything that was filed has been looked at.
        func isSettled() -> Bool {
            _ = try? self.server.mailbox(of: self.taro)
            usleep(20_000)
            return MailTesting.eventually { self.watch.isIdle }
        }
    }

    private final class Reference: Sendable {
        private let kept = Mutex<QuotaWatch?>(nil)
        var watch: QuotaWatch? {
            get { self.kept.withLock { $0 } }
            set { self.kept.withLock { $0 = newValue } }
        }
    }

    @Test("The owner is told once at 90 %, in his language, and again only after the mailbox was below")
    func warning() throws {
        let world = try World([(AccountField.language, "ja")])
        try world.send(15_000)
        #expect(world.isSettled() && world.warnings == 0)
        try world.send(3000)
        #expect(eventually { world.warnings == 1 })
        let text = try #require(try world.server.mailbox(of: world.taro).last)
        #expect(text.contains("Auto-Submitted: auto-generated") && text.contains("charset=utf-8") && text.hasPrefix("Return-Path: <>"))
        try world.send(100)
        #expect(world.isSettled() && world.warnings == 1)
        // Told is told, also after a restart.
        #expect(try world.ledger.fullness()[world.taro]?.warned != nil)
        let inbox = try world.server.wait { world.server.store.openInbox(of: world.taro, completion: $0) }
        _ = try world.server.wait { world.server.store.expunge(inbox.mailbox, inbox.entries.map(\.uid), completion: $0) }
        #expect(eventually { (try? world.ledger.fullness().isEmpty) == true })
        try world.send(18_500)
        #expect(eventually { world.warnings == 1 })
    }

    @Test("quota-warning 0 tells nobody")
    func off() throws {
        let world = try World()
        try world.server.configure(LimitField.quotaWarning, "0")
        try world.send(19_000)
        #expect(world.isSettled() && world.warnings == 0)
    }

    @Test("Full: 452 at first, 552 when it has been so for the time of grace; later and refuse are one or the other")
    func policy() throws {
        let world = try World()
        try world.send(19_000)
        #expect(eventually { world.warnings == 1 })
        try world.server.configure(LimitField.overQuotaGrace, "1d")
        let client = try world.server.greeted()
        func answer() throws -> String {
            _ = try client.say("MAIL FROM:<a@remote.test> SIZE=5000")
            defer { _ = try? client.say("RSET") }
            return try client.say("RCPT TO:<taro@example.test>")
        }
        #expect(try answer() == "452 4.2.2 Mailbox is full")
        #expect(eventually { (try? world.ledger.fullness()[world.taro]?.filled) != nil && world.watch.isIdle })
        world.server.clock.advance(86_399)
        #expect(try answer() == "452 4.2.2 Mailbox is full")
        world.server.clock.advance(1)
        #expect(try answer() == "552 5.2.2 Mailbox is full")
        try world.server.configure(LimitField.overQuota, "later")
        #expect(try answer() == "452 4.2.2 Mailbox is full")
        try world.server.configure(LimitField.overQuota, "refuse")
        #expect(try answer() == "552 5.2.2 Mailbox is full")
    }

    @Test("A message too large for a mailbox that has room does not make it full")
    func large() throws {
        let world = try World()
        try world.send(1000)
        let client = try world.server.greeted()
        _ = try client.say("MAIL FROM:<a@remote.test> SIZE=30000")
        #expect(try client.say("RCPT TO:<taro@example.test>").hasPrefix("452"))
        #expect(eventually { (try? world.ledger.fullness().isEmpty) == true && world.watch.isIdle })
        world.server.clock.advance(30 * 86_400)
        _ = try client.say("RSET")
        _ = try client.say("MAIL FROM:<a@remote.test> SIZE=30000")
        #expect(try client.say("RCPT TO:<taro@example.test>").hasPrefix("452"))
    }
}
