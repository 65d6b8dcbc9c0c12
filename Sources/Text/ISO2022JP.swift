/// ISO-2022-JP with what Microsoft's and others' senders put under its name: NEC and IBM characters, half-width kana by escape or as
/// single 8-bit bytes, JIS X 0212. Moved byte for byte into EUC, which iconv reads. RFC 1468 RFC 2237
enum ISO2022JP {
    private enum CodeSet { case ascii, kana, kanji, supplementary }

    static func toEUC(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + 16)
        var set = CodeSet.ascii
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == 0x1B, let (next, length) = self.escape(bytes[index...]) {
                set = next
                index += length
                continue
            }
            // A line's end goes back to ASCII, also where the sender forgot to say so. RFC 1468
            if byte == 0x0A { set = .ascii }
            index += self.write(byte, bytes[(index + 1)...].first, set, &out)
        }
        return out
    }

    /// Writes the character that starts at `byte`; answers how many bytes it took.
    private static func write(_ byte: UInt8, _ second: UInt8?, _ set: CodeSet, _ out: inout [UInt8]) -> Int {
        switch set {
        case .kana where (0x21...0x5F).contains(byte): out += [0x8E, byte | 0x80]
        case .kanji, .supplementary:
            guard (0x21...0x7E).contains(byte), let second, (0x21...0x7E).contains(second) else { break }
            if set == .supplementary { out.append(0x8F) }
            out += [byte | 0x80, second | 0x80]
            return 2
        case .ascii, .kana: break
        }
        if set != .kana || !(0x21...0x5F).contains(byte) {
            if (0xA1...0xDF).contains(byte) { out += [0x8E, byte] } else { out.append(byte) }
        }
        return 1
    }

    private static func escape(_ bytes: ArraySlice<UInt8>) -> (CodeSet, Int)? {
        let text = Array(bytes.dropFirst().prefix(3))
        if text.count >= 2 {
            switch (text[0], text[1]) {
            case (UInt8(ascii: "("), UInt8(ascii: "B")), (UInt8(ascii: "("), UInt8(ascii: "J")): return (.ascii, 3)
            case (UInt8(ascii: "("), UInt8(ascii: "I")): return (.kana, 3)
            case (UInt8(ascii: "$"), UInt8(ascii: "@")), (UInt8(ascii: "$"), UInt8(ascii: "B")): return (.kanji, 3)
            default: break
            }
        }
        guard text.count == 3, text[0] == UInt8(ascii: "$"), text[1] == UInt8(ascii: "(") else { return nil }
        switch text[2] {
        case UInt8(ascii: "@"), UInt8(ascii: "B"): return (.kanji, 4)
        case UInt8(ascii: "D"): return (.supplementary, 4)
        default: return nil
        }
    }
}
