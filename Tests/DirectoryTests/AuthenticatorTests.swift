import Database
import Directory
import Forms
import MailTesting
import Policy
import SASL
import Testing
import Vocabulary

@Suite(.serialized) struct AuthenticatorTests {
    /// An authenticator over a fixture; verifiers of the tests have few rounds, so that answers come at once.
    private final class Desk: Sendable {
        let fixture: Fixture
        let authenticator: Authenticator
        let events = RecordingSink()

        init() throws {
            self.fixture = try Fixture()
            self.authenticator = Authenticator(
                self.fixture.directory, AuthenticatorOptions(cacheKey: Secret("key of the test"), events: self.events))
        }

        deinit { self.authenticator.close() }

        func ask(
            _ request: AuthRequest, from peer: String = "192.0.2.1", service: ListenerRole.Service = .pop3, tls: Bool = true,
            name: HostNameFact = .notLooked
        ) throws -> AuthOutcome {
            let address = try #require(IPAddress(peer))
            let facts = ConnectionFacts(
                peer: address, peerPort: 1, local: address, localPort: 2, listener: ListenerRole(name: "test", service: service),
                trace: TraceID("t"))
            let answer = Monitor<AuthOutcome?>(nil)
            self.authenticator.answer(request, LoginContext(facts: facts, hasTLS: tls, hostName: name)) { outcome in
                answer.withLock { held in
                    #expect(held == nil, "answered twice")
                    held = outcome
                }
                answer.broadcast()
            }
            return try #require(answer.wait(milliseconds: 60_000, until: { $0 != nil }, then: { $0 }))
        }

        func login(
            _ name: String, _ password: String, from peer: String = "192.0.2.1", service: ListenerRole.Service = .pop3, tls: Bool = true
        ) throws
            -> AuthRefusal?
        {
            switch try self.ask(.password(login: name, Secret(password)), from: peer, service: service, tls: tls) {
            case .accepted: nil
            case .refused(let refusal): refusal
            case .verifier: throw Unexpected()
            }
        }
    }

    @Test("the Postmaster logs in to the forms by the address that setup tells, by the host's, and by name")
    func thePostmasterLogsIn() throws {
        let desk = try Desk()
        let id = try #require(desk.fixture.directory.find("postmaster"))
        try desk.fixture.directory.changeAccount(id, AccountInput(verifier: Fixture.verifier("secret")), by: Fixture.actor)
        for name in ["postmaster", "postmaster@example.test", "POSTMASTER@host.example.test"] {
            #expect(try desk.login(name, "secret", service: .http) == nil, "\(name)")
            #expect(try desk.login(name, "secret", service: .pop3) != nil, "it is no mailbox: \(name)")
        }
    }

    @Test func everyNameOfTheAccountLogsIn() throws {
        let desk = try Desk()
        let id = try desk.fixture.add("Jane@example.test", "janie@other.test", password: "secret")
        for name in ["jane", "JANE", "jane@EXAMPLE.test", "janie@other.test"] {
            guard case .accepted(let identity) = try desk.ask(.password(login: name, Secret("secret"))) else { throw Unexpected() }
            #expect(identity.account == id)
            #expect(identity.primaryAddress.description == "Jane@example.test")
        }
        #expect(try desk.login("jane", "wrong!") == .badCredentials)
        #expect(try desk.login("nobody", "secret") == .badCredentials)
        #expect(try desk.login("jane", "") == .badCredentials)
    }

    @Test func theCacheHoldsOnlyUntilTheNextPassword() throws {
        let desk = try Desk()
        let id = try desk.fixture.add("jane@example.test", password: "secret")
        #expect(try desk.login("jane", "secret") == nil)
        #expect(try desk.login("jane", "secret") == nil)
        try desk.fixture.directory.changeAccount(id, AccountInput(verifier: Fixture.verifier("better")), by: Fixture.actor)
        #expect(try desk.login("jane", "secret") == .badCredentials)
        #expect(try desk.login("jane", "better") == nil)
        try desk.fixture.directory.removeAccount(id, by: Fixture.actor)
        #expect(try desk.login("jane", "better") == .badCredentials)
        try desk.fixture.add("jane@example.test", password: "newest")
        #expect(try desk.login("jane", "better") == .badCredentials)
    }

