package import Policy
internal import Synchronization
package import Vocabulary

/// Remembers who asks for addresses that do not exist: that is how address lists are harvested. Who asks for many waits for each answer,
/// who asks for too many is shut out for a while. IPv6 peers are counted by /64, which one customer has to himself.
///
/// Networks are counted too, because a harvester may have many addresses: in one that asks for too many, each address gets a tenth of the
/// budget. An address there that asks for nobody unknown notices nothing, and no other host ever waits.
package final class HarvestGuard: Sendable {
    package enum Verdict: Sendable, Hashable {
        case pass
        /// Answer only after so many seconds.
        case delay(Int64)
        /// One too many: from then on `isClosed` for some time.
        case closed
    }

    /// What `postoffice blocked list` shows of a peer.
    package struct Known: Sendable, Hashable {
        package var address: IPAddress
        /// Unknown recipients in the last ten minutes.
        package var count: Int
        /// nil when it may come in.
        package var closedUntil: Int64?
    }

    /// Seconds in which unknown recipients are counted.
    private static let window: Int64 = 600
    /// Peers remembered; beyond it the oldest knowledge goes. Networks likewise.
    private static let maximumPeers = 20_000
    /// Budget of a network, in budgets of an address.
    private static let networkShare = 4
    /// An address in a network that spent its budget has one of so many parts of its own.
    private static let strictness = 10
    /// Longest delay of an answer, in seconds. Far below the 5 minutes that a client waits. [RFC5321-4.5.3.2.3]
    package static let longestDelay: Int64 = 10

    private struct Peer {
        var counter = RateCounter(window: HarvestGuard.window)
        var closedUntil: Int64 = 0
        var lastSeen: Int64
    }
    private struct State {
        var peers: [IPAddress: Peer] = [:]
        var networks: [IPNetwork: RateCounter] = [:]
    }

    private let state = Mutex(State())
    private let isTrusted: @Sendable (IPAddress) -> Bool

    /// - Parameter isTrusted: peers that are never counted.
    package init(isTrusted: @escaping @Sendable (IPAddress) -> Bool = { $0.isLoopback }) { self.isTrusted = isTrusted }

    /// Notes one unknown recipient.
    /// - Parameters:
    ///   - limit: unknown recipients in ten minutes that are still let pass; answers are delayed from the half of it.
    ///   - closure: seconds that the door stays closed.
    package func spend(_ address: IPAddress, limit: Int, closure: Int64, at now: Int64) -> Verdict {
        guard !self.isTrusted(address) else { return .pass }
        let key = Self.key(address)
        return self.state.withLock { state in
            let effective = Self.isSuspect(key, limit, &state, now) ? max(3, limit / Self.strictness) : limit
            if state.peers[key] == nil, state.peers.count >= Self.maximumPeers { self.makeRoom(&state.peers, now) }
            var peer = state.peers[key] ?? Peer(lastSeen: now)
            peer.lastSeen = now
            let count = peer.counter.add(at: now)
            let isOver = count > effective
            if isOver { peer.closedUntil = now.addingReportingOverflow(max(0, closure)).partialValue }
            state.peers[key] = peer
            return isOver ? .closed : Self.delay(count, effective)
        }
    }

    package func isClosed(for address: IPAddress, at now: Int64) -> Bool {
        let key = Self.key(address)
        return self.state.withLock { state in state.peers[key].map { $0.closedUntil > now } ?? false }
    }

    /// Peers that are shut out now.
    package func closedCount(at now: Int64) -> Int { self.state.withLock { $0.peers.values.count { $0.closedUntil > now } } }

    /// Peers with something on their account, those that are shut out first.
    package func known(at now: Int64, limit: Int = 1000) -> [Known] {
        let all = self.state.withLock { state in
            state.peers.map { address, peer in
                var counter = peer.counter
                return Known(address: address, count: counter.count(at: now), closedUntil: peer.closedUntil > now ? peer.closedUntil : nil)
            }
        }
        let sorted = all.filter { $0.count > 0 || $0.closedUntil != nil }.sorted {
            ($0.closedUntil ?? 0, $0.count, $0.address.description) > ($1.closedUntil ?? 0, $1.count, $1.address.description)
        }
        return Array(sorted.prefix(limit))
    }

    /// Forgets what is known of peers and networks that the body names; who they were. An IPv6 peer is a /64.
    package func release(at now: Int64, _ isMeant: (IPNetwork) -> Bool) -> [Released] {
        self.state.withLock { state in
            var released: [Released] = []
            for key in state.peers.keys {
                let block = IPNetwork(around: key, prefixLength: key.isIPv6 ? 64 : 32)
                guard isMeant(block), var peer = state.peers.removeValue(forKey: key) else { continue }
                let count = peer.counter.count(at: now)
                if count > 0 || peer.closedUntil > now { released.append(Released(network: block, count: count)) }
            }
            // The network of who is let go counts against him too.
            for network in state.networks.keys where isMeant(network) || released.contains(where: { network.contains($0.network.base) }) {
                state.networks[network] = nil
            }
            return released
        }
    }

    package struct Released: Sendable, Hashable {
        package var network: IPNetwork
        /// Unknown recipients in the last ten minutes.
        package var count: Int
    }

    private static func delay(_ count: Int, _ limit: Int) -> Verdict {
        let free = limit / 2
        guard count > free else { return .pass }
        return .delay(min(Self.longestDelay, 1 + Int64(count - free) * Self.longestDelay / Int64(max(1, limit - free))))
    }

    /// Counts for the network, and says whether it asked for too many.
    private static func isSuspect(_ key: IPAddress, _ limit: Int, _ state: inout State, _ now: Int64) -> Bool {
        let network = self.network(key)
        if state.networks[network] == nil, state.networks.count >= Self.maximumPeers {
            state.networks = state.networks.filter { !$0.value.isStale(at: now) }
            if state.networks.count >= Self.maximumPeers { return false }
        }
        let count = state.networks[network, default: RateCounter(window: Self.window)].add(at: now)
        return count > limit.multipliedReportingOverflow(by: Self.networkShare).partialValue
    }

    private func makeRoom(_ peers: inout [IPAddress: Peer], _ now: Int64) {
        peers = peers.filter { $0.value.closedUntil > now || now - $0.value.lastSeen < Self.window }
        // Still full: somebody has many addresses. Half of what is known goes, whatever it is; the limits of one session still hold.
        if peers.count >= Self.maximumPeers {
            for key in Array(peers.keys.prefix(peers.count / 2)) { peers[key] = nil }
        }
    }

    private static func key(_ address: IPAddress) -> IPAddress { PeerNetwork.customer(address) }
    private static func network(_ address: IPAddress) -> IPNetwork { PeerNetwork.network(address) }
}

/// The parts of the address space that are counted together.
package enum PeerNetwork {
    /// An IPv4 address, or the /64 of an IPv6 one.
    package static func customer(_ address: IPAddress) -> IPAddress {
        address.isIPv6 ? IPNetwork(around: address, prefixLength: 64).base : address
    }

    /// What one provider gives to neighbours: a /24, or a /56 of IPv6.
    package static func network(_ address: IPAddress) -> IPNetwork {
        IPNetwork(around: address, prefixLength: address.isIPv6 ? 56 : 24)
    }
}
