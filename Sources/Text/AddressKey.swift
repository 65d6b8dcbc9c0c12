internal import Bytes
package import Vocabulary

/// The one form in which addresses are compared: local part unquoted, NFC and case-folded; domain as lower-case A-labels.
/// Two spellings of one mailbox have equal keys; the spelling the person typed is kept elsewhere.
package struct AddressKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// `local@domain`. The local part may hold any character, the domain no `@`, so the last one divides.
    package let text: String
    /// Where that `@` is, in UTF-8 bytes.
    private let separator: Int

    /// nil when the domain is none that can be compared (see `DomainName.normalized`).
    package init?(_ address: Address) {
        guard let domain = DomainName.normalized(address.domain) else { return nil }
        self.init(localPart: address.localPart, normalizedDomain: domain)
    }

    /// For a domain that went through `DomainName.normalized` already.
    package init(localPart: String, normalizedDomain: String) {
        let local = UnicodeText.folded(localPart)
        self.separator = local.utf8.count
        self.text = local + "@" + normalizedDomain
    }

    package var localPart: Substring { Substring(self.text.utf8.prefix(self.separator)) }
    package var domain: Substring { Substring(self.text.utf8.dropFirst(self.separator + 1)) }
    package var description: String { self.text }
    package static func < (a: Self, b: Self) -> Bool { a.text < b.text }
}
