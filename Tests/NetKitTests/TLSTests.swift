import Glibc
import MailTesting
import NIOCore
import NetKit
import Testing
import Vocabulary

@Suite(.serialized) struct TLSTests {
    private static let implicit = ListenerRole(name: "pop3s", service: .pop3, implicitTLS: true)
    private static let plain = ListenerRole(name: "pop3", service: .pop3)

    private func store(_ authorities: TestAuthority...) throws -> TLSStore {
        try TLSStore(authorities.map { CertificateFiles(chain: $0.chainFile, key: $0.keyFile) })
    }

    @Test("T1 nothing that came with STARTTLS in plaintext is carried out behind the handshake")
    func injection() throws {
        let authority = try TestAuthority()
        let server = try EchoServer([Self.plain], tls: try self.store(authority))
        defer { server.stop() }
        let client = try TestClient(port: server.port)
        #expect(try client.readLine() == "hello")
        try client.send("ECHO before\r\nSTARTTLS\r\nECHO injected\r\nDATA\r\nECHO inj")
        #expect(try client.readLine() == "before")
        #expect(try client.readLine() == "go")
        try client.startTLS(trust: authority.certificate, serverName: "mail.example.test")
        try client.send("ECHO after\r\n")
        #expect(try client.readLine() == "after")
        #expect(server.sink.lines == ["plaintext-dropped bytes=29"])
    }

    @Test("T1 half a command before the handshake does not become whole behind it")
    func halfCommand() throws {
        let authority = try TestAuthority()
        let server = try EchoServer([Self.plain], tls: try self.store(authority))
        defer { server.stop() }
        let client = try TestClient(port: server.port)
        #expect(try client.readLine() == "hello")
        try client.send("STARTTLS\r\nECHO in")
        #expect(try client.readLine() == "go")
        try client.startTLS(trust: authority.certificate)
        try client.send("jected\r\nECHO x\r\n")
        #expect(try client.readLine() == "unknown jected")
        #expect(try client.readLine() == "x")
    }

    @Test("T2 the machine begins anew after the handshake")
    func freshMachine() throws {
        let authority = try TestAuthority()
        let server = try EchoServer([Self.plain], tls: try self.store(authority))
        defer { server.stop() }
        let client = try TestClient(port: server.port)
        #expect(try client.readLine() == "hello")
        try client.sendLine("STARTTLS")
        #expect(try client.readLine() == "go")
        try client.startTLS(trust: authority.certificate)
        // A second STARTTLS has no meaning; the driver ends such a session rather than wrap TLS into TLS.
        try client.sendLine("STARTTLS")
        #expect(throws: (any Error).self) { while true { _ = try client.readLine() } }
        #expect(eventually { server.limits.count == 0 })
    }

    @Test("T3 implicit TLS greets after the handshake", arguments: [TestTLSVersion.tls12, .tls13])
    func implicitTLS(version: TestTLSVersion) throws {
        let authority = try TestAuthority()
        let server = try EchoServer([Self.implicit], tls: try self.store(authority))
        defer { server.stop() }
        let client = try TestClient(port: server.port)
        try client.startTLS(trust: authority.certificate, serverName: "localhost", minimum: version, maximum: version)
        #expect(try client.readLine() == "hello secure")
        try client.send("ECHO a\r\nWAIT b\r\nQUIT\r\n")
        #expect(try client.readToEnd() == "a\r\nwaited b\r\nbye\r\n")
        #expect(eventually { server.limits.count == 0 })
    }

