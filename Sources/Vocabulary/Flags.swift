/// System flags of a message as bits; keywords are stored apart. [RFC9051-2.3.2]
package struct Flags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static let seen = Flags(rawValue: 1 << 0)
    package static let answered = Flags(rawValue: 1 << 1)
    package static let flagged = Flags(rawValue: 1 << 2)
    package static let deleted = Flags(rawValue: 1 << 3)
    package static let draft = Flags(rawValue: 1 << 4)
}
