import Delivery
import Directory
import Forms
import MailTesting
import MessageStore
import Testing
import Vocabulary

@Suite("What could not be delivered at once is delivered later", .serialized)
struct SMTPLocalDeliveryTests {
    static func delivery(_ server: SMTPFixture) -> LocalDelivery {
        let clock = server.clock
        return LocalDelivery(directory: server.directory, store: server.store, events: server.events, now: { clock.now })
    }

    @Test("57 mail for the postmaster waits until the Delivery list names somebody, then everybody there gets it, once")
    func postmaster() throws {
        let server = try SMTPFixture()
        let taro = try server.account("taro@example.test")
        let hanako = try server.account("hanako@example.test")
        let client = try server.greeted()
        #expect(try client.mail(from: "a@remote.test", to: ["postmaster", "taro@example.test"], "to the postmaster\r\n").hasPrefix("250"))
        let delivery = Self.delivery(server)
        try server.waitForQueue(1)
        #expect(delivery.runOnce() == 0)
        #expect(try server.store.queueEntries(limit: 10).first?.reason == "postmaster-has-no-delivery-list")
        let id = try #require(server.directory.snapshot.postmaster?.account)
        var input = AccountInput()
        input.values[DeliveryField.forwarding.key] = try DeliveryField.forwarding.parse(["taro@example.test", "hanako@example.test"])
        try server.directory.changeAccount(id, input, by: Actor(name: "tester", interface: "test"))
        #expect(delivery.runOnce() == 0, "not before its time")
        server.clock.advance(301)
        #expect(delivery.runOnce() == 1)
        try server.waitForQueue(0)
        let texts = try server.mailbox(of: hanako)
        #expect(
            texts.count == 1 && texts[0].contains("Delivered-To: postmaster@mail.example.test\r\n")
                && texts[0].hasSuffix("\r\nto the postmaster\r\n"))
        let both = try server.mailbox(of: taro)
        #expect(both.count == 2 && both.count { $0.contains("Delivered-To: taro@example.test\r\n") } == 1)
        try server.waitForQueue(0)
        #expect(try server.store.check().problems.isEmpty)
    }

    @Test("A copy over quota waits, and comes when there is room")
    func overQuota() throws {
        let server = try SMTPFixture()
        let small = try server.account("small@example.test", fields: [(DeliveryField.quota, "1000")])
        let client = try server.greeted()
        for _ in 0..<2 {
            #expect(
                try client.mail(from: "a@remote.test", to: ["small@example.test"], String(repeating: "x\r\n", count: 200)).hasPrefix("250"))
        }
        let delivery = Self.delivery(server)
        try server.waitForQueue(1)
        #expect(delivery.runOnce(everything: true) == 0)
        #expect(try server.store.queueEntries(limit: 10).map(\.reason) == ["over-quota"])
        let listing = try server.wait { server.store.openInbox(of: small, completion: $0) }
        _ = try server.wait { server.store.expunge(listing.mailbox, listing.entries.map(\.uid), completion: $0) }
        server.clock.advance(4 * 3600)
        #expect(delivery.runOnce() == 1)
        #expect(try server.mailbox(of: small).count == 1)
    }

    @Test("The thread works by itself when the directory changes, and stops when told")
    func thread() throws {
        let server = try SMTPFixture()
        for field in SMTPRelayTests.switches { try server.configure(field, "no") }
        let client = try server.greeted()
        #expect(try client.mail(from: "a@remote.test", to: ["later@example.test"], "x\r\n").hasPrefix("250"))
        try server.waitForQueue(1)
        let delivery = Self.delivery(server)
        delivery.start()
        let later = try server.account("later@example.test")
        _ = eventually { (try? server.mailbox(of: later).isEmpty) == false }
        #expect(try server.mailbox(of: later).count == 1)
        delivery.stop()
    }
}
