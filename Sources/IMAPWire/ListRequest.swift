/// LIST in all its forms, and LSUB. [RFC9051-6.3.9] [RFC5258-3]
package struct ListRequest: Sendable {
    package struct Selection: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// Subscribed names, of mailboxes that are gone too (`\NonExistent`).
        package static let subscribed = Selection(rawValue: 1 << 0)
        package static let remote = Selection(rawValue: 1 << 1)
        /// A parent whose children match is told with CHILDINFO. Always beside another option.
        package static let recursiveMatch = Selection(rawValue: 1 << 2)
        /// Only mailboxes with a special use. [RFC6154-2]
        package static let specialUse = Selection(rawValue: 1 << 3)
    }

    package struct Returns: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let subscribed = Returns(rawValue: 1 << 0)
        package static let children = Returns(rawValue: 1 << 1)
        package static let specialUse = Returns(rawValue: 1 << 2)
        /// MYRIGHTS behind each. [RFC8440-4]
        package static let myRights = Returns(rawValue: 1 << 3)
    }

    /// Patterns with the reference put before them; each matches whole names.
    package var patterns: [ListPattern]
    package var selection: Selection = []
    package var returns: Returns = []
    /// STATUS behind each; empty without. [RFC5819-2]
    package var status: StatusItems = []
    /// METADATA behind each. [RFC9590-4]
    package var metadata: [String] = []
    /// LSUB: answered as `* LSUB`, of subscribed names, and with `\Noselect` for a parent of such (`%` alone). [RFC3501-6.3.9]
    package var isLSUB = false
    /// LIST "" "": asks for the separator alone. [RFC9051-6.3.9]
    package var asksForSeparator = false
    /// Extended syntax was used: attributes that the old form leaves out may be told.
    package var isExtended = false

    package init(patterns: [ListPattern]) { self.patterns = patterns }
}
