import Routing
import Testing
import Vocabulary

@Suite struct HostsFileTests {
    @Test func namesAndAddressesAreFoundBothWays() throws {
        let file = HostsFile("127.0.0.1\tlocalhost\n# comment\n192.0.2.1  Mail.Example.LAN. mail#end\r\n2001:db8::1 mail\n\n")
        let four = try #require(IPAddress("192.0.2.1"))
        #expect(file.addresses(of: "mail.example.lan", isIPv6: false) == [four])
        #expect(file.addresses(of: "mail", isIPv6: false) == [four])
        #expect(file.addresses(of: "mail", isIPv6: true) == [try #require(IPAddress("2001:db8::1"))])
        #expect(file.names(of: four) == ["mail.example.lan", "mail"])
        #expect(file.has("localhost") && !file.has("comment"))
    }

    @Test func whatIsNoLineIsPassedOver() {
        let file = HostsFile(
            "mail 192.0.2.1\n192.0.2.999 a\n192.0.2.1\n192.0.2.2 ev<i>l b\u{0}d \(String(repeating: "x", count: 300)) good\n")
        #expect(file.allAddresses.count == 1)
        #expect(file.has("good"))
    }
}
