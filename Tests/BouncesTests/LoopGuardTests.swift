import Bounces
import NIOCore
import Testing
import Text
import Vocabulary

@Suite("Messages that go in circles")
struct LoopGuardTests {
    private func check(_ header: String, _ address: String? = "jane@example.test", limit: Int = 30) -> LoopGuard.Verdict {
        LoopGuard.check(
            ByteBuffer(string: header), forwardingFor: address.flatMap { AddressKey(Samples.address($0)) }, hopLimit: limit)
    }

    @Test("Received fields are counted, in the header alone")
    func hops() {
        let hop = "Received: from a\r\n by b; now\r\n"
        #expect(self.check(String(repeating: hop, count: 30) + "\r\n" + hop) == .fine)
        #expect(self.check(String(repeating: hop, count: 31) + "\r\n") == .tooManyHops(31))
        #expect(self.check(String(repeating: hop.uppercased(), count: 31) + "\r\n") == .tooManyHops(31))
        #expect(self.check(String(repeating: "X: y\r\n", count: 5000) + "\r\n") == .tooManyHops(30))
    }

    @Test(
        "a Delivered-To of the same address stops it, however it is spelled",
        arguments: [
            "jane@example.test", "JANE@Example.TEST", "<jane@example.test>", " jane@example.test ", "\"jane\"@example.test",
        ])
    func deliveredTo(_ text: String) {
        #expect(self.check("Delivered-To: \(text)\r\n\r\n") == .deliveredBefore)
        #expect(self.check("Delivered-To: other@example.test\r\ndelivered-to: \(text)\r\n\r\n") == .deliveredBefore)
    }

    @Test("another's Delivered-To, one in the body, or nonsense, stops nothing")
    func others() {
        #expect(self.check("Delivered-To: jane@other.test\r\n\r\nDelivered-To: jane@example.test\r\n") == .fine)
        #expect(self.check("Delivered-To: \r\nDelivered-To: @@\u{0}\r\n\r\n") == .fine)
        #expect(self.check("Delivered-To: jane@example.test\r\n\r\n", nil) == .fine)
        #expect(self.check("") == .fine)
    }
}
