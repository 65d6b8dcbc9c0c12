internal import Policy
internal import Synchronization

/// Counts failed logins by peer over ten minutes. Bounded: when too many peers are known the table starts again, which forgives some.
final class LoginFailures: Sendable {
    static let window: Int64 = 600
    static let maximumPeers = 20_000
    private let counters = Mutex<[PeerBlock: RateCounter]>([:])

    func add(_ peer: PeerBlock, at now: Int64) {
        self.counters.withLock { table in
            if table.count >= Self.maximumPeers && table[peer] == nil {
                for key in table.keys where table[key]?.count(at: now) == 0 { table[key] = nil }
                if table.count >= Self.maximumPeers { table.removeAll(keepingCapacity: true) }
            }
            _ = table[peer, default: RateCounter(window: Self.window)].add(at: now)
        }
    }

    func count(_ peer: PeerBlock, at now: Int64) -> Int { self.counters.withLock { $0[peer]?.count(at: now) ?? 0 } }

    /// Everybody with failures, and until when he is shut out by this limit.
    func known(with limit: Int, at now: Int64) -> [Authenticator.Guesser] {
        let all = self.counters.withLock { $0 }
        return all.compactMap { peer, counter in
            var counter = counter
            let count = counter.count(at: now)
            guard count > 0, let network = peer.network else { return nil }
            return .init(network: network, count: count, until: count >= limit ? counter.falls(below: limit, after: now) : nil)
        }
    }

    /// Forgets the failures of those whom the body names; who they were.
    func release(with limit: Int, at now: Int64, _ isMeant: (IPNetwork) -> Bool) -> [Authenticator.Guesser] {
        self.known(with: limit, at: now).filter { guesser in
            guard isMeant(guesser.network) else { return false }
            return self.counters.withLock { $0.removeValue(forKey: PeerBlock(guesser.network.base)) } != nil
        }
    }
}
