internal import Text
package import Vocabulary

/// What is known when a recipient of another host is named.
package struct RelayFacts: Sendable, Hashable {
    package var client: IPAddress
    /// First address of the account that has logged in; nil is nobody.
    package var login: Address?
    /// A POP3 login came from this address within the window.
    package var hasPOPLogin: Bool
    /// nil is the null sender.
    package var sender: Address?
    package var recipient: Address

    package init(client: IPAddress, login: Address? = nil, hasPOPLogin: Bool = false, sender: Address?, recipient: Address) {
        self.client = client
        self.login = login
        self.hasPOPLogin = hasPOPLogin
        self.sender = sender
        self.recipient = recipient
    }
}

/// What lets a message for another host pass.
package enum RelayGrant: String, Sendable, CaseIterable {
    case login, network
    case popLogin = "pop-before-smtp"
    case recipientDomain = "recipient-domain"
}

/// Why none does.
package enum RelayRefusal: String, Sendable, CaseIterable {
    /// Nothing is known of the peer that would let it.
    case stranger
    /// Has logged in, but is not among those who may send to other hosts.
    case loginNotListed = "login-not-listed"
    /// The peer's network is kept from relaying without a login.
    case clientDenied = "client-denied"
    /// Would be let, but not with this sender's domain.
    case senderDomain = "sender-domain"
    /// The domain is one that mail is taken for, but the local part asks that host to send on to another.
    case detour
}

package enum RelayVerdict: Sendable, Hashable {
    case accept(RelayGrant)
    case refuse(RelayRefusal)
}

/// The mail relay restrictions: who may send through this host to others. The rules are asked in this order, and the first that lets
/// somebody pass decides:
///
/// 1. login, 2. network (unless it is one of those kept out), 3. POP before SMTP (likewise), 4. the recipient's domain.
///
/// A list of sender domains narrows 1 to 3 and never opens anything, since anybody can write any sender. Strangers that pass by 4 cannot
/// name a detour in the local part, whatever the four switches say: the host behind us would trust us.
package struct RelayRules: Sendable, Hashable {
    /// Shortest prefixes of a network that may relay. Two halves of the internet must not come together to an open relay.
    package static let widestIPv4 = 8
    package static let widestIPv6 = 16

    package enum Logins: String, Sendable, CaseIterable { case all, listed, none }

    package var logins = Logins.all
    /// Where `logins` is `listed`.
    package var users = MailPatterns()
    package var networks: [IPNetwork] = []
    package var deniedNetworks: [IPNetwork] = []
    /// Seconds that a POP3 login opens the way; 0 is never.
    package var popWindow: Int64 = 0
    package var recipientDomains = DomainSet()
    /// Empty: any sender.
    package var senderDomains = DomainSet()

    package init() {}

    package func verdict(_ facts: RelayFacts) -> RelayVerdict {
        var silent: [RelayStep] = []
        return self.decide(facts, explains: false, &silent)
    }

    /// The verdict with every rule that was asked.
    package func explain(_ facts: RelayFacts) -> (verdict: RelayVerdict, steps: [RelayStep]) {
        var steps: [RelayStep] = []
        let verdict = self.decide(facts, explains: true, &steps)
        return (verdict, steps)
    }

    private func decide(_ facts: RelayFacts, explains: Bool, _ steps: inout [RelayStep]) -> RelayVerdict {
        func note(_ step: @autoclosure () -> RelayStep) { if explains { steps.append(step()) } }
        var refusal = RelayRefusal.stranger
        if let grant = self.ownGrant(facts, &refusal, note) {
            if let sender = facts.sender, !self.senderDomains.isEmpty, !Self.covers(self.senderDomains, sender) {
                note(RelayStep(.senderDomains, decides: true, "the sender's domain is not listed", "送信者のドメインが指定されていません"))
                return .refuse(.senderDomain)
            }
            return .accept(grant)
        }
        guard Self.covers(self.recipientDomains, facts.recipient) else {
            note(RelayStep(.recipientDomains, decides: true, "the recipient's domain is not listed", "受信者のドメインが指定されていません"))
            return .refuse(refusal)
        }
        guard !Self.asksForDetour(facts.recipient) else {
            note(RelayStep(.recipientDomains, decides: true, "listed, but the local part names a detour", "ローカルパートに経路の指定が含まれています"))
            return .refuse(.detour)
        }
        note(RelayStep(.recipientDomains, decides: true, "mail for this domain is taken from everybody", "誰からでも受け付けるドメインです"))
        return .accept(.recipientDomain)
    }

    /// What the client itself has: login, network, POP login.
    private func ownGrant(_ facts: RelayFacts, _ refusal: inout RelayRefusal, _ note: (@autoclosure () -> RelayStep) -> Void) -> RelayGrant?
    {
        if let login = facts.login {
            if self.mayRelay(login) {
                note(RelayStep(.login, decides: true, "\(login) has logged in", "\(login) はログインしています"))
                return .login
            }
            refusal = .loginNotListed
            note(RelayStep(.login, "\(login) may not send to other hosts", "\(login) は他のホストへの送信を許可されていません"))
        } else {
            note(RelayStep(.login, "nobody has logged in", "ログインしていません"))
        }
        if let denied = self.deniedNetworks.first(where: { $0.contains(facts.client) }) {
            if refusal == .stranger { refusal = .clientDenied }
            note(RelayStep(.network, "\(facts.client) is in \(denied), which may not relay", "\(facts.client) はリレー禁止の \(denied) に含まれます"))
            return nil
        }
        if let network = self.networks.first(where: { $0.contains(facts.client) }) {
            note(RelayStep(.network, decides: true, "\(facts.client) is in \(network)", "\(facts.client) は \(network) に含まれます"))
            return .network
        }
        note(RelayStep(.network, "\(facts.client) is in no network that may relay", "\(facts.client) はリレーを許可されたネットワークに含まれません"))
        guard self.popWindow > 0 else { return nil }
        guard facts.hasPOPLogin else {
            note(RelayStep(.popLogin, "no POP3 login came from there lately", "最近の POP3 ログインがありません"))
            return nil
        }
        note(RelayStep(.popLogin, decides: true, "a POP3 login came from there", "POP3 ログインがありました"))
        return .popLogin
    }

    private func mayRelay(_ login: Address) -> Bool {
        switch self.logins {
        case .all: true
        case .none: false
        case .listed: self.users.entry(for: login) != nil
        }
    }

    private static func covers(_ domains: DomainSet, _ address: Address) -> Bool {
        guard !domains.isEmpty, let domain = DomainName.normalized(address.domain) else { return false }
        return domains.contains(domain)
    }

    /// A local part that some hosts take for an address to send on to: percent hack, bang path, quoted address, route.
    private static func asksForDetour(_ address: Address) -> Bool {
        address.localPart.utf8.contains {
            $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "!") || $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: ":")
        }
    }
}

/// One rule of the relay restrictions and what it answered.
package struct RelayStep: Sendable, Hashable {
    package enum Rule: String, Sendable {
        case login = "relay-logins"
        case network = "relay-networks"
        case popLogin = "pop-before-smtp"
        case recipientDomains = "relay-domains"
        case senderDomains = "relay-sender-domains"
    }
    package let rule: Rule
    package let decides: Bool
    package let text: Localized

    init(_ rule: Rule, decides: Bool = false, _ english: String, _ japanese: String) {
        self.rule = rule
        self.decides = decides
        self.text = Localized(en: english, ja: japanese)
    }
}
