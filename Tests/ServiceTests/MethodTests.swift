import Delivery
import Directory
import Forms
import MailTesting
import MessageStore
import Testing
import Vocabulary

/// What an account's ways of delivery make of a message when it is accepted, and when they change before their turn.
@Suite("Any ways of delivery", .serialized)
struct MethodTests {
    private final class World {
        let server: SMTPFixture
        let local: LocalDelivery

        /// Nobody acts as users of the operating system: what is for them waits.
        init() throws {
            let server = try SMTPFixture(sends: true)
            let clock = server.clock
            self.server = server
            self.local = LocalDelivery(
                directory: server.directory, store: server.store, remote: server.remote, events: server.events, now: { clock.now })
            try server.configure(ProgramField.allowed, "one two")
        }

        func send(to recipient: String, parameters: String = "") throws {
            let client = try self.server.greeted()
            _ = try client.say("MAIL FROM:<stranger@elsewhere.test>")
            let reply = try client.say("RCPT TO:<\(recipient)>\(parameters)")
            try #require(reply.hasPrefix("250"), "\(reply)")
            #expect(try client.send("Subject: x\r\n\r\nHello\r\n").hasPrefix("250"))
        }

        /// Channels that wait in the queue, as many as come in time.
        func queued(_ count: Int) throws -> [StoredQueueEntry] {
            _ = MailTesting.eventually { (try? self.server.store.queueCount()) == count }
            return try self.server.store.queueEntries(limit: 100)
        }

        func waiting(_ channel: QueueDraft.Channel) -> [StoredQueueEntry] {
            ((try? self.server.store.queueEntries(limit: 100)) ?? []).filter { $0.draft.channel == channel }
        }

        func has(_ account: AccountID, _ count: Int) -> Bool {
            MailTesting.eventually { (try? self.server.mailbox(of: account).count) == count }
        }
    }

    private static let maildrop: [(Field, String)] = [(DeliveryField.maildropDelivery, "yes")]
    private static let noMailbox: [(Field, String)] = [(DeliveryField.mailboxDelivery, "no")]
    private static let programs: [(Field, String)] = [
        (DeliveryField.programDelivery, "yes"), (DeliveryField.programAccount, "somebody"), (DeliveryField.programs, "one\ntwo with words"),
    ]
    private static let forward: [(Field, String)] = [(DeliveryField.forwarding, "jane@elsewhere.test")]
    private static let reply: [(Field, String)] = [(DeliveryField.autoReply, "reply"), (DeliveryField.autoReplyText, "I am away.")]

    @Test(
        "an account with any combination of ways gets exactly what it asks for: its copy, and an entry for each other way and each program")
    func everyCombination() throws {
        let world = try World()
        for bits in 1..<32 {
            var fields = bits & 1 == 0 ? Self.noMailbox : []
            var expected: [QueueDraft.Channel] = []
            if bits & 2 != 0 { fields += Self.maildrop }
            if bits & 4 != 0 { fields += Self.programs }
            if bits & 8 != 0 { fields += Self.forward }
            if bits & 16 != 0 { fields += Self.reply }
            if bits & 2 != 0 { expected.append(.maildrop) }
            if bits & 4 != 0 { expected += [.program, .program] }
            if bits & 8 != 0 { expected.append(.forward) }
            if bits & 16 != 0 { expected.append(.reply) }
            let account = try world.server.account("a\(bits)@example.test", fields: fields)
            try world.send(to: "a\(bits)@example.test")
            let entries = try world.queued(expected.count)
            #expect(entries.map(\.draft.channel) == expected, "\(bits)")
            #expect(world.has(account, bits & 1), "\(bits)")
            // Exactly one of all is the copy that counts, where the mailbox has none.
            let orders = entries.compactMap { MethodOrder(decoding: $0.draft.payload) }.filter { _ in bits & 6 != 0 }
            #expect(orders.count(where: \.isOnlyCopy) == (bits & 1 == 0 && bits & 6 != 0 ? 1 : 0), "\(bits)")
            try world.server.store.changeQueue(entries.map { .finish($0.id) })
        }
        #expect(try world.server.store.check().problems.isEmpty)
    }

    @Test("the postmaster's list, a catch-all and a forwarding account lead to every way of those that they lead to")
    func otherRoads() throws {
        let world = try World()
        let jane = try world.server.account("jane@example.test", fields: Self.maildrop + Self.reply)
        try world.server.change(
            try #require(world.server.directory.snapshot.postmaster?.account), DeliveryField.forwarding, "jane@example.test")
        try world.send(to: "postmaster@example.test")
        #expect(try world.queued(2).map(\.draft.channel) == [.maildrop, .reply])
        #expect(world.has(jane, 1))
        _ = try world.server.account("all@example.test", "*@example.test", fields: Self.maildrop + Self.noMailbox)
        try world.send(to: "whoever@example.test")
        #expect(try world.queued(3).map(\.draft.channel) == [.maildrop, .reply, .maildrop])
        _ = try world.server.account("on@example.test", fields: Self.noMailbox + [(DeliveryField.forwarding, "jane@example.test")])
        try world.send(to: "on@example.test")
        _ = try world.queued(4)
        world.local.runOnce()
        #expect(world.has(jane, 2))
        // Replies have gone their way meanwhile.
        #expect(MailTesting.eventually { world.waiting(.maildrop).count == 3 })
    }

    @Test("what waits for a mailbox becomes every way that the account asks for, and one confirmation at most")
    func whatWaited() throws {
        let world = try World()
        let jane = try world.server.account("jane@example.test", fields: Self.maildrop + Self.programs)
        try world.send(to: "jane@example.test", parameters: " NOTIFY=SUCCESS,FAILURE")
        #expect(try world.queued(1).map(\.draft.channel) == [.mailbox])
        world.local.runOnce()
        #expect(world.has(jane, 1))
        // The report to the sender, and what comes of it, goes its own way.
        #expect(MailTesting.eventually { world.waiting(.maildrop).count == 1 && world.waiting(.program).count == 2 })
        let methods = world.waiting(.maildrop) + world.waiting(.program)
        #expect(methods.allSatisfy { $0.draft.recipient.notify == [.failure] })
        world.local.runOnce()
        let reasons = world.waiting(.maildrop).map(\.reason)
        #expect(reasons.count == 1 && reasons.allSatisfy { $0.contains("no-system-delivery") }, "\(reasons)")
    }

    @Test(
        "a way that was switched off ends with a line in the trail; where it was the only copy, the other ways take over, and nothing is lost"
    )
    func switchedOff() throws {
        let world = try World()
        let both = try world.server.account("both@example.test", fields: Self.maildrop)
        let only = try world.server.account("only@example.test", fields: Self.maildrop + Self.noMailbox)
        for name in ["both", "only"] { try world.send(to: "\(name)@example.test") }
        #expect(try world.queued(2).count == 2)
        #expect(world.has(both, 1) && world.has(only, 0))
        try world.server.change(both, DeliveryField.maildropDelivery, "no")
        try world.server.change(only, DeliveryField.mailboxDelivery, "yes")
        try world.server.change(only, DeliveryField.maildropDelivery, "no")
        world.local.runOnce()
        #expect(try world.queued(0).isEmpty)
        #expect(world.has(both, 1) && world.has(only, 1))
        #expect(world.server.events.lines("method-ended").count == 1)
        #expect(try world.server.store.check().problems.isEmpty)
    }
}
