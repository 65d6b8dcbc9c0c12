import Delivery
import Forms
import MailTesting
import NIOCore
import NetKit
import Policy
import Routing
import Testing
import Vocabulary

@Suite("DANE: what DNSSEC says of a host's certificate is held to", .serialized)
struct DANETests {
    /// Two authorities and a server's certificates.
    private struct Certificates {
        let authority: TestCA
        let right: TestCertificate
        let expired: TestCertificate
        let otherName: TestCertificate
        let withoutAuthority: TestCertificate

        init() throws {
            self.authority = try TestCA()
            self.right = try self.authority.issue(["mx.remote.test"])
            self.expired = try self.authority.issue(["mx.remote.test"], days: -30 ... -2)
            self.otherName = try self.authority.issue(["elsewhere.test"])
            self.withoutAuthority = try self.authority.issue(["mx.remote.test"], withAuthority: false)
        }
    }

    private static func record(_ usage: UInt8, _ selector: UInt8, _ matching: UInt8, _ data: [UInt8]) -> TLSARecord {
        TLSARecord(usage: usage, selector: selector, matchingType: matching, data: data)
    }

    private static func sha256(_ bytes: [UInt8]) -> [UInt8] { TestCertificate.sha256(bytes) }

    /// A server that sends, `remote.test` by its MX on the peer's port, and a message under way.
    private static func world(
        _ peer: EvilServer, _ tlsa: Result<DNSAnswer, DNSFailure>?, mx isMXSecure: Bool = true, host isHostSecure: Bool = true,
        canonical: String? = nil
    ) throws -> SMTPFixture {
        let server = try SMTPFixture(sends: true)
        try server.account("taro@example.test", password: "taros word")
        try server.configure(RoutingField.mailRoutingTable, list: ["[remote.test:remote.test:\(peer.port)]"])
        let mx = DNSAnswer(records: .exchanges([MXRecord(preference: 10, host: "mx.remote.test")]), isSecure: isMXSecure)
        server.names.set("remote.test", .mx, .success(mx))
        let address = try #require(IPAddress("127.0.0.1"))
        server.names.set(
            "mx.remote.test", .a,
            .success(DNSAnswer(records: .addresses([address]), isSecure: isHostSecure, canonicalName: canonical)))
        if let tlsa { server.names.set("_\(peer.port)._tcp.\(canonical ?? "mx.remote.test")", .tlsa, tlsa) }
        let client = try server.greeted("submission")
        _ = try client.login("taro", "taros word")
        let reply = try client.mail(from: "taro@example.test", to: ["a@remote.test"], "Subject: x\r\n\r\nHello\r\n")
        #expect(reply.hasPrefix("250"), "\(reply)")
        return server
    }

    private static func secure(_ records: [TLSARecord], isSecure: Bool = true) -> Result<DNSAnswer, DNSFailure> {
        .success(DNSAnswer(records: .associations(records), isSecure: isSecure))
    }

    private static func delivered(_ server: SMTPFixture) -> Bool {
        eventually(within: 60) { server.events.all.contains { $0.event == "delivered" } }
    }

    /// The attempt failed for now; its reason.
    private static func deferred(_ server: SMTPFixture) -> String? {
        var reason: String?
        _ = eventually(within: 60) {
            reason = server.events.all.last { $0.event == "deferred" }?.facts.first { $0.key == "reason" }?.value
            return reason != nil
        }
        return reason
    }

    private static func peer(_ certificate: TestCertificate?, _ rules: [EvilServer.Rule] = []) -> EvilServer {
        let peer = EvilServer(rules, keywords: ["PIPELINING"] + (certificate == nil ? [] : ["STARTTLS"]))
        peer.setCertificate(certificate)
        return peer
    }

