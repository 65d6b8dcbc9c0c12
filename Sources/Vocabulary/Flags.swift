/// Flags of a message as bits: system flags in 0-4, keywords of its mailbox in 5-62. What a keyword's bit means each mailbox says for
/// itself. [RFC9051-2.3.2]
package struct Flags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package static let seen = Flags(rawValue: 1 << 0)
    package static let answered = Flags(rawValue: 1 << 1)
    package static let flagged = Flags(rawValue: 1 << 2)
    package static let deleted = Flags(rawValue: 1 << 3)
    package static let draft = Flags(rawValue: 1 << 4)

    /// All that mean the same in every mailbox.
    package static let system = Flags(rawValue: 0x1F)
    /// Bits that a keyword may have. The last bit stays free, so that a row holds the flags as a number that is not negative.
    package static let keywordBits = 5...62

    /// The keyword of a bit; none when no keyword may have it.
    package static func keyword(_ bit: Int) -> Flags { self.keywordBits.contains(bit) ? Flags(rawValue: 1 << UInt64(bit)) : [] }
}
