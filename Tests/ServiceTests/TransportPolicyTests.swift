import Delivery
import Forms
import MailTesting
import MessageStore
import NIOCore
import NetKit
import Policy
import Queue
import Routing
import Synchronization
import Testing
import Vocabulary

@Suite("MTA-STS, the memory of downgrades, REQUIRETLS and daily reports", .serialized)
struct TransportPolicyTests {
    /// A domain with an MX, a policy server and a server that sends.
    private final class World {
        let authority: TestCA
        let peer: EvilServer
        let web: WebServer
        let server: SMTPFixture
        let memory: TransportMemory
        private let loops = EventLoops(count: 1)

        init(mx: [String] = ["mx.remote.test"], peerNames: [String] = ["mx.remote.test"], file: String? = nil) throws {
            let authority = try TestCA()
            self.authority = authority
            self.peer = EvilServer([], keywords: ["PIPELINING", "STARTTLS", "REQUIRETLS"])
            self.peer.setCertificate(try authority.issue(peerNames))
            self.web = WebServer(try authority.issue(["mta-sts.remote.test"])) { _ in
                WebServer.document("version: STSv1\nmode: enforce\nmx: mx.remote.test\nmax_age: 86400\n")
            }
            let folder = TemporaryDirectory("transport")
            folder.write("ca.pem", authority.pem)
            let names = FakeResolver()
            let now: @Sendable () -> Int64 = { [clock = self.clock] in clock.now }
            let authorities = TrustedAuthorities(files: [folder("ca.pem")])
            self.memory = try TransportMemory.open(file ?? folder("transport.db"), now: now())
            let fetch = try WebFetch(
                loops: self.loops, resolver: names, authorities: authorities, product: "test", mayConnect: { _ in true })
            let (memory, port) = (self.memory, self.web.port)
            // Read while the files are there.
            self.server = try SMTPFixture(
                sends: true, resolver: names, clock: self.clock,
                remote: { environment in
                    environment.authorities = authorities
                    environment.transport = memory
                    environment.web = fetch
                    environment.policies = PolicyFinder(resolver: names, web: fetch, memory: memory, now: now, port: port)
                })
            self.names = names
            self.folder = folder
            try self.server.account("taro@example.test", password: "taros word")
            try self.server.configure(RoutingField.mailRoutingTable, list: ["[remote.test:remote.test:\(self.peer.port)]"])
            let records = mx.enumerated().map { MXRecord(preference: UInt16($0), host: $1) }
            names.set("remote.test", .mx, .success(DNSAnswer(records: .exchanges(records))))
            for host in mx + ["mta-sts.remote.test"] { names.addHost(host, ["127.0.0.1"], reverse: false) }
        }

        let clock = ManualClock()
        let names: FakeResolver
        let folder: TemporaryDirectory

        deinit {
            self.peer.stop()
            self.web.stop()
        }

        func announce(_ id: String?) {
            let record = id.map { DNSAnswer(records: .texts([Array("v=STSv1; id=\($0);".utf8)])) }
            self.names.set("_mta-sts.remote.test", .txt, record.map { .success($0) } ?? .failure(.noName))
        }

        func serve(_ policy: String) { self.web.set { _ in WebServer.document(policy) } }

        private func submit(_ header: String) throws {
            let client = try self.server.greeted("submission")
            _ = try client.login("taro", "taros word")
            let reply = try client.mail(from: "taro@example.test", to: ["a@remote.test"], "Subject: x\r\n\(header)\r\nHello\r\n")
            #expect(reply.hasPrefix("250"), "\(reply)")
        }

        /// As a client under TLS would have handed it over.
        private func queueRequiringTLS() throws {
            var envelope = Envelope(sender: try Address(parsing: "taro@example.test"))
            envelope.requiresTLS = true
            let recipient = Envelope.Recipient(try Address(parsing: "a@remote.test"))
            envelope.recipients = [recipient]
            let now = self.clock.now
            var item = AcceptItem(
                body: .memory(ByteBuffer(string: "Subject: x\r\n\r\nHello\r\n")), envelope: envelope, receivedAt: now,
                trace: TraceID("R\(self.server.events.all.count)"))
            item.queue = [QueueDraft(.remote, recipient: recipient, destination: "via remote.test:\(self.peer.port)", due: now)]
            _ = try self.server.wait { self.server.store.accept(item, completion: $0) }
        }

        /// Sends one message; what became of it: `delivered`, or the reason of the failure.
        func send(requiringTLS: Bool = false, header: String = "", after seconds: Int64 = 3600) throws -> String {
            let known = self.server.events.all.count
            // A next hop that took nothing rests for a while.
            self.clock.advance(seconds)
            if requiringTLS { try self.queueRequiringTLS() } else { try self.submit(header) }
            return try self.server.fate(after: known, isNew: true)
        }
    }