    @Test(
        "T6 what matches is delivered to under encryption: this certificate whatever its dates and names, or an authority's with both right"
    )
    func matches() throws {
        let all = try Certificates()
        let cases: [(TestCertificate, [TLSARecord])] = [
            (all.right, [Self.record(3, 1, 1, Self.sha256(all.right.publicKey))]),
            (all.expired, [Self.record(3, 1, 1, Self.sha256(all.expired.publicKey))]),
            (all.otherName, [Self.record(3, 0, 1, Self.sha256(all.otherName.chain[0]))]),
            (all.right, [Self.record(3, 1, 2, TestCertificate.sha512(all.right.publicKey))]),
            (all.right, [Self.record(3, 1, 0, all.right.publicKey)]),
            (all.right, [Self.record(3, 0, 0, all.right.chain[0])]),
            (all.right, [Self.record(2, 0, 1, Self.sha256(all.authority.der))]),
            (all.right, [Self.record(2, 1, 1, Self.sha256(all.authority.publicKey))]),
            (all.withoutAuthority, [Self.record(2, 0, 0, all.authority.der)]),
            // One of several is enough, and what cannot be used does no harm.
            (
                all.right,
                [
                    Self.record(3, 1, 1, [UInt8](repeating: 1, count: 32)), Self.record(1, 1, 1, Self.sha256(all.right.publicKey)),
                    Self.record(3, 1, 1, Self.sha256(all.right.publicKey)),
                ]
            ),
            // Nothing usable: encryption alone is demanded.
            (all.expired, [Self.record(0, 0, 1, [UInt8](repeating: 1, count: 32))]),
        ]
        for (number, (certificate, records)) in cases.enumerated() {
            let peer = Self.peer(certificate)
            defer { peer.stop() }
            let server = try Self.world(peer, Self.secure(records))
            #expect(Self.delivered(server), "case \(number): \(Self.deferred(server) ?? "")")
            #expect(peer.taken.map(\.isEncrypted) == [true], "case \(number)")
        }
    }

    @Test("T6 what does not match gets nothing, in no form, and the message waits")
    func mismatches() throws {
        let all = try Certificates()
        let stranger = try TestCA("Stranger")
        let cases: [(TestCertificate?, [TLSARecord], String)] = [
            (all.right, [Self.record(3, 1, 1, Self.sha256(all.otherName.publicKey))], "matches no TLSA record"),
            (all.right, [Self.record(3, 0, 1, Self.sha256(all.right.publicKey))], "matches no TLSA record"),
            (all.otherName, [Self.record(2, 0, 1, Self.sha256(all.authority.der))], "for another name"),
            (all.expired, [Self.record(2, 0, 1, Self.sha256(all.authority.der))], "expired"),
            (all.right, [Self.record(2, 0, 1, Self.sha256(stranger.der))], "matches no TLSA record"),
            (all.right, [Self.record(2, 0, 0, stranger.der)], "no trusted authority"),
            // Nothing usable, and no encryption.
            (nil, [Self.record(0, 0, 1, [UInt8](repeating: 1, count: 32))], "STARTTLS is not offered"),
            (nil, [Self.record(3, 1, 1, Self.sha256(all.right.publicKey))], "STARTTLS is not offered"),
        ]
        for (number, (certificate, records, words)) in cases.enumerated() {
            let peer = Self.peer(certificate)
            defer { peer.stop() }
            let server = try Self.world(peer, Self.secure(records))
            let reason = Self.deferred(server)
            #expect(reason?.contains(words) == true, "case \(number): \(reason ?? "nothing")")
            #expect(peer.taken.isEmpty && !peer.lines.contains { $0.hasPrefix("MAIL") }, "case \(number)")
        }
    }

    @Test("T6 answers that cannot be validated put the message off before anything is said to the host", arguments: 0..<3)
    func unknown(_ number: Int) throws {
        let failures: [DNSFailure] = [.bogus, .temporary, .timedOut]
        let peer = Self.peer(nil)
        defer { peer.stop() }
        let server = try Self.world(peer, .failure(failures[number]))
        #expect(Self.deferred(server)?.contains("TLSA") == true)
        #expect(peer.connections == 0)
    }

    @Test("T6 records that DNSSEC does not vouch for, all the way from the MX, are as good as none", arguments: 0..<4)
    func insecure(_ number: Int) throws {
        let peer = Self.peer(nil)
        defer { peer.stop() }
        let wrong = [Self.record(3, 1, 1, [UInt8](repeating: 1, count: 32))]
        let server =
            switch number {
            case 0: try Self.world(peer, Self.secure(wrong, isSecure: false))
            case 1: try Self.world(peer, Self.secure(wrong), mx: false)
            case 2: try Self.world(peer, Self.secure(wrong), host: false)
            default: try Self.world(peer, nil)
            }
        #expect(Self.delivered(server))
        #expect(peer.taken.map(\.isEncrypted) == [false])
    }

