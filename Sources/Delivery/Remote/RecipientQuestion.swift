internal import NIOCore
internal import NetKit
internal import Policy
internal import Routing
internal import SMTPWire
internal import Synchronization
internal import Vocabulary

/// One connection to a next hop that asks for recipients: finds a host that answers, asks as long as there are questions, and leaves. Names of
/// recipients go over no connection that their mail would not go over.
final class RecipientQuestion: Sendable {
    private struct State {
        var hosts: [MailHost] = []
        var addresses: [IPAddress] = []
        var host: MailHost?
        var address: IPAddress?
        var security = HostSecurity(serverName: "")
        var policy: STSPolicy?
        var tries = 0
        /// Why the hosts before could not be asked.
        var failure: String?
        var hasEnded = false
    }

    private let asker: RecipientAsker
    private let delivery: RemoteDelivery
    private let hop: NextHop
    private let settings: RemoteSettings
    private let finder: SecurityFinder
    private let state = Mutex(State())

    /// Addresses that are tried.
    private static let mostTries = 3
    /// Seconds for a connection, and for a reply.
    private static let patience: Int64 = 5

    init(_ asker: RecipientAsker, _ delivery: RemoteDelivery, _ hop: NextHop, _ settings: RemoteSettings) {
        self.asker = asker
        self.delivery = delivery
        self.hop = hop
        self.settings = settings
        self.finder = SecurityFinder(delivery.environment, settings, hop)
    }

    func run() {
        guard self.settings.sendsAnywhere else {
            self.state.withLock { $0.hosts = self.delivery.environment.finder.hostsHere(of: self.hop) }
            return self.tryNextHost()
        }
        self.finder.policy { policy in
            self.state.withLock { $0.policy = policy }
            self.delivery.environment.finder.hosts(of: self.hop) { result in
                guard case .success(let hosts) = result else { return self.end("the next host cannot be found") }
                self.state.withLock { $0.hosts = hosts }
                self.tryNextHost()
            }
        }
    }

    // MARK: Hosts and addresses

    private func tryNextHost() {
        let (host, policy) = self.state.withLock { state in
            state.host = state.hosts.isEmpty ? nil : state.hosts.removeFirst()
            return (state.host, state.policy)
        }
        guard let host, !self.delivery.isStopped else {
            return self.end(self.state.withLock { $0.failure } ?? "the next host takes no connection")
        }
        if host.socket != nil { return self.connect(host, nil, HostSecurity(serverName: ""), inClear: true) }
        self.delivery.environment.finder.addresses(of: host) { result in
            // Ourselves, or nothing: the next one may be somebody.
            guard case .success(let found) = result else { return self.tryNextHost() }
            self.finder.security(of: host, found, policy, isRelaxed: false) { finding in
                switch finding {
                case .talk(let security):
                    self.state.withLock { ($0.addresses, $0.security) = (found.addresses, security) }
                    self.tryNextAddress()
                case .leave(let cause, _):
                    self.state.withLock { $0.failure = DeliveryFailure(cause).words.english }
                    self.tryNextHost()
                }
            }
        }
    }

    private func tryNextAddress() {
        let target: (MailHost, IPAddress, HostSecurity)? = self.state.withLock { state in
            guard let host = state.host, !state.addresses.isEmpty, state.tries < Self.mostTries else { return nil }
            state.tries += 1
            let address = state.addresses.removeFirst()
            state.address = address
            return (host, address, state.security)
        }
        guard let (host, address, security) = target else { return self.tryNextHost() }
        self.connect(host, address, security, inClear: !self.settings.usesTLS)
    }

    /// - Parameter address: nil for a socket on this computer.
    private func connect(_ host: MailHost, _ address: IPAddress?, _ security: HostSecurity, inClear: Bool) {
        var target = Connector.Target(
            address, port: host.port, serverName: security.serverName, tls: self.delivery.tls,
            connectTimeout: .seconds(min(Self.patience, self.settings.connectTimeout)))
        target.socket = host.socket
        target.source = address.flatMap { self.settings.sources.source(of: self.hop, to: $0) }
        target.check = inClear ? nil : security.check(self.delivery.authorities, wantsProof: false)
        target.isTLSFromStart = self.finder.isTLSFromStart
        let settings = self.client(security, inClear: inClear)
        self.delivery.environment.connector.connect(
            target,
            { () -> (machine: SMTPClient, backend: any SessionBackend<SMTPClient>) in
                (SMTPClient(settings), QuestionSession(self))
            },
            failed: { _ in if address == nil { self.tryNextHost() } else { self.tryNextAddress() } })
    }