    @Test("A6 locked and expired accounts are refused, and only their owners are told why") func states() throws {
        let desk = try Desk()
        let id = try desk.fixture.add("jane@example.test", password: "secret")
        for (state, refusal) in [("locked", AuthRefusal.locked), ("expired", .expired)] {
            #expect(try desk.login("jane", "secret") == nil)
            try desk.fixture.directory.changeAccount(id, AccountInput(values: ["state": .text(state)]), by: Fixture.actor)
            #expect(try desk.login("jane", "secret") == refusal)
            #expect(try desk.login("jane", "wrong!") == .badCredentials)
            #expect(!desk.fixture.directory.snapshot.isActive(id))
            try desk.fixture.directory.changeAccount(id, AccountInput(values: ["state": .none]), by: Fixture.actor)
        }
        try desk.fixture.directory.changeAccount(id, AccountInput(values: ["services": .list(["imap"])]), by: Fixture.actor)
        #expect(try desk.login("jane", "secret") == .serviceOff)
        #expect(try desk.login("jane", "secret", service: .imap) == nil)
    }

    @Test("42 the account's access list is asked before the password") func accessListOfTheAccount() throws {
        let desk = try Desk()
        try desk.fixture.add("jane@example.test", fields: ["access-restrictions": "192.0.2.0/28, *.home.test"], password: "secret")
        #expect(try desk.login("jane", "secret", from: "192.0.2.5") == nil)
        #expect(try desk.login("jane", "secret", from: "198.51.100.1") == .badCredentials)
        let address = try #require(IPAddress("198.51.100.1"))
        #expect(desk.authenticator.needsHostName(address, .pop3))
        for (fact, isIn) in [
            (HostNameFact.confirmed(["pc.home.test"]), true), (.confirmed(["home.test"]), false), (.unknown, false), (.notLooked, false),
        ] {
            let outcome = try desk.ask(.password(login: "jane", Secret("secret")), from: "198.51.100.1", name: fact)
            if case .accepted = outcome { #expect(isIn) } else { #expect(!isIn) }
        }
    }

    @Test func theServicesOwnListIsForEverybody() throws {
        let desk = try Desk()
        try desk.fixture.add("jane@example.test", password: "secret")
        try desk.fixture.configure("pop3-access", "192.0.2.0/28")
        #expect(try desk.login("jane", "secret") == nil)
        #expect(try desk.login("jane", "secret", from: "198.51.100.1") == .notFromHere)
        #expect(try desk.login("nobody", "secret", from: "198.51.100.1") == .notFromHere)
        #expect(try desk.login("jane", "secret", from: "198.51.100.1", service: .imap) == nil)
    }

    @Test func passwordsWithoutTLSComeFromListedNetworksOnly() throws {
        let desk = try Desk()
        try desk.fixture.add("jane@example.test", password: "secret")
        #expect(try desk.login("jane", "secret", tls: false) == .notFromHere)
        #expect(try desk.login("jane", "secret", from: "127.0.0.1", tls: false) == nil)
        try desk.fixture.configure("plaintext-login-networks", "192.0.2.0/24")
        #expect(try desk.login("jane", "secret", tls: false) == nil)
    }

    @Test("A1 a name that nobody has is offered the same verifier each time") func decoys() throws {
        let desk = try Desk()
        try desk.fixture.add("jane@example.test", password: "secret")
        try desk.fixture.add("nopassword@example.test")
        func verifier(_ name: String) throws -> SCRAMVerifier {
            guard case .verifier(let verifier) = try desk.ask(.verifier(login: name)) else { throw Unexpected() }
            return verifier
        }
        #expect(try verifier("jane") == Fixture.verifier("secret"))
        #expect(try verifier("nobody") == verifier("NOBODY"))
        #expect(try verifier("nobody") != verifier("nobody2"))
        #expect(try verifier("nobody").iterations == SCRAMVerifier.defaultIterations)
        #expect(try verifier("nopassword").salt.count == SCRAMVerifier.saltLength)
        let stable = try verifier("nobody")
        let again = try desk.fixture.reopened()
        let other = Authenticator(again, AuthenticatorOptions(cacheKey: Secret("other")))
        defer {
            other.close()
            again.close()
        }
        #expect(desk.fixture.directory !== again)
        let address = try #require(IPAddress("192.0.2.1"))
        let facts = ConnectionFacts(
            peer: address, peerPort: 1, local: address, localPort: 2, listener: ListenerRole(name: "test", service: .pop3),
            trace: TraceID("t"))
        let answer = Monitor<AuthOutcome?>(nil)
        other.answer(.verifier(login: "nobody"), LoginContext(facts: facts, hasTLS: true, hostName: .notLooked)) { outcome in
            answer.withLock { $0 = outcome }
            answer.broadcast()
        }
        guard case .verifier(let after)? = answer.wait(milliseconds: 60_000, until: { $0 != nil }, then: { $0 }) else { throw Unexpected() }
        #expect(after == stable)
    }

    @Test func aSCRAMProofCountsForTheVerifierOfNowOnly() throws {
        let desk = try Desk()
        let id = try desk.fixture.add("jane@example.test", password: "secret")
        let verifier = Fixture.verifier("secret")
        guard case .accepted = try desk.ask(.proof(login: "jane", verifier: verifier, isValid: true)) else { throw Unexpected() }
        for request in [
            AuthRequest.proof(login: "jane", verifier: verifier, isValid: false),
            .proof(login: "nobody", verifier: verifier, isValid: true),
            .proof(login: "jane", verifier: Fixture.verifier("other!"), isValid: true),
        ] {
            guard case .refused(.badCredentials) = try desk.ask(request) else { throw Unexpected() }
        }
        try desk.fixture.directory.changeAccount(id, AccountInput(verifier: Fixture.verifier("better")), by: Fixture.actor)
        guard case .refused(.badCredentials) = try desk.ask(.proof(login: "jane", verifier: verifier, isValid: true)) else {
            throw Unexpected()
        }
    }

    @Test("A2 too many failures shut out their peer, not others, nor who was right before") func budgets() throws {
        let desk = try Desk()
        try desk.fixture.configure("login-failure-budget", "5")
        try desk.fixture.add("jane@example.test", password: "secret")
        try desk.fixture.add("john@example.test", password: "secret")
        #expect(try desk.login("jane", "secret") == nil)
        for number in 0..<5 { #expect(try desk.login("jane", "wrong\(number)") == .badCredentials) }
        #expect(desk.authenticator.shutOutPeers == 1)
        #expect(try desk.login("jane", "wrong9") == .tooManyFailures)
        #expect(try desk.login("john", "secret") == .tooManyFailures)
        #expect(try desk.login("jane", "secret") == nil)
        #expect(try desk.login("john", "secret", from: "192.0.2.2") == nil)
        for number in 0..<9 { #expect(try desk.login("jane", "wrong\(number)", from: "127.0.0.1") == .badCredentials) }
    }

    @Test("A2 who is shut out is known with the time, and can be let go: by address, by network, an IPv6 peer as its /64")
    func guessers() throws {
        let desk = try Desk()
        try desk.fixture.configure("login-failure-budget", "3")
        try desk.fixture.add("jane@example.test", password: "secret")
        for number in 0..<3 { #expect(try desk.login("jane", "wrong\(number)") == .badCredentials) }
        for number in 0..<3 { #expect(try desk.login("jane", "wrong\(number)", from: "2001:db8::\(number)") == .badCredentials) }
        #expect(try desk.login("jane", "wrong", from: "192.0.2.77") == .badCredentials)
        let known = desk.authenticator.guessers()
        #expect(known.map { "\($0.network) \($0.count)" } == ["2001:db8::/64 3", "192.0.2.1/32 3", "192.0.2.77/32 1"])
        let until = try #require(known.first?.until)
        #expect(until > 1_800_000_000 && until <= 1_800_001_200)
        #expect(known.last?.until == nil)
        #expect(desk.authenticator.shutOutPeers == 2)
        let network = try #require(IPAddress("2001:db8::")).description
        #expect(desk.authenticator.releaseGuessers { "\($0.base)" == network }.map(\.count) == [3])
        #expect(try desk.login("jane", "secret", from: "2001:db8::1") == nil)
        #expect(desk.authenticator.releaseGuessers { _ in false }.isEmpty)
        #expect(desk.authenticator.releaseGuessers { !$0.base.isIPv6 }.count == 2)
        #expect(try desk.login("jane", "secret") == nil)
        #expect(desk.authenticator.guessers().isEmpty)
    }

    @Test("A2 whom the postmaster excepts is not shut out, and not counted; what was counted before holds no longer")
    func exceptions() throws {
        let desk = try Desk()
        try desk.fixture.configure("login-failure-budget", "3")
        try desk.fixture.add("jane@example.test", password: "secret")
        for number in 0..<4 { _ = try desk.login("jane", "wrong\(number)") }
        #expect(try desk.login("jane", "secret") == .tooManyFailures)
        try desk.fixture.configure("blocking-exceptions", "192.0.2.0/24")
        #expect(desk.authenticator.guessers().isEmpty && desk.authenticator.shutOutPeers == 0)
        #expect(try desk.login("jane", "secret") == nil)
        for number in 0..<9 { #expect(try desk.login("jane", "bad\(number)", from: "192.0.2.9") == .badCredentials) }
        for number in 0..<3 { #expect(try desk.login("jane", "bad\(number)", from: "192.0.3.9") == .badCredentials) }
        #expect(try desk.login("john", "bad", from: "192.0.3.9") == .tooManyFailures)
    }

    @Test("A1 every fault has its own word in the log, and few answers") func faults() throws {
        let desk = try Desk()
        func reason() -> String? { desk.events.events.last?.facts.first { $0.key == "reason" }?.value }
        let id = try desk.fixture.add("jane@example.test", password: "secret")
        try desk.fixture.add("far@example.test", fields: ["access-restrictions": "198.51.100.0/24"], password: "secret")
        let cases: [(String, String, AuthRefusal, String)] = [
            ("nobody", "secret", .badCredentials, "unknown-name"), ("jane", "wrong", .badCredentials, "wrong-password"),
            ("jane", "wrong", .badCredentials, "wrong-password"), ("far", "secret", .badCredentials, "access-list-of-account"),
        ]
        for (name, password, refusal, word) in cases {
            #expect(try desk.login(name, password) == refusal)
            #expect(reason() == word)
        }
        for state in ["locked", "expired"] {
            try desk.fixture.directory.changeAccount(id, AccountInput(values: ["state": .text(state)]), by: Fixture.actor)
            _ = try desk.login("jane", "secret")
            #expect(reason() == state)
        }
        #expect(try desk.login("jane", "secret", tls: false) == .notFromHere)
        #expect(reason() == "needs-tls")
        #expect(try desk.ask(.verifier(login: "nobody")).isVerifier, "a decoy is no refusal")
        _ = try desk.ask(.proof(login: "nobody", verifier: Fixture.verifier("x"), isValid: false))
        #expect(reason() == "unknown-name")
        try desk.fixture.configure("pop3-access", "*.home.test")
        #expect(try desk.login("jane", "secret") == .notFromHere)
        #expect(reason() == "access-list-of-service")
        guard case .refused(.unavailable) = try desk.ask(.password(login: "jane", Secret("secret")), name: .unknown) else {
            throw Unexpected()
        }
        #expect(reason() == "host-name-unknown")
    }

    @Test func aDirectoryThatCannotReadSaysUnavailable() throws {
        let desk = try Desk()
        try desk.fixture.add("jane@example.test", password: "secret")
        desk.fixture.directory.close()
        #expect(try desk.login("jane", "secret") == .unavailable)
        #expect(try desk.login("nobody", "secret") == .unavailable)
    }
}

extension AuthOutcome {
    fileprivate var isVerifier: Bool { if case .verifier = self { true } else { false } }
}
