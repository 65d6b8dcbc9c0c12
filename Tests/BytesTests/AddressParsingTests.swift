import Bytes
import NIOCore
import Testing
import Vocabulary

@Suite("Addresses are read by the grammar of RFC 5321 and 6531")
struct AddressParsingTests {
    @Test(
        "Good addresses come out as content, not as spelling",
        arguments: [
            ("a@x.test", "a", "x.test"), ("A.b-c+d@X.Test", "A.b-c+d", "X.Test"),
            ("!#$%&'*+-/=?^_`{|}~@x.test", "!#$%&'*+-/=?^_`{|}~", "x.test"),
            (#""a b"@x.test"#, "a b", "x.test"), (#""a\"b\\c"@x.test"#, #"a"b\c"#, "x.test"), (#""a@b"@x.test"#, "a@b", "x.test"),
            (#"""@x.test"#, "", "x.test"), (#""Joe\,Smith"@x.test"#, "Joe,Smith", "x.test"), ("a@[192.0.2.1]", "a", "[192.0.2.1]"),
            ("a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]"), ("a@[ipv6:::1]", "a", "[ipv6:::1]"),
            ("a@[x-tag:content]", "a", "[x-tag:content]"),
            ("あ@例え.test", "あ", "例え.test"), ("a@x.test.", "a", "x.test"), ("a@x", "a", "x"), ("a@3com.test", "a", "3com.test"),
        ])
    func good(_ text: String, _ localPart: String, _ domain: String) throws {
        let address = try Address(parsing: text)
        #expect(address == Address(localPart: localPart, domain: domain))
        // What is written again reads the same.
        #expect(try Address(parsing: address.description) == address)
    }

    @Test(
        "Bad addresses are refused with the reason",
        arguments: [
            ("", AddressError.empty), ("a", .missingDomain), ("@x.test", .localPart), ("a@", .domain), ("a b@x.test", .localPart),
            (".a@x.test", .localPart), ("a.@x.test", .localPart), ("a..b@x.test", .localPart), ("a@-x.test", .domain),
            ("a@x-.test", .domain),
            ("a@x..test", .domain), ("a@.test", .domain), ("a@x..", .domain), ("a@x_y.test", .trailing), ("a@x.test junk", .trailing),
            ("a@x.test>", .trailing),
            ("<a@x.test>", .localPart), ("a@[1.2.3]", .literal), ("a@[1.2.3.4", .literal), ("a@[999.1.1.1]", .literal),
            ("a@[IPv6:zz]", .literal),
            ("a@[IPv6:1.2.3.4]", .literal), ("a@[::1]", .literal), (#""a@x.test"#, .quotedString), (#""a\"@x.test"#, .quotedString),
            ("\"a\nb\"@x.test", .quotedString), ("a\u{0}b@x.test", .localPart), ("a@x.test\r", .trailing), ("a@b@x.test", .trailing),
        ])
    func bad(_ text: String, _ reason: AddressError) {
        #expect(throws: reason) { try Address(parsing: text) }
    }

    @Test("P2 lengths are those of RFC 5321 4.5.3.1")
    func lengths() throws {
        let label = String(repeating: "d", count: 63)
        #expect(try Address(parsing: String(repeating: "a", count: 64) + "@x.test").localPart.count == 64)
        #expect(throws: AddressError.localPartTooLong) { try Address(parsing: String(repeating: "a", count: 65) + "@x.test") }
        #expect(throws: AddressError.localPartTooLong) { try Address(parsing: "\"" + String(repeating: "a", count: 63) + "\"@x.test") }
        #expect(throws: AddressError.labelTooLong) { try Address(parsing: "a@\(label)d.test") }
        let domain = [label, label, label, String(repeating: "d", count: 60)].joined(separator: ".")
        #expect(domain.utf8.count == 252)
        #expect(try Address(parsing: "a@" + domain).domain == domain)
        #expect(throws: AddressError.tooLong) { try Address(parsing: "abc@" + domain) }
        #expect(throws: AddressError.domainTooLong) { try Address(parsing: "a@" + domain + "." + label) }
    }

    @Test("Octets that are no UTF-8 are no address")
    func notUTF8() {
        #expect(throws: AddressError.notUTF8) { try Self.forwardPath([0x3C, 0xFF, 0x40, 0x78, 0x3E]) }
        #expect(throws: AddressError.notUTF8) { try Self.forwardPath(Array("<a@".utf8) + [0xC3, 0x28, 0x3E]) }
    }

    @Test("Paths: brackets, source routes, the null sender, bare postmaster")
    func paths() throws {
        #expect(try Self.forwardPath("<a@x.test> more") == Address(localPart: "a", domain: "x.test"))
        #expect(try Self.forwardPath("<@r1.test,@r2.test:a@x.test>") == Address(localPart: "a", domain: "x.test"))
        #expect(try Self.forwardPath("<PostMaster>") == Address(localPart: "postmaster", domain: ""))
        #expect(try Self.reversePath("<>") == nil)
        #expect(throws: AddressError.missingBracket) { try Self.forwardPath("a@x.test") }
        #expect(throws: AddressError.missingBracket) { try Self.forwardPath("<a@x.test") }
        #expect(throws: AddressError.trailing) { try Self.forwardPath("<a@x.test b>") }
        #expect(throws: AddressError.empty) { try Self.forwardPath("<>") }
        #expect(throws: AddressError.sourceRoute) { try Self.forwardPath("<@r1.test a@x.test>") }
        #expect(throws: AddressError.sourceRoute) { try Self.forwardPath("<@r1.test,:a@x.test>") }
        #expect(throws: AddressError.missingDomain) { try Self.forwardPath("<bare>") }
    }

    @Test("A bare local part is taken only where asked for, stray dots too")
    func options() throws {
        #expect(try Address(parsing: "taro", AddressSyntax(allowsBareLocalPart: true)).domain == "")
        let mobile = try Address(parsing: "a..b.@docomo.test", AddressSyntax(allowsStrayDots: true))
        #expect(mobile.localPart == "a..b.")
        #expect(mobile.description == #""a..b."@docomo.test"#)
    }

    @Test("P2 an address that its quotes would make too long is refused, so that what is taken can be written")
    func quotesCount() throws {
        let label = String(repeating: "x", count: 61)
        let domain = [label, label, label, label].joined(separator: ".")  // 247 octets
        let syntax = AddressSyntax(allowsStrayDots: true)
        for (local, isTaken) in [("abcdef", true), ("a..b", true), ("a..bc", false), (".abcde", false)] {
            let text = "\(local)@\(domain)"
            if isTaken {
                let address = try Address(parsing: text, syntax)
                #expect(try Address(parsing: address.description, syntax) == address)
            } else {
                #expect(throws: AddressError.tooLong) { try Address(parsing: text, syntax) }
            }
        }
    }

    private static func forwardPath(_ text: String) throws -> Address { try self.forwardPath(Array(text.utf8)) }

    private static func forwardPath(_ bytes: [UInt8]) throws -> Address {
        try bytes.withUnsafeBytes { raw in
            var cursor = ByteCursor(raw)
            return try Address.readForwardPath(&cursor, AddressSyntax())
        }
    }

    private static func reversePath(_ text: String) throws -> Address? {
        try Array(text.utf8).withUnsafeBytes { raw in
            var cursor = ByteCursor(raw)
            return try Address.readReversePath(&cursor, AddressSyntax())
        }
    }
}
