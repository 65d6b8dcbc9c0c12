internal import Directory
internal import NetKit
internal import Policy
internal import Routing
internal import SMTPWire
internal import Vocabulary

/// Finds out what the hosts of a next hop must prove before anything is said to them: DANE, what the domain publishes (MTA-STS), what is
/// remembered of it, and what the login of a route asks for.
struct SecurityFinder: Sendable {
    enum Finding: Sendable {
        case talk(HostSecurity)
        /// Nothing may be said to this host.
        /// - Parameter strict: what it is for messages with REQUIRETLS, where that is another.
        case leave(DeliveryFailure.Cause, strict: DeliveryFailure.Cause?)
    }

    /// For the daily report to the domain. [RFC8460-4.3]
    struct Trouble: Sendable {
        var policyType: String
        var result: String
        var host = ""
        var reason = ""
    }

    private let environment: RemoteEnvironment
    private let settings: RemoteSettings
    private let hop: NextHop
    /// What the route asks for before it takes mail; to hosts that DNS leads to nobody has a login.
    let login: RouteLogin?
    private let note: @Sendable (Trouble) -> Void

    /// - Parameter note: hears of what should not be, before the finding comes.
    init(
        _ environment: RemoteEnvironment, _ settings: RemoteSettings, _ hop: NextHop, note: @escaping @Sendable (Trouble) -> Void = { _ in }
    ) {
        self.environment = environment
        self.settings = settings
        self.hop = hop
        self.login = hop.isRouted ? settings.logins[hop] : nil
        self.note = note
    }

    /// The name whose MX led to the hosts.
    var domain: String? {
        switch self.hop {
        case .domain(let name, _), .host(let name, _): name
        case .exactly, .address, .hold, .lmtp: nil
        }
    }

    var isTLSFromStart: Bool { self.hop.isRouted && self.hop.place?.port == self.settings.tlsFromStart && self.settings.usesTLS }

    /// What the domain says about TLS, where it says something. Asked once, before the hosts are.
    func policy(_ completion: @escaping @Sendable (STSPolicy?) -> Void) {
        guard let finder = self.environment.policies, self.settings.usesTLS, self.settings.usesSTS, self.settings.sendsAnywhere,
            let domain = self.domain
        else { return completion(nil) }
        finder.policy(of: domain) { finding in
            if let trouble = finding.trouble { self.note(Trouble(policyType: "sts", result: trouble)) }
            completion(finding.policy)
        }
    }

    /// - Parameters:
    ///   - isRelaxed: the message goes on without TLS.
    ///   - completion: on any thread, once.
    func security(
        of host: MailHost, _ found: HostAddresses, _ policy: STSPolicy?, isRelaxed: Bool,
        _ completion: @escaping @Sendable (Finding) -> Void
    ) {
        // What the message can do without, a password cannot.
        let isRelaxed = isRelaxed && (self.login.map { $0.security == .clear } ?? true)
        guard self.settings.usesTLS, !isRelaxed else { return completion(.talk(HostSecurity(serverName: host.name))) }
        guard self.settings.usesDANE, self.settings.sendsAnywhere else { return completion(self.withoutDANE(host, policy)) }
        self.environment.finder.associations(of: host, found) { finding in
            switch finding {
            case .none: completion(self.withoutDANE(host, policy))
            case .records(let records, let base):
                // Of an authority of theirs: the name that was looked up, or the domain that the mail is for. [RFC7672-3.2.2]
                let names = [base, host.name, self.domain].compactMap { $0 }
                completion(.talk(HostSecurity(.dane(records), serverName: base, names: names)))
            // A password needs more than encryption.
            case .unusable where self.login?.security == .verified: completion(self.withoutDANE(host, policy))
            case .unusable(let base):
                completion(.talk(HostSecurity(.encrypted(.unusableRecords), serverName: base, names: [base, host.name])))
            case .unknown(let base):
                self.note(Trouble(policyType: "tlsa", result: "dnssec-invalid", host: host.name))
                completion(.leave(.tlsRequired("DANE: the TLSA records of \(base) cannot be had or validated"), strict: nil))
            }
        }
    }

    /// DANE says nothing of the host: the domain's policy does, or what is remembered of it.
    private func withoutDANE(_ host: MailHost, _ policy: STSPolicy?) -> Finding {
        var security = HostSecurity(serverName: host.name, names: [host.name])
        if let login = self.login, login.security != .clear {
            // Names that DNS made up prove nothing; the route's own does.
            let names = [self.hop.place?.host, host.isSecure ? host.name : nil].compactMap { $0 }
            return .talk(HostSecurity(.login(isVerified: login.security == .verified), serverName: host.name, names: names))
        }
        if let policy, policy.mode != .none {
            let isEnforced = policy.mode == .enforce
            if !policy.allows(host.name) {
                self.note(
                    Trouble(policyType: "sts", result: "validation-failure", host: host.name, reason: "the MX is not in the policy"))
                // A host that the domain does not name might be anybody's. [RFC8461-5]
                if isEnforced {
                    return .leave(.tlsRequired("MTA-STS: the policy does not name this host"), strict: .needsEncryption(.name))
                }
            }
            security.level = .authority(isEnforced: isEnforced)
        } else if self.expectsTLS {
            security.level = .encrypted(.memory)
        }
        return .talk(security)
    }

    private var expectsTLS: Bool {
        let patience = self.settings.downgradePatience
        return patience > 0
            && self.environment.transport?.expectsTLS(self.hop.queueName, patience: patience, now: self.environment.now()) == true
    }
}
