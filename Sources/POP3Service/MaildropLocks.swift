internal import Synchronization
package import Vocabulary

/// Who has which maildrop: one POP3 session an account, until it ends in whatever way. [RFC1939-4]
package final class MaildropLocks: Sendable {
    private struct State {
        var held: Set<AccountID> = []
        /// When each account logged in last; kept only while LOGIN-DELAY can still refuse.
        var logins: [AccountID: Int64] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package enum Verdict: Sendable, Equatable { case taken, inUse, tooSoon }

    /// `delay` is LOGIN-DELAY in seconds; 0 never refuses. A refusal takes nothing.
    package func take(_ account: AccountID, now: Int64, delay: Int = 0) -> Verdict {
        self.state.withLock { state in
            guard !state.held.contains(account) else { return .inUse }
            if delay > 0 {
                if let last = state.logins[account], now >= last, now - last < Int64(delay) { return .tooSoon }
                if state.logins.count >= 10_000 { state.logins = state.logins.filter { now - $0.value < Int64(delay) } }
                state.logins[account] = now
            }
            state.held.insert(account)
            return .taken
        }
    }

    package func release(_ account: AccountID) {
        self.state.withLock { state in _ = state.held.remove(account) }
    }

    package var count: Int { self.state.withLock { $0.held.count } }
}
