import Delivery
import Directory
import Forms
import Glibc
import MailTesting
import MessageStore
import Queue
import SMTPService
import Synchronization
import Testing
import Vocabulary

/// What an account may send in an hour, and what stops one that sends as no person does.
@Suite("Limits of sending", .serialized)
struct SendingLimitTests {
    /// A server that sends, watched.
    private final class World: Sendable {
        let peer = EvilServer()
        let server: SMTPFixture
        let ledger: AccountLedger
        let stopped = Mutex<[SendingWatch.Evidence]>([])

        init(anomaly: Int? = 5, refusals: Int? = 4, _ name: String = "ledger.db") throws {
            let folder = TemporaryDirectory("sending")
            let clock = ManualClock()
            let ledger = try AccountLedger.open(folder(name), now: clock.now)
            self.ledger = ledger
            let box = Box()
            let watch = SendingWatch(
                ledger: ledger, limits: { SendingWatch.Limits(anomalyFloor: anomaly, refusalFloor: refusals) }, now: { clock.now },
                suspend: { account, evidence in box.suspend(account, evidence) })
            self.server = try SMTPFixture(
                sends: true, clock: clock, conduct: watch, remote: { $0.refused = { watch.refusedElsewhere($0) } })
            self.folder = folder
            self.watch = watch
            box.set(self.server, self)
            watch.start()
            try self.server.configure(RoutingField.mailRoutingTable, "[remote.test:127.0.0.1:\(self.peer.port)]")
            _ = try self.server.account("taro@example.test", password: "taros word")
        }

        let folder: TemporaryDirectory
        let watch: SendingWatch

        deinit {
            boundedEnd("the watch to end") { [watch, ledger] in
                watch.stop()
                ledger.close()
            }
            self.peer.stop()
        }

