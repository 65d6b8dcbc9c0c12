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

    /// Peers with so many failures or more.
    func peers(with limit: Int, at now: Int64) -> Int {
        self.counters.withLock { table in table.keys.count { (table[$0]?.count(at: now) ?? 0) >= limit } }
    }

    func count(_ peer: PeerBlock, at now: Int64) -> Int { self.counters.withLock { $0[peer]?.count(at: now) ?? 0 } }
}
