/// Where an account stands in the list by initial letter: A to Z, あ to わ, or neither.
package enum AccountInitial: Hashable, Sendable, Comparable {
    /// 0 is A.
    case latin(UInt8)
    /// 0 is あ, 1 か … 9 わ.
    case kana(UInt8)
    case other

    package static let all: [AccountInitial] = (0..<26).map { .latin($0) } + (0..<10).map { .kana($0) } + [.other]
    private static let rows = Array("あかさたなはまやらわ")

    /// `A`, `か`, `#`.
    package var label: String {
        switch self {
        case .latin(let number): String(UnicodeScalar(UInt8(ascii: "A") + number))
        case .kana(let number): String(Self.rows[Int(number)])
        case .other: "#"
        }
    }

    package init?(label: String) {
        guard let found = Self.all.first(where: { $0.label == label }) else { return nil }
        self = found
    }

    private var order: Int {
        switch self {
        case .latin(let number): Int(number)
        case .kana(let number): 100 + Int(number)
        case .other: 200
        }
    }

    package static func < (a: Self, b: Self) -> Bool { a.order < b.order }

    /// Of a sort key; nil for what is neither Latin nor kana (kanji without a reading): something else of the account is asked then.
    init?(of key: String) {
        guard let scalar = key.unicodeScalars.first else { return nil }
        switch scalar.value {
        case 0x61...0x7A: self = .latin(UInt8(scalar.value - 0x61))
        case 0xC0...0x17F:
            guard let base = Self.base(scalar.value) else { return nil }
            self = .latin(base - UInt8(ascii: "a"))
        case 0x3041...0x3096: self = .kana(Self.row(scalar.value))
        default: return nil
        }
    }

    /// Letters of Western Europe with marks stand with the plain ones; folding has taken their case.
    private static func base(_ letter: UInt32) -> UInt8? {
        switch letter {
        case 0xE0...0xE6: UInt8(ascii: "a")
        case 0xE7: UInt8(ascii: "c")
        case 0xE8...0xEB: UInt8(ascii: "e")
        case 0xEC...0xEF: UInt8(ascii: "i")
        case 0xF1: UInt8(ascii: "n")
        case 0xF2...0xF6, 0xF8, 0x153: UInt8(ascii: "o")
        case 0xF9...0xFC: UInt8(ascii: "u")
        case 0xFD, 0xFF: UInt8(ascii: "y")
        default: nil
        }
    }

    /// The row of the table of kana in which a hiragana stands, small and voiced ones with their plain form.
    private static func row(_ kana: UInt32) -> UInt8 {
        let ends: [UInt32] = [0x304A, 0x3054, 0x305E, 0x3069, 0x306E, 0x307D, 0x3082, 0x3088, 0x308D]
        // ゔ and the small か and け stand behind わ in Unicode.
        if kana == 0x3094 { return 0 }
        if kana == 0x3095 || kana == 0x3096 { return 1 }
        return UInt8(ends.firstIndex { kana <= $0 } ?? 9)
    }
}
