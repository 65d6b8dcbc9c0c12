internal import NIOCore
internal import NetKit
internal import Policy
internal import Routing
internal import SMTPWire
internal import Synchronization
internal import Vocabulary

/// One connection to a next hop that asks for recipients: finds a host that answers, asks as long as there are questions, and leaves.
final class RecipientQuestion: Sendable {
    private let asker: RecipientAsker
    private let delivery: RemoteDelivery
    private let hop: NextHop
    private let settings: RemoteSettings
    private let state = Mutex<(hosts: [MailHost], addresses: [IPAddress], tries: Int, hasEnded: Bool)>(([], [], 0, false))

    /// Addresses that are tried.
    private static let mostTries = 3
    /// Seconds for a connection, and for a reply.
    private static let patience: Int64 = 5

    init(_ asker: RecipientAsker, _ delivery: RemoteDelivery, _ hop: NextHop, _ settings: RemoteSettings) {
        self.asker = asker
        self.delivery = delivery
        self.hop = hop
        self.settings = settings
    }

    func run() {
        guard self.settings.sendsAnywhere else {
            self.state.withLock { $0.hosts = self.delivery.environment.finder.hostsHere(of: self.hop) }
            return self.tryNextHost()
        }
        self.delivery.environment.finder.hosts(of: self.hop) { result in
            guard case .success(let hosts) = result else { return self.end("the next host cannot be found") }
            self.state.withLock { $0.hosts = hosts }
            self.tryNextHost()
        }
    }

    private func tryNextHost() {
        let host: MailHost? = self.state.withLock { $0.hosts.isEmpty ? nil : $0.hosts.removeFirst() }
        guard let host, !self.delivery.isStopped else { return self.end("the next host takes no connection") }
        if host.socket != nil { return self.connect(host, nil) }
        self.delivery.environment.finder.addresses(of: host) { result in
            // Ourselves, or nothing: the next one may be somebody.
            guard case .success(let found) = result else { return self.tryNextHost() }
            self.state.withLock { $0.addresses = found.addresses }
            self.tryNextAddress(host)
        }
    }

    private func tryNextAddress(_ host: MailHost) {
        let address: IPAddress? = self.state.withLock { state in
            guard !state.addresses.isEmpty, state.tries < Self.mostTries else { return nil }
            state.tries += 1
            return state.addresses.removeFirst()
        }
        guard let address else { return self.tryNextHost() }
        self.connect(host, address)
    }

    private func connect(_ host: MailHost, _ address: IPAddress?) {
        var target = Connector.Target(
            address, port: host.port, serverName: host.name, tls: self.delivery.tls,
            connectTimeout: .seconds(min(Self.patience, self.settings.connectTimeout)))
        target.socket = host.socket
        target.source = address.flatMap { self.settings.sources.source(of: self.hop, to: $0) }
        var timeouts = SMTPClientSettings.Timeouts()
        (timeouts.greeting, timeouts.command, timeouts.quit) = (.seconds(Self.patience), .seconds(Self.patience), .seconds(2))
        var client = SMTPClientSettings(helloName: self.settings.helloName, tls: .never, timeouts: timeouts)
        if case .lmtp = self.hop { client.isLMTP = true }
        let settings = client
        self.delivery.environment.connector.connect(
            target,
            { () -> (machine: SMTPClient, backend: any SessionBackend<SMTPClient>) in
                (SMTPClient(settings), QuestionSession(self))
            },
            failed: { _ in if address == nil { self.tryNextHost() } else { self.tryNextAddress(host) } })
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

    /// Once, whatever else is said.
    func end(_ failure: String?) {
        let isFirst = self.state.withLock { state in
            defer { state.hasEnded = true }
            return !state.hasEnded
        }
        if isFirst { self.asker.ended(self.hop, failure: failure) }
    }
}

/// The session of a question. Used on its event loop; it blocks nowhere, since all that it asks for is in memory.
private final class QuestionSession: SessionBackend {
    typealias Machine = SMTPClient

    private let question: RecipientQuestion
    private var asked: [Address] = []
    private var failure: String?

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
            self.failure = DeliveryFailure(cause).words.english
            answer(.quit)
        }
    }

    private func askNext(_ answer: SessionAnswer<SMTPClientOutcome>) {
        guard let next = self.question.next() else { return answer(.quit) }
        self.asked = next
        answer(.send(.question(next)))
    }

    func ended() { self.question.end(self.failure) }
}
