internal import Directory
internal import NIOCore
internal import NetKit
internal import Policy
internal import Queue
internal import Routing
internal import SMTPWire
internal import Synchronization
internal import Vocabulary

/// One way to a next hop: finds its hosts, connects to one address after the other until one talks, and sends what there is. At any time it
/// waits for one thing only: DNS, a connection, or its session.
final class Courier: Sendable {
    private struct State {
        var hosts: [MailHost] = []
        var addresses: [IPAddress] = []
        var host: MailHost?
        var address: IPAddress?
        /// What `host` must prove.
        var security = HostSecurity(serverName: "")
        /// What the domain says about TLS, where it says something.
        var policy: STSPolicy?
        /// What is to be sent first; nil once a session has it.
        var pending: Transaction?
        var failure: DeliveryFailure?
        /// Sessions that ended before they looked at the message.
        var untouched = 0
        /// A session stood and took messages.
        var hasServed = false
        /// TLS that somebody demands did not come about, with one host at least.
        var missedTLS = false
        /// The message in hand asks for delivery without it: nothing is demanded any more, and no other message may come along.
        var isRelaxed = false
        /// What the session that just ended asks for.
        var mustRetryInClear = false
    }

    let delivery: RemoteDelivery
    let name: String
    let settings: RemoteSettings
    private let hop: NextHop
    /// What the route asks for before it takes mail.
    private let login: RouteLogin?
    private let state: Mutex<State>
    /// Sessions that may end untouched before that counts as a failure.
    private static let mostUntouched = 3

    /// - Parameter isRelaxed: `first` asks for delivery whether TLS can be had or not, and it was found that it cannot.
    init(_ delivery: RemoteDelivery, _ name: String, _ first: Transaction, isRelaxed: Bool = false) {
        self.delivery = delivery
        self.name = name
        self.hop = first.hop
        self.settings = delivery.environment.settings()
        // To hosts that DNS leads to nobody has a login.
        self.login = first.hop.isRouted ? self.settings.logins[first.hop] : nil
        self.state = Mutex(State(pending: first, isRelaxed: isRelaxed))
    }

    func run() {
        if let login = self.login, login.password == nil {
            self.note(DeliveryFailure(self.fault(login.route, login.user, .noPassword)))
            return self.giveUp()
        }
        guard self.settings.sendsAnywhere else { return self.stayHere() }
        guard let finder = self.delivery.environment.policies, self.settings.usesTLS, self.settings.usesSTS, let domain = self.domain else {
            return self.findHosts()
        }
        finder.policy(of: domain) { finding in
            self.state.withLock { $0.policy = finding.policy }
            if let trouble = finding.trouble { self.count("sts", trouble) }
            self.findHosts()
        }
    }

    /// This computer only: no DNS, no policy of the domain, nothing that anybody elsewhere could see.
    private func stayHere() {
        let hosts = self.delivery.environment.finder.hostsHere(of: self.hop)
        self.state.withLock { $0.hosts = hosts }
        if hosts.isEmpty { self.note(DeliveryFailure(RemoteSettings.staysHere, remoteHost: self.domain)) }
        self.tryNextHost()
    }

    private func findHosts() {
        self.delivery.environment.finder.hosts(of: self.hop) { result in
            switch result {
            case .success(let hosts):
                self.state.withLock { $0.hosts = hosts }
                self.tryNextHost()
            case .failure(let cause):
                self.note(DeliveryFailure(cause))
                self.giveUp()
            }
        }
    }

    // MARK: Hosts and addresses

    private func tryNextHost() {
        let host: MailHost? = self.state.withLock { state in
            state.host = state.hosts.isEmpty ? nil : state.hosts.removeFirst()
            return state.host
        }
        guard let host, !self.delivery.isStopped else { return self.giveUp() }
        if host.socket != nil { return self.begin(host, HostAddresses(addresses: []), HostSecurity(serverName: "")) }
        self.delivery.environment.finder.addresses(of: host) { result in
            switch result {
            case .success(let found): self.secure(host, found)
            case .failure(.mxLoop):
                // Hosts behind ourselves are no nearer than we are. [RFC5321-5.1]
                self.state.withLock { $0.hosts = [] }
                self.note(DeliveryFailure(.mxLoop, remoteHost: host.name))
                self.tryNextHost()
            case .failure(let cause):
                self.note(DeliveryFailure(cause, remoteHost: host.name))
                self.tryNextHost()
            }
        }
    }

