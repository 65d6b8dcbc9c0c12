internal import NIOCore
package import NetKit
package import Policy
package import Routing
internal import Synchronization
internal import Text
package import Vocabulary

/// A host that may take a message: its name, or an address that needs no name.
package struct MailHost: Sendable, Hashable {
    /// Lower-case; an address literal for a bare address.
    package var name: String
    package var port: Int
    /// Known without DNS.
    package var address: IPAddress?
    /// The names that led here were validated by DNSSEC, or come from the operator or the address itself.
    package var isSecure: Bool
    /// Path of a socket on this computer; then there is neither address nor port.
    package var socket: String?

    package init(name: String, port: Int, address: IPAddress? = nil, isSecure: Bool = false, socket: String? = nil) {
        self.socket = socket
        self.name = name
        self.port = port
        self.address = address
        self.isSecure = isSecure
    }
}

/// Addresses of a host, in the order of trying.
package struct HostAddresses: Sendable, Hashable {
    package var addresses: [IPAddress]
    /// All of them were validated by DNSSEC, with the names that led to them.
    package var isSecure: Bool
    /// Where a chain of CNAMEs ended; nil without one.
    package var canonicalName: String?

    package init(addresses: [IPAddress], isSecure: Bool = false, canonicalName: String? = nil) {
        self.addresses = addresses
        self.isSecure = isSecure
        self.canonicalName = canonicalName
    }
}

/// Finds the hosts of a next hop and their addresses. Nothing blocks; completions come on any thread, once.
package struct HostFinder: Sendable {
    /// What is ours, so that mail is not sent in a circle.
    package struct Own: Sendable {
        package var isName: @Sendable (String) -> Bool
        package var isAddress: @Sendable (IPAddress, Int) -> Bool

        package init(isName: @escaping @Sendable (String) -> Bool, isAddress: @escaping @Sendable (IPAddress, Int) -> Bool) {
            self.isName = isName
            self.isAddress = isAddress
        }
    }

    let resolver: any NetKit.Resolver
    private let own: Own
    /// For one question to DNS.
    let deadline: TimeAmount
    /// A fresh seed for each shuffle.
    private let seed: @Sendable () -> UInt64
    /// Addresses of names that are known without DNS: those of the hosts file.
    package var knownHere: @Sendable (String) -> [IPAddress] = { _ in [] }

    package init(_ resolver: any NetKit.Resolver, own: Own, deadline: Int64 = 30, seed: @escaping @Sendable () -> UInt64) {
        self.resolver = resolver
        self.own = own
        self.deadline = .seconds(deadline)
        self.seed = seed
    }

    /// TXT records of a name.
    func text(
        of name: String, within deadline: TimeAmount, _ completion: @escaping @Sendable (Result<DNSAnswer, DNSFailure>) -> Void
    ) { _ = self.resolver.ask(name, .txt, within: deadline, completion) }

    // MARK: Hosts

    /// The hosts of a next hop in the order of trying.
    package func hosts(of hop: NextHop, _ completion: @escaping @Sendable (Result<[MailHost], DeliveryFailure.Cause>) -> Void) {
        switch hop {
        case .hold: completion(.failure(.local("the route holds")))
        case .address(let address, let port):
            completion(.success([MailHost(name: address.literal, port: port, address: address)]))
        case .lmtp(.socket(let path), _): completion(.success([MailHost(name: path, port: 0, socket: path)]))
        case .lmtp(.host(let name), let port): completion(.success([MailHost(name: name, port: port)]))
        case .lmtp(.address(let address), let port):
            completion(.success([MailHost(name: address.literal, port: port, address: address)]))
        case .exactly(let name, let port): completion(.success([MailHost(name: name, port: port, isSecure: true)]))
        case .domain(let name, let port), .host(let name, let port):
            if let address = Self.literal(name) {
                completion(.success([MailHost(name: address.literal, port: port, address: address)]))
            } else {
                self.exchangers(of: name, port, completion)
            }
        }
    }

    /// This computer, where it is the next hop: found without a question to anybody, so that nothing of the message's is told outside.
    package func hostsHere(of hop: NextHop) -> [MailHost] {
        // A socket is on this computer, whatever stands behind it.
        if case .lmtp(.socket(let path), _) = hop { return [MailHost(name: path, port: 0, socket: path)] }
        let (name, port, known): (String, Int, [IPAddress]) =
            switch hop {
            case .hold, .lmtp(.socket, _): ("", 0, [])
            case .lmtp(.host(let name), let port): (name, port, self.knownHere(name))
            case .address(let address, let port), .lmtp(.address(let address), let port): (address.literal, port, [address])
            case .exactly(let name, let port), .domain(let name, let port), .host(let name, let port):
                (name, port, (Self.literal(name) ?? IPAddress(name)).map { [$0] } ?? self.knownHere(name))
            }
        return known.filter(\.isLoopback).map { MailHost(name: name, port: port, address: $0) }
    }

    /// `[192.0.2.1]` or `[ipv6:…]`, normalised.
    private static func literal(_ text: String) -> IPAddress? {
        guard text.hasPrefix("["), text.hasSuffix("]") else { return nil }
        let inner = text.dropFirst().dropLast()
        return IPAddress(inner.hasPrefix("ipv6:") ? String(inner.dropFirst(5)) : String(inner))
    }

    private func exchangers(
        of domain: String, _ port: Int, _ completion: @escaping @Sendable (Result<[MailHost], DeliveryFailure.Cause>) -> Void
    ) {
        _ = self.resolver.ask(domain, .mx, within: self.deadline) { result in
            switch result {
            case .success(let answer):
                guard case .exchanges(let records) = answer.records else { return completion(.failure(.dnsFailed)) }
                completion(self.ordered(records, port, isSecure: answer.isSecure))
            // Without MX the domain is its own host. [RFC5321-5.1]
            case .failure(.noRecords): completion(self.itself(domain, port))
            case .failure(.noName): completion(.failure(.noSuchDomain))
            case .failure(.temporary), .failure(.timedOut), .failure(.bogus), .failure(.cancelled): completion(.failure(.dnsFailed))
            }
        }
    }

    private func itself(_ domain: String, _ port: Int) -> Result<[MailHost], DeliveryFailure.Cause> {
        self.own.isName(domain) ? .failure(.mxLoop) : .success([MailHost(name: domain, port: port, isSecure: true)])
    }

    private func ordered(_ records: [MXRecord], _ port: Int, isSecure: Bool) -> Result<[MailHost], DeliveryFailure.Cause> {
        // Nothing that could be read: as good as no answer, since something was there.
        guard !records.isEmpty else { return .failure(.dnsFailed) }
        var generator = SeededShuffle(state: self.seed())
        switch MailExchangers.ordered(records, isOurs: self.own.isName, using: &generator) {
        case .hosts(let names): return .success(names.map { MailHost(name: $0, port: port, isSecure: isSecure) })
        case .nullMX: return .failure(.nullMX)
        case .loop: return .failure(.mxLoop)
        case .none: return .failure(.noMailHost)
        }
    }

    // MARK: Addresses

    /// Addresses of one host in the order of trying, IPv6 and IPv4 in turn.
    package func addresses(of host: MailHost, _ completion: @escaping @Sendable (Result<HostAddresses, DeliveryFailure.Cause>) -> Void) {
        if let address = host.address { return completion(self.checked([address], host.port)) }
        if let address = IPAddress(host.name) { return completion(self.checked([address], host.port)) }
        let both = BothFamilies { six, four in completion(self.joined(six, four, host.port)) }
        _ = self.resolver.ask(host.name, .aaaa, within: self.deadline) { both.set(six: $0) }
        _ = self.resolver.ask(host.name, .a, within: self.deadline) { both.set(four: $0) }
    }

    private func joined(
        _ six: Result<DNSAnswer, DNSFailure>, _ four: Result<DNSAnswer, DNSFailure>, _ port: Int
    ) -> Result<HostAddresses, DeliveryFailure.Cause> {
        var generator = SeededShuffle(state: self.seed())
        let first = Self.found(six).shuffled(using: &generator)
        let second = Self.found(four).shuffled(using: &generator)
        guard !first.isEmpty || !second.isEmpty else {
            let isDefinite = [six, four].allSatisfy { $0 == .failure(.noName) || $0 == .failure(.noRecords) }
            return .failure(isDefinite ? .noMailHost : .dnsFailed)
        }
        var addresses: [IPAddress] = []
        for index in 0..<max(first.count, second.count) {
            if index < first.count { addresses.append(first[index]) }
            if index < second.count { addresses.append(second[index]) }
        }
        let answers = [six, four].compactMap { try? $0.get() }
        return self.checked(addresses, port).map { found in
            HostAddresses(
                addresses: found.addresses, isSecure: answers.allSatisfy(\.isSecure),
                canonicalName: answers.lazy.compactMap(\.canonicalName).first)
        }
    }

    private static func found(_ result: Result<DNSAnswer, DNSFailure>) -> [IPAddress] {
        guard case .success(let answer) = result, case .addresses(let addresses) = answer.records else { return [] }
        return addresses
    }

    /// Addresses tried of one host.
    private static let mostAddresses = 8

    /// A host that is ourselves is no way further. [RFC5321-5.1]
    private func checked(_ addresses: [IPAddress], _ port: Int) -> Result<HostAddresses, DeliveryFailure.Cause> {
        if addresses.contains(where: { self.own.isAddress($0, port) }) { return .failure(.mxLoop) }
        let hosts = addresses.filter(\.isOfOneHost)
        // Some say so that they take no mail; where it were believed, 0.0.0.0 would lead to this computer.
        guard !hosts.isEmpty else { return .failure(.noMailHost) }
        return .success(HostAddresses(addresses: Array(hosts.prefix(Self.mostAddresses))))
    }
}