    @Test("T4 TLS 1.1 is refused")
    func oldVersion() throws {
        let authority = try TestAuthority()
        let server = try EchoServer([Self.implicit], tls: try self.store(authority))
        defer { server.stop() }
        let client = try TestClient(port: server.port)
        #expect(throws: TestClient.Failure.self) {
            try client.startTLS(trust: nil, minimum: .tls11, maximum: .tls11)
        }
        #expect(eventually { server.sink.lines.contains { $0.hasPrefix("tls-failed") } })
        #expect(eventually { server.limits.count == 0 })
    }

    @Test func plaintextAtATLSPortEndsThatSessionOnly() throws {
        let authority = try TestAuthority()
        let server = try EchoServer([Self.implicit], tls: try self.store(authority))
        defer { server.stop() }
        let client = try TestClient(port: server.port)
        try client.send("ECHO hello?\r\n")
        _ = try? client.readToEnd()
        #expect(eventually { server.limits.count == 0 })
        let good = try TestClient(port: server.port)
        try good.startTLS(trust: authority.certificate)
        #expect(try good.readLine() == "hello secure")
    }

    @Test("L1 a handshake that never ends is ended")
    func silentHandshake() throws {
        let authority = try TestAuthority()
        var options = DriverOptions()
        options.handshakeTimeout = .milliseconds(100)
        let server = try EchoServer([Self.implicit, Self.plain], tls: try self.store(authority), options: options)
        defer { server.stop() }
        let silent = try TestClient(port: server.ports[0])
        #expect(try silent.readToEnd() == "")
        let upgrading = try TestClient(port: server.ports[1])
        #expect(try upgrading.readLine() == "hello")
        try upgrading.sendLine("STARTTLS")
        #expect(try upgrading.readLine() == "go")
        #expect(try upgrading.readToEnd() == "")
        #expect(server.sink.lines.filter { $0 == "tls-failed cause=deadline" }.count == 2)
        #expect(eventually { server.limits.count == 0 })
    }

    @Test func everyReplyArrivesWhenTheClientShutsItsSideOfTLS() throws {
        let authority = try TestAuthority()
        let server = try EchoServer([Self.implicit], tls: try self.store(authority))
        defer { server.stop() }
        let client = try TestClient(port: server.port)
        try client.startTLS(trust: authority.certificate)
        try client.send("ECHO a\r\nWAIT b\r\nQUIT\r\n")
        client.finishSending()
        #expect(try client.readToEnd() == "hello secure\r\na\r\nwaited b\r\nbye\r\n")
    }

    @Test("P3 a client that does not read stops itself under TLS too")
    func slowReader() throws {
        let authority = try TestAuthority()
        let server = try EchoServer([Self.implicit], tls: try self.store(authority))
        defer { server.stop() }
        let client = try TestClient(port: server.port, receiveBuffer: 4096)
        try client.startTLS(trust: authority.certificate)
        #expect(try client.readLine() == "hello secure")
        try client.sendLine("BIG 3000")
        #expect(try client.read(3000 * 16384).count == 3000 * 16384)
        #expect(try client.readLine() == "")
    }

    // MARK: Certificates in use

    @Test func theCertificateFollowsTheServerName() throws {
        let first = try TestAuthority(names: ["a.example.test"])
        let second = try TestAuthority(names: ["b.example.test", "*.wild.test"])
        let server = try EchoServer([Self.implicit], tls: try self.store(first, second))
        defer { server.stop() }
        for (name, trusted) in [
            ("a.example.test", first), ("b.example.test", second), ("B.Example.Test", second), ("x.wild.test", second),
        ] {
            let client = try TestClient(port: server.port)
            try client.startTLS(trust: trusted.certificate, serverName: name)
            #expect(try client.readLine() == "hello secure")
        }
        let stranger = try TestClient(port: server.port)
        try stranger.startTLS(trust: nil, serverName: "other.test")
        let facts = try CertificateFacts.read(chainPEM: first.certificate)
        let shown = try #require(stranger.peerCertificate)
        #expect(try CertificateFacts.read(der: shown).fingerprint == facts.first?.fingerprint)
    }

    @Test func newCertificatesAreTakenWithoutEndingSessions() throws {
        let old = try TestAuthority(names: ["a.example.test"])
        let new = try TestAuthority(names: ["a.example.test"])
        let store = try self.store(old)
        let server = try EchoServer([Self.implicit], tls: store)
        defer { server.stop() }
        let before = try TestClient(port: server.port)
        try before.startTLS(trust: old.certificate)
        #expect(try before.readLine() == "hello secure")
        try store.reload([CertificateFiles(chain: new.chainFile, key: new.keyFile)])
        let after = try TestClient(port: server.port)
        try after.startTLS(trust: new.certificate)
        #expect(try after.readLine() == "hello secure")
        try before.sendLine("ECHO still")
        #expect(try before.readLine() == "still")
    }

    @Test func aBrokenFileKeepsTheOldSetAndSaysWhy() throws {
        let good = try TestAuthority()
        let other = try TestAuthority()
        let store = try self.store(good)
        let directory = TemporaryDirectory("tls")
        directory.write("junk.pem", "this is no certificate")
        let cases: [(CertificateFiles, String, TLSFailure.Problem)] = [
            (CertificateFiles(chain: directory("none.pem"), key: good.keyFile), directory("none.pem"), .unreadable),
            (CertificateFiles(chain: directory("junk.pem"), key: good.keyFile), directory("junk.pem"), .notPEM),
            (CertificateFiles(chain: good.chainFile, key: directory("junk.pem")), directory("junk.pem"), .notPEM),
            (CertificateFiles(chain: good.chainFile, key: other.keyFile), other.keyFile, .keyDoesNotMatch),
        ]
        for (files, file, problem) in cases {
            let failure = #expect(throws: TLSFailure.self) {
                try store.reload([CertificateFiles(chain: good.chainFile, key: good.keyFile), files])
            }
            #expect(failure?.file == file)
            #expect(failure?.problem == problem)
        }
        #expect(throws: TLSFailure.self) { try store.reload([]) }
        let server = try EchoServer([Self.implicit], tls: store)
        defer { server.stop() }
        let client = try TestClient(port: server.port)
        try client.startTLS(trust: good.certificate)
        #expect(try client.readLine() == "hello secure")
    }
}