    /// Finds out what the host must prove, before anything is said to it.
    private func secure(_ host: MailHost, _ found: HostAddresses) {
        // What the message can do without, a password cannot.
        let isRelaxed = self.state.withLock { $0.isRelaxed } && (self.login.map { $0.security == .clear } ?? true)
        guard self.settings.usesTLS, !isRelaxed else { return self.begin(host, found, HostSecurity(serverName: host.name)) }
        guard self.settings.usesDANE, self.settings.sendsAnywhere else { return self.secureWithoutDANE(host, found) }
        self.delivery.environment.finder.associations(of: host, found) { finding in
            switch finding {
            case .none: self.secureWithoutDANE(host, found)
            case .records(let records, let base):
                // Of an authority of theirs: the name that was looked up, or the domain that the mail is for. [RFC7672-3.2.2]
                let names = [base, host.name, self.domain].compactMap { $0 }
                self.begin(host, found, HostSecurity(.dane(records), serverName: base, names: names))
            // A password needs more than encryption.
            case .unusable where self.login?.security == .verified: self.secureWithoutDANE(host, found)
            case .unusable(let base):
                self.begin(host, found, HostSecurity(.encrypted(.unusableRecords), serverName: base))
            case .unknown(let base):
                let why = "DANE: the TLSA records of \(base) cannot be had or validated"
                self.count("tlsa", "dnssec-invalid", host.name)
                self.note(DeliveryFailure(.tlsRequired(why), remoteHost: host.name))
                self.tryNextHost()
            }
        }
    }

    /// DANE says nothing of the host: the domain's policy does, or what is remembered of it.
    private func secureWithoutDANE(_ host: MailHost, _ found: HostAddresses) {
        var security = HostSecurity(serverName: host.name, names: [host.name])
        if let login = self.login, login.security != .clear {
            // Names that DNS made up prove nothing; the route's own does.
            let names = [self.hop.place?.host, host.isSecure ? host.name : nil].compactMap { $0 }
            security = HostSecurity(.login(isVerified: login.security == .verified), serverName: host.name, names: names)
            return self.begin(host, found, security)
        }
        let policy = self.state.withLock { $0.policy }
        if let policy, policy.mode != .none {
            let isEnforced = policy.mode == .enforce
            if !policy.allows(host.name) {
                self.count("sts", "validation-failure", host.name, reason: "the MX is not in the policy")
                if isEnforced {
                    // A host that the domain does not name might be anybody's. [RFC8461-5]
                    self.note(DeliveryFailure(.tlsRequired("MTA-STS: the policy does not name this host"), remoteHost: host.name))
                    return self.tryNextHost()
                }
            }
            security.level = .authority(isEnforced: isEnforced)
        } else if self.expectsTLS {
            security.level = .encrypted(.memory)
        }
        self.begin(host, found, security)
    }

    private var expectsTLS: Bool {
        let environment = self.delivery.environment
        let patience = self.settings.downgradePatience
        return patience > 0 && environment.transport?.expectsTLS(self.name, patience: patience, now: environment.now()) == true
    }

    /// The name whose MX led to the host.
    var domain: String? {
        switch self.hop {
        case .domain(let name, _), .host(let name, _): name
        case .exactly, .address, .hold, .lmtp: nil
        }
    }

    private func begin(_ host: MailHost, _ found: HostAddresses, _ security: HostSecurity) {
        self.state.withLock { state in
            state.addresses = found.addresses
            state.address = nil
            state.security = security
        }
        if host.socket != nil { self.connect(host, nil, inClear: true) } else { self.tryNextAddress() }
    }

    private func tryNextAddress() {
        let target: (MailHost, IPAddress)? = self.state.withLock { state in
            guard let host = state.host, !state.addresses.isEmpty else { return nil }
            let address = state.addresses.removeFirst()
            state.address = address
            return (host, address)
        }
        guard let (host, address) = target else { return self.tryNextHost() }
        self.connect(host, address, inClear: !self.settings.usesTLS)
    }