    @Test("T6 of an MX that is an alias the name at its end counts, or a validated alias itself where the end is unsigned")
    func aliases() throws {
        let all = try Certificates()
        let good = Self.secure([Self.record(3, 1, 1, Self.sha256(all.right.publicKey))])
        let wrong = Self.secure([Self.record(3, 1, 1, [UInt8](repeating: 1, count: 32))])
        let peer = Self.peer(all.right)
        defer { peer.stop() }
        #expect(Self.delivered(try Self.world(peer, good, canonical: "real.remote.test")))
        let bad = try Self.world(peer, wrong, canonical: "real.remote.test")
        #expect(Self.deferred(bad)?.contains("TLSA") == true)
        #expect(peer.taken.count == 1)
        // The end of the chain is unsigned.
        let server = try SMTPFixture(sends: true)
        let mx = MailHost(name: "mx.remote.test", port: 25, isSecure: true)
        let end = HostAddresses(addresses: [], isSecure: false, canonicalName: "real.elsewhere.test")
        server.names.set("_25._tcp.mx.remote.test", .tlsa, good)
        let finder = HostFinder(
            server.names, own: HostFinder.Own(isName: { _ in false }, isAddress: { _, _ in false }), seed: { 1 })
        for (isSecure, finds) in [(true, true), (false, false)] {
            server.names.set("mx.remote.test", .cname, .success(DNSAnswer(records: .names(["real.elsewhere.test"]), isSecure: isSecure)))
            let found = Promised<DANE.Finding>()
            finder.associations(of: mx, end) { found.give($0) }
            let finding = try found.wait(for: "TLSA")
            #expect((finding != .none) == finds)
        }
    }

    @Test("T6 all of it with a signed zone on a real name server: right, wrong, forged")
    func signedZone() throws {
        let all = try Certificates()
        let peer = Self.peer(all.right)
        defer { peer.stop() }
        let hex = Self.sha256(all.right.publicKey).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        func zone(_ name: String, _ data: String, forge: @escaping @Sendable (String) -> String = { $0 }) -> SignedDNS.Zone {
            SignedDNS.Zone(
                name,
                [
                    "\(name). IN MX 10 mx.\(name).", "mx.\(name). IN A 127.0.0.1",
                    "_\(peer.port)._tcp.mx.\(name). IN TLSA 3 1 1 \(data)",
                ], forge: forge)
        }
        let wrong = String(repeating: "ab", count: 32)
        let dns = try SignedDNS([
            zone("right.example", hex), zone("wrong.example", wrong),
            zone("forged.example", wrong, forge: { $0.replacing(wrong, with: hex) }),
        ])
        var settings = NameService.Settings()
        settings.servers = [ResolverSettings.Server(try #require(IPAddress("127.0.0.1")), port: dns.port)]
        settings.anchors = [dns.anchor]
        settings.hostsFile = ""
        let names = try NameService(settings)
        defer { names.shutDown() }
        let server = try SMTPFixture(sends: true, resolver: names.delivery)
        try server.account("taro@example.test", password: "taros word")
        try server.configure(
            RoutingField.mailRoutingTable, list: ["right", "wrong", "forged"].map { "[\($0).example:\($0).example:\(peer.port)]" })
        let client = try server.greeted("submission")
        _ = try client.login("taro", "taros word")
        for name in ["right", "wrong", "forged"] {
            let reply = try client.mail(from: "taro@example.test", to: ["a@\(name).example"], "Subject: x\r\n\r\nHello\r\n")
            #expect(reply.hasPrefix("250"))
        }
        #expect(eventually(within: 60) { server.events.all.count { $0.event == "deferred" } == 2 })
        #expect(eventually(within: 60) { peer.taken.count == 1 })
        #expect(peer.taken.map(\.isEncrypted) == [true])
        #expect(peer.taken.first?.recipients.first?.contains("a@right.example") == true)
    }
}
