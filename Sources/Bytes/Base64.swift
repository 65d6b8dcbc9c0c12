/// Base64 with the standard alphabet, padded, no line breaks: what SASL and MIME words carry. [RFC4648-4]
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        var held: UInt32 = 0
        var count = 0
        for byte in bytes {
            held = held << 8 | UInt32(byte)
            count += 1
            if count == 3 {
                for shift in [18, 12, 6, 0] as [UInt32] { out.append(self.alphabet[Int(held >> shift & 63)]) }
                held = 0
                count = 0
            }
        }
        if count == 1 {
            out += [self.alphabet[Int(held >> 2)], self.alphabet[Int(held << 4 & 63)], UInt8(ascii: "="), UInt8(ascii: "=")]
        } else if count == 2 {
            out += [
                self.alphabet[Int(held >> 10)], self.alphabet[Int(held >> 4 & 63)], self.alphabet[Int(held << 2 & 63)], UInt8(ascii: "="),
            ]
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Strict: nil for a foreign byte, wrong padding or stray bits. [RFC4648-3.3] [RFC4648-3.5]
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(text.count / 4 * 3)
        var held: UInt32 = 0
        var count = 0
        var padding = 0
        for byte in text {
            if byte == UInt8(ascii: "=") {
                padding += 1
                held <<= 6
            } else {
                guard padding == 0, let value = self.value(byte) else { return nil }
                held = held << 6 | value
            }
            count += 1
            if count == 4 {
                guard padding <= 2 else { return nil }
                if padding == 1 && held & 0xFF != 0 || padding == 2 && held & 0xFFFF != 0 { return nil }
                out.append(UInt8(truncatingIfNeeded: held >> 16))
                if padding < 2 { out.append(UInt8(truncatingIfNeeded: held >> 8)) }
                if padding < 1 { out.append(UInt8(truncatingIfNeeded: held)) }
                held = 0
                count = 0
            }
        }
        return out
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a") + 26)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0") + 52)
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
