/// Numbers and digests in letters that survive a change of case: local parts are folded by some hosts on the way. [RFC4648-6]
package enum Base32 {
    private static let letters = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    /// The bytes, five bits a letter, the last bits filled up with zeros and no padding; with `count` no more letters than that.
    package static func encode(_ bytes: some Sequence<UInt8>, count: Int = .max) -> String {
        var out: [UInt8] = []
        var held: UInt32 = 0
        var bits = 0
        for byte in bytes {
            held = (held << 8 | UInt32(byte)) & 0xFFFF
            bits += 8
            while bits >= 5, out.count < count {
                bits -= 5
                out.append(self.letters[Int(held >> UInt32(bits) & 31)])
            }
        }
        if bits > 0, out.count < count { out.append(self.letters[Int(held << UInt32(5 - min(bits, 5)) & 31)]) }
        return String(decoding: out, as: UTF8.self)
    }

    /// A number, shortest first: `a` is 0.
    package static func encode(_ number: UInt64) -> String {
        var out: [UInt8] = []
        var rest = number
        repeat {
            out.append(self.letters[Int(rest & 31)])
            rest >>= 5
        } while rest > 0
        return String(decoding: out.reversed(), as: UTF8.self)
    }

    /// nil for a foreign letter, for nothing, and for more than 60 bits.
    package static func decode(_ text: some Sequence<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        var count = 0
        for byte in text {
            guard count < 12, let value = self.value(byte) else { return nil }
            number = number << 5 | UInt64(value)
            count += 1
        }
        return count > 0 ? number : nil
    }

    private static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a")
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "2")...UInt8(ascii: "7"): byte - UInt8(ascii: "2") + 26
        default: nil
        }
    }
}
