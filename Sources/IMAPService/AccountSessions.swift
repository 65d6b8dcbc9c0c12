internal import Synchronization
package import Vocabulary

/// How many IMAP sessions each account has, so that one mail program gone wild does not use up what there is for all.
package final class AccountSessions: Sendable {
    private let counts = Mutex<[AccountID: Int]>([:])

    package init() {}

    /// False, and nothing taken, when the account has as many as it may.
    package func enter(_ account: AccountID, limit: Int) -> Bool {
        self.counts.withLock { counts in
            guard counts[account, default: 0] < limit else { return false }
            counts[account, default: 0] += 1
            return true
        }
    }

    package func leave(_ account: AccountID) {
        self.counts.withLock { counts in
            guard let count = counts[account] else { return }
            counts[account] = count > 1 ? count - 1 : nil
        }
    }

    package func count(of account: AccountID) -> Int { self.counts.withLock { $0[account] ?? 0 } }
    package var total: Int { self.counts.withLock { $0.values.reduce(0, +) } }
}
