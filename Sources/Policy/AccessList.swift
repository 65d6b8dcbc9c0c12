package import Vocabulary

/// Who may come in: addresses, networks and host names, as the postmaster or an account lists them. Empty means everyone.
package struct AccessList: Sendable, Hashable {
    package enum Entry: Sendable, Hashable {
        case address(IPAddress)
        case network(IPNetwork)
        /// Exactly this host, lower-case.
        case name(String)
        /// `*.example.com`: every host below, not `example.com` itself. Holds the part after `*.`.
        case subdomains(String)
    }
    package var entries: [Entry]

    package init(_ entries: [Entry] = []) { self.entries = entries }
    package var isEmpty: Bool { self.entries.isEmpty }

    /// Reads one entry.
    package static func parse(_ text: String) -> Result<Entry, AccessEntryError> { .failure(AccessEntryError(text: text, problem: .empty)) }

    /// Whether some entry covers the peer. `.needsName` when only the reverse-resolved name can tell.
    package func match(_ peer: IPAddress, _ name: HostNameFact) -> AccessMatch { self.isEmpty ? .yes : .no }
}

/// What is known of the peer's host name. Names count only after forward confirmation.
package enum HostNameFact: Sendable, Hashable {
    case notLooked
    /// Looked up, and every one of these names leads back to the address. Empty when there is none.
    case confirmed([String])
    /// DNS did not answer.
    case unknown
}

package enum AccessMatch: Sendable, Equatable {
    case yes, no
    /// A name entry could decide; look the name up and ask again.
    case needsName
}

/// One entry that cannot be read. Texts for people come from Forms by `problem`.
package struct AccessEntryError: Error, Hashable, Sendable {
    package enum Problem: String, Sendable { case empty, badAddress, badPrefixLength, hostBitsSet, badName, wildcardInside, tooLong }
    package var text: String
    package var problem: Problem
    package init(text: String, problem: Problem) {
        self.text = text
        self.problem = problem
    }
}

/// An address block in CIDR form.
package struct IPNetwork: Sendable, Hashable, CustomStringConvertible {
    package let base: IPAddress
    /// 0...32 or 0...128.
    package let prefixLength: Int

    /// nil when the length does not fit the family or bits behind the prefix are set.
    package init?(_ base: IPAddress, prefixLength: Int) {
        self.base = base
        self.prefixLength = prefixLength
    }
    package func contains(_ address: IPAddress) -> Bool { false }
    package var description: String { "\(self.base)/\(self.prefixLength)" }
}
