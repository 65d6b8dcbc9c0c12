import SASL
import Testing

@Suite struct AppPasswordTests {
    @Test("an app password is read as it was shown, without hyphens, with blanks, in capitals; and nothing else of its length")
    func reading() throws {
        let made = AppPassword(random: (0..<20).map { UInt8($0 * 13 & 255) })
        #expect(made.text.count == 24 && made.text.split(separator: "-").allSatisfy { $0.count == 4 })
        let stored = made.verifier(salt: [1, 2, 3, 4])
        for typed in [made.text, made.text.replacing("-", with: ""), made.text.replacing("-", with: " "), made.text.uppercased()] {
            let read = try #require(AppPassword(typed: Secret(typed)))
            #expect(read.tag == made.tag && read.matches(stored))
        }
        for other in [
            "", "secret word", String(made.text.dropLast()), made.text + "a", made.text.replacing("-", with: "_"),
            "o" + made.text.dropFirst(),
        ] {
            #expect(AppPassword(typed: Secret(other)) == nil, "\(other)")
        }
        #expect(AppPassword(typed: Secret(String(repeating: "-", count: 5000) + made.text)) == nil)
    }

    @Test("another secret, another salt, a damaged row and none at all do not match") func matching() throws {
        let made = AppPassword(random: (0..<20).map { UInt8($0) })
        let other = AppPassword(random: (0..<20).map { UInt8($0 < 19 ? $0 : 7) })
        #expect(made.tag == other.tag && made.text != other.text)
        #expect(!other.matches(made.verifier(salt: [9])) && made.matches(made.verifier(salt: [9])))
        for damaged in [nil, "", "HMAC-SHA-256", "HMAC-SHA-256$$", "HMAC-SHA-256$CQ==$AAAA", "SCRAM-SHA-256$CQ==$AAAA"] {
            #expect(!made.matches(damaged))
        }
        #expect(!"\(made)".contains(made.text.suffix(4)), "the secret is not printed")
    }

    @Test("all 32 letters come out evenly") func evenness() {
        var counts: [Character: Int] = [:]
        for start in 0..<256 {
            for letter in AppPassword(random: (0..<20).map { UInt8((start + $0) & 255) }).text where letter != "-" {
                counts[letter, default: 0] += 1
            }
        }
        #expect(counts.count == 32 && Set(counts.values).count == 1)
    }
}
