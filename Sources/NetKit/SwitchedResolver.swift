internal import NIOCore
internal import Routing
internal import Synchronization
internal import Vocabulary

/// Stands for whatever resolver is in use, behind the hosts file. While there is none yet, questions wait for one, each until its deadline.
final class SwitchedResolver: Resolver {
    private struct Held {
        var id: UInt64
        var name: String
        var type: DNSType
        var until: NIODeadline
        var completion: @Sendable (Result<DNSAnswer, DNSFailure>) -> Void
        var query: HeldQuery
    }
    private struct State {
        var hosts = HostsFile()
        /// Names of its addresses, by the name that is asked for.
        var reverse: [String: [String]] = [:]
        var target: (any Resolver)?
        var isOpen = true
        /// No name server answers.
        var isSilent = false
        var held: [Held] = []
        var next: UInt64 = 0
    }
    private let state = Mutex(State())
    /// Questions that may wait for the first resolver.
    private static let mostHeld = 10_000
    /// Seconds for which an answer of the hosts file may be kept.
    private static let lifetime = 5

    func use(_ hosts: HostsFile) {
        let reverse = Dictionary(hosts.allAddresses.map { ($0.reverseName, hosts.names(of: $0)) }, uniquingKeysWith: { first, _ in first })
        self.state.withLock { ($0.hosts, $0.reverse) = (hosts, reverse) }
    }

    /// Addresses of a name that the hosts file has; asks nobody.
    func known(_ name: String) -> [IPAddress] {
        self.state.withLock { state in
            state.hosts.addresses(of: name, isIPv6: true) + state.hosts.addresses(of: name, isIPv6: false)
        }
    }

    /// No name server answers: what the hosts file has is not asked for.
    func setSilent(_ isSilent: Bool) { self.state.withLock { $0.isSilent = isSilent } }

    /// nil ends everything.
    func use(_ target: (any Resolver)?) {
        let held = self.state.withLock { state in
            state.target = target
            state.isOpen = target != nil
            defer { state.held = [] }
            return state.held.map { ($0, Self.fromHosts($0.name, $0.type, state)) }
        }
        for (question, known) in held {
            if target != nil, let known {
                question.completion(known)
                continue
            }
            guard let target else {
                question.completion(.failure(.cancelled))
                continue
            }
            let left = question.until - .now()
            question.query.set(
                self.ask(target, question.name, question.type, within: left > .zero ? left : .nanoseconds(1), question.completion))
        }
    }

    func ask(
        _ name: String, _ type: DNSType, within deadline: TimeAmount,
        _ completion: @escaping @Sendable (Result<DNSAnswer, DNSFailure>) -> Void
    ) -> DNSQuery {
        enum Step { case known(Result<DNSAnswer, DNSFailure>), ask(any Resolver), held(DNSQuery) }
        let step: Step = self.state.withLock { state in
            if let known = Self.fromHosts(name, type, state) { return .known(known) }
            if let target = state.target { return .ask(target) }
            guard state.isOpen, state.held.count < Self.mostHeld else { return .known(.failure(.temporary)) }
            state.next &+= 1
            let (id, query) = (state.next, HeldQuery())
            state.held.append(
                Held(id: id, name: name, type: type, until: .now() + deadline, completion: completion, query: query))
            return .held(DNSQuery { self.cancel(id, query) })
        }
        switch step {
        case .known(let result):
            completion(result)
            return DNSQuery {}
        case .ask(let target): return self.ask(target, name, type, within: deadline, completion)
        case .held(let query): return query
        }
    }

    private func ask(
        _ target: any Resolver, _ name: String, _ type: DNSType, within deadline: TimeAmount,
        _ completion: @escaping @Sendable (Result<DNSAnswer, DNSFailure>) -> Void
    ) -> DNSQuery { target.ask(name, type, within: deadline, completion) }

    private func cancel(_ id: UInt64, _ query: HeldQuery) {
        let held = self.state.withLock { state in
            state.held.firstIndex { $0.id == id }.map { state.held.remove(at: $0) }
        }
        if let held { held.completion(.failure(.cancelled)) } else { query.cancel() }
    }

    /// The host or domain that a name such as `_25._tcp.host.test` or `_mta-sts.domain.test` says something of.
    private static func owner(_ name: String) -> String {
        var rest = name[...]
        while rest.hasPrefix("_"), let dot = rest.firstIndex(of: ".") { rest = rest[rest.index(after: dot)...] }
        return String(rest)
    }

    /// nil for what only DNS knows.
    private static func fromHosts(_ name: String, _ type: DNSType, _ state: State) -> Result<DNSAnswer, DNSFailure>? {
        switch type {
        case .a, .aaaa:
            guard state.hosts.has(name) else { return nil }
            let found = state.hosts.addresses(of: name, isIPv6: type == .aaaa)
            // Who is written down is asked nowhere else, whatever family is missing.
            return found.isEmpty ? .failure(.noRecords) : .success(DNSAnswer(records: .addresses(found), lifetime: Self.lifetime))
        case .ptr:
            return state.reverse[name].map { .success(DNSAnswer(records: .names($0), lifetime: Self.lifetime)) }
        case .mx, .txt, .tlsa, .cname, .dnskey:
            // DNS may know more of the name; where there is none, nobody is made to wait.
            return state.isSilent && state.hosts.has(Self.owner(name)) ? .failure(.noRecords) : nil
        }
    }
}

/// A question that waited, and is cancelled wherever it is by then.
private final class HeldQuery: Sendable {
    private let state = Mutex<(query: DNSQuery?, isCancelled: Bool)>((nil, false))

    func set(_ query: DNSQuery) {
        let isCancelled = self.state.withLock { state in
            state.query = query
            return state.isCancelled
        }
        if isCancelled { query.cancel() }
    }

    func cancel() {
        let query = self.state.withLock { state in
            state.isCancelled = true
            return state.query
        }
        query?.cancel()
    }
}
