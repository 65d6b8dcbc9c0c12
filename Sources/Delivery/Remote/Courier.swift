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
        /// What is to be sent first; nil once a session has it.
        var pending: Transaction?
        var failure: DeliveryFailure?
        /// Sessions that ended before they looked at the message.
        var untouched = 0
        /// A session stood and took messages.
        var hasServed = false
        /// What the session that just ended asks for.
        var mustRetryInClear = false
    }

    let delivery: RemoteDelivery
    let name: String
    let settings: RemoteSettings
    private let hop: NextHop
    private let state: Mutex<State>
    /// Sessions that may end untouched before that counts as a failure.
    private static let mostUntouched = 3

    init(_ delivery: RemoteDelivery, _ name: String, _ first: Transaction) {
        self.delivery = delivery
        self.name = name
        self.hop = first.hop
        self.settings = delivery.environment.settings()
        self.state = Mutex(State(pending: first))
    }

    func run() {
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
        self.delivery.environment.finder.addresses(of: host) { result in
            switch result {
            case .success(let addresses):
                self.state.withLock { $0.addresses = addresses }
                self.tryNextAddress()
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

    private func tryNextAddress() {
        let target: (MailHost, IPAddress)? = self.state.withLock { state in
            guard let host = state.host, !state.addresses.isEmpty else { return nil }
            let address = state.addresses.removeFirst()
            state.address = address
            return (host, address)
        }
        guard let (host, address) = target else { return self.tryNextHost() }
        self.connect(host, address, tls: self.settings.usesTLS ? .opportunistic : .never)
    }

    private func connect(_ host: MailHost, _ address: IPAddress, tls: SMTPClientSettings.TLSUse) {
        var target = Connector.Target(
            address, port: host.port, serverName: host.name, tls: self.delivery.tls,
            connectTimeout: .seconds(self.settings.connectTimeout))
        target.source = address.isIPv6 ? self.settings.sourceIPv6 : self.settings.sourceIPv4
        var client = SMTPClientSettings(helloName: self.settings.helloName, tls: tls, timeouts: self.settings.timeouts)
        client.usesChunking = self.settings.usesChunking
        let session = client
        self.delivery.environment.connector.connect(
            target,
            { () -> (machine: SMTPClient, backend: any SessionBackend<SMTPClient>) in
                (SMTPClient(session), CourierSession(self, host: host.name, address: address))
            },
            failed: { words in
                self.note(DeliveryFailure(.unreachable(words), remoteHost: host.name, remoteAddress: address))
                self.tryNextAddress()
            })
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
    func sessionFailed(_ cause: DeliveryFailure.Cause, note: String, host: String, address: IPAddress) {
        let failure = DeliveryFailure(cause, remoteHost: host, remoteAddress: address)
        if case .tlsRequired = cause {
            // TLS was only offered, not asked for: the next best is what there was before TLS. [RFC7435-3]
            self.state.withLock { $0.mustRetryInClear = true }
        } else {
            self.note(failure)
        }
        self.delivery.record(
            "session-failed", nil, [("host", host), ("address", "\(address)"), ("reason", failure.words.text(.english)), ("note", note)])
    }

    /// The session is over, whatever it did.
    func sessionEnded() {
        enum Next { case clear(MailHost, IPAddress), address, done }
        let next: Next = self.state.withLock { state in
            let mustRetryInClear = state.mustRetryInClear
            state.mustRetryInClear = false
            guard state.pending != nil else { return .done }
            if mustRetryInClear, let host = state.host, let address = state.address { return .clear(host, address) }
            return .address
        }
        switch next {
        case .clear(let host, let address): self.connect(host, address, tls: .never)
        case .address: self.tryNextAddress()
        case .done: self.delivery.ended(self.name, .done, wasServing: self.state.withLock { $0.hasServed })
        }
    }

    // MARK: Ends

    /// Of several failures the hopeful one counts: where one host may take the message later, it is not lost.
    private func note(_ failure: DeliveryFailure) {
        self.state.withLock { state in
            if let known = state.failure, !known.isPermanent, failure.isPermanent { return }
            state.failure = failure
        }
    }

    /// No host is left to try.
    private func giveUp() {
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