    @Test("RFC 8689: TLS-Required: No goes on where a policy fails, with TLS where it can be had, and takes no other message along")
    func tlsOptional() throws {
        let world = try World(peerNames: ["other.test"])
        world.announce("1")
        let strict = try world.send()
        #expect(strict.contains("certificate"), "\(strict)")
        #expect(world.peer.taken.isEmpty)
        for bad in ["TLS-Required: Yes\r\n", "TLS-Required: No\r\ntls-required: no\r\n", "X: TLS-Required: No\r\n"] {
            #expect(try world.send(header: bad) != "delivered", "\(bad)")
        }
        #expect(world.peer.taken.isEmpty)
        #expect(try world.send(header: "tls-required:\r\n NO\r\n") == "delivered")
        #expect(world.peer.taken.count == 1, "what waits for a good certificate waits on")
        #expect(world.server.events.lines("tls-not-required").count == 1)
        #expect(try world.server.store.queueEntries(limit: 10).count == 4)
    }

    @Test("T5 enforce: named hosts with a good certificate get mail, encrypted; others get none")
    func enforced() throws {
        let world = try World()
        world.announce("1")
        #expect(try world.send() == "delivered")
        #expect(world.peer.taken.map(\.isEncrypted) == [true])
        #expect(world.web.requests.count == 1)
        #expect(world.web.requests.first?.hasPrefix("GET /.well-known/mta-sts.txt HTTP/1.1\r\n") == true)
        // A second message asks nobody.
        #expect(try world.send(after: 1) == "delivered")
        #expect(world.web.requests.count == 1)

        let wrongHost = try World(mx: ["mx.elsewhere.test"], peerNames: ["mx.elsewhere.test"])
        wrongHost.announce("1")
        #expect(try wrongHost.send().contains("MTA-STS"))
        #expect(wrongHost.peer.connections == 0)

        let wrongName = try World(peerNames: ["other.test"])
        wrongName.announce("1")
        #expect(try wrongName.send().contains("another name"))
        #expect(wrongName.peer.taken.isEmpty)

        let stranger = try World()
        stranger.announce("1")
        stranger.peer.setCertificate(try TestCA("Stranger").issue(["mx.remote.test"]))
        #expect(try stranger.send().contains("no trusted authority"))

        let expired = try World()
        expired.announce("1")
        expired.peer.setCertificate(try expired.authority.issue(["mx.remote.test"], days: -20 ... -2))
        #expect(try expired.send().contains("expired"))

        let clear = try World()
        clear.announce("1")
        clear.peer.setKeywords(["PIPELINING"])
        #expect(try clear.send().contains("STARTTLS is not offered"))
        #expect(clear.peer.taken.isEmpty)
    }

    @Test("T5 of several hosts those in the policy are tried")
    func several() throws {
        let world = try World(mx: ["mx.elsewhere.test", "mx.remote.test"])
        world.announce("1")
        #expect(try world.send() == "delivered")
        #expect(world.peer.connections == 1)
    }

    @Test("T5 testing and none stop nothing")
    func lenient() throws {
        let testing = try World(mx: ["mx.elsewhere.test"], peerNames: ["other.test"])
        testing.serve("version: STSv1\nmode: testing\nmx: mx.remote.test\nmax_age: 86400\n")
        testing.announce("1")
        #expect(try testing.send() == "delivered")
        let none = try World(mx: ["mx.elsewhere.test"], peerNames: ["other.test"])
        none.serve("version: STSv1\nmode: none\nmax_age: 86400\n")
        none.announce("1")
        #expect(try none.send() == "delivered")
    }

    @Test(
        "T5 a policy that cannot be had is none: wrong certificate, redirection, another kind, too large, nonsense, silence of the server")
    func unfetchable() throws {
        let answers: [@Sendable (String) -> String] = [
            { _ in "HTTP/1.1 301 Moved\r\nLocation: https://mta-sts.remote.test/other\r\nContent-Length: 0\r\n\r\n" },
            { _ in WebServer.document("version: STSv1\nmode: enforce\nmx: other.test\nmax_age: 86400\n", kind: "text/html") },
            { _ in
                WebServer.document(
                    "version: STSv1\nmode: enforce\nmx: other.test\nmax_age: 86400\n" + String(repeating: "x", count: 70_000))
            },
            { _ in "nonsense\r\n\r\n" }, { _ in "" }, { _ in WebServer.document("") },
        ]
        for (number, answer) in answers.enumerated() {
            let world = try World()
            world.announce("1")
            world.web.set(answer)
            #expect(try world.send() == "delivered", "answer \(number)")
            // Not fetched again for every message.
            #expect(try world.send(after: 1) == "delivered", "answer \(number)")
            #expect(world.web.requests.count == 1, "answer \(number)")
        }
        let wrong = try World()
        wrong.announce("1")
        wrong.web.setCertificate(try wrong.authority.issue(["elsewhere.test"]))
        wrong.serve("version: STSv1\nmode: enforce\nmx: other.test\nmax_age: 86400\n")
        #expect(try wrong.send() == "delivered")
        #expect(wrong.web.requests.isEmpty)
    }

