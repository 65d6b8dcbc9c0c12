import Directory
import Forms
import Routing
import Testing
import Vocabulary

@Suite(.serialized) struct SpecialAccountTests {
    private func refusal(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? DirectoryError)?.message.english ?? "\(error)"
        }
    }

    private func list(_ fixture: Fixture) throws -> [String] {
        let id = try #require(fixture.directory.find("postmaster"))
        return try fixture.directory.details(id)?.values[DeliveryField.forwarding.key]?.list ?? []
    }

    @Test("51 52 53 the Delivery list makes postmasters; the field adds and removes the primary address, and shows who is there")
    func privilege() throws {
        let fixture = try Fixture()
        let directory = fixture.directory
        let (jane, john) = (
            try fixture.add("jane@example.test"), try fixture.add("john@example.test", fields: ["postmaster-privilege": "yes"])
        )
        func set(_ id: AccountID, _ value: Bool) throws {
            try directory.changeAccount(id, AccountInput(values: ["postmaster-privilege": .flag(value)]), by: Fixture.actor)
        }
        func isPostmaster(_ id: AccountID) throws -> Bool { try directory.details(id)?.values["postmaster-privilege"]?.flag == true }
        #expect(try self.list(fixture) == ["john@example.test"] && isPostmaster(john) && !isPostmaster(jane))
        try set(jane, true)
        try set(jane, true)
        #expect(try self.list(fixture) == ["john@example.test", "jane@example.test"])
        #expect(try directory.page(after: AccountID(rawValue: 0)).filter { $0.values["postmaster-privilege"]?.flag == true }.count == 2)
        guard case .postmaster(let found) = try fixture.resolve("postmaster@example.test") else { throw Unexpected() }
        #expect(found.local.count == 2 && found.remote.isEmpty)
        // Somebody elsewhere needs no account here.
        let postmaster = try #require(directory.find("postmaster"))
        let named = try #require(FieldTable.account(named: "forwarding-addresses")).parse(["john@example.test", "boss@far.test"])
        try directory.changeAccount(postmaster, AccountInput(values: ["forwarding-addresses": named]), by: Fixture.actor)
        #expect(try !isPostmaster(jane) && isPostmaster(john))
        // An address that changes is followed, one of several is kept as it was written, and an account that goes takes its place along.
        let moved = AccountInput(values: ["addresses": .list(["J.Smith@example.test"])])
        try directory.changeAccount(john, moved, by: Fixture.actor)
        #expect(try self.list(fixture) == ["J.Smith@example.test", "boss@far.test"])
        try directory.changeAccount(
            john, AccountInput(values: ["addresses": .list(["john@example.test", "j.smith@example.test"])]), by: Fixture.actor)
        #expect(try self.list(fixture) == ["J.Smith@example.test", "boss@far.test"] && isPostmaster(john))
        try directory.removeAccount(john, by: Fixture.actor)
        #expect(try self.list(fixture) == ["boss@far.test"])
    }

    @Test("51 the last postmaster cannot be removed: not by the list, not by the field, not with the account") func lastPostmaster() throws
    {
        let fixture = try Fixture()
        let directory = fixture.directory
        let jane = try fixture.add("jane@example.test", fields: ["postmaster-privilege": "yes"])
        let postmaster = try #require(directory.find("postmaster"))
        for attempt: () throws -> Void in [
            { try directory.changeAccount(postmaster, AccountInput(values: ["forwarding-addresses": .none]), by: Fixture.actor) },
            { try directory.changeAccount(jane, AccountInput(values: ["postmaster-privilege": .flag(false)]), by: Fixture.actor) },
            { try directory.removeAccount(jane, by: Fixture.actor) },
        ] { #expect(self.refusal(attempt)?.contains("last postmaster") == true) }
        // Nor so that no mail reaches him.
        for change in [["state": "expired"], ["expiry-date": "2020-01-01"], ["type": "reserved"]] {
            let values = try AccountInput(parsing: change.map { (name: $0.key, texts: [$0.value]) })
            #expect(
                self.refusal { try directory.changeAccount(jane, values, by: Fixture.actor) }?.contains("last postmaster") == true,
                "\(change)")
        }
        #expect(try self.list(fixture) == ["jane@example.test"] && directory.exists(jane))
        #expect(
            self.refusal {
                try directory.changeAccount(postmaster, AccountInput(values: ["postmaster-privilege": .flag(true)]), by: Fixture.actor)
            } != nil)
        try fixture.add("john@example.test", fields: ["postmaster-privilege": "yes"])
        try directory.removeAccount(jane, by: Fixture.actor)
        #expect(try self.list(fixture) == ["john@example.test"])
        // Somebody elsewhere on the list gets the mail as well.
        try directory.changeAccount(
            postmaster, AccountInput(values: ["forwarding-addresses": .list(["john@example.test", "boss@far.test"])]), by: Fixture.actor)
        let john = try #require(directory.find("john@example.test"))
        try directory.changeAccount(john, AccountInput(values: ["state": .text("expired")]), by: Fixture.actor)
    }

    @Test("the Postmaster account is no mailbox; a catch-all is nobody's first address; no new account administers") func refused() throws {
        let fixture = try Fixture()
        let directory = fixture.directory
        let postmaster = try #require(directory.find("postmaster"))
        for values: [FieldKey: FieldValue] in [["pop3-delivery": .flag(true)], ["auto-reply": .text("echo")]] {
            let input = AccountInput(values: values)
            #expect(self.refusal { try directory.changeAccount(postmaster, input, by: Fixture.actor) }?.contains("no mailbox") == true)
        }
        #expect(
            self.refusal {
                _ = try directory.addAppPassword(postmaster, label: "x", services: ["imap"], lastDay: nil, by: Fixture.actor)
            } != nil)
        try fixture.configure("local-mail-domains", "example.test", "other.test")
        #expect(self.refusal { _ = try fixture.add("*@other.test") }?.contains("cannot come first") == true)
        let all = try fixture.add("all@example.test", "*@other.test")
        let turned = AccountInput(values: ["addresses": .list(["*@other.test", "all@example.test"])])
        #expect(self.refusal { try directory.changeAccount(all, turned, by: Fixture.actor) } != nil)
        for values: [FieldKey: FieldValue] in [["type": .text("administrative")], ["state": .text("expired")]] {
            #expect(self.refusal { try directory.changeDefaultAccount(AccountInput(values: values), by: Fixture.actor) } != nil)
        }
        try directory.changeDefaultAccount(AccountInput(values: ["quota": .integer(1 << 20)]), by: Fixture.actor)
    }

    @Test("who answers inquiries gets the postmaster's mail, and is no postmaster") func inquiries() throws {
        let fixture = try Fixture()
        try fixture.add("jane@example.test", fields: ["postmaster-privilege": "yes"])
        let desk = try fixture.add("desk@example.test")
        try fixture.configure("postmaster-inquiry-addresses", "desk@example.test")
        guard case .postmaster(let found) = try fixture.resolve("postmaster@host.example.test") else { throw Unexpected() }
        #expect(found.local.map(\.account) == [desk])
        #expect(fixture.directory.snapshot.postmasters.map(\.description) == ["jane@example.test"])
        #expect(try fixture.directory.details(desk)?.values["postmaster-privilege"] == nil)
    }

    @Test("RFC 2142 names lead to the postmaster in every local domain until somebody has them, a catch-all among them") func reserved()
        throws
    {
        let fixture = try Fixture()
        try fixture.configure("local-mail-domains", "example.test", "other.test")
        func isPostmaster(_ address: String) throws -> Bool { if case .postmaster = try fixture.resolve(address) { true } else { false } }
        for address in ["abuse@example.test", "Hostmaster@other.test", "security@host.example.test", "MAILER-DAEMON@example.test"] {
            #expect(try isPostmaster(address), "\(address)")
        }
        for address in ["sales@example.test", "abuser@example.test", "abuse@far.test"] { #expect(try !isPostmaster(address), "\(address)") }
        let jane = try fixture.add("jane@example.test", "abuse@example.test", "*@other.test")
        for address in ["abuse@example.test", "noc@other.test"] {
            guard case .account(let recipient) = try fixture.resolve(address) else { throw Unexpected() }
            #expect(recipient.account == jane)
        }
        #expect(try isPostmaster("noc@example.test"))
        try fixture.configure("reserved-names", "none")
        #expect(try !isPostmaster("noc@example.test"))
        try fixture.configure("reserved-names", "sales")
        #expect(try isPostmaster("sales@example.test") && !isPostmaster("noc@example.test"))
    }

    @Test("the default account says what new accounts get where nothing else is said; those that are there stay as they are")
    func defaultAccount() throws {
        let fixture = try Fixture()
        let directory = fixture.directory
        let before = try fixture.add("before@example.test")
        try directory.changeDefaultAccount(
            AccountInput(parsing: [
                (name: "quota", texts: ["2 MiB"]), (name: "services", texts: ["imap", "submission"]), (name: "language", texts: ["ja"]),
            ]), by: Fixture.actor)
        let usual = try fixture.add("usual@example.test")
        let other = try fixture.add("other@example.test", fields: ["quota": "5 MiB", "services": ""])
        func value(_ id: AccountID, _ name: String) throws -> FieldValue? { try directory.details(id)?.values[FieldKey(name)] }
        #expect(try value(usual, "quota") == .integer(2 << 20) && value(usual, "services") == .list(["imap", "submission"]))
        #expect(
            try value(other, "quota") == .integer(5 << 20) && value(other, "services") == nil && value(other, "language") == .text("ja"))
        #expect(try value(before, "quota") == nil)
        for field in ["addresses", "real-name", "login-name", "postmaster-privilege"] {
            let value: FieldValue =
                field == "addresses"
                ? .list(["x@example.test"]) : field.hasSuffix("e") && field.hasPrefix("post") ? .flag(true) : .text("x")
            #expect(
                self.refusal { try directory.changeDefaultAccount(AccountInput(values: [FieldKey(field): value]), by: Fixture.actor) }
                    != nil)
        }
        try directory.changeDefaultAccount(AccountInput(values: ["quota": .none]), by: Fixture.actor)
        #expect(try value(fixture.add("last@example.test"), "quota") == nil)
        #expect(try directory.defaultAccount().count == 2)
    }

    @Test("50 seats are those of general accounts: administrative and reserved ones take none; a failed one gives its seat back")
    func seats() throws {
        let fixture = try Fixture()
        let directory = fixture.directory
        try fixture.configure("seat-limit", "2")
        try fixture.add("admin@example.test", fields: ["type": "administrative"])
        try fixture.add("kept@example.test", fields: ["type": "reserved"])
        let a = try fixture.add("a@example.test")
        func input(_ address: String) throws -> AccountInput { try AccountInput(parsing: [(name: "addresses", texts: [address])]) }
        let results = try directory.addAccounts(
            [input("a@example.test"), input("b@example.test"), input("c@example.test")], by: Fixture.actor)
        #expect(results.map { (try? $0.get()) != nil } == [false, true, false])
        #expect(directory.seatUse.taken == 2)
        let kept = try #require(directory.find("kept@example.test"))
        #expect(
            self.refusal { try directory.changeAccount(kept, AccountInput(values: ["type": .none]), by: Fixture.actor) }?.contains("in use")
                == true)
        try directory.removeAccount(a, by: Fixture.actor)
        try directory.changeAccount(kept, AccountInput(values: ["type": .none]), by: Fixture.actor)
        #expect(directory.seatUse.taken == 2)
        let again = try fixture.reopened()
        defer { again.close() }
        #expect(again.seatUse.taken == 2 && again.seatUse.limit == 2)
    }

    @Test(
        "50 a domain has seats of its own, an account that moves there needs one; after the end nothing but safety is changed, and mail flows"
    )
    func domainSeats() throws {
        let fixture = try Fixture()
        let directory = fixture.directory
        try fixture.configure("local-mail-domains", "example.test", "sold.test")
        try fixture.configure("domain-seats", "[sold.test:1:2027-01-15]")
        let inside = try fixture.add("a@sold.test")
        #expect(self.refusal { try fixture.add("b@SOLD.test") }?.contains("sold.test") == true)
        let outside = try fixture.add("b@example.test")
        let move = AccountInput(values: ["addresses": .list(["b@sold.test"])])
        #expect(self.refusal { try directory.changeAccount(outside, move, by: Fixture.actor) }?.contains("sold.test") == true)
        #expect(
            directory.domainSeatUse.map { "\($0.domain) \($0.use.taken) \($0.use.limit ?? 0) \($0.use.hasEnded)" } == [
                "sold.test 1 1 false"
            ])
        try fixture.configure("domain-seats", "[sold.test:9:2027-01-14]")
        #expect(
            self.refusal { try directory.changeAccount(inside, AccountInput(values: ["quota": .integer(1)]), by: Fixture.actor) }?.contains(
                "ended") == true)
        #expect(self.refusal { try fixture.add("c@sold.test") }?.contains("ended") == true)
        try directory.changeAccount(inside, AccountInput(values: ["state": .text("locked")]), by: Fixture.actor)
        try directory.changeAccount(inside, AccountInput(verifier: Fixture.verifier("secret")), by: Fixture.actor)
        guard case .account = try fixture.resolve("a@sold.test") else { throw Unexpected() }
        try directory.changeAccount(outside, AccountInput(values: ["quota": .integer(1)]), by: Fixture.actor)
        try directory.removeAccount(inside, by: Fixture.actor)
        #expect(directory.domainSeatUse.first?.use.taken == 0)
    }
}
