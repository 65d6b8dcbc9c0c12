import Database
import Directory
import Forms
import MailTesting
import Policy
import SASL
import Synchronization
import Testing
import Vocabulary

/// A directory with an authenticator and a clock that is turned by hand.
final class LoginDesk: Sendable {
    let fixture: Fixture
    let authenticator: Authenticator
    let events = RecordingSink()
    private let clock: Clock

    final class Clock: Sendable {
        let now = Atomic<Int64>(1_800_000_000)
    }

    init() throws {
        let clock = Clock()
        self.clock = clock
        self.fixture = try Fixture { clock.now.load(ordering: .relaxed) }
        self.authenticator = Authenticator(self.fixture.directory, AuthenticatorOptions(cacheKey: Secret("key"), events: self.events))
    }

    deinit { self.authenticator.close() }

    func pass(seconds: Int64) { self.clock.now.wrappingAdd(seconds, ordering: .relaxed) }

    func ask(_ name: String, _ password: String, from peer: String = "192.0.2.1", service: ListenerRole.Service = .pop3) throws
        -> AuthOutcome
    {
        let address = try #require(IPAddress(peer))
        let facts = ConnectionFacts(
            peer: address, peerPort: 1, local: address, localPort: 2, listener: ListenerRole(name: "test", service: service),
            trace: TraceID("t"))
        let answer = Monitor<AuthOutcome?>(nil)
        self.authenticator.answer(.password(login: name, Secret(password)), LoginContext(facts: facts, hasTLS: true, hostName: .notLooked))
        {
            outcome in
            answer.withLock { $0 = outcome }
            answer.broadcast()
        }
        return try #require(answer.wait(milliseconds: 60_000, until: { $0 != nil }, then: { $0 }))
    }

    func login(_ name: String, _ password: String, from peer: String = "192.0.2.1", service: ListenerRole.Service = .pop3) throws
        -> AuthRefusal?
    {
        switch try self.ask(name, password, from: peer, service: service) {
        case .accepted: nil
        case .refused(let refusal): refusal
        case .verifier: throw Unexpected()
        }
    }
}

