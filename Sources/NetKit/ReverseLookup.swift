package import NIOCore
package import Policy
internal import Synchronization
package import Vocabulary

/// Finds the names of an address that lead back to it: PTR, then A or AAAA of each name. A name that anyone can put into his
/// own reverse zone proves nothing until the owner of the name agrees.
package struct ReverseLookup: Sendable {
    private let resolver: any Resolver

    package init(_ resolver: any Resolver) { self.resolver = resolver }

    /// The completion comes once, from any thread, within `deadline` or shortly after.
    package func confirm(_ address: IPAddress, within deadline: TimeAmount, _ completion: @escaping @Sendable (HostNameFact) -> Void) {
        let resolver = self.resolver
        _ = resolver.ask(address.reverseName, .ptr, within: deadline) { result in
            switch result {
            case .success(let answer):
                guard case .names(let names) = answer.records, !names.isEmpty else { return completion(.confirmed([])) }
                Self.confirm(Array(names.prefix(DNSLimits.reverseNames)), address, resolver, deadline, completion)
            case .failure(.noName), .failure(.noRecords): completion(.confirmed([]))
            case .failure: completion(.unknown)
            }
        }
    }

    private struct Gathering {
        var open: Int
        var confirmed: [String] = []
        var failed = false
    }

    private static func confirm(
        _ names: [String],
        _ address: IPAddress,
        _ resolver: any Resolver,
        _ deadline: TimeAmount,
        _ completion: @escaping @Sendable (HostNameFact) -> Void
    ) {
        let gathering = SharedGathering(open: names.count)
        for name in names {
            _ = resolver.ask(name, address.isIPv6 ? .aaaa : .a, within: deadline) { result in
                let fact = gathering.add(name, result, address)
                if let fact { completion(fact) }
            }
        }
    }

    private final class SharedGathering: Sendable {
        private let state: Mutex<Gathering>
        init(open: Int) { self.state = Mutex(Gathering(open: open)) }

        /// The fact once the last answer is in.
        func add(_ name: String, _ result: Result<DNSAnswer, DNSFailure>, _ address: IPAddress) -> HostNameFact? {
            self.state.withLock { state in
                switch result {
                case .success(let answer):
                    if case .addresses(let found) = answer.records, found.contains(address) { state.confirmed.append(name) }
                case .failure(.noName), .failure(.noRecords): break
                case .failure: state.failed = true
                }
                state.open -= 1
                if state.open > 0 { return nil }
                return state.confirmed.isEmpty && state.failed ? .unknown : .confirmed(state.confirmed.sorted())
            }
        }
    }
}

extension IPAddress {
    /// Name of the PTR records: `1.2.0.192.in-addr.arpa`, or nibbles under `ip6.arpa`.
    package var reverseName: String {
        if !self.isIPv6 { return self.bytes.reversed().map { "\($0)" }.joined(separator: ".") + ".in-addr.arpa" }
        return self.bytes.reversed().map { String($0 & 15, radix: 16) + "." + String($0 >> 4, radix: 16) }.joined(separator: ".")
            + ".ip6.arpa"
    }
}
