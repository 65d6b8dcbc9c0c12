internal import Text
package import Vocabulary

/// Mail addresses by pattern: `a@domain`, `domain`, `*.domain`, and `user@` for that user name in every domain. Compared as addresses are:
/// without case, quotes taken off.
package struct MailPatterns: Sendable, Hashable {
    private var addresses: Set<String> = []
    private var domains = DomainSet()
    private var users: Set<String> = []

    /// From the entries of a field; one that cannot be read (a damaged row) fits nobody.
    package init(_ lines: some Sequence<String> = []) {
        for line in lines {
            if line.hasSuffix("@") {
                if let user = Self.user(line) { self.users.insert(user) }
            } else if line.contains("@") {
                if let address = try? Address(parsing: line), let key = AddressKey(address) { self.addresses.insert(key.text) }
            } else {
                self.domains.insert(line)
            }
        }
    }

    package var isEmpty: Bool { self.addresses.isEmpty && self.domains.isEmpty && self.users.isEmpty }

    /// The entry that covers the address; nil when none does.
    package func entry(for address: Address) -> String? {
        guard !self.isEmpty, let key = AddressKey(address) else { return nil }
        if self.addresses.contains(key.text) { return key.text }
        if !self.users.isEmpty, self.users.contains(String(key.localPart)) { return "\(key.localPart)@" }
        return self.domains.entry(for: String(key.domain))
    }

    /// The folded local part of `user@`.
    private static func user(_ line: String) -> String? {
        guard let address = try? Address(parsing: line + "pattern.invalid"), let key = AddressKey(address) else { return nil }
        return String(key.localPart)
    }
}
