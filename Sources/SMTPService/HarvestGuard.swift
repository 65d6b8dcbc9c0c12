internal import Policy
internal import Synchronization
package import Vocabulary

/// Remembers who asks for addresses that do not exist. Who asks for too many is shut out for a while: that is how address lists are
/// harvested. IPv6 peers are counted by /64, which one customer has to himself.
package final class HarvestGuard: Sendable {
    package struct Limits: Sendable, Equatable {
        /// Unknown recipients in `window` seconds before the door closes.
        package var unknownRecipients = 100
        package var window: Int64 = 600
        /// Seconds that it stays closed.
        package var closure: Int64 = 600
        /// Peers remembered; beyond it the oldest knowledge goes.
        package var peers = 20_000
        package init() {}
    }

    private struct Peer {
        var budget: GlitchBudget
        var closedUntil: Int64 = 0
        var lastSeen: Int64
    }

    private let limits: Limits
    private let peers = Mutex<[IPAddress: Peer]>([:])

    package init(_ limits: Limits = Limits()) { self.limits = limits }

    /// Notes one unknown recipient. True when that was one too many.
    package func spend(_ address: IPAddress, at now: Int64) -> Bool {
        guard !address.isLoopback else { return false }
        let key = Self.key(address)
        return self.peers.withLock { peers in
            if peers[key] == nil, peers.count >= self.limits.peers { self.makeRoom(&peers, now) }
            var peer =
                peers[key] ?? Peer(budget: GlitchBudget(limit: self.limits.unknownRecipients, window: self.limits.window), lastSeen: now)
            peer.lastSeen = now
            let isOver = !peer.budget.spend(at: now)
            if isOver { peer.closedUntil = now + self.limits.closure }
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
        peers = peers.filter { $0.value.closedUntil > now || now - $0.value.lastSeen < self.limits.window }
        // Still full: somebody has many addresses. Half of what is known goes, whatever it is; the limits of one session still hold.
        if peers.count >= self.limits.peers {
            for key in Array(peers.keys.prefix(peers.count / 2)) { peers[key] = nil }
        }
    }

    private static func key(_ address: IPAddress) -> IPAddress {
        guard address.isIPv6 else { return address }
        return IPAddress(bytes: Array(address.bytes.prefix(8)) + [UInt8](repeating: 0, count: 8)) ?? address
    }
}
