/// When to try again: soon at first, then ever more rarely.
package enum RetrySchedule {
    /// Seconds after the first, second, … attempt.
    private static let steps: [Int64] = [5 * 60, 15 * 60, 30 * 60, 3600, 2 * 3600]
    private static let last: Int64 = 4 * 3600

    /// Seconds until the next attempt after `attempts` that failed.
    package static func delay(after attempts: Int) -> Int64 {
        let index = max(0, attempts - 1)
        return index < self.steps.count ? self.steps[index] : self.last
    }
}
