import Delivery
import Directory
import Forms
import MailTesting
import NetKit
import Routing
import SASL
import Testing
import Vocabulary

@Suite("Smarthosts: logins of routes, and where connections come from", .serialized)
struct RouteLoginTests {
    /// A server that sends everything for `remote.test` over a smarthost with a certificate of an authority that it trusts.
    private final class World {
        let authority: TestCA
        let peer: EvilServer
        let server: SMTPFixture
        let host: String
        private let folder = TemporaryDirectory("smarthost")
        static let actor = Actor(name: "tester", interface: "test")
        static let right = "AUTH PLAIN AGphbmUAcmlnaHQgd29yZA=="  // jane, "right word"

        init(names: [String] = ["smtp.provider.test"], keywords: [String] = ["PIPELINING", "STARTTLS", "AUTH PLAIN"]) throws {
            self.authority = try TestCA()
            // Says no to every login but the right one.
            self.peer = EvilServer(
                [
                    .init("AUTH", .say("235 2.7.0 Welcome\r\n"), containing: Self.right),
                    .init("AUTH", .say("535 5.7.8 Wrong name or password\r\n")),
                ], keywords: keywords)
            self.peer.setCertificate(try self.authority.issue(names))
            self.folder.write("ca.pem", self.authority.pem)
            let authorities = TrustedAuthorities(files: [self.folder("ca.pem")])
            self.server = try SMTPFixture(sends: true, remote: { $0.authorities = authorities })
            self.host = "smtp.provider.test:\(self.peer.port)"
            self.server.names.addHost("smtp.provider.test", ["127.0.0.1"], reverse: false)
            try self.server.account("taro@example.test", password: "taros word")
            try self.server.configure(RoutingField.mailRoutingTable, "[remote.test:[smtp.provider.test]:\(self.peer.port)]")
        }

        deinit { self.peer.stop() }

        func login(_ password: String, security: String = "") throws {
            let row = try #require(try NextHopField.logins.parse(["[\(self.host) jane \(security)]"]).rows.first)
            try self.server.directory.setRouteLogin(row, password: Secret(password), by: Self.actor)
        }

        /// Sends one message; what became of it: `delivered`, or the reason of the failure.
        func send(to recipient: String = "a@remote.test") throws -> String {
            let known = self.server.events.all.count
            let client = try self.server.greeted("submission")
            _ = try client.login("taro", "taros word")
            let reply = try client.mail(from: "taro@example.test", to: [recipient], "Subject: x\r\n\r\nHello\r\n")
            #expect(reply.hasPrefix("250"), "\(reply)")
            return try self.fate(after: known)
        }

        func fate(after known: Int) throws -> String { try self.server.fate(after: known) }

        /// All that a person could read of it.
        var shown: String {
            let events = self.server.events.all.map { "\($0.event) \($0.facts)" }.joined(separator: "\n")
            let settings = self.server.directory.configuration.values.map { "\($0) \($1)" }.joined(separator: "\n")
            let history = (try? self.server.directory.history().map { "\($0)" }.joined(separator: "\n")) ?? ""
            return events + settings + history
        }
    }

    @Test("A route with a login gets mail after AUTH over TLS with a host that proves itself; the password is shown nowhere")
    func login() throws {
        let world = try World()
        try world.login("right word")
        #expect(try world.send() == "delivered")
        #expect(world.peer.taken.map(\.isEncrypted) == [true])
        #expect(world.peer.lines.contains(World.right))
        #expect(!world.shown.contains("right word") && !world.shown.contains("AGphbmUA"))
        #expect(world.server.remote?.troubles.all.isEmpty == true)
        // Gone with its row.
        try world.server.configure(NextHopField.logins, list: [])
        try world.server.configure(NextHopField.logins, "[\(world.host) jane]")
        #expect(world.server.directory.snapshot.routeLogins.map { $0.password == nil } == [true])
    }

