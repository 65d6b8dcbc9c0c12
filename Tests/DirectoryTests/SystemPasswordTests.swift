import Database
import Directory
import Forms
import MailTesting
import SASL
import Synchronization
import Testing
import Vocabulary

/// Accounts that log in with a password of the operating system, which stands for itself here.
@Suite(.serialized) struct SystemPasswordTests {
    private final class Desk: Sendable {
        let fixture: Fixture
        let authenticator: Authenticator
        let asked = Atomic<Int>(0)
        let later = Atomic<Int>(0)
        let isThere = Atomic<Bool>(true)

        init() throws {
            self.fixture = try Fixture()
            var options = AuthenticatorOptions(cacheKey: Secret("key of the test"))
            let box = Box()
            options.osPassword = { question in box.desk?.answer(question) ?? .unavailable }
            options.later = { milliseconds, body in
                #expect((1...1000).contains(milliseconds))
                box.desk?.later.add(1, ordering: .relaxed)
                body()
            }
            self.authenticator = Authenticator(self.fixture.directory, options)
            box.desk = self
        }

        deinit { self.authenticator.close() }

        private final class Box: @unchecked Sendable {
            // SAFETY: written once, before anybody asks.
            weak var desk: Desk?
        }

        private func answer(_ question: SystemPassword.Question) -> SystemPassword.Answer {
            self.asked.add(1, ordering: .relaxed)
            guard self.isThere.load(ordering: .relaxed) else { return .unavailable }
            return question.user == "unix-jane" && question.password == Secret("of the system") ? .right : .wrong
        }

        func ask(_ request: AuthRequest, by service: ListenerRole.Service = .pop3) throws -> AuthOutcome {
            let address = try #require(IPAddress("192.0.2.1"))
            let facts = ConnectionFacts(
                peer: address, peerPort: 1, local: address, localPort: 2, listener: ListenerRole(name: "test", service: service),
                trace: TraceID("t"))
            let answer = Monitor<AuthOutcome?>(nil)
            self.authenticator.answer(request, LoginContext(facts: facts, hasTLS: true, hostName: .notLooked)) { outcome in
                answer.withLock { $0 = outcome }
                answer.broadcast()
            }
            return try #require(answer.wait(milliseconds: 60_000, until: { $0 != nil }, then: { $0 }))
        }

        func login(_ name: String, _ password: String, by service: ListenerRole.Service = .pop3) throws -> AuthRefusal? {
            switch try self.ask(.password(login: name, Secret(password)), by: service) {
            case .accepted: nil
            case .refused(let refusal): refusal
            case .verifier: throw Unexpected()
            }
        }

        func link(_ id: AccountID, _ isLinked: Bool) throws {
            let input = AccountInput(values: [AccountField.useOSPassword.key: .flag(isLinked), AccountField.osUser.key: .text("unix-jane")])
            try self.fixture.directory.changeAccount(id, input, by: Fixture.actor)
        }
    }

    @Test("the system's password logs in and the own one does not; what was right is remembered; the own one comes back with the switch")
    func theSystemsPasswordCounts() throws {
        let desk = try Desk()
        let id = try desk.fixture.add("jane@example.test", password: "secret")
        #expect(try desk.login("jane", "secret") == nil)
        try desk.link(id, true)
        #expect(try desk.login("jane", "secret") == .badCredentials)
        #expect(try desk.login("jane", "of the system") == nil)
        let asked = desk.asked.load(ordering: .relaxed)
        #expect(asked == 2)
        for _ in 0..<5 { #expect(try desk.login("jane", "of the system") == nil) }
        #expect(desk.asked.load(ordering: .relaxed) == asked)
        try desk.link(id, false)
        #expect(try desk.login("jane", "secret") == nil)
        #expect(try desk.login("jane", "of the system") == .badCredentials)
    }

    @Test("A1 SCRAM gets a verifier of nobody for a linked account, and a proof by the own password fails")
    func scramIsOfNoUse() throws {
        let desk = try Desk()
        let id = try desk.fixture.add("jane@example.test", password: "secret")
        guard case .verifier(let own) = try desk.ask(.verifier(login: "jane")) else { throw Unexpected() }
        try desk.link(id, true)
        guard case .verifier(let shown) = try desk.ask(.verifier(login: "jane")) else { throw Unexpected() }
        #expect(shown != own && shown.salt.count == own.salt.count)
        guard case .refused(.badCredentials) = try desk.ask(.proof(login: "jane", verifier: own, isValid: true)) else { throw Unexpected() }
    }

    @Test("A1 as long as any account is linked, every refusal waits for the same beat, whoever was asked for")
    func refusalsComeTogether() throws {
        let desk = try Desk()
        let id = try desk.fixture.add("jane@example.test", password: "secret")
        _ = try desk.fixture.add("own@example.test", password: "secret")
        #expect(try desk.login("own", "wrong") == .badCredentials)
        #expect(desk.later.load(ordering: .relaxed) == 0)
        try desk.link(id, true)
        for (number, name) in ["jane", "own", "nobody-at-all"].enumerated() {
            #expect(try desk.login(name, "wrong \(number)") == .badCredentials)
            #expect(desk.later.load(ordering: .relaxed) == number + 1)
        }
    }

    @Test("A3 from a place that the account's list does not admit, who knows the system's password is told so, on the web alone")
    func theSystemsPasswordFromElsewhere() throws {
        let desk = try Desk()
        let id = try desk.fixture.add(
            "jane@example.test", fields: ["web-access-restrictions": "198.51.100.1", "access-restrictions": "198.51.100.1"],
            password: "secret")
        #expect(try desk.login("jane", "secret", by: .http) == .notFromHere)
        try desk.link(id, true)
        #expect(try desk.login("jane", "of the system", by: .http) == .notFromHere)
        #expect(try desk.login("jane", "secret", by: .http) == .badCredentials)
        #expect(try desk.login("jane", "of the system") == .badCredentials)
    }

    @Test("where the system cannot be asked, the login is put off, and right passwords of before still count")
    func theSystemIsAway() throws {
        let desk = try Desk()
        try desk.link(try desk.fixture.add("jane@example.test", password: "secret"), true)
        #expect(try desk.login("jane", "of the system") == nil)
        desk.isThere.store(false, ordering: .relaxed)
        #expect(try desk.login("jane", "of the system") == nil)
        #expect(try desk.login("jane", "another") == .unavailable)
    }
}
