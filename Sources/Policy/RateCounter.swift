/// Counts events in a sliding pair of windows. Times are seconds of a clock that the caller injects (never below zero, may jump).
package struct RateCounter: Sendable, Equatable {
    package let window: Int64
    private var start: Int64 = 0
    private var current = 0
    private var previous = 0

    /// `window` in seconds, at least 1.
    package init(window: Int64) { self.window = max(1, window) }

    /// Adds events and returns the estimated number in the last `window` seconds.
    package mutating func add(_ events: Int = 1, at now: Int64) -> Int {
        self.roll(to: now)
        // Far below what could overflow in `estimate`.
        self.current = min(self.current &+ min(max(0, events), 1 << 40), 1 << 60)
        return self.estimate(at: now)
    }

    package mutating func count(at now: Int64) -> Int {
        self.roll(to: now)
        return self.estimate(at: now)
    }

    /// When the count falls below `limit`, if nothing is added; `now` when it is so already.
    package func falls(below limit: Int, after now: Int64) -> Int64 {
        var (early, late) = (now, now.addingReportingOverflow(self.window.multipliedReportingOverflow(by: 2).partialValue).partialValue)
        guard limit > 0, late > early else { return max(now, late) }
        func isBelow(_ time: Int64) -> Bool {
            var copy = self
            return copy.count(at: time) < limit
        }
        if isBelow(early) { return early }
        // It only falls: halve the span until the second is found.
        while late - early > 1 {
            let middle = early + (late - early) / 2
            if isBelow(middle) { late = middle } else { early = middle }
        }
        return late
    }

    /// Nothing of what was counted matters any more.
    package func isStale(at now: Int64) -> Bool {
        let elapsed = now.subtractingReportingOverflow(self.start)
        return elapsed.overflow || elapsed.partialValue < 0 || elapsed.partialValue / 2 >= self.window
    }

    private mutating func roll(to now: Int64) {
        let (elapsed, overflow) = now.subtractingReportingOverflow(self.start)
        if overflow || elapsed < 0 || elapsed / 2 >= self.window {
            (self.previous, self.current, self.start) = (0, 0, now)
        } else if elapsed >= self.window {
            (self.previous, self.current) = (self.current, 0)
            self.start += self.window  // not beyond `now`
        }
    }

    /// The older window counts as far as it still reaches into the last `window` seconds.
    private func estimate(at now: Int64) -> Int {
        let elapsed = now.subtractingReportingOverflow(self.start)
        let share = elapsed.overflow ? 0 : 1 - min(max(0, Double(elapsed.partialValue) / Double(self.window)), 1)
        return self.current + Int(Double(self.previous) * share)
    }
}

/// A budget of mistakes for one peer: spend until it is gone; it fills up again with time.
package struct GlitchBudget: Sendable, Equatable {
    package let limit: Int
    private var counter: RateCounter

    package init(limit: Int, window: Int64) {
        self.limit = limit
        self.counter = RateCounter(window: window)
    }

    /// False when the budget is gone: answer 421 and close.
    package mutating func spend(at now: Int64) -> Bool { self.counter.add(at: now) <= self.limit }
}
