import Routing
import Testing

@Suite struct DANETests {
    private func record(_ usage: UInt8, _ selector: UInt8, _ matching: UInt8, _ length: Int) -> TLSARecord {
        TLSARecord(usage: usage, selector: selector, matchingType: matching, data: [UInt8](repeating: 7, count: length))
    }

    @Test(
        "Records of usages 0 and 1, of unknown kinds or wrong length cannot be used; if that is all there is, encryption is still demanded")
    func usable() {
        #expect(DANE.finding([], base: "mx") == .none)
        for bad in [
            self.record(0, 0, 1, 32), self.record(1, 1, 1, 32), self.record(3, 2, 1, 32), self.record(3, 1, 3, 32),
            self.record(3, 1, 1, 31),
            self.record(2, 0, 2, 32), self.record(4, 1, 1, 32), self.record(255, 255, 255, 64),
        ] {
            #expect(DANE.finding([bad], base: "mx") == .unusable(base: "mx"), "\(bad)")
            #expect(DANE.finding([bad, self.record(3, 1, 1, 32)], base: "mx") == .records([self.record(3, 1, 1, 32)], base: "mx"))
        }
    }

    @Test("Of two digests of one kind the stronger alone counts")
    func agility() {
        let (weak, strong, other) = (self.record(3, 1, 1, 32), self.record(3, 1, 2, 64), self.record(2, 1, 1, 32))
        #expect(DANE.finding([weak, strong, other], base: "mx") == .records([strong, other], base: "mx"))
    }
}
