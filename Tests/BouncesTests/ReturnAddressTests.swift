import Bounces
import MailTesting
import Testing
import Vocabulary

@Suite("Senders of forwarded and list mail")
struct ReturnAddressTests {
    private let here = ReturnAddresses(key: Array(0..<32), domain: "example.test")
    private let there = ReturnAddresses(key: Array(32..<64), domain: "other.test")
    private let now = Samples.now
    private let day: Int64 = 86_400

    @Test("a sender goes there and back, in any case of letters")
    func roundTrip() throws {
        for text in ["taro@far.test", "a=b+c-d@far.test", "\"a b\"@far.test", "太郎@far.test", "o'hara@sub.far.test"] {
            let sender = Samples.address(text)
            let made = try #require(self.here.forwarding(sender, now: self.now))
            #expect(made.domain == "example.test")
            #expect(made.localPart.hasPrefix("SRS0="))
            #expect(ReturnAddresses.looksLike(made.localPart))
            #expect(self.here.found(made.localPart, now: self.now + 5 * self.day) == .forwarded(sender))
        }
        let made = try #require(self.here.forwarding(Samples.address("taro@far.test"), now: self.now))
        #expect(self.here.found(made.localPart.lowercased(), now: self.now) == .forwarded(Samples.address("taro@far.test")))
        guard case .forwarded(let upper)? = self.here.found(made.localPart.uppercased(), now: self.now) else {
            Issue.record("upper case is refused")
            return
        }
        #expect(upper.description.lowercased() == "taro@far.test")
    }

    @Test("a second forwarder writes SRS1, a third keeps it, and a report comes back to the first")
    func chain() throws {
        let first = try #require(self.here.forwarding(Samples.address("taro@far.test"), now: self.now))
        let second = try #require(self.there.forwarding(first, now: self.now))
        #expect(second.localPart.hasPrefix("SRS1="))
        let third = ReturnAddresses(key: Array(64..<96), domain: "third.test")
        let thirdSender = try #require(third.forwarding(second, now: self.now))
        for (hop, sender) in [(self.there, second), (third, thirdSender)] {
            guard case .forwarded(let back)? = hop.found(sender.localPart, now: self.now) else {
                Issue.record("\(sender) is not known")
                continue
            }
            #expect(back.domain == "example.test")
            #expect(self.here.found(back.localPart, now: self.now) == .forwarded(Samples.address("taro@far.test")))
        }
    }

    @Test("what was changed by one letter is forged; another instance's is forged; old ones expire")
    func forged() throws {
        let made = try #require(self.here.forwarding(Samples.address("taro@far.test"), now: self.now)).localPart
        #expect(self.there.found(made, now: self.now) == .forged)
        let bytes = Array(made.utf8)
        for index in bytes.indices.dropFirst(5) {
            var changed = bytes
            changed[index] = changed[index] == UInt8(ascii: "x") ? UInt8(ascii: "y") : UInt8(ascii: "x")
            let found = self.here.found(String(decoding: changed, as: UTF8.self), now: self.now)
            #expect(found == .forged, "octet \(index)")
        }
        #expect(self.here.found(made, now: self.now + ReturnAddresses.daysValid * self.day) == .forwarded(Samples.address("taro@far.test")))
        #expect(self.here.found(made, now: self.now + (ReturnAddresses.daysValid + 2) * self.day) == .expired)
        for text in ["SRS0=", "SRS0=a", "SRS0=a=b=c", "SRS0=a=b=c=d", "SRS1=a=b", "SRS1=a=b==c", "SRS0====", "SRS0=\u{E9}=a=b=c"] {
            #expect(self.here.found(text, now: self.now) == .forged, "\(text)")
        }
        for text in ["", "srs", "SRS0", "SRS0-x=y", "jane", "srs0.x"] { #expect(self.here.found(text, now: self.now) == nil, "\(text)") }
    }

    @Test("what would be too long, or is no domain, is left as it is")
    func limits() {
        let long = Address(localPart: String(repeating: "x", count: 50), domain: "far.test")
        #expect(self.here.forwarding(long, now: self.now) == nil)
        #expect(self.here.forwarding(Address(localPart: "a", domain: "[192.0.2.1]"), now: self.now) == nil)
        #expect(self.here.forwarding(Address(localPart: "a", domain: ""), now: self.now) == nil)
    }

    @Test("the sender of a list's copy tells which member it went to")
    func member() throws {
        let owner = Samples.address("owner-news@example.test")
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<200 {
            let number = Int64.random(in: 0...(1 << 40), using: &generator)
            let made = try #require(self.here.member(number, ofList: owner, now: self.now))
            #expect(made.localPart.hasPrefix("owner-news+"))
            let detail = String(made.localPart.dropFirst("owner-news+".count))
            #expect(self.here.member(detail: detail, ofList: owner, now: self.now + self.day) == number)
            #expect(self.here.member(detail: detail.uppercased(), ofList: owner, now: self.now) == number)
            #expect(self.here.member(detail: detail, ofList: Samples.address("owner-other@example.test"), now: self.now) == nil)
            #expect(self.there.member(detail: detail, ofList: owner, now: self.now) == nil)
            #expect(self.here.member(detail: detail, ofList: owner, now: self.now + 40 * self.day) == nil)
        }
        for detail in ["", "-", "a-b-c", "a-aa-aaaaaa", "----"] {
            #expect(self.here.member(detail: detail, ofList: owner, now: self.now) == nil)
        }
        #expect(self.here.member(-1, ofList: owner, now: self.now) == nil)
    }
}