    @Test("T5 a policy is kept over restarts and holds when its record or its server is gone, until its time is over; a new id is fetched")
    func kept() throws {
        let place = TemporaryDirectory("kept")
        do {
            let world = try World(file: place("transport.db"))
            world.announce("1")
            #expect(try world.send() == "delivered")
            world.memory.close()
        }
        let world = try World(mx: ["mx.elsewhere.test"], file: place("transport.db"))
        world.announce(nil)
        #expect(try world.send().contains("MTA-STS"))
        world.announce("1")
        #expect(try world.send().contains("MTA-STS"))
        #expect(world.web.requests.isEmpty)
        world.announce("2")
        world.web.set { _ in "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" }
        #expect(try world.send().contains("MTA-STS"))
        world.announce(nil)
        world.clock.advance(604_801)
        #expect(try world.send() == "delivered")
    }

    @Test("T7 a domain that had TLS is not sent to in clear, until that has gone on for two days")
    func downgrade() throws {
        let world = try World()
        #expect(try world.send() == "delivered")
        world.peer.setKeywords(["PIPELINING"])
        #expect(try world.send().contains("could do TLS before"))
        #expect(world.peer.taken.count == 1)
        world.clock.advance(80_000)
        #expect(try world.send().contains("could do TLS before"))
        #expect(world.peer.taken.map(\.isEncrypted) == [true])
        world.clock.advance(86_401)
        #expect(try world.send() == "delivered")
        #expect(eventually { world.server.events.all.contains { $0.event == "tls-given-up" } })
        #expect(world.peer.taken.dropFirst().allSatisfy { !$0.isEncrypted })
        // TLS again, remembered again.
        world.peer.setKeywords(["PIPELINING", "STARTTLS"])
        #expect(try world.send() == "delivered")
        world.peer.setKeywords(["PIPELINING"])
        #expect(try world.send().contains("could do TLS before"))
    }

    @Test("REQUIRETLS: only to a host that proves who it is, over names that nobody made up, and that takes the wish on")
    func requireTLS() throws {
        let proven = try World()
        proven.announce("1")
        #expect(try proven.send(requiringTLS: true) == "delivered")
        #expect(proven.peer.taken.first?.mail.contains("REQUIRETLS") == true)
        // Nobody vouches for the MX: the certificate alone says nothing.
        let unproven = try World()
        #expect(try unproven.send(requiringTLS: true).contains("vouches for the name"))
        #expect(unproven.peer.taken.isEmpty)
        #expect(try unproven.send() == "delivered")
        let unable = try World()
        unable.announce("1")
        unable.peer.setKeywords(["PIPELINING", "STARTTLS"])
        #expect(try unable.send(requiringTLS: true).contains("no host offers REQUIRETLS"))
    }

    @Test("Domains that ask for it are told the day after what became of TLS, by mail and by HTTPS; others are not")
    func reports() throws {
        let world = try World()
        world.announce("1")
        #expect(try world.send() == "delivered")
        world.peer.setCertificate(try world.authority.issue(["elsewhere.test"]))
        #expect(try world.send().contains("another name"))
        world.names.set(
            "_smtp._tls.remote.test", .txt,
            .success(DNSAnswer(records: .texts([Array("v=TLSRPTv1; rua=mailto:tls@reports.test,mailto:nobody".utf8)]))))
        let inbox = EvilServer()
        defer { inbox.stop() }
        try world.server.configure(
            RoutingField.mailRoutingTable,
            list: ["[remote.test:remote.test:\(world.peer.port)]", "[reports.test:127.0.0.1:\(inbox.port)]"])
        world.clock.advance(86_400 + 5 * 3600)
        world.server.remote?.scan()
        #expect(eventually(within: 60) { !inbox.taken.isEmpty })
        let report = try #require(inbox.taken.first?.body)
        #expect(report.contains("TLS-Report-Domain: remote.test\r\n") && report.contains("report-type=\"tlsrpt\""))
        #expect(inbox.taken.first?.mail.hasPrefix("MAIL FROM:<>") == true)
        let packed = try #require(report.components(after: "json.gz\"\r\n\r\n", before: "\r\n--"))
        let folder = TemporaryDirectory("report")
        folder.write("report.b64", packed)
        let json = try ChildProcess.run(
            "/bin/sh",
            [
                "-c",
                "base64 -di \"$1\" | gzip -dc | python3 -c 'import json,sys; d=json.load(sys.stdin); p=d[\"policies\"][0]; print(p[\"policy\"][\"policy-type\"], p[\"policy\"][\"policy-domain\"], p[\"policy\"][\"mx-host\"], p[\"summary\"][\"total-successful-session-count\"], p[\"summary\"][\"total-failure-session-count\"], p[\"failure-details\"][0][\"result-type\"])'",
                "read", folder("report.b64"),
            ])
        #expect(json.output == "sts remote.test ['mx.remote.test'] 1 1 certificate-host-mismatch\n", "\(json.output)")
        #expect(eventually { (try? world.memory.reportable(before: .max).contains { $0.day == world.clock.now / 86_400 - 1 }) == false })
    }
}

extension String {
    fileprivate func components(after start: String, before end: String) -> String? {
        guard let begin = self.firstRange(of: start)?.upperBound, let stop = self[begin...].firstRange(of: end)?.lowerBound else {
            return nil
        }
        return String(self[begin..<stop])
    }
}