    /// - Parameter address: nil for a socket on this computer.
    private func connect(_ host: MailHost, _ address: IPAddress?, inClear: Bool) {
        let security = self.state.withLock { $0.security }
        let wantsProof = self.state.withLock { $0.pending?.entries.first?.envelope.requiresTLS ?? false }
        let check = inClear ? nil : security.check(self.delivery.authorities, wantsProof: wantsProof)
        let hasTrustedName = security.hasTrustedName || host.isSecure
        var target = Connector.Target(
            address, port: host.port, serverName: security.serverName, tls: self.delivery.tls,
            connectTimeout: .seconds(self.settings.connectTimeout))
        target.socket = host.socket
        target.source = address.flatMap { self.settings.sources.source(of: self.hop, to: $0) }
        target.check = check
        target.isTLSFromStart = self.isTLSFromStart
        let use = inClear ? .never : security.use
        var client = SMTPClientSettings(helloName: self.settings.helloName, tls: use, timeouts: self.settings.timeouts)
        client.usesChunking = self.settings.usesChunking
        client.crashGuard = self.delivery.environment.crashGuard
        if case .lmtp = self.hop { client.isLMTP = true }
        if let login = self.login, let password = login.password {
            client.credentials = .init(login: login.user, password: password, inClear: login.security == .clear)
        }
        let session = client
        self.delivery.environment.connector.connect(
            target,
            { () -> (machine: SMTPClient, backend: any SessionBackend<SMTPClient>) in
                (SMTPClient(session), CourierSession(self, host: host.name, address: address, check, hasTrustedName: hasTrustedName))
            },
            failed: { words in
                self.note(DeliveryFailure(.unreachable(words), remoteHost: host.name, remoteAddress: address))
                self.tryNextAddress()
            })
    }

    private var isTLSFromStart: Bool { self.hop.isRouted && self.hop.place?.port == self.settings.tlsFromStart && self.settings.usesTLS }

    // MARK: For the memory

    var security: HostSecurity { self.state.withLock { $0.security } }

    /// The policy in force, its lines divided by LF. [RFC8460-4.4]
    func policyText(_ type: String) -> String {
        self.state.withLock { state in
            switch type {
            case "sts": state.policy?.lines.joined(separator: "\n") ?? ""
            case "tlsa": state.security.recordLines.joined(separator: "\n")
            default: ""
            }
        }
    }

    // MARK: What sessions say

    /// The first message for a session that is ready; nil when there is nothing left. Blocks.
    func next() -> Transaction? {
        let environment = self.delivery.environment
        let (pending, isFirst) = self.state.withLock { state in
            defer { (state.pending, state.hasServed) = (nil, true) }
            return (state.pending, !state.hasServed)
        }
        if isFirst { environment.queue.book { $0.beganServing(self.name) } }
        if let pending { return pending }
        guard !self.state.withLock({ $0.isRelaxed }) else { return nil }
        guard !self.delivery.isStopped, !environment.queue.book({ $0.shouldYield(self.name) }) else { return nil }
        return self.delivery.nextTransaction(self.name)
    }

    /// The session ended without looking at this message. False when that happened too often.
    func takeBack(_ transaction: Transaction) -> Bool {
        self.state.withLock { state in
            state.untouched += 1
            guard state.untouched <= Self.mostUntouched else { return false }
            state.pending = transaction
            // The same hosts again, from the one that served.
            if let host = state.host { state.hosts.insert(host, at: 0) }
            state.addresses = []
            return true
        }
    }

    /// The session could not get as far as a message.
    func sessionFailed(_ cause: DeliveryFailure.Cause, note: String, host: String, address: IPAddress?, _ check: PeerCheck?) {
        var failure = DeliveryFailure(cause, remoteHost: host, remoteAddress: address)
        if case .tlsRequired(let why) = cause {
            failure.cause = self.unsafe(check?.verdict?.words ?? why)
            let isTLSFromStart = self.isTLSFromStart
            let mayGoInClear = self.state.withLock { state in
                state.mustRetryInClear = state.security.mayGoInClear && !isTLSFromStart
                return state.mustRetryInClear
            }
            // TLS was only offered, not asked for: the next best is what there was before TLS. [RFC7435-3]
            if !mayGoInClear { self.note(failure) }
            self.noteTLSFailure(host, address, note, check)
        } else {
            if case .loginFailed(let reply) = cause { failure.cause = self.judgedLogin(reply) }
            self.note(failure)
        }
        self.delivery.record(
            "session-failed", nil,
            [("host", host), ("address", address.map { "\($0)" } ?? ""), ("reason", failure.words.text(.english)), ("note", note)])
    }