@Suite(.serialized) struct AppPasswordLoginTests {
    @Test("A5 an app password opens its services and no others, and no way to another password") func scope() throws {
        let desk = try LoginDesk()
        let id = try desk.fixture.add("jane@example.test", password: "secret word")
        let made = try desk.fixture.directory.addAppPassword(
            id, label: "phone", services: ["submission", "imap"], lastDay: nil, by: Fixture.actor)
        #expect(try desk.login("jane", made.text, service: .imap) == nil)
        #expect(try desk.login("jane@example.test", made.text.replacing("-", with: "").uppercased(), service: .submission) == nil)
        for service in [ListenerRole.Service.pop3, .http, .password, .sieve] {
            #expect(try desk.login("jane", made.text, service: service) == .serviceOff, "\(service)")
        }
        #expect(try desk.login("jane", "secret word", service: .pop3) == nil)
        #expect(throws: DirectoryError.self) {
            try desk.fixture.directory.addAppPassword(id, label: "web", services: ["web"], lastDay: nil, by: Fixture.actor)
        }
        #expect(throws: DirectoryError.self) {
            try desk.fixture.directory.addAppPassword(id, label: "phone", services: ["imap"], lastDay: nil, by: Fixture.actor)
        }
        // The account's own services bound it too, and so do its access lists and its state.
        try desk.fixture.directory.changeAccount(id, AccountInput(values: ["services": .list(["pop3"])]), by: Fixture.actor)
        #expect(try desk.login("jane", made.text, service: .imap) == .serviceOff)
        let list = AccountInput(values: ["services": .none, "access-restrictions": .list(["198.51.100.0/24"])])
        try desk.fixture.directory.changeAccount(id, list, by: Fixture.actor)
        #expect(try desk.login("jane", made.text, service: .imap) == .badCredentials)
        try desk.fixture.directory.changeAccount(
            id, AccountInput(values: ["access-restrictions": .none, "state": .text("locked")]), by: Fixture.actor)
        #expect(try desk.login("jane", made.text, service: .imap) == .locked)
    }

    @Test("A6 an app password ends with its last day and with its revocation, for open sessions too; another lives on") func ends() throws {
        let desk = try LoginDesk()
        let directory = desk.fixture.directory
        let id = try desk.fixture.add("jane@example.test")
        // 1,800,000,000 is 2027-01-15.
        let day = try directory.addAppPassword(id, label: "day", services: ["imap"], lastDay: "2027-01-15", by: Fixture.actor)
        let long = try directory.addAppPassword(id, label: "long", services: ["imap"], lastDay: "2027-01-16", by: Fixture.actor)
        #expect(throws: DirectoryError.self) {
            try directory.addAppPassword(id, label: "old", services: ["imap"], lastDay: "2027-01-14", by: Fixture.actor)
        }
        guard case .accepted(let first) = try desk.ask("jane", day.text, service: .imap),
            case .accepted(let second) = try desk.ask("jane", long.text, service: .imap)
        else { throw Unexpected() }
        #expect(first.appPassword == day.id && second.appPassword == long.id)
        #expect(directory.snapshot.mayUse(.imap, first) && directory.snapshot.mayUse(.imap, second))
        desk.pass(seconds: 86_400)
        #expect(try desk.login("jane", day.text, service: .imap) == .serviceOff)
        #expect(!directory.snapshot.mayUse(.imap, first) && directory.snapshot.mayUse(.imap, second))
        #expect(try directory.revokeAppPassword(id, long.id, by: Fixture.actor))
        #expect(try !directory.revokeAppPassword(id, long.id, by: Fixture.actor))
        #expect(!directory.snapshot.mayUse(.imap, second))
        #expect(try desk.login("jane", long.text, service: .imap) == .badCredentials)
        // A new one never has an old one's number, nor does an account's end leave any behind.
        let next = try directory.addAppPassword(id, label: "next", services: ["imap"], lastDay: nil, by: Fixture.actor)
        #expect(next.id.rawValue > long.id.rawValue)
        try directory.removeAccount(id, by: Fixture.actor)
        #expect(try directory.appPasswords(of: id).isEmpty)
        try desk.fixture.add("jane@example.test")
        #expect(try desk.login("jane", next.text, service: .imap) == .badCredentials)
    }

    @Test("its last use is known to the hour; a restart keeps all of it") func lastUse() throws {
        let desk = try LoginDesk()
        let directory = desk.fixture.directory
        let id = try desk.fixture.add("jane@example.test")
        let made = try directory.addAppPassword(id, label: "phone", services: ["imap"], lastDay: "2027-12-31", by: Fixture.actor)
        func used() throws -> Int64? { try directory.appPasswords(of: id).first?.lastUsed }
        #expect(try used() == nil)
        #expect(try desk.login("jane", made.text, service: .pop3) == .serviceOff)
        #expect(try desk.login("jane", made.text, service: .imap) == nil)
        #expect(eventually { (try? used()) == 1_800_000_000 })
        desk.pass(seconds: 3000)
        #expect(try desk.login("jane", made.text, service: .imap) == nil)
        desk.pass(seconds: 3000)
        #expect(try desk.login("jane", made.text, service: .imap) == nil)
        #expect(eventually { (try? used()) == 1_800_006_000 })
        let again = try desk.fixture.reopened()
        defer { again.close() }
        let details = try #require(try again.appPasswords(of: id).first)
        #expect(
            details.label == "phone" && details.services == ["imap"] && details.lastDay == "2027-12-31" && details.lastUsed == 1_800_006_000
        )
        let identity = Identity(
            account: id, login: "jane", primaryAddress: Address(localPart: "jane", domain: "example.test"), appPassword: made.id)
        #expect(again.snapshot.mayUse(.imap, identity) && !again.snapshot.mayUse(.pop3, identity))
    }

    @Test("A1 a failed login costs one hash, of whatever shape its password is and however many app passwords there are") func work() throws
    {
        let desk = try LoginDesk()
        let id = try desk.fixture.add("jane@example.test", password: "secret word")
        for number in 0..<50 {
            _ = try desk.fixture.directory.addAppPassword(id, label: "\(number)", services: ["imap"], lastDay: nil, by: Fixture.actor)
        }
        let shaped = AppPassword(random: [UInt8](repeating: 3, count: 20)).text
        for name in ["jane", "nobody"] {
            for password in [shaped, "wrong word"] {
                let before = desk.authenticator.hashes
                #expect(try desk.login(name, password, from: "127.0.0.1", service: .imap) == .badCredentials)
                #expect(desk.authenticator.hashes == before + 1, "\(name) \(password)")
            }
        }
        // One that is right costs none, and stands above what neighbours do.
        let made = try desk.fixture.directory.addAppPassword(id, label: "x", services: ["imap"], lastDay: nil, by: Fixture.actor)
        try desk.fixture.configure("login-failure-budget", "3")
        for number in 0..<4 { _ = try desk.login("nobody", "wrong\(number)", service: .imap) }
        let before = desk.authenticator.hashes
        #expect(try desk.login("jane", made.text, service: .imap) == nil)
        #expect(try desk.login("jane", "secret word", service: .imap) == .tooManyFailures)
        #expect(desk.authenticator.hashes == before)
        // An account's own password of the same shape is found all the same.
        try desk.fixture.add("john@example.test", password: shaped)
        #expect(try desk.login("john", shaped, from: "192.0.2.9", service: .imap) == nil)
    }

    @Test("A2 one guesser spends no account's budget; many together do, and then the owner comes in from where he was before")
    func guarded() throws {
        let desk = try LoginDesk()
        try desk.fixture.configure("login-failure-budget", "1000")
        try desk.fixture.configure("account-login-failure-budget", "20")
        try desk.fixture.add("jane@example.test", password: "secret word")
        try desk.fixture.add("john@example.test", password: "secret word")
        #expect(try desk.login("jane", "secret word", from: "198.51.100.1") == nil)
        for number in 0..<40 { #expect(try desk.login("jane", "wrong\(number)") == .badCredentials) }
        #expect(try desk.login("jane", "new network", from: "198.51.100.77") == .badCredentials, "one peer is not enough")
        for peer in 2...4 { for number in 0..<5 { _ = try desk.login("jane@example.test", "bad\(number)", from: "192.0.2.\(peer)") } }
        #expect(try desk.login("jane", "another", from: "203.0.113.5") == .tooManyFailures)
        // Nobody else is touched; a name that nobody has would be guarded just the same.
        #expect(try desk.login("john", "secret word", from: "203.0.113.5") == nil)
        #expect(try desk.login("jane", "mistyped", from: "198.51.100.1") == .badCredentials, "known: a mistake is a mistake")
        #expect(try desk.login("jane", "secret word", from: "203.0.113.6") == nil, "found right before")
        for peer in 1...4 { for number in 0..<5 { _ = try desk.login("nobody", "bad\(number)", from: "192.0.2.\(peer)") } }
        #expect(try desk.login("nobody", "another", from: "203.0.113.5") == .tooManyFailures)
        let reasons = desk.events.events.compactMap { $0.facts.first { $0.key == "reason" }?.value }
        #expect(reasons.contains("account-guarded"))
        desk.pass(seconds: 1300)
        #expect(try desk.login("jane", "another", from: "203.0.113.5") == .badCredentials)
    }

    @Test("58 the postmaster's password and a personal one differ: each change names the rule, and no user can guess by it")
    func different() throws {
        let fixture = try Fixture()
        let directory = fixture.directory
        let postmaster = try #require(directory.find("postmaster"))
        try directory.changeAccount(postmaster, AccountInput(verifier: Fixture.verifier("master word")), by: Fixture.actor)
        let jane = try fixture.add("jane@example.test", password: "jane's word")
        func refusal(_ body: () throws -> Void) -> String? {
            do {
                try body()
                return nil
            } catch {
                return (error as? DirectoryError)?.message.english ?? "other"
            }
        }
        #expect(
            refusal { _ = try directory.checkedVerifier(for: Secret("master word"), of: jane) }?.contains("postmaster's password") == true)
        #expect(
            refusal { _ = try directory.checkedVerifier(for: Secret("master word"), of: nil) }?.contains("postmaster's password") == true)
        // She is no postmaster: her own change tells her nothing of him.
        #expect(
            refusal { try directory.changeOwnPassword(jane, from: Secret("jane's word"), to: Secret("master word"), by: Fixture.actor) }
                == nil)
        try directory.changeAccount(jane, AccountInput(verifier: Fixture.verifier("jane's word")), by: Fixture.actor)
        try directory.changeAccount(
            postmaster, AccountInput(values: ["forwarding-addresses": .list(["jane@example.test"])]), by: Fixture.actor)
        #expect(
            refusal { try directory.changeOwnPassword(jane, from: Secret("jane's word"), to: Secret("master word"), by: Fixture.actor) }?
                .contains("postmaster's password") == true)
        #expect(
            refusal { _ = try directory.checkedVerifier(for: Secret("jane's word"), of: postmaster) }?.contains("jane@example.test") == true
        )
        for (wrong, word) in [("abc", "at least 6"), (" leading", "blank"), ("jane's word", "the old one")] {
            let said = refusal { try directory.changeOwnPassword(jane, from: Secret("jane's word"), to: Secret(wrong), by: Fixture.actor) }
            #expect(said?.contains(word) == true, "\(wrong): \(said ?? "")")
        }
        #expect(
            refusal { try directory.changeOwnPassword(jane, from: Secret("not it"), to: Secret("better word"), by: Fixture.actor) } != nil)
        // The operating system's, where it can be asked and the account is linked.
        directory.compareSystemPasswords { $0.user == "jdoe" && $0.password == Secret("system word") ? .right : .wrong }
        #expect(refusal { _ = try directory.checkedVerifier(for: Secret("system word"), of: jane) } == nil)
        let link = AccountInput(values: ["use-os-password": .flag(true), "os-user": .text("jdoe")])
        try directory.changeAccount(jane, link, by: Fixture.actor)
        #expect(
            refusal { _ = try directory.checkedVerifier(for: Secret("system word"), of: jane) }?.contains("password of jdoe") == true)
        #expect(refusal { _ = try directory.checkedVerifier(for: Secret("other word"), of: jane) } == nil)
        try fixture.configure("users-may-change-password", "no")
        #expect(
            refusal { try directory.changeOwnPassword(jane, from: Secret("jane's word"), to: Secret("better word"), by: Fixture.actor) }?
                .contains("may not") == true)
    }
}
