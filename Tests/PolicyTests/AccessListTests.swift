import Policy
import Testing
import Vocabulary

@Suite struct AccessEntryParsing {
    @Test(
        "an entry is read and written as it is kept",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), (" 192.0.2.1 \t", "192.0.2.1"), ("2001:DB8::1", "2001:db8::1"), ("192.0.2.0/24", "192.0.2.0/24"),
            ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8::/32", "2001:db8::/32"), ("0.0.0.0/0", "0.0.0.0/0"), ("::/0", "::/0"),
            ("192.0.2.*", "192.0.2.0/24"), ("10.*", "10.0.0.0/8"), ("10.1.*.*", "10.1.0.0/16"), ("Mail.Example.COM", "mail.example.com"),
            ("mail.example.com.", "mail.example.com"), ("*.Example.com", "*.example.com"), ("localhost", "localhost"),
            ("4.3.2.1.in-addr.arpa", "4.3.2.1.in-addr.arpa"), ("_x.example.com", "_x.example.com"), ("3com.example", "3com.example"),
        ])
    func reads(text: String, kept: String) throws {
        let entry = try AccessList.parse(text).get()
        #expect(entry.description == kept)
        #expect(try AccessList.parse(entry.description).get() == entry)
    }

    @Test(
        "an entry that cannot be read has one clear problem",
        arguments: [
            ("", .empty), (" \t ", .empty), ("192.0.2", .badAddress), ("192.0.2.256", .badAddress), ("1.2.3.4.5", .badAddress),
            ("2001:db8::g", .badAddress), ("[::1]", .badAddress), ("fe80::1%eth0", .badAddress), ("192.0.2.0/33", .badPrefixLength),
            ("::/129", .badPrefixLength), ("192.0.2.0/", .badPrefixLength), ("192.0.2.0/-1", .badPrefixLength),
            ("192.0.2.0/+8", .badPrefixLength), ("192.0.2.0/24/1", .badPrefixLength), ("192.0.2.0/99999999999999999999", .badPrefixLength),
            ("192.0.2.0/255.255.255.0", .badPrefixLength), ("192.0.2.5/24", .hostBitsSet), ("2001:db8::1/64", .hostBitsSet),
            ("host/24", .badAddress), ("a..b", .badName), (".a", .badName), ("-a.example", .badName), ("a-.example", .badName),
            ("a b", .badName), ("a@b", .badName), ("a;b", .badName), ("メール.example", .badName), ("*", .misplacedStar),
            ("mail*.example.com", .misplacedStar), ("*.*.example.com", .misplacedStar), ("*.192.0.2", .badAddress), ("10.", .badAddress),
            ("*.10", .badAddress),
            ("192.*.2.1", .misplacedStar),
            ("999.*", .badAddress), ("1.2.3.4.*", .misplacedStar),
        ] as [(String, AccessEntryError.Problem)])
    func refuses(text: String, problem: AccessEntryError.Problem) throws {
        #expect(throws: AccessEntryError.self) { try AccessList.parse(text).get() }
        if case .failure(let error) = AccessList.parse(text) { #expect(error.problem == problem) }
    }

    @Test("P2 an entry of any length is refused without being kept")
    func longEntry() {
        let text = String(repeating: "a.", count: 100_000)
        guard case .failure(let error) = AccessList.parse(text) else { return #expect(Bool(false)) }
        #expect(error.problem == .tooLong)
        #expect(error.text.utf8.count <= 80)
    }

    @Test func aListTellsAllItsErrorsAtOnce() {
        let (list, errors) = AccessList.parse(["10.0.0.1", "bad..name", "*.example.com", "10.0.0.1/8"])
        #expect(list.entries.count == 2)
        #expect(errors.map(\.problem) == [.badName, .hostBitsSet])
    }
}

@Suite struct AccessListMatching {
    private func list(_ texts: String...) -> AccessList { AccessList.parse(texts).list }
    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    @Test("an empty list lets everyone in, as the manual says")
    func empty() throws {
        #expect(AccessList().match(try self.address("203.0.113.9"), .notLooked) == .yes)
        #expect(AccessList().covers(try self.address("203.0.113.9"), .notLooked) == .no)
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("192.0.2.0/25", "192.0.2.127", true),
        ("192.0.2.0/25", "192.0.2.128", false), ("192.0.2.0/24", "::ffff:192.0.2.7", true), ("0.0.0.0/0", "198.51.100.1", true),
        ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "192.0.2.1", false), ("2001:db8::/33", "2001:db8:7fff::1", true),
        ("2001:db8::/33", "2001:db8:8000::1", false), ("2001:db8::1", "2001:db8:0::0:1", true), ("192.0.2.4/31", "192.0.2.5", true),
        ("192.0.2.4/31", "192.0.2.6", false), ("192.0.2.4/32", "192.0.2.4", true),
    ])
    func addresses(entry: String, peer: String, expected: Bool) throws {
        #expect(self.list(entry).match(try self.address(peer), .notLooked) == (expected ? .yes : .no))
    }

    @Test(arguments: [
        ("mail.example.com", "mail.example.com", true), ("mail.example.com", "x.mail.example.com", false),
        ("*.example.com", "mail.example.com", true), ("*.example.com", "a.b.example.com", true), ("*.example.com", "example.com", false),
        ("*.example.com", "badexample.com", false), ("*.example.com", "example.com.evil.test", false), ("*.com", "example.com", true),
    ])
    func names(entry: String, name: String, expected: Bool) throws {
        #expect(self.list(entry).match(try self.address("192.0.2.1"), .confirmed([name])) == (expected ? .yes : .no))
    }

    @Test func aNameIsLookedUpOnlyWhenAddressesDoNotDecide() throws {
        let mixed = self.list("*.example.com", "192.0.2.1")
        #expect(mixed.match(try self.address("192.0.2.1"), .notLooked) == .yes)
        #expect(mixed.match(try self.address("192.0.2.2"), .notLooked) == .needsName)
        #expect(mixed.match(try self.address("192.0.2.2"), .unknown) == .no)
        #expect(mixed.match(try self.address("192.0.2.2"), .confirmed([])) == .no)
        #expect(self.list("192.0.2.1").match(try self.address("192.0.2.2"), .notLooked) == .no)
    }

    @Test func whomOneListKeepsOutTheOtherCannotLetIn() throws {
        let peer = try self.address("192.0.2.2")
        #expect(AccessVerdict.decide(peer, .notLooked, allow: self.list("192.0.2.0/24"), deny: self.list("192.0.2.2")) == .refuse)
        #expect(AccessVerdict.decide(peer, .notLooked, allow: AccessList(), deny: AccessList()) == .accept)
        #expect(AccessVerdict.decide(peer, .notLooked, allow: AccessList(), deny: self.list("*.spam.test")) == .needsName)
        #expect(AccessVerdict.decide(peer, .unknown, allow: AccessList(), deny: self.list("*.spam.test")) == .accept)
        #expect(AccessVerdict.decide(peer, .unknown, allow: self.list("*.good.test"), deny: AccessList()) == .refuse)
        #expect(AccessVerdict.decide(peer, .confirmed(["a.good.test"]), allow: self.list("*.good.test"), deny: AccessList()) == .accept)
        // Refused by address already: no look-up for nothing.
        #expect(AccessVerdict.decide(peer, .notLooked, allow: self.list("10.0.0.1"), deny: self.list("*.spam.test")) == .refuse)
    }
}
