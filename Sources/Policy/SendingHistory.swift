/// How many recipients an account names in an hour: now, and at most in each of the last days. Hours and days are those of the clock. A value;
/// times are seconds since 1970, and may jump.
package struct SendingHistory: Sendable, Equatable {
    /// Days that are remembered beside the present one.
    private static let span: Int32 = 30
    private static let hourLength: Int64 = 3600

    private struct Day: Sendable, Equatable {
        var day: Int32
        /// Recipients in its fullest hour.
        var peak: Int
    }

    /// Ascending, at most `span + 1`.
    private var days: [Day] = []
    private var hour: Int64 = 0
    /// In this hour and in the one before.
    private var current = 0
    private var previous = 0

    package init() {}

    /// Adds recipients; about how many there were in the last sixty minutes.
    package mutating func add(_ count: Int, at now: Int64) -> Int {
        self.roll(to: now)
        self.current = min(self.current &+ min(max(0, count), 1 << 24), 1 << 30)
        return self.estimate(at: now)
    }

    package mutating func count(at now: Int64) -> Int {
        self.roll(to: now)
        return self.estimate(at: now)
    }

    /// The fullest hour of the last thirty days; this hour and the one before are not among them.
    package mutating func peak(at now: Int64) -> Int {
        self.roll(to: now)
        return self.days.map(\.peak).max() ?? 0
    }

    /// What is sent now is nothing unusual: the postmaster says so.
    package mutating func accept(at now: Int64) {
        self.roll(to: now)
        self.note(self.current + self.previous, on: Self.day(now))
    }

    /// Nothing of it matters any more.
    package func isStale(at now: Int64) -> Bool {
        (self.days.last.map { Self.day(now) - $0.day > Self.span } ?? true) && now / Self.hourLength - self.hour > 2
    }

    // MARK: Time

    private static func day(_ time: Int64) -> Int32 { Int32(clamping: max(0, time) / 86_400) }

    private mutating func roll(to now: Int64) {
        let hour = max(0, now) / Self.hourLength
        guard hour != self.hour else { return }
        // A clock that was set back begins anew; what days it had stays.
        if hour == self.hour + 1 {
            self.note(self.previous, on: Self.day((self.hour - 1) * Self.hourLength))
            (self.previous, self.current) = (self.current, 0)
        } else {
            self.note(max(self.previous, self.current), on: Self.day(min(self.hour, hour) * Self.hourLength))
            (self.previous, self.current) = (0, 0)
        }
        self.hour = hour
        let today = Self.day(now)
        self.days.removeAll { today - $0.day > Self.span || $0.day > today }
    }

    private mutating func note(_ count: Int, on day: Int32) {
        guard count > 0 else { return }
        if let index = self.days.firstIndex(where: { $0.day == day }) {
            self.days[index].peak = max(self.days[index].peak, count)
            return
        }
        self.days.append(Day(day: day, peak: count))
        self.days.sort { $0.day < $1.day }
        if self.days.count > Int(Self.span) + 1 { self.days.removeFirst() }
    }

    /// The hour before counts as far as it still reaches into the last sixty minutes.
    private func estimate(at now: Int64) -> Int {
        let elapsed = max(0, now) % Self.hourLength
        return self.current + Int(Double(self.previous) * (1 - Double(elapsed) / Double(Self.hourLength)))
    }

    // MARK: Storing

    private static let version: UInt8 = 1

    package var encoded: [UInt8] {
        var out = [Self.version]
        func put(_ value: Int64, _ width: Int) {
            for shift in (0..<width).reversed() { out.append(UInt8(truncatingIfNeeded: value >> (8 * Int64(shift)))) }
        }
        put(self.hour, 8)
        put(Int64(self.current), 4)
        put(Int64(self.previous), 4)
        for day in self.days {
            put(Int64(day.day), 4)
            put(Int64(day.peak), 4)
        }
        return out
    }

    /// nil for what no version of ours wrote.
    package init?(encoded bytes: [UInt8]) {
        guard bytes.first == Self.version, bytes.count >= 17, (bytes.count - 17) % 8 == 0, bytes.count <= 17 + 8 * Int(Self.span + 1) else {
            return nil
        }
        func get(_ start: Int, _ width: Int) -> Int64 { bytes[start..<(start + width)].reduce(0) { $0 << 8 | Int64($1) } }
        let hour = get(1, 8)
        guard (0...(1 << 50)).contains(hour) else { return nil }
        self.hour = hour
        self.current = Int(get(9, 4))
        self.previous = Int(get(13, 4))
        for start in stride(from: 17, to: bytes.count, by: 8) {
            self.days.append(Day(day: Int32(clamping: get(start, 4)), peak: Int(get(start + 4, 4))))
        }
        self.days.sort { $0.day < $1.day }
    }
}