    private func client(_ security: HostSecurity, inClear: Bool) -> SMTPClientSettings {
        var timeouts = SMTPClientSettings.Timeouts()
        (timeouts.greeting, timeouts.command, timeouts.quit) = (.seconds(Self.patience), .seconds(Self.patience), .seconds(2))
        var client = SMTPClientSettings(helloName: self.settings.helloName, tls: inClear ? .never : security.use, timeouts: timeouts)
        if case .lmtp = self.hop { client.isLMTP = true }
        if let login = self.finder.login, let password = login.password {
            client.credentials = .init(login: login.user, password: password, inClear: login.security == .clear)
        }
        return client
    }

    // MARK: What the session says

    func next() -> [Address]? { self.asker.next(self.hop) }

    func answered(_ asked: [Address], _ report: SMTPClientReport) {
        self.asker.answered(self.hop, zip(asked, report.results).map { ($0, Self.answer($1)) })
    }

    private static func answer(_ result: SMTPClientReport.Result) -> RecipientAnswer {
        switch result {
        case .delivered: .taken
        // Bad sequence and the like is about us, not about the recipient.
        case .failed(.reply(let reply, .rcpt)) where reply.isPermanent && reply.code != 503 && reply.status?.subject != 5: .refused(reply)
        case .failed(let cause): .unknown(DeliveryFailure(cause).words.english)
        }
    }

    /// The session is over. Where TLS was only offered, and did not come about, the next best is what there was before TLS. [RFC7435-3]
    func sessionEnded(_ cause: DeliveryFailure.Cause?) {
        guard case .tlsRequired? = cause else {
            let isLogin = if case .loginFailed? = cause { true } else { false }
            return self.end(cause.map { DeliveryFailure($0).words.english }, isLogin: isLogin)
        }
        let again: (MailHost, IPAddress, HostSecurity)? = self.state.withLock { state in
            state.failure = cause.map { DeliveryFailure($0).words.english }
            guard state.security.mayGoInClear, !self.finder.isTLSFromStart, let host = state.host, let address = state.address else {
                return nil
            }
            return (host, address, state.security)
        }
        if let (host, address, security) = again { self.connect(host, address, security, inClear: true) } else { self.tryNextAddress() }
    }

    /// Once, whatever else is said.
    private func end(_ failure: String?, isLogin: Bool = false) {
        let isFirst = self.state.withLock { state in
            defer { state.hasEnded = true }
            return !state.hasEnded
        }
        if isFirst { self.asker.ended(self.hop, failure: failure, isLogin: isLogin) }
    }
}

/// The session of a question. Used on its event loop; it blocks nowhere, since all that it asks for is in memory.
private final class QuestionSession: SessionBackend {
    typealias Machine = SMTPClient

    private let question: RecipientQuestion
    private var asked: [Address] = []
    private var failure: DeliveryFailure.Cause?

    init(_ question: RecipientQuestion) { self.question = question }

    func perform(_ call: SMTPClientCall, _ answer: SessionAnswer<SMTPClientOutcome>) {
        switch call {
        case .ready: self.askNext(answer)
        case .read: answer(.bodyFailed)
        case .finished(let report, let canGoOn):
            self.question.answered(self.asked, report)
            self.asked = []
            if canGoOn { self.askNext(answer) } else { answer(.quit) }
        case .failed(let cause, _):
            self.failure = cause
            answer(.quit)
        }
    }

    private func askNext(_ answer: SessionAnswer<SMTPClientOutcome>) {
        guard let next = self.question.next() else { return answer(.quit) }
        self.asked = next
        answer(.send(.question(next)))
    }

    func ended() { self.question.sessionEnded(self.failure) }
}
