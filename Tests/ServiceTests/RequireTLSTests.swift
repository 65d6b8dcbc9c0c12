import Delivery
import Forms
import MailTesting
import MessageStore
import NIOCore
import NetKit
import Policy
import Queue
import Routing
import Testing
import Vocabulary

@Suite("RFC 8689: a message with REQUIRETLS goes from host to host of a domain until one will do", .serialized)
struct RequireTLSTests {
    /// A mail host of the domain.
    private struct Host {
        var keywords = ["PIPELINING", "STARTTLS", "REQUIRETLS"]
        /// Name of the certificate; nil for its own, "" for none.
        var certificate: String?
        var rules: [EvilServer.Rule] = []
        /// TLSA records that no certificate matches.
        var hasWrongRecords = false

        static let good = Host()
        static let unable = Host(keywords: ["PIPELINING", "STARTTLS"])
        static let clear = Host(keywords: ["PIPELINING", "REQUIRETLS"])
        static let stranger = Host(certificate: "elsewhere.test")
        static let busy = Host(rules: [.init("connect", .sayAndHangUp("421 4.3.2 Busy\r\n"))])
        /// It says yes to STARTTLS and speaks no TLS.
        static let broken = Host(rules: [.init("STARTTLS", .sayTwiceAndHangUp("220 Go\r\n", "500 What is this?\r\n"))])
        static let cut = Host(rules: [.init("STARTTLS", .sayAndHangUp("220 Go\r\n"))])
        static let later = Host(rules: [.init("STARTTLS", .say("454 4.7.0 Not now\r\n"))])
    }

    /// `remote.test` with these hosts, the first of them the best, and a server that sends there.
    private final class World {
        let hosts: [EvilServer]
        let server: SMTPFixture
        let taro: AccountID
        let clock = ManualClock()
        private let folder = TemporaryDirectory("requiretls")

        /// - Parameter isSecure: DNSSEC vouches for the MX records.
        init(_ hosts: [Host], isSecure: Bool = true) throws {
            let authority = try TestCA()
            let folder = self.folder
            folder.write("ca.pem", authority.pem)
            var servers: [EvilServer] = []
            for (index, host) in hosts.enumerated() {
                let peer = EvilServer(
                    host.rules, keywords: host.keywords, address: "127.0.1.\(index + 1)", port: servers.first?.port ?? 0)
                if host.certificate != "" {
                    peer.setCertificate(try authority.issue([host.certificate ?? "mx\(index).remote.test"]))
                }
                servers.append(peer)
            }
            self.hosts = servers
            let authorities = TrustedAuthorities(files: [folder("ca.pem")])
            self.server = try SMTPFixture(sends: true, clock: self.clock, remote: { $0.authorities = authorities })
            self.taro = try self.server.account("taro@example.test", password: "taros word")
            let port = servers.first?.port ?? 0
            try self.server.configure(RoutingField.mailRoutingTable, list: ["[remote.test:remote.test:\(port)]"])
            let records = hosts.indices.map { MXRecord(preference: UInt16($0), host: "mx\($0).remote.test") }
            let names = self.server.names
            names.set("remote.test", .mx, .success(DNSAnswer(records: .exchanges(records), isSecure: isSecure)))
            for (index, host) in hosts.enumerated() {
                let address = try #require(IPAddress("127.0.1.\(index + 1)"))
                let name = "mx\(index).remote.test"
                names.set(name, .a, .success(DNSAnswer(records: .addresses([address]), isSecure: isSecure)))
                guard host.hasWrongRecords else { continue }
                let record = TLSARecord(usage: 3, selector: 1, matchingType: 1, data: [UInt8](repeating: 1, count: 32))
                names.set("_\(port)._tcp.\(name)", .tlsa, .success(DNSAnswer(records: .associations([record]), isSecure: true)))
            }
        }

        deinit { for host in self.hosts { host.stop() } }

        /// In the queue, as a client under TLS would have handed it over.
        func queue(_ name: String, requiringTLS: Bool = true, isReport: Bool = false) throws {
            var envelope = Envelope(sender: isReport ? nil : try Address(parsing: "taro@example.test"))
            envelope.requiresTLS = requiringTLS
            let recipient = Envelope.Recipient(try Address(parsing: "\(name)@remote.test"))
            envelope.recipients = [recipient]
            let now = self.clock.now
            let text = "Subject: \(name)\r\n\r\nsecret of \(name)\r\n"
            var item = AcceptItem(body: .memory(ByteBuffer(string: text)), envelope: envelope, receivedAt: now, trace: TraceID("R\(name)"))
            let place = "via remote.test:\(self.hosts.first?.port ?? 0)"
            item.queue = [QueueDraft(.remote, recipient: recipient, destination: place, due: now)]
            _ = try self.server.wait { self.server.store.accept(item, completion: $0) }
        }

        /// What became of one such message: `delivered`, or the reason.
        func send(_ name: String = "a") throws -> String {
            let known = self.server.events.all.count
            try self.queue(name)
            return try self.server.fate(after: known)
        }

        /// Recipients that each host has taken, in order.
        var taken: [[String]] {
            // RCPT TO:<a@remote.test>
            self.hosts.map { host in
                host.taken.flatMap(\.recipients).map { line in String(line.drop { $0 != "<" }.dropFirst().prefix { $0 != "@" }) }
            }
        }

        /// The report that taro gets.
        func report() throws -> String {
            #expect(eventually { (try? self.server.mailbox(of: self.taro).isEmpty) == false })
            return try #require(try self.server.mailbox(of: self.taro).last)
        }
    }

