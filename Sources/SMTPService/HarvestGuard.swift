internal import Policy
internal import Synchronization
package import Vocabulary

/// Remembers who asks for addresses that do not exist. Who asks for too many is shut out for a while: that is how address lists are
/// harvested. IPv6 peers are counted by /64, which one customer has to himself.
package final class HarvestGuard: Sendable {
    /// Seconds in which unknown recipients are counted.
    private static let window: Int64 = 600
    /// Peers remembered; beyond it the oldest knowledge goes.
    private static let maximumPeers = 20_000

    private struct Peer {
        var budget: GlitchBudget
        var closedUntil: Int64 = 0
        var lastSeen: Int64
    }

    private let peers = Mutex<[IPAddress: Peer]>([:])

    package init() {}

    /// Notes one unknown recipient. True when that was one too many: from then on `isClosed` for some time.
    /// - Parameters:
    ///   - limit: unknown recipients in ten minutes that are still let pass.
    ///   - closure: seconds that the door stays closed.
    package func spend(_ address: IPAddress, limit: Int, closure: Int64, at now: Int64) -> Bool {
        guard !address.isLoopback else { return false }
        let key = Self.key(address)
        return self.peers.withLock { peers in
            if peers[key] == nil, peers.count >= Self.maximumPeers { self.makeRoom(&peers, now) }
            var peer =
                peers[key] ?? Peer(budget: GlitchBudget(limit: limit, window: Self.window), lastSeen: now)
            peer.lastSeen = now
            let isOver = !peer.budget.spend(at: now)
            if isOver { peer.closedUntil = now + closure }
            peers[key] = peer
            return isOver
        }
    }

    package func isClosed(for address: IPAddress, at now: Int64) -> Bool {
        let key = Self.key(address)
        return self.peers.withLock { peers in peers[key].map { $0.closedUntil > now } ?? false }
    }

    /// Peers that are shut out now.
    package func closedCount(at now: Int64) -> Int { self.peers.withLock { $0.values.count { $0.closedUntil > now } } }

    private func makeRoom(_ peers: inout [IPAddress: Peer], _ now: Int64) {
        peers = peers.filter { $0.value.closedUntil > now || now - $0.value.lastSeen < Self.window }
        // Still full: somebody has many addresses. Half of what is known goes, whatever it is; the limits of one session still hold.
        if peers.count >= Self.maximumPeers {
            for key in Array(peers.keys.prefix(peers.count / 2)) { peers[key] = nil }
        }
    }

    private static func key(_ address: IPAddress) -> IPAddress {
        guard address.isIPv6 else { return address }
        return IPAddress(bytes: Array(address.bytes.prefix(8)) + [UInt8](repeating: 0, count: 8)) ?? address
    }
}