        var taro: AccountID { get throws { try #require(self.server.directory.find("taro@example.test")) } }

        func client() throws -> SMTPClient {
            let client = try self.server.greeted("submission")
            try #require(try client.login("taro", "taros word").hasPrefix("235"))
            return client
        }
    }

    /// What the watch calls, once the server is there.
    private final class Box: Sendable {
        private struct State {
            weak var server: SMTPFixture?
            weak var world: World?
        }
        private let state = Mutex(State())
        func set(_ server: SMTPFixture, _ world: World) {
            self.state.withLock { state in
                state.server = server
                state.world = world
            }
        }
        func suspend(_ account: AccountID, _ evidence: SendingWatch.Evidence) -> Bool {
            let (server, world) = self.state.withLock { ($0.server, $0.world) }
            world?.stopped.withLock { $0.append(evidence) }
            return (try? server?.change(account, AccountField.sending, "suspended")) != nil
        }
    }

    @Test("L1 messages and recipients an hour: the account's own limit, else the system's; 450 in clear words, and later it goes on")
    func limits() throws {
        let world = try World(anomaly: nil, refusals: nil)
        let taro = try world.taro
        try world.server.configure(BlockField.userMessageRate, "2")
        let client = try world.client()
        for _ in 0..<2 { #expect(try client.mail(from: "taro", to: ["taro"], "\r\n").hasPrefix("250")) }
        #expect(
            try client.mail(from: "taro", to: ["taro"], "\r\n")
                == "450 4.7.1 You have sent many messages lately (2 an hour are allowed); try again later")
        #expect(world.server.guards.rates.known(at: world.server.clock.now).map(\.sender.description) == ["taro@example.test"])
        try world.server.change(taro, AccountField.messageRate, "0")
        try world.server.change(taro, AccountField.recipientRate, "3")
        _ = try client.say("MAIL FROM:<taro>")
        for name in ["a", "b", "c"] { #expect(try client.say("RCPT TO:<\(name)@remote.test>").hasPrefix("250")) }
        #expect(try client.say("RCPT TO:<d@remote.test>").hasPrefix("450 4.7.1 You have sent to many recipients"))
        // Mail for people here is nobody's burden.
        #expect(try client.say("RCPT TO:<taro@example.test>").hasPrefix("250"))
        world.server.clock.advance(7201)
        #expect(try client.say("RCPT TO:<d@remote.test>").hasPrefix("250"))
    }

    @Test("L5 far more than its own peak: sending stops at once and stays so, mail still comes in, release ends it")
    func peak() throws {
        let world = try World()
        let taro = try world.taro
        let client = try world.client()
        _ = try client.say("MAIL FROM:<taro>")
        for name in 1...5 { #expect(try client.say("RCPT TO:<r\(name)@remote.test>").hasPrefix("250")) }
        let refused = "550 5.7.1 Sending is suspended for your account; ask the postmaster"
        #expect(try client.say("RCPT TO:<r6@remote.test>") == refused)
        #expect(try client.send("\r\n") == refused)
        #expect(eventually { world.server.directory.snapshot.isSuspended(taro) })
        #expect(world.stopped.withLock { $0 } == [.peak(count: 6, usual: 0)])
        #expect(try client.say("MAIL FROM:<taro>") == refused)
        #expect(try world.client().say("MAIL FROM:<taro>") == refused)
        let stranger = try world.server.greeted()
        #expect(try stranger.mail(from: "a@remote.test", to: ["taro@example.test"], "\r\n").hasPrefix("250"))
        // The postmaster's word in the directory is enough.
        try world.server.change(taro, AccountField.sending, "allowed")
        world.watch.directoryChanged { world.server.directory.snapshot.isSuspended($0) }
        #expect(try client.say("MAIL FROM:<taro>").hasPrefix("250"))
        for name in 1...9 { #expect(try client.say("RCPT TO:<s\(name)@remote.test>").hasPrefix("250")) }
        #expect(try client.send("\r\n").hasPrefix("250"))
        #expect(world.stopped.withLock { $0.count } == 1)
    }

    @Test("L5 half of the recipients refused, here and by other hosts, stops an account; a stranger who uses its name stops nobody")
    func refusals() throws {
        let world = try World(anomaly: nil)
        let taro = try world.taro
        world.peer.set([.init("RCPT", .say("550 5.1.1 No such user\r\n"), containing: "<gone")])
        try world.server.configure(RelayField.networks, "127.0.0.1/32")
        let stranger = try world.server.greeted()
        for name in 1...6 {
            #expect(try stranger.mail(from: "taro@example.test", to: ["gone\(name)@remote.test"], "\r\n").hasPrefix("250"))
        }
        #expect(eventually { world.server.events.lines("failed").count == 6 })
        #expect(!world.watch.isStopped(taro))
        let client = try world.client()
        _ = try client.say("MAIL FROM:<taro>")
        for name in 1...4 { #expect(try client.say("RCPT TO:<fine\(name)@remote.test>").hasPrefix("250")) }
        for name in 1...2 { #expect(try client.say("RCPT TO:<nobody\(name)@example.test>").hasPrefix("550 5.1.1")) }
        for name in 1...2 { #expect(try client.say("RCPT TO:<gone\(name)@remote.test>").hasPrefix("250")) }
        #expect(!world.watch.isStopped(taro))
        #expect(try client.send("\r\n").hasPrefix("250"))
        #expect(eventually { world.server.directory.snapshot.isSuspended(taro) })
        #expect(world.stopped.withLock { $0 } == [.refused(count: 4, of: 8)])
    }

    @Test("L5 what an account usually sends is known after a restart")
    func restart() throws {
        let folder = TemporaryDirectory("history")
        let clock = ManualClock()
        let account = AccountID(rawValue: 7)
        func watch(_ ledger: AccountLedger) -> SendingWatch {
            SendingWatch(
                ledger: ledger, limits: { SendingWatch.Limits(anomalyFloor: 5, refusalFloor: nil) }, now: { clock.now },
                suspend: { _, _ in true })
        }
        let first = try AccountLedger.open(folder("ledger.db"), now: clock.now)
        let before = watch(first)
        before.start()
        for _ in 0..<5 { #expect(before.named(account)) }
        before.stop()
        first.close()
        clock.advance(3 * 86_400)
        let second = try AccountLedger.open(folder("ledger.db"), now: clock.now)
        let after = watch(second)
        #expect(after.counts(of: account).usual == 5)
        for _ in 0..<15 { #expect(after.named(account)) }
        #expect(!after.named(account) && after.isStopped(account))
        second.close()
    }
}
