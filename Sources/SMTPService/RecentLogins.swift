internal import Synchronization
package import Vocabulary

/// POP3 logins by address, for POP before SMTP. Exactly the address: a neighbour in the same IPv6 network is somebody else.
package final class RecentLogins: Sendable {
    /// Addresses remembered; beyond it those whose time is over go, then nobody new is noted.
    private static let maximum = 100_000
    /// Longest window that the form allows, in seconds.
    private static let longest: Int64 = 3600

    private let times = Mutex<[IPAddress: Int64]>([:])

    package init() {}

    package func note(_ address: IPAddress, at now: Int64) {
        self.times.withLock { times in
            if times[address] == nil, times.count >= Self.maximum {
                times = times.filter { now - $0.value < Self.longest }
                if times.count >= Self.maximum { return }
            }
            times[address] = now
        }
    }

    /// A login came from there in the last `window` seconds. A clock that went back gives nobody more time.
    package func has(_ address: IPAddress, within window: Int64, at now: Int64) -> Bool {
        guard window > 0, let time = self.times.withLock({ $0[address] }) else { return false }
        let age = now.subtractingReportingOverflow(time)
        return !age.overflow && age.partialValue >= 0 && age.partialValue < window
    }
}
