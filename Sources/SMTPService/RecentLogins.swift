internal import Synchronization
package import Vocabulary

/// POP3 logins by address, for POP before SMTP. Exactly the address: a neighbour in the same IPv6 network is somebody else.
package final class RecentLogins: Sendable {
    /// Addresses remembered; beyond it those whose time is over go, then nobody new is noted.
    private static let maximum = 100_000
    /// Accounts remembered of one address, the newest: many may stand behind one.
    private static let maximumAccounts = 8
    /// Longest window that the form allows, in seconds.
    private static let longest: Int64 = 3600

    private struct Login {
        var account: AccountID
        var time: Int64
    }
    /// Of each address the oldest first.
    private let logins = Mutex<[IPAddress: [Login]]>([:])

    package init() {}

    package func note(_ account: AccountID, _ address: IPAddress, at now: Int64) {
        self.logins.withLock { logins in
            if logins[address] == nil, logins.count >= Self.maximum {
                logins = logins.filter { _, known in known.contains { now - $0.time < Self.longest } }
                if logins.count >= Self.maximum { return }
            }
            var known = (logins[address] ?? []).filter { $0.account != account }
            known.append(Login(account: account, time: now))
            logins[address] = known.suffix(Self.maximumAccounts)
        }
    }

    /// An account that may still log in did so from there in the last `window` seconds. A clock that went back gives nobody more time.
    package func has(_ address: IPAddress, within window: Int64, at now: Int64, isActive: (AccountID) -> Bool) -> Bool {
        guard window > 0, let known = self.logins.withLock({ $0[address] }) else { return false }
        return known.contains { login in
            let age = now.subtractingReportingOverflow(login.time)
            return !age.overflow && age.partialValue >= 0 && age.partialValue < window && isActive(login.account)
        }
    }
}
