package import Routing
package import Text
package import Vocabulary

/// Everything that serving mail asks of the directory, as of one commit. Immutable; shared by all threads without locks.
package final class DirectorySnapshot: RoutingTable, Sendable {
    /// Grows with each change; caches keep it beside what they remember.
    package let version: Int64
    package let configuration: Configuration
    package var rules: RoutingRules { self.configuration.routing }

    init(version: Int64, configuration: Configuration) {
        self.version = version
        self.configuration = configuration
    }

    package func isLocal(_ domain: Substring) -> Bool { false }
    package func entry(_ key: AddressKey) -> RoutingEntry? { nil }
    package var postmaster: LocalRecipient? { nil }
    package var postmasterDelivery: [Address] { [] }

    package func resolve(_ address: Address) -> Resolution { Resolver(self).resolve(address) }
    package func resolve(_ addresses: [Address]) -> [Resolution] {
        let resolver = Resolver(self)
        return addresses.map(resolver.resolve)
    }

    /// The account that has exactly this address, also when it may not log in or get mail now.
    package func account(holding key: AddressKey) -> AccountID? { nil }
    /// True when `address` is one of the account's own, or one it was granted for sending.
    package func mayUse(_ address: Address, _ account: AccountID) -> Bool { false }
}