    // MARK: Logins of routes

    /// A fault of set-up, remembered for `status`.
    private func fault(_ route: String, _ user: String, _ reason: RouteLoginFault.Reason) -> DeliveryFailure.Cause {
        let fault = RouteLoginFault(route: route, user: user, reason: reason)
        self.delivery.troubles.note(self.name, fault, now: self.delivery.environment.now())
        return .routeLogin(fault)
    }

    private func judgedLogin(_ reply: Reply?) -> DeliveryFailure.Cause {
        guard let login = self.login else { return .loginFailed(reply) }
        guard let reply else { return self.fault(login.route, login.user, .noMechanism) }
        // For now only: nobody has to do anything. [RFC4954-6]
        return reply.isPermanent ? self.fault(login.route, login.user, .refused(reply)) : .loginFailed(reply)
    }

    /// TLS did not come about as it must.
    private func unsafe(_ why: String) -> DeliveryFailure.Cause {
        guard let login = self.login, login.security != .clear else { return .tlsRequired(why) }
        return self.fault(login.route, login.user, .notSafe(why))
    }

    /// A route that refuses mail for want of a login refuses the set-up, not the message: nothing goes back for that. [RFC4954-6]
    func judged(_ result: SMTPClientReport.Result) -> SMTPClientReport.Result {
        guard case .failed(.reply(let reply, .mail)) = result, reply.code == 530, self.login == nil, self.hop.isRouted,
            let place = self.hop.place
        else { return result }
        return .failed(self.fault("\(place)", "", .wanted(reply)))
    }

    /// The session is over, whatever it did.
    func sessionEnded() {
        enum Next { case clear(MailHost, IPAddress), address, done }
        let next: Next = self.state.withLock { state in
            let mustRetryInClear = state.mustRetryInClear
            state.mustRetryInClear = false
            guard state.pending != nil else { return .done }
            if state.host?.socket != nil { return .address }
            if mustRetryInClear, let host = state.host, let address = state.address { return .clear(host, address) }
            return .address
        }
        switch next {
        case .clear(let host, let address): self.connect(host, address, inClear: true)
        case .address: self.tryNextAddress()
        case .done: self.delivery.ended(self.name, .done, wasServing: self.state.withLock { $0.hasServed })
        }
    }

    // MARK: Ends

    /// Of several failures the hopeful one counts: where one host may take the message later, it is not lost.
    private func note(_ failure: DeliveryFailure) {
        self.state.withLock { state in
            if case .tlsRequired = failure.cause { state.missedTLS = true }
            if let known = state.failure, !known.isPermanent, failure.isPermanent { return }
            state.failure = failure
        }
    }

    /// Policies were followed, without success; the message asks for delivery all the same. [RFC8689-4.2.2]
    private func relax() -> Bool {
        guard !self.delivery.isStopped, self.settings.sendsAnywhere else { return false }
        let isNow = self.state.withLock { state in
            guard state.missedTLS, !state.isRelaxed, state.pending?.entries.first?.envelope.isTLSOptional == true else { return false }
            (state.isRelaxed, state.failure, state.untouched) = (true, nil, 0)
            return true
        }
        guard isNow else { return false }
        self.delivery.recordTLSNotRequired(self.name)
        return true
    }

    /// No host is left to try.
    private func giveUp() {
        if self.relax() { return self.findHosts() }
        let (pending, failure, hasServed) = self.state.withLock { state in
            defer { state.pending = nil }
            return (state.pending, state.failure ?? DeliveryFailure(.unreachable("no host")), state.hasServed)
        }
        let name = self.name
        guard let pending else { return self.delivery.ended(name, .broken, wasServing: hasServed) }
        // It works for others, or did for us: the next hop is not dead, only busy.
        let isAlive = hasServed || self.delivery.environment.queue.book { $0[name]?.serving ?? 0 } > 0
        if isAlive || self.delivery.isStopped {
            self.delivery.environment.queue.giveBack(pending.entries)
            return self.delivery.ended(name, .broken, wasServing: hasServed)
        }
        self.delivery.failAll(name, pending, failure)
    }
}
