package import SASL
internal import Synchronization
package import Vocabulary

/// The sessions of a service that each account has: how many, so that one mail program gone wild does not use up what there is for all; and how
/// to reach them when the account is locked or removed.
package final class AccountSessions: Sendable {
    /// One session's place among those of its account.
    package struct Seat: Hashable, Sendable {
        package let account: AccountID
        fileprivate let number: Int
    }

    private struct State {
        /// By account and number: who it is, and what tells the session that it may not be here any more.
        var seats: [AccountID: [Int: (identity: Identity, tell: @Sendable () -> Void)]] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// nil, and nothing taken, when the account has as many as it may.
    /// - Parameter tell: called from any thread, must return at once.
    package func enter(_ identity: Identity, limit: Int, _ tell: @escaping @Sendable () -> Void) -> Seat? {
        self.state.withLock { state in
            let account = identity.account
            guard state.seats[account]?.count ?? 0 < limit else { return nil }
            state.next += 1
            state.seats[account, default: [:]][state.next] = (identity, tell)
            return Seat(account: account, number: state.next)
        }
    }

    package func leave(_ seat: Seat) {
        self.state.withLock { state in
            state.seats[seat.account]?[seat.number] = nil
            if state.seats[seat.account]?.isEmpty == true { state.seats[seat.account] = nil }
        }
    }

    /// Tells all sessions that may not be here, so that they end although nothing else happens: of accounts that are locked, and those that a
    /// revoked app password opened.
    /// - Parameter isActive: answers at once.
    package func accountsChanged(_ isActive: (Identity) -> Bool) {
        let seats = self.state.withLock { $0.seats.values.flatMap { Array($0.values) } }
        for (identity, tell) in seats where !isActive(identity) { tell() }
    }

    package func count(of account: AccountID) -> Int { self.state.withLock { $0.seats[account]?.count ?? 0 } }
    package var total: Int { self.state.withLock { $0.seats.values.reduce(0) { $0 + $1.count } } }
}