    @Test(
        "A wrong password holds mail back and returns none of it; the reason names the route and the cure; the right one sends it at once")
    func wrongPassword() throws {
        let world = try World()
        try world.login("wrong word")
        let reason = try world.send()
        #expect(reason.contains("the route \(world.host) refuses the login of jane (535 5.7.8"))
        #expect(reason.contains("postoffice route-login set \(world.host) jane --password-stdin"))
        #expect(!world.shown.contains("wrong word"))
        #expect(try world.server.store.queueCount() == 1)
        let trouble = try #require(world.server.remote?.troubles.all.first)
        #expect(trouble.name == "via [smtp.provider.test]:\(world.peer.port)")
        // Nobody knocks again before ten minutes are over: hosts shut out who does.
        let tries = world.peer.connections
        world.server.clock.advance(301)
        let other = EvilServer()
        defer { other.stop() }
        try world.server.configure(
            RoutingField.mailRoutingTable, "[remote.test:[smtp.provider.test]:\(world.peer.port)]", "[other.test:127.0.0.1:\(other.port)]")
        #expect(try world.send(to: "a@other.test") == "delivered")
        #expect(world.peer.connections == tries)
        let known = world.server.events.all.count
        try world.login("right word")
        #expect(try world.server.remote?.retry([trouble.name]) == 1)
        #expect(try world.fate(after: known) == "delivered")
        #expect(world.server.remote?.troubles.all.isEmpty == true)
    }

    @Test("T6 the password goes to no host that cannot prove itself, and over no open connection, unless that is asked for")
    func notSafe() throws {
        let stranger = try World(names: ["other.test"])
        try stranger.login("right word")
        #expect(try stranger.send().contains("the certificate is for another name"))
        #expect(!stranger.peer.lines.contains { $0.hasPrefix("AUTH") } && stranger.peer.taken.isEmpty)
        let encrypted = try World(names: ["other.test"])
        try encrypted.login("right word", security: "encrypted")
        #expect(try encrypted.send() == "delivered")

        let open = try World(keywords: ["AUTH PLAIN"])
        try open.login("right word", security: "encrypted")
        #expect(try open.send().contains("was not sent: the login: STARTTLS is not offered"))
        #expect(!open.peer.lines.contains { $0.hasPrefix("AUTH") })
        let clear = try World(keywords: ["AUTH PLAIN"])
        try clear.login("right word", security: "clear")
        #expect(try clear.send() == "delivered")
    }

    @Test("A login without password, a host without logins and a host that wants one are faults of set-up, and cost no mail")
    func setUp() throws {
        let none = try World()
        try none.server.configure(NextHopField.logins, "[\(none.host) jane]")
        #expect(try none.send().contains("no password of jane is stored"))
        #expect(none.peer.connections == 0)

        let plain = try World(keywords: ["STARTTLS", "AUTH CRAM-MD5"])
        try plain.login("right word")
        #expect(try plain.send().contains("offers no login with a password"))

        let wanted = try World()
        wanted.peer.set([.init("MAIL", .say("530 5.7.0 Authentication required\r\n"))])
        #expect(try wanted.send().contains("postoffice route-login set smtp.provider.test:\(wanted.peer.port) USER"))
        #expect(try wanted.server.store.queueCount() == 1)

        // For now only: nobody has to do anything.
        let busy = try World()
        try busy.login("right word")
        busy.peer.set([.init("AUTH", .say("454 4.7.0 Later\r\n"))])
        #expect(try busy.send().contains("454"))
        #expect(busy.server.remote?.troubles.all.isEmpty == true)
    }

    @Test("Port 465 of a route is TLS from the first byte")
    func fromTheStart() throws {
        let world = try World()
        world.peer.setTLSFromStart(true)
        let port = world.peer.port
        world.server.remoteChanges.set { $0.tlsFromStart = port }
        try world.login("right word")
        #expect(try world.send() == "delivered")
        #expect(world.peer.taken.map(\.isEncrypted) == [true])
        #expect(!world.peer.lines.contains { $0.hasPrefix("STARTTLS") })
    }

    @Test("Connections come from the address that is set for all of them, or for one host; an address that is not ours is a clear error")
    func sources() throws {
        let world = try World()
        try world.server.configure(NextHopField.sources, "[* 127.0.0.5]", "[other.test 127.0.0.7]")
        #expect(try world.send() == "delivered")
        #expect(world.peer.peers.last == "127.0.0.5")
        try world.server.configure(NextHopField.sources, "[* 127.0.0.5]", "[\(world.host) 127.0.0.6]", "[* 2001:db8::1]")
        #expect(try world.send() == "delivered")
        #expect(world.peer.peers.last == "127.0.0.6")
        try world.server.configure(NextHopField.sources, "[* 192.0.2.77]")
        let reason = try world.send()
        #expect(reason.contains("192.0.2.77 is no address of this computer; see the setting source-addresses"))
        #expect(throws: DirectoryError.self) {
            try world.server.configure(NextHopField.sources, "[* 127.0.0.5]", "[* 127.0.0.6]")
        }
        #expect(throws: FieldProblem.self) { try NextHopField.sources.parse(["[* 127.0.0]"]) }
    }
}
