internal import Policy
internal import Synchronization
internal import Vocabulary

/// Whose password is guessed.
enum LoginSubject: Hashable, Sendable {
    case account(AccountID)
    /// Folded; nobody has it.
    case name(String)
}

/// Counts failed logins over ten minutes: by peer, and by account. Bounded: when too many are known a table starts again, which forgives some.
///
/// The budget of a peer stops one guesser. That of an account stops many guessers together, and no single one can spend it: of each peer a few
/// failures count. While it is spent, peers from where the account was logged in before are served as ever, as are passwords that were found
/// right before; so the owner is not locked out.
final class LoginFailures: Sendable {
    static let window: Int64 = 600
    static let maximumPeers = 20_000
    /// Failures of one peer that count against an account: the default budget takes twenty peers to spend.
    static let perPeerOfAccount = 5
    /// Seconds for which an account knows a peer.
    static let acquaintance: Int64 = 30 * 86_400
    static let maximumAcquaintances = 200_000

    /// What fails at one account.
    private struct Subject {
        var all = RateCounter(window: LoginFailures.window)
        var byPeer: [PeerBlock: Int] = [:]

        /// Counts one failure, but no more than a few of one peer.
        mutating func add(_ peer: PeerBlock, at now: Int64) {
            if self.all.count(at: now) == 0 { self.byPeer.removeAll() }
            let earlier = self.byPeer[peer, default: 0]
            guard earlier < LoginFailures.perPeerOfAccount else { return }
            // More peers than this have spent any budget that makes sense; their failures count all the same.
            if self.byPeer.count < 10_000 { self.byPeer[peer] = earlier + 1 }
            _ = self.all.add(at: now)
        }
    }

    private struct Acquaintance: Hashable {
        let account: AccountID
        let peer: PeerBlock
    }

    private struct Tables {
        var peers: [PeerBlock: RateCounter] = [:]
        var subjects: [LoginSubject: Subject] = [:]
        /// Peers from where an account was logged in, and when last.
        var known: [Acquaintance: Int64] = [:]
    }

    private let tables = Mutex(Tables())

    func add(_ peer: PeerBlock, for subject: LoginSubject, at now: Int64) {
        self.tables.withLock { tables in
            if tables.peers.count >= Self.maximumPeers && tables.peers[peer] == nil {
                for key in tables.peers.keys where tables.peers[key]?.count(at: now) == 0 { tables.peers[key] = nil }
                if tables.peers.count >= Self.maximumPeers { tables.peers.removeAll(keepingCapacity: true) }
            }
            _ = tables.peers[peer, default: RateCounter(window: Self.window)].add(at: now)
            if tables.subjects.count >= Self.maximumPeers && tables.subjects[subject] == nil {
                for key in tables.subjects.keys where tables.subjects[key]?.all.count(at: now) == 0 { tables.subjects[key] = nil }
                if tables.subjects.count >= Self.maximumPeers { tables.subjects.removeAll(keepingCapacity: true) }
            }
            tables.subjects[subject, default: Subject()].add(peer, at: now)
        }
    }

    func succeeded(_ account: AccountID, _ peer: PeerBlock, at now: Int64) {
        self.tables.withLock { tables in
            let key = Acquaintance(account: account, peer: peer)
            if tables.known.count >= Self.maximumAcquaintances && tables.known[key] == nil {
                tables.known = tables.known.filter { now - $0.value < Self.acquaintance / 30 }
                if tables.known.count >= Self.maximumAcquaintances { tables.known.removeAll(keepingCapacity: true) }
            }
            tables.known[key] = now
        }
    }

    /// True when the budget of the account is spent and it does not know this peer.
    func isGuarded(_ subject: LoginSubject, from peer: PeerBlock, budget: Int, at now: Int64) -> Bool {
        self.tables.withLock { tables in
            guard let count = tables.subjects[subject]?.all.count(at: now), count >= budget else { return false }
            guard case .account(let account) = subject, let last = tables.known[Acquaintance(account: account, peer: peer)] else {
                return true
            }
            return now - last > Self.acquaintance
        }
    }

    func count(_ peer: PeerBlock, at now: Int64) -> Int { self.tables.withLock { $0.peers[peer]?.count(at: now) ?? 0 } }

    /// Everybody with failures, and until when he is shut out by this limit.
    func known(with limit: Int, at now: Int64) -> [Authenticator.Guesser] {
        let all = self.tables.withLock { $0.peers }
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
            return self.tables.withLock { $0.peers.removeValue(forKey: PeerBlock(guesser.network.base)) } != nil
        }
    }
}
