import Directory
import Forms
import Testing
import Vocabulary

/// What finger (and later the directories) may tell of whom.
@Suite(.serialized) struct PublishedTests {
    private func names(_ fixture: Fixture, _ name: String, partial: Bool = true, limit: Int = 20) throws -> [String] {
        try fixture.directory.published(named: name, limit: limit, partial: partial).map(\.address)
    }

    @Test("nothing is told of an account unless it is published; then by whole names, any of its addresses, and parts of names")
    func onlyWhatIsPublished() throws {
        let fixture = try Fixture()
        let fields = ["real-name": "Jane G. Doe", "finger-information": "in room 5", "telephone": "+81 3 1234 5678"]
        let id = try fixture.add("Jane.Doe@example.test", "jane@host.example.test", fields: fields)
        for name in ["jane.doe", "Jane.Doe@example.test", "jane", "doe", "Jane G. Doe"] { #expect(try self.names(fixture, name).isEmpty) }
        try fixture.directory.changeAccount(id, AccountInput(values: ["directory-entry-published": .flag(true)]), by: Fixture.actor)
        for name in ["JANE.DOE", "jane.doe@EXAMPLE.test", "jane@host.example.test", "Jane  G.  Doe", "ｊａｎｅ.doe", "jan", "doe"] {
            #expect(try self.names(fixture, name) == ["Jane.Doe@example.test"], "\(name)")
        }
        for name in ["j", "ane", "room", "5", "", "*", "%", "jane@other.test"] { #expect(try self.names(fixture, name).isEmpty, "\(name)") }
        #expect(try self.names(fixture, "jan", partial: false).isEmpty)
        let entry = try #require(try fixture.directory.published(named: "jane.doe", limit: 1, partial: false).first)
        #expect(entry.name == "Jane G. Doe" && entry.information == "in room 5" && entry.facts.isEmpty)
        try fixture.directory.changeAccount(id, AccountInput(values: ["telephone-published": .flag(true)]), by: Fixture.actor)
        #expect(try fixture.directory.published(named: "doe", limit: 1, partial: true).first?.facts.map(\.text) == ["+81 3 1234 5678"])
        // Who has ended, or only keeps a name, is nobody.
        try fixture.directory.changeAccount(id, AccountInput(values: ["state": .text("expired")]), by: Fixture.actor)
        #expect(try self.names(fixture, "jane.doe").isEmpty)
        try fixture.directory.changeAccount(
            id, AccountInput(values: ["state": .none, "directory-entry-published": .none]), by: Fixture.actor)
        #expect(try self.names(fixture, "jane.doe@example.test").isEmpty)
    }

    @Test("whole names come before parts, Japanese names by their words and published reading; a restart changes nothing")
    func several() throws {
        let fixture = try Fixture()
        let published = ["directory-entry-published": "yes"]
        try fixture.add("doe@example.test", fields: published.merging(["real-name": "Ann Doe"]) { $1 })
        try fixture.add("john@example.test", fields: published.merging(["real-name": "John Doe"]) { $1 })
        try fixture.add("doering@example.test", fields: published)
        try fixture.add("hanako@example.test", fields: published.merging(["real-name": "山田　花子", "reading": "やまだ はなこ"]) { $1 })
        #expect(try self.names(fixture, "doe") == ["doe@example.test"])
        #expect(try self.names(fixture, "do") == ["doe@example.test", "john@example.test", "doering@example.test"])
        #expect(try self.names(fixture, "do", limit: 2).count == 2)
        #expect(try self.names(fixture, "花子") == ["hanako@example.test"] && self.names(fixture, "山") == ["hanako@example.test"])
        #expect(try self.names(fixture, "やまだ").isEmpty, "its flag is not set")
        let again = try fixture.reopened()
        defer { again.close() }
        #expect(try again.published(named: "do", limit: 9, partial: true).count == 3)
        let id = try #require(again.find("hanako"))
        try again.changeAccount(id, AccountInput(values: ["reading-published": .flag(true)]), by: Fixture.actor)
        #expect(try again.published(named: "やまだ", limit: 9, partial: true).count == 1)
        try again.removeAccount(id, by: Fixture.actor)
        #expect(try again.published(named: "花子", limit: 9, partial: true).isEmpty)
    }

    @Test("parts of names among thousands: found as if everybody were looked at, after additions, changes and removals")
    func manyNames() throws {
        let fixture = try Fixture()
        let first = ["Ann", "Anna", "Bob", "Carl", "José", "花子", "Zoë"]
        let last = ["Doe", "Doering", "Do", "Smith", "Smithson", "山田", "Ng"]
        func words(_ number: Int) -> String { "\(first[number % first.count]) \(last[number / 3 % last.count])" }
        var names: [String: String] = [:]
        let inputs = try (0..<1500).map { number in
            names["u\(number)@example.test"] = words(number)
            return try AccountInput(parsing: [
                (name: "addresses", texts: ["u\(number)@example.test"]), (name: "real-name", texts: [words(number)]),
                (name: "directory-entry-published", texts: ["yes"]),
            ])
        }
        for begin in stride(from: 0, to: inputs.count, by: 500) {
            for result in try fixture.directory.addAccounts(Array(inputs[begin..<begin + 500]), by: Fixture.actor) { _ = try result.get() }
        }
        func compare(_ directory: Directory) throws {
            for part in [
                "an", "ann", "anna", "do", "doe", "doer", "smith", "smithso", "jo", "josé", "花", "山田", "zo", "ng", "u1", "u14", "ann do",
                "qu",
            ] {
                let found = Set(try directory.published(named: part, limit: 3000, partial: true).map(\.address))
                func key(_ text: String) -> String { text.lowercased() }
                let whole = names.filter { key($0.value) == part || key(String($0.key.prefix { $0 != "@" })) == part }
                let parts = names.filter { address, name in
                    ([key(name), address] + key(name).split(separator: " ").map(String.init)).contains { $0.hasPrefix(part) }
                }
                #expect(found == Set((whole.isEmpty ? parts : whole).keys), "\(part)")
            }
            #expect(try directory.published(named: "an", limit: 21, partial: true).count == 21)
        }
        try compare(fixture.directory)
        for number in stride(from: 0, to: 1500, by: 7) {
            let address = "u\(number)@example.test"
            let id = try #require(fixture.directory.find(address))
            if number % 2 == 0 {
                try fixture.directory.removeAccount(id, by: Fixture.actor)
                names[address] = nil
            } else {
                try fixture.directory.changeAccount(id, AccountInput(values: ["real-name": .text("Quentin Anders")]), by: Fixture.actor)
                names[address] = "Quentin Anders"
            }
        }
        try compare(fixture.directory)
        let again = try fixture.reopened()
        defer { again.close() }
        try compare(again)
        for address in names.keys.sorted().prefix(600) { try again.removeAccount(try #require(again.find(address)), by: Fixture.actor) }
        for address in names.keys.sorted().prefix(600) { names[address] = nil }
        try compare(again)
    }

    @Test("92 the Postmaster is published from the beginning, under every name it has") func postmaster() throws {
        let fixture = try Fixture()
        for name in ["postmaster", "POSTMASTER", "postmaster@example.test", "Postmaster@host.example.test"] {
            let entry = try #require(try fixture.directory.published(named: name, limit: 2, partial: true).first)
            #expect(entry.address == "postmaster@example.test" && entry.information == "mail system administrator.")
        }
        let id = try #require(fixture.directory.find("postmaster"))
        try fixture.directory.changeAccount(id, AccountInput(values: ["directory-entry-published": .flag(false)]), by: Fixture.actor)
        #expect(try self.names(fixture, "postmaster").isEmpty)
    }
}