    @Test("Hosts without REQUIRETLS, without TLS, with another's certificate or with broken TLS are passed over for one that will do")
    func passedOver() throws {
        let world = try World([.unable, .clear, .stranger, .broken, .cut, .good])
        #expect(try world.send() == "delivered")
        #expect(world.taken == [[], [], [], [], [], ["a"]])
        #expect(world.hosts.last?.taken.map(\.isEncrypted) == [true])
        #expect(world.hosts.last?.taken.first?.mail.hasSuffix(" REQUIRETLS") == true)
        // Those that would not do hear of nobody, and are told goodbye.
        for host in world.hosts.dropLast() { #expect(!host.lines.contains { $0.hasPrefix("MAIL") || $0.hasPrefix("RCPT") }) }
        for host in world.hosts.prefix(3) { #expect(host.lines.last == "QUIT") }
        // Later messages go the same way.
        #expect(try world.send("b") == "delivered")
        #expect(world.taken.last == ["a", "b"])
    }

    @Test(
        "When no host will do the message goes back at once: 5.7.30 where one could be trusted and offers no REQUIRETLS, else 5.7.10",
        arguments: [
            ([Host.unable, .clear, .stranger], true, "5.7.30", "no host offers REQUIRETLS"),
            ([Host.clear], true, "5.7.10", "no encryption"), ([Host.stranger, .stranger], true, "5.7.10", "certificate"),
            ([Host.broken], true, "5.7.10", "encryption with the host fails"),
            ([Host.good, .good], false, "5.7.10", "neither DNSSEC nor MTA-STS"),
            ([Host(hasWrongRecords: true)], true, "5.7.10", "certificate"),
        ])
    private func returned(_ hosts: [Host], _ isSecure: Bool, _ status: String, _ words: String) throws {
        let world = try World(hosts, isSecure: isSecure)
        let reason = try world.send()
        #expect(reason.contains(words), "\(reason)")
        #expect(world.taken.joined().isEmpty)
        #expect(world.hosts.allSatisfy { $0.connections > 0 })
        let report = try world.report()
        #expect(report.contains("Status: \(status)\r\n"), "\(report)")
        // The header only. [RFC8689-5]
        #expect(report.contains("Subject: a\r\n") && !report.contains("secret of a"))
        try world.server.waitForQueue(0)
        #expect(try world.server.store.check().problems.isEmpty)
    }

    @Test("A host that may do later keeps the message in the queue: busy, or STARTTLS not now; whatever the other hosts lack")
    func kept() throws {
        for hosts in [[Host.busy, .unable], [.unable, .busy], [.later], [.clear, .later, .stranger], [.cut]] {
            let world = try World(hosts)
            _ = try world.send()
            #expect(world.server.events.lines("failed").isEmpty, "\(world.server.events.lines("session-failed"))")
            #expect(world.server.events.lines("deferred").count == 1, "\(world.hosts.map { ($0.connections, $0.lines) })")
            #expect(try world.server.store.queueCount() == 1)
            // Once it will do the message goes.
            for host in world.hosts {
                host.set([])
                host.setKeywords(Host.good.keywords)
            }
            world.clock.advance(7200)
            world.server.remote?.scan()
            #expect(eventually(within: 60) { world.taken.joined().contains("a") })
        }
    }

    @Test("Other messages for the domain go where they always went, whether they stand before or behind, and a report goes without")
    func others() throws {
        let world = try World([.clear, .unable])
        for (name, isStrict) in [("a", false), ("b", true), ("c", false), ("d", true), ("e", false)] {
            try world.queue(name, requiringTLS: isStrict)
        }
        try world.queue("f", requiringTLS: true, isReport: true)
        try world.server.waitForQueue(0)
        #expect(Set(world.taken.joined()) == ["a", "c", "e", "f"])
        #expect(world.server.events.lines("failed").count == 2)
        #expect(world.server.events.lines("failed").allSatisfy { $0.contains("status=5.7.30") })
    }

    @Test("A hundred messages search together: the host that will do gets them over few connections, the others nothing")
    func together() throws {
        let world = try World([.unable, .good])
        for number in 0..<100 { try world.queue("n\(number)") }
        try world.server.waitForQueue(0)
        #expect(world.taken[1].count == 100)
        #expect(world.taken[0].isEmpty)
        #expect(world.hosts[1].connections <= 20, "\(world.hosts[1].connections)")
    }

    @Test("A connection that was made for another message proves nothing yet: the same host is asked for proof, and gets the message")
    func examinedAgain() throws {
        let world = try World([.good])
        // One connection: the second message comes to it while it stands.
        world.server.remoteChanges.set { $0.sendsTransportReports = false }
        for round in 0..<5 {
            try world.queue("a\(round)", requiringTLS: false)
            try world.queue("b\(round)")
        }
        try world.server.waitForQueue(0)
        #expect(world.server.events.lines("failed").isEmpty)
        #expect(world.taken[0].count == 10)
        #expect(!world.hosts[0].taken.contains { !$0.isEncrypted })
    }

    @Test("The words of both languages: in the report and in the queue list")
    func words() throws {
        let world = try World([.unable])
        world.server.remoteChanges.set { $0.language = .japanese }
        _ = try world.send()
        let report = try world.report()
        #expect(report.contains("Status: 5.7.30\r\n"), "\(report)")
        for gap in DeliveryFailure.TLSGap.allCases {
            let failure = DeliveryFailure(.needsEncryption(gap))
            #expect(failure.words.english.hasPrefix("REQUIRETLS: ") && failure.words.japanese.hasPrefix("REQUIRETLS: "))
            #expect(failure.words.english != failure.words.japanese)
            #expect(failure.status == EnhancedStatus(5, 7, 10) && failure.isPermanent)
        }
    }
}
