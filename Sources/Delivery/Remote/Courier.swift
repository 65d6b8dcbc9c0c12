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
    struct State {
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
        /// Of messages with REQUIRETLS.
        var search = RequireTLSSearch()
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
    let hop: NextHop
    var finder: SecurityFinder {
        SecurityFinder(self.delivery.environment, self.settings, self.hop) {
            self.count($0.policyType, $0.result, $0.host, reason: $0.reason)
        }
    }
    /// What the route asks for before it takes mail.
    var login: RouteLogin? { self.finder.login }
    /// The name whose MX led to the host.
    var domain: String? { self.finder.domain }
    let state: Mutex<State>
    /// Sessions that may end untouched before that counts as a failure.
    static let mostUntouched = 3

    /// - Parameter isRelaxed: `first` asks for delivery whether TLS can be had or not, and it was found that it cannot.
    init(_ delivery: RemoteDelivery, _ name: String, _ first: Transaction, isRelaxed: Bool = false) {
        self.delivery = delivery
        self.name = name
        self.hop = first.hop
        self.settings = delivery.environment.settings()
        self.state = Mutex(State(pending: first, isRelaxed: isRelaxed))
    }

    func run() {
        if let login = self.login, login.password == nil {
            self.note(DeliveryFailure(self.fault(login.route, login.user, .noPassword)))
            return self.giveUp()
        }
        guard self.settings.sendsAnywhere else { return self.stayHere() }
        self.finder.policy { policy in
            self.state.withLock { $0.policy = policy }
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

    func findHosts() {
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

    func tryNextHost() {
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
        let (isRelaxed, policy) = self.state.withLock { ($0.isRelaxed, $0.policy) }
        self.finder.security(of: host, found, policy, isRelaxed: isRelaxed) { finding in
            switch finding {
            case .talk(let security): self.begin(host, found, security)
            case .leave(let cause, let strict):
                self.note(DeliveryFailure(cause, remoteHost: host.name), withRequireTLS: strict)
                self.tryNextHost()
            }
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

    func tryNextAddress() {
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
    func connect(_ host: MailHost, _ address: IPAddress?, inClear: Bool) {
        let security = self.state.withLock { $0.security }
        let wantsProof = self.state.withLock { $0.pending?.demandsTLS ?? false }
        let check = inClear ? nil : security.check(self.delivery.authorities, wantsProof: wantsProof)
        let hasTrustedName = security.hasTrustedName || host.isSecure
        var target = Connector.Target(
            address, port: host.port, serverName: security.serverName, tls: self.delivery.tls,
            connectTimeout: .seconds(self.settings.connectTimeout))
        target.socket = host.socket
        target.source = address.flatMap { self.settings.sources.source(of: self.hop, to: $0) }
        target.check = check
        target.isTLSFromStart = self.finder.isTLSFromStart
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
                let backend = CourierSession(
                    self, host: host.name, address: address, check, hasTrustedName: hasTrustedName, wantedProof: wantsProof)
                return (SMTPClient(session), backend)
            },
            failed: { words in
                self.note(DeliveryFailure(.unreachable(words), remoteHost: host.name, remoteAddress: address))
                self.tryNextAddress()
            })
    }

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
}
