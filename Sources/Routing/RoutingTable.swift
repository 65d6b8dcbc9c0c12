package import Text
package import Vocabulary

/// The facts that decide where an address leads. Implemented by the directory's snapshot, and by a few lines in tests.
package protocol RoutingTable: Sendable {
    var rules: RoutingRules { get }
    /// True for the host's own name, its address literals and every local mail domain. `domain` is normalised.
    func isLocal(_ domain: Substring) -> Bool
    /// What has exactly this address; aliases and lists come here too when they exist.
    func entry(_ key: AddressKey) -> RoutingEntry?
    /// The account that the Postmaster is.
    var postmaster: LocalRecipient? { get }
    /// The Postmaster account's delivery list.
    var postmasterDelivery: [Address] { get }
    /// Where mail for other hosts goes next.
    var routes: RouteTable { get }
    /// What a sender that this host wrote for forwarded mail stands for; nil when the local part is none.
    func returned(_ localPart: String) -> ReturnedSender?
}

extension RoutingTable {
    package var routes: RouteTable { RouteTable() }
    package func returned(_ localPart: String) -> ReturnedSender? { nil }
}

/// Sender of forwarded mail, to whom a report comes back.
package enum ReturnedSender: Sendable, Hashable {
    case to(Address)
    case forged
    case expired
}

/// What an address belongs to.
package enum RoutingEntry: Sendable, Hashable {
    case account(LocalRecipient)
    /// An account that must not get mail now.
    case closed(AccountID)
    /// A channel alias: mail goes to this address instead.
    case alias(Address)
}

/// Settings of the mail routing and relay restriction forms, ready for use. All domains normalised.
package struct RoutingRules: Sendable, Hashable {
    /// This host's own name: implicitly local.
    package var hostName: String
    /// Domain of the site; handlers answer here and under the host name.
    package var mainDomain: String
    /// Appended to addresses without domain; nil leaves them unknown.
    package var completionDomain: String?
    package var refusals: Set<RefusedCharacter>
    /// Before the detail of a sub-address; nil switches sub-addressing off.
    package var detailSeparator: Character?
    /// Recipients must exist before their mail is accepted.
    package var checksRecipients: Bool
    /// Local parts, in small letters, that lead to the postmaster where nothing has them. [RFC2142-1]
    package var reservedNames: Set<String> = []

    package init(
        hostName: String, mainDomain: String, completionDomain: String? = nil,
        refusals: Set<RefusedCharacter> = Set(RefusedCharacter.allCases),
        detailSeparator: Character? = "+", checksRecipients: Bool = true
    ) {
        self.hostName = hostName
        self.mainDomain = mainDomain
        self.completionDomain = completionDomain
        self.refusals = refusals
        self.detailSeparator = detailSeparator
        self.checksRecipients = checksRecipients
    }
}
