import Directory
import Forms
import Routing
import SASL
import Synchronization
import Testing
import Vocabulary

@Suite struct AccountTests {
    @Test func anAccountIsFoundByEveryAddressAndItsLoginName() throws {
        let fixture = try Fixture()
        let id = try fixture.add(
            "Jane.Doe@Example.TEST", "jane@host.example.test", "\"a b\"@example.test", fields: ["real-name": "Jane Doe"])
        #expect(fixture.directory.find("jane.doe@example.test") == id)
        #expect(fixture.directory.find("JANE@HOST.EXAMPLE.TEST") == id)
        #expect(fixture.directory.find("jane.doe") == id)
        let details = try #require(try fixture.directory.details(id))
        #expect(details.addresses == ["Jane.Doe@Example.TEST", "jane@host.example.test", "\"a b\"@example.test"])
        #expect(details.login == "Jane.Doe")
        guard case .account(let recipient) = try fixture.resolve("\"A B\"@example.test") else { throw Unexpected() }
        #expect(recipient.account == id)
        #expect(recipient.primary.description == "Jane.Doe@Example.TEST")
    }

    @Test func aLoginNameThatIsTakenBecomesTheWholeAddress() throws {
        let fixture = try Fixture()
        try fixture.add("jane@example.test")
        let second = try fixture.add("jane@other.test")
        #expect(try fixture.directory.details(second)?.login == "jane@other.test")
    }

    @Test func anAddressBelongsToOneAccountHoweverItIsSpelled() throws {
        let fixture = try Fixture()
        try fixture.add("josé@bücher.test")
        for spelling in ["JOSE\u{301}@xn--bcher-kva.test", "José@BÜCHER.TEST", "\"josé\"@bücher.test"] {
            #expect(throws: DirectoryError.self) { try fixture.add(spelling) }
        }
        let error = #expect(throws: DirectoryError.self) { try fixture.add("JOSÉ@bücher.test") }
        #expect(error?.message.english.contains("josé@bücher.test") == true)
        #expect(error?.message.japanese.contains("josé@bücher.test") == true)
    }

    @Test func handlersAndThePostmasterKeepTheirAddresses() throws {
        let fixture = try Fixture()
        for reserved in [
            "accounts@example.test", "Configuration@host.example.test", "list.manager@example.test", "postmaster@example.test",
        ] {
            #expect(throws: DirectoryError.self) { try fixture.add(reserved) }
        }
        try fixture.add("accounts@hosted.test")
        try fixture.add("postmaster@hosted.test")
    }

    @Test("I3 an account id is never given again") func idsAreNeverReused() throws {
        let fixture = try Fixture()
        let first = try fixture.add("jane@example.test", password: "secret")
        try fixture.directory.removeAccount(first, by: Fixture.actor)
        #expect(try fixture.resolve("jane@example.test") == .unknown(.noSuchAddress))
        #expect(fixture.directory.find("jane") == nil)
        let again = try fixture.reopened()
        defer { again.close() }
        let second = try again.addAccount(try AccountInput(parsing: [(name: "addresses", texts: ["jane@example.test"])]), by: Fixture.actor)
        #expect(second > first)
        #expect(try again.details(second)?.hasPassword == false)
    }

    @Test func everythingIsThereAfterARestart() throws {
        let fixture = try Fixture()
        let id = try fixture.add(
            "jane@example.test", fields: ["quota": "5 MiB", "state": "locked", "department": "営業"], password: "secret")
        let again = try fixture.reopened()
        defer { again.close() }
        let details = try #require(try again.details(id))
        #expect(details.values["quota"] == .integer(5 << 20))
        #expect(details.values["state"] == .text("locked"))
        #expect(details.values["department"] == .text("営業"))
        #expect(details.hasPassword)
        guard case .account(let recipient) = again.snapshot.resolve(try Address(parsing: "jane@example.test")) else { throw Unexpected() }
        #expect(recipient.quota == 5 << 20)
    }

    @Test func changingAddressesFreesTheOldOnes() throws {
        let fixture = try Fixture()
        let id = try fixture.add("old@example.test")
        try fixture.directory.changeAccount(
            id, try AccountInput(parsing: [(name: "addresses", texts: ["new@example.test"])]), by: Fixture.actor)
        #expect(try fixture.resolve("old@example.test") == .unknown(.noSuchAddress))
        #expect(fixture.directory.find("new") == id)
        #expect(fixture.directory.find("old") == nil)
        try fixture.add("old@example.test")
    }