extension IPAddress {
    /// Neither "this network" nor multicast nor broadcast.
    fileprivate var isOfOneHost: Bool {
        guard let first = self.bytes.first else { return false }
        return self.isIPv6 ? first != 0xFF && self.bytes.contains { $0 != 0 } : first != 0 && first < 224
    }
}

/// Waits for the answers to two questions.
private final class BothFamilies: Sendable {
    struct Answers {
        var six: Result<DNSAnswer, DNSFailure>?
        var four: Result<DNSAnswer, DNSFailure>?
    }
    private let answers = Mutex(Answers())
    private let completion: @Sendable (Result<DNSAnswer, DNSFailure>, Result<DNSAnswer, DNSFailure>) -> Void

    init(_ completion: @escaping @Sendable (Result<DNSAnswer, DNSFailure>, Result<DNSAnswer, DNSFailure>) -> Void) {
        self.completion = completion
    }

    func set(six: Result<DNSAnswer, DNSFailure>? = nil, four: Result<DNSAnswer, DNSFailure>? = nil) {
        let both: (Result<DNSAnswer, DNSFailure>, Result<DNSAnswer, DNSFailure>)? = self.answers.withLock { answers in
            answers.six = six ?? answers.six
            answers.four = four ?? answers.four
            guard let six = answers.six, let four = answers.four else { return nil }
            return (six, four)
        }
        if let both { self.completion(both.0, both.1) }
    }
}

/// Spreads load; nobody gains by guessing it.
struct SeededShuffle: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var z = self.state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
