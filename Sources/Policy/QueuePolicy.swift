/// When a message that could not be delivered is tried again, when its sender is warned, and when it is given up. Times are seconds since
/// 1970, lengths of time seconds.
package struct QueuePolicy: Sendable, Hashable {
    /// Seconds after the first, second, … attempt; the last one repeats.
    package var delays: [Int64]
    /// Age at which the sender is warned; nil: never.
    package var warnAfter: Int64?
    /// Age at which the message goes back.
    package var giveUpAfter: Int64
    /// The same for reports and other messages without a sender, which nobody waits for.
    package var giveUpReportsAfter: Int64

    package init(
        delays: [Int64] = [300, 900, 1800, 3600, 7200, 14_400], warnAfter: Int64? = 86_400, giveUpAfter: Int64 = 5 * 86_400,
        giveUpReportsAfter: Int64 = 2 * 86_400
    ) {
        self.delays = delays
        self.warnAfter = warnAfter
        self.giveUpAfter = giveUpAfter
        self.giveUpReportsAfter = giveUpReportsAfter
    }

    /// When a message of that age goes back to its sender.
    package func expiry(acceptedAt: Int64, isReport: Bool) -> Int64 {
        acceptedAt.clampedAdding(isReport ? min(self.giveUpReportsAfter, self.giveUpAfter) : self.giveUpAfter)
    }

    /// When the attempt after the `attempts`-th (from 1) is due; nil when there is no time for another. The last attempt falls on the
    /// expiry itself, so that a host that is back just in time is not missed.
    /// - Parameter spread: 0…1023 of 1024, random: takes up to an eighth off the delay, so that what failed together does not come
    ///   back together.
    package func nextAttempt(after attempts: Int, acceptedAt: Int64, isReport: Bool, now: Int64, spread: Int64 = 0) -> Int64? {
        let expiry = self.expiry(acceptedAt: acceptedAt, isReport: isReport)
        guard now < expiry else { return nil }
        let index = min(max(attempts, 1), self.delays.count) - 1
        let delay = max(index >= 0 && index < self.delays.count ? self.delays[index] : 14_400, 1)
        let early = delay / 8 * min(max(spread, 0), 1023) / 1024
        return min(now.clampedAdding(max(delay - early, 1)), expiry)
    }

    /// True when the sender is to be told of the delay now.
    package func isWarningDue(acceptedAt: Int64, wasWarned: Bool, isReport: Bool, now: Int64) -> Bool {
        guard let warnAfter, !wasWarned, !isReport, warnAfter < self.giveUpAfter else { return false }
        return now >= acceptedAt.clampedAdding(warnAfter)
    }
}

extension Int64 {
    fileprivate func clampedAdding(_ other: Int64) -> Int64 {
        let (sum, overflow) = self.addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }
}
