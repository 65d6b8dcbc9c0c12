/// The durations of many events. Kept whole (4 bytes each), so that percentiles are exact.
package struct Latencies: Sendable {
    private var microseconds: [UInt32] = []

    package init() {}

    package var count: Int { self.microseconds.count }

    package mutating func record(nanoseconds: Int64) {
        self.microseconds.append(UInt32(clamping: max(0, nanoseconds / 1000)))
    }

    package mutating func merge(_ other: Latencies) {
        self.microseconds.append(contentsOf: other.microseconds)
    }

    package func summary() -> LatencySummary {
        let sorted = self.microseconds.sorted()
        return LatencySummary(
            p50: Self.percentile(sorted, 50), p90: Self.percentile(sorted, 90), p99: Self.percentile(sorted, 99),
            maximum: Double(sorted.last ?? 0) / 1000)
    }

    /// Nearest rank: the smallest value that at least `percent` of all values do not exceed.
    private static func percentile(_ sorted: [UInt32], _ percent: Int) -> Double {
        guard !sorted.isEmpty else { return 0 }
        let rank = (sorted.count * percent + 99) / 100
        return Double(sorted[max(0, rank - 1)]) / 1000
    }
}

/// Milliseconds.
package struct LatencySummary: Sendable, Equatable {
    package var p50: Double
    package var p90: Double
    package var p99: Double
    package var maximum: Double

    package init(p50: Double, p90: Double, p99: Double, maximum: Double) {
        (self.p50, self.p90, self.p99, self.maximum) = (p50, p90, p99, maximum)
    }
}
