import Directory
import Forms
import SASL
import Testing
import Vocabulary

/// Somebody can always log in and administer.
@Suite struct AdministratorTests {
    private let fixture: Fixture
    private let postmaster: AccountID

    init() throws {
        self.fixture = try Fixture()
        self.postmaster = try #require(self.fixture.directory.find("postmaster"))
    }

    private func set(_ id: AccountID, _ fields: [String: String]) throws {
        let input = try AccountInput(parsing: fields.map { (name: $0.key, texts: [$0.value]) })
        try self.fixture.directory.changeAccount(id, input, by: Fixture.actor)
    }

    private func refusal(_ id: AccountID, _ fields: [String: String]) -> DirectoryError? {
        do {
            try self.set(id, fields)
            return nil
        } catch { return error as? DirectoryError }
    }

    private static let hindrances: [[String: String]] = [
        ["state": "locked"], ["state": "expired"], ["expiry-date": "2099-12-31"], ["services": "pop3"], ["use-os-password": "yes"],
    ]

    @Test("the Postmaster cannot be shut out while nobody else could administer; what stands in the way is named")
    func thePostmasterStays() throws {
        for fields in Self.hindrances {
            let error = try #require(self.refusal(self.postmaster, fields), "\(fields)")
            #expect(error.problems.map(\.field.text) == Array(fields.keys), "\(error.message)")
            #expect(error.message.english.contains("last administrative account") && error.message.japanese.contains("最後の管理アカウント"))
        }
        #expect(try self.fixture.directory.details(self.postmaster)?.values["state"] == nil)
        try self.set(self.postmaster, ["real-name": "The Postmaster", "forwarding-addresses": "jane@far.test"])
    }

    @Test("administrators without password, with an end, locked, or without web access do not stand in for the Postmaster")
    func halfAnAdministratorIsNone() throws {
        try self.fixture.add("a@example.test", fields: ["type": "administrative"])
        for (number, fields) in Self.hindrances.enumerated() {
            try self.fixture.add("b\(number)@example.test", fields: fields.merging(["type": "administrative"]) { $1 }, password: "secret")
        }
        try self.fixture.add("c@example.test", password: "secret")
        #expect(self.refusal(self.postmaster, ["state": "locked"]) != nil)
    }

    @Test("with a second administrator the Postmaster may be locked; then that one is the last, and cannot be shut out, retyped or deleted")
    func theSecondBecomesTheLast() throws {
        let other = try self.fixture.add("chief@example.test", fields: ["type": "administrative"], password: "secret")
        try self.set(self.postmaster, ["state": "locked"])
        for fields in Self.hindrances + [["type": "general"], ["type": "reserved"]] {
            #expect(self.refusal(other, fields) != nil, "\(fields)")
        }
        let kept = #expect(throws: DirectoryError.self) { try self.fixture.directory.removeAccount(other, by: Fixture.actor) }
        #expect(kept?.message.english.contains("chief@example.test: this is the last") == true)
        #expect(throws: DirectoryError.self) { try self.fixture.directory.checkRemoval(of: other) }
        // The Postmaster has no password here: only with one it could do the work.
        try self.set(self.postmaster, ["state": "active"])
        #expect(throws: DirectoryError.self) { try self.fixture.directory.removeAccount(other, by: Fixture.actor) }
        try self.fixture.directory.changeAccount(self.postmaster, AccountInput(verifier: Fixture.verifier("secret")), by: Fixture.actor)
        try self.fixture.directory.removeAccount(other, by: Fixture.actor)
        #expect(self.fixture.directory.find("chief@example.test") == nil)
    }

    @Test("the Postmaster stays administrative and is never deleted, whoever else there is") func thePostmasterIsBuiltIn() throws {
        try self.fixture.add("chief@example.test", fields: ["type": "administrative"], password: "secret")
        for type in ["general", "reserved"] {
            #expect(self.refusal(self.postmaster, ["type": type])?.message.english.contains("always administrative") == true)
        }
        #expect(throws: DirectoryError.self) { try self.fixture.directory.removeAccount(self.postmaster, by: Fixture.actor) }
        #expect(throws: DirectoryError.self) { try self.fixture.directory.checkRemoval(of: self.postmaster) }
        let plain = try self.fixture.add("plain@example.test", password: "secret")
        try self.fixture.directory.checkRemoval(of: plain)
    }

    @Test("the Postmaster's first address is the domain's, and each of its addresses finds it") func oneAddress() throws {
        let details = try #require(try self.fixture.directory.details(self.postmaster))
        #expect(details.primary == "postmaster@example.test")
        for name in ["postmaster", "postmaster@example.test", "Postmaster@host.example.test"] {
            #expect(self.fixture.directory.find(name) == self.postmaster)
        }
    }
}
