import Testing
import Text
import Vocabulary

@Suite struct AddressKeyTests {
    @Test(arguments: [
        ("Jane.Doe@Example.TEST", "jane.doe@example.test"),
        ("a b@example.test.", "a b@example.test"),
        ("JOSÉ@bücher.test", "josé@xn--bcher-kva.test"),
        ("jose\u{301}@BÜCHER.test", "josé@xn--bcher-kva.test"),
        ("用户@例子。test", "用户@xn--fsqu00a.test"),
        ("x@[IPv6:2001:DB8:0:0::1]", "x@[ipv6:2001:db8::1]"),
        ("x@[127.0.0.1]", "x@[127.0.0.1]"),
    ]) func spellingsOfOneMailboxHaveOneKey(typed: String, key: String) throws {
        let at = try #require(typed.lastIndex(of: "@"))
        let address = Address(localPart: String(typed[..<at]), domain: String(typed[typed.index(after: at)...]))
        #expect(AddressKey(address)?.text == key)
    }
}
