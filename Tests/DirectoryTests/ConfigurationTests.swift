import Directory
import Forms
import Routing
import Testing
import Vocabulary

@Suite struct ConfigurationTests {
    @Test func settingsTakeEffectAtOnceAndAfterARestart() throws {
        let fixture = try Fixture()
        try fixture.configure("message-size-limit", "10 MiB")
        try fixture.configure("local-mail-domains", "example.test", "BÜCHER.test")
        #expect(fixture.directory.configuration.smtp.messageSize == 10 << 20)
        #expect(fixture.directory.snapshot.isLocal("xn--bcher-kva.test"))
        let again = try fixture.reopened()
        defer { again.close() }
        #expect(again.configuration.smtp.messageSize == 10 << 20)
        #expect(again.snapshot.isLocal("xn--bcher-kva.test"))
        #expect(again.snapshot.isLocal("host.example.test"))
    }

    @Test("What a new instance begins with is part of its first revision: no rollback goes behind it, and a second setup leaves it alone")
    func firstSettings() throws {
        let fixture = try Fixture(isSetUp: false)
        let directory = fixture.directory
        func setUp() throws {
            try directory.setUp(
                mainDomain: "example.test", hostName: "host.example.test", postmasterPassword: nil,
                first: [QueueField.reach.key: .text("this-host")], by: Fixture.actor)
        }
        try setUp()
        let revisions = try directory.history()
        #expect(revisions.count == 1)
        #expect(!directory.configuration.sendsAnywhere)
        try fixture.configure("log-days", "5")
        let number = try #require(revisions.first?.id)
        let first = try #require(try directory.values(asOf: number))
        try directory.configure(first, by: Fixture.actor)
        #expect(!directory.configuration.sendsAnywhere)
        try fixture.configure("outbound-reach", "anywhere")
        try setUp()
        #expect(directory.configuration.sendsAnywhere)
    }

    @Test func everyChangeIsInTheHistoryAndCanBeUndone() throws {
        let fixture = try Fixture()
        let before = try #require(try fixture.directory.history().first?.id)
        let original = fixture.directory.configuration.values
        try fixture.configure("local-mail-domains", "example.test", "a.test", "b.test")
        try fixture.configure("message-size-limit", "10 MiB")
        try fixture.configure("local-mail-domains", "b.test", "c.test")
        try fixture.configure("message-size-limit", "20 MiB")
        let history = try fixture.directory.history()
        #expect(history.count == 5)
        #expect(history.first?.changes.first?.old == .integer(10 << 20))
        #expect(history.first?.changes.first?.new == .integer(20 << 20))
        #expect(history[1].changes.first?.old == .list(["a.test", "example.test"]))
        #expect(history[1].changes.first?.new == .list(["c.test"]))
        #expect(history[1].actor == Fixture.actor)
        let values = try #require(try fixture.directory.values(asOf: before))
        try fixture.directory.configure(values, by: Fixture.actor, note: "rollback")
        #expect(fixture.directory.configuration.values == original)
        #expect(try fixture.directory.values(asOf: 999) == nil)
    }

    @Test func whatIsSoAlreadyMakesNoRevision() throws {
        let fixture = try Fixture()
        try fixture.configure("local-mail-domains", "example.test", "a.test")
        #expect(try fixture.directory.configure(["local-mail-domains": .list(["a.test", "example.test"])], by: Fixture.actor) == nil)
    }

    @Test func thePostmasterFollowsTheNames() throws {
        let fixture = try Fixture()
        try fixture.configure("domain", "new.test")
        try fixture.configure("host-name", "mail.new.test")
        let id = try #require(fixture.directory.find("postmaster"))
        #expect(try fixture.directory.details(id)?.addresses == ["postmaster@new.test", "postmaster@mail.new.test"])
        #expect(throws: DirectoryError.self) { try fixture.add("accounts@new.test") }
        try fixture.add("accounts@example.test")
        #expect(throws: DirectoryError.self) { try fixture.configure("domain", "example.test") }
    }

    @Test func aliasesAndAccountsDoNotShareAddresses() throws {
        let fixture = try Fixture()
        try fixture.add("jane@example.test")
        #expect(throws: DirectoryError.self) { try fixture.configure("smtp-channel-aliases", "[<JANE@example.test> <x@remote.test>]") }
        try fixture.configure("smtp-channel-aliases", "[<janie@example.test> <jane@example.test>] [<far@example.test> <x@remote.test>]")
        #expect(throws: DirectoryError.self) { try fixture.add("Janie@example.test") }
        guard case .account(let recipient) = try fixture.resolve("JANIE@example.test") else { throw Unexpected() }
        #expect(recipient.primary.description == "jane@example.test")
        #expect(
            try fixture.resolve("far@example.test") == .redirected(Address(localPart: "x", domain: "remote.test"), domain: "remote.test"))
        try fixture.configure("smtp-channel-aliases")
        try fixture.add("janie@example.test")
    }

    @Test func quotasComeFromAccountElseDomainElseSystem() throws {
        let fixture = try Fixture()
        try fixture.configure("default-quota", "10 MiB")
        try fixture.configure("domain-quotas", "[big.test:1 GiB][free.test:0]")
        func quota(_ account: AccountID) -> Int64? { fixture.directory.snapshot.recipient(account)?.quota }
        #expect(quota(try fixture.add("a@example.test")) == 10 << 20)
        #expect(quota(try fixture.add("a@BIG.test")) == 1 << 30)
        #expect(quota(try fixture.add("a@free.test")) == nil)
        #expect(quota(try fixture.add("b@big.test", fields: ["quota": "0"])) == nil)
        #expect(quota(try fixture.add("c@big.test", fields: ["quota": "1 MiB"])) == 1 << 20)
    }
}