    @Test func aRefusedChangeLeavesEverythingAsItWas() throws {
        let fixture = try Fixture()
        try fixture.add("taken@example.test")
        let id = try fixture.add("jane@example.test")
        let version = fixture.directory.snapshot.version
        let input = try AccountInput(parsing: [
            (name: "addresses", texts: ["jane2@example.test", "taken@example.test"]), (name: "note", texts: ["x"]),
        ])
        #expect(throws: DirectoryError.self) { try fixture.directory.changeAccount(id, input, by: Fixture.actor) }
        #expect(try fixture.directory.details(id)?.addresses == ["jane@example.test"])
        #expect(try fixture.directory.details(id)?.values["note"] == nil)
        #expect(fixture.directory.snapshot.version == version)
    }

    @Test func anAccountNeedsSomeDelivery() throws {
        let fixture = try Fixture()
        #expect(throws: DirectoryError.self) { try fixture.add("jane@example.test", fields: ["pop3-delivery": "no"]) }
        try fixture.add("jane@example.test", fields: ["pop3-delivery": "no", "forwarding-addresses": "jane@elsewhere.test"])
        try fixture.add("kept@example.test", fields: ["pop3-delivery": "no", "type": "reserved"])
        #expect(try fixture.resolve("kept@example.test") == .unknown(.expired))
    }

    @Test func anAccountEndsWithItsLastDay() throws {
        let day = 86_400 as Int64
        let clock = ManualDays()
        let fixture = try Fixture(now: { clock.now })
        try fixture.add("jane@example.test", fields: ["expiry-date": "2027-01-15"])
        clock.now = 1_799_971_200 + day - 1  // 2027-01-15 23:59:59
        guard case .account = try fixture.resolve("jane@example.test") else { throw Unexpected() }
        clock.now += 1
        #expect(try fixture.resolve("jane@example.test") == .unknown(.expired))
    }

    @Test func seatsAreCounted() throws {
        let fixture = try Fixture()
        try fixture.configure("seat-limit", "2")
        try fixture.add("a@example.test")
        try fixture.add("b@example.test")
        #expect(throws: DirectoryError.self) { try fixture.add("c@example.test") }
    }

    @Test("114 121 155 a trial is a seat limit with an end: nothing works less, and lifting it touches no data") func trial() throws {
        let fixture = try Fixture()
        try fixture.configure("seat-limit", "2")
        try fixture.configure("seat-limit-end", "2027-01-15")
        let id = try fixture.add("a@example.test", password: "secret")
        try fixture.add("b@example.test")
        #expect(throws: DirectoryError.self) { try fixture.add("c@example.test") }
        // Full is not less: what is there can be changed and used.
        try fixture.directory.changeAccount(id, AccountInput(parsing: [(name: "real-name", texts: ["A"])]), by: Fixture.actor)
        #expect(fixture.directory.snapshot.isActive(id))
        let before = try fixture.directory.details(id)
        try fixture.configure("seat-limit", "10")
        try fixture.add("c@example.test")
        try fixture.configure("seat-limit-end", "2027-01-14")
        #expect(throws: DirectoryError.self) { try fixture.add("d@example.test") }
        #expect(fixture.directory.snapshot.isActive(id))
        try fixture.directory.configure(
            [SecurityField.seats.key: .none, SecurityField.seatsUntil.key: .none], by: Fixture.actor)
        try fixture.add("d@example.test")
        let after = try fixture.directory.details(id)
        #expect(after?.values == before?.values && after?.login == before?.login && after?.hasPassword == true)
    }

    @Test("4 7 9 141 First.Last in several domains is one person's, the first address is the primary one") func firstLast() throws {
        let fixture = try Fixture()
        try fixture.configure("local-mail-domains", "example.test", "other.test")
        let id = try fixture.add("Jane.Doe@example.test", "jd@example.test", "jane.doe@other.test", password: "secret")
        for text in ["jane.doe@EXAMPLE.test", "jd@example.test", "Jane.Doe@other.test", "\"jane.doe\"@example.test"] {
            guard case .account(let recipient) = try fixture.resolve(text) else { throw Unexpected() }
            #expect(recipient.account == id && recipient.primary.description == "Jane.Doe@example.test")
        }
        #expect(fixture.directory.find("Jane.Doe") == id, "the login name comes from the primary address")
        #expect(throws: DirectoryError.self) { try fixture.add("JANE.DOE@other.test") }
    }

    @Test func inABatchOneBadAccountDoesNotStopTheOthers() throws {
        let fixture = try Fixture()
        let inputs = try ["a@example.test", "A@example.test", "b@example.test"].map {
            try AccountInput(parsing: [(name: "addresses", texts: [$0])])
        }
        let results = try fixture.directory.addAccounts(inputs, by: Fixture.actor)
        #expect(results.map { (try? $0.get()) != nil } == [true, false, true])
        #expect(fixture.directory.snapshot.accountCount == 3)
    }
}

struct Unexpected: Error {}

final class ManualDays: Sendable {
    private let value = Atomic<Int64>(0)
    var now: Int64 {
        get { self.value.load(ordering: .relaxed) }
        set { self.value.store(newValue, ordering: .relaxed) }
    }
}
