/// Domains, each exact or `*.domain` for all below it; looked up in one step a label, however many there are.
package struct DomainSet: Sendable, Hashable {
    private var exact: Set<String> = []
    /// Domains whose sub-domains are meant.
    private var parents: Set<String> = []

    /// From normalised names with or without `*.` in front.
    package init(_ patterns: some Sequence<String> = []) {
        for pattern in patterns { self.insert(pattern) }
    }

    package mutating func insert(_ pattern: String) {
        if pattern.hasPrefix("*.") { self.parents.insert(String(pattern.dropFirst(2))) } else { self.exact.insert(pattern) }
    }

    package var isEmpty: Bool { self.exact.isEmpty && self.parents.isEmpty }

    /// `domain` is normalised.
    package func contains(_ domain: String) -> Bool { self.entry(for: domain) != nil }

    /// The entry that covers the domain, as it is listed.
    package func entry(for domain: String) -> String? {
        if self.exact.contains(domain) { return domain }
        guard !self.parents.isEmpty else { return nil }
        var rest = domain.utf8[...]
        while let dot = rest.firstIndex(of: UInt8(ascii: ".")) {
            rest = rest[rest.index(after: dot)...]
            let parent = String(Substring(rest))
            if self.parents.contains(parent) { return "*.\(parent)" }
        }
        return nil
    }
}