@Suite struct CertificateTests {
    private static let now: Int64 = 1_800_000_000

    @Test func aSelfSignedCertificateStandsForItsNamesAndAddresses() throws {
        let addresses = ["192.0.2.1", "2001:db8::1"].compactMap { IPAddress($0) }
        let made = try CertificateMaker.selfSigned(names: ["mail.example.test", "example.test"], addresses: addresses, now: Self.now)
        let facts = try #require(try CertificateFacts.read(chainPEM: made.chainPEM).first)
        #expect(facts.names == ["mail.example.test", "example.test", "192.0.2.1", "2001:db8::1"])
        #expect(facts.subject.contains("mail.example.test"))
        #expect(facts.isSelfSigned)
        #expect(facts.notBefore == Self.now - 3600)
        #expect(facts.notAfter - facts.notBefore + 1 == 825 * 86_400)
        #expect(facts.fingerprint.count == 95)
        #expect(try CertificateFacts.matches(keyPEM: made.keyPEM, chainPEM: made.chainPEM))
        let other = try CertificateMaker.selfSigned(names: ["x.test"], addresses: [], now: Self.now)
        #expect(try !CertificateFacts.matches(keyPEM: other.keyPEM, chainPEM: made.chainPEM))
    }

    @Test func noCertificateLivesLongerThanClientsAccept() throws {
        let made = try CertificateMaker.selfSigned(names: ["x.test"], addresses: [], validFor: 100_000, now: Self.now)
        let facts = try #require(try CertificateFacts.read(chainPEM: made.chainPEM).first)
        #expect(facts.notAfter - facts.notBefore < 825 * 86_400)
    }

    @Test func aRequestCarriesNamesAndKeepsTheKey() throws {
        let first = try CertificateMaker.request(names: ["mail.example.test"], addresses: [], organization: "Example", keyPEM: nil)
        #expect(first.csrPEM.hasPrefix("-----BEGIN CERTIFICATE REQUEST-----"))
        let second = try CertificateMaker.request(names: ["mail.example.test"], addresses: [], organization: nil, keyPEM: first.keyPEM)
        #expect(second.keyPEM == first.keyPEM)
        #expect(throws: CertificateMaker.Failure.self) {
            try CertificateMaker.request(names: ["x.test"], addresses: [], organization: nil, keyPEM: "junk")
        }
        #expect(throws: CertificateMaker.Failure.self) { try CertificateMaker.selfSigned(names: [], addresses: [], now: Self.now) }
    }

    @Test(arguments: ["", "junk", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\n"])
    func whatIsNoCertificateIsSaidToBeNone(text: String) {
        #expect(throws: CertificateMaker.Failure.self) { try CertificateFacts.read(chainPEM: text) }
    }
}
