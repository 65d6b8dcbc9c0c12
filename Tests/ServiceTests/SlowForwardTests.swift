import Delivery
import Directory
import Forms
import MailTesting
import MessageStore
import Testing
import Vocabulary

/// Forwarding to hosts that take the connection and say nothing.
@Suite("Forwards that hang", .serialized)
struct SlowForwardTests {
    @Test("sixty accounts that forward to a silent host keep nobody else's mail away, neither here nor to another host")
    func silentHost() throws {
        let (silent, good) = (EvilServer([.init("connect", .fallSilent)]), EvilServer())
        let server = try SMTPFixture(sends: true)
        let clock = server.clock
        let local = LocalDelivery(
            directory: server.directory, store: server.store, remote: server.remote, events: server.events, now: { clock.now })
        local.start()
        defer {
            silent.stop()
            good.stop()
            boundedEnd("the local delivery to end") { local.stop() }
        }
        try server.configure(RoutingField.mailRoutingTable, "[silent.test:127.0.0.1:\(silent.port)]", "[good.test:127.0.0.1:\(good.port)]")
        for number in 0..<60 {
            let id = try server.account("away\(number)@example.test")
            try server.change(id, DeliveryField.forwarding, "away\(number)@silent.test")
        }
        let onward = try server.account("onward@example.test")
        try server.change(onward, DeliveryField.forwarding, "onward@good.test")
        let home = try server.account("home@example.test")
        let client = try server.greeted()
        func send(_ name: String) throws {
            _ = try client.say("MAIL FROM:<stranger@elsewhere.test>")
            #expect(try client.say("RCPT TO:<\(name)@example.test>").hasPrefix("250"))
            #expect(try client.send("Subject: x\r\n\r\nHello\r\n").hasPrefix("250"))
        }
        for number in 0..<60 { try send("away\(number)") }
        #expect(MailTesting.eventually { silent.connections > 0 })
        for name in ["onward", "home"] { try send(name) }
        #expect(MailTesting.eventually { good.taken.count == 1 })
        #expect(MailTesting.eventually { (try? server.mailbox(of: home).count) == 1 })
        #expect(silent.taken.isEmpty)
        #expect(try server.store.queueCount() >= 60, "the slow ones are still under way")
    }
}
