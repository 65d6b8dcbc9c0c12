/// Latencies of a run in microseconds, kept whole: a benchmark's numbers are few millions at most.
struct Latencies {
    private var values: [UInt32] = []

    mutating func add(nanoseconds: Int64) { self.values.append(UInt32(clamping: nanoseconds / 1000)) }
    mutating func add(_ other: Latencies) { self.values += other.values }

    /// p50, p99, greatest; milliseconds.
    var summary: (Double, Double, Double) {
        guard !self.values.isEmpty else { return (0, 0, 0) }
        let sorted = self.values.sorted()
        func at(_ part: Double) -> Double { Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]) / 1000 }
        return (at(0.5), at(0.99), at(1))
    }
}
