package import Database

/// Counters over a stretch of time, in equal steps.
package struct Series: Sendable {
    package struct Point: Sendable {
        /// Its first minute.
        package let start: Minute
        /// nil: nothing is known, because no server ran.
        package let tally: Tally?
    }

    /// Minutes of one step.
    package let step: Int64
    package let points: [Point]

    /// All of it together.
    package var sum: Tally {
        var sum = Tally()
        for point in points { if let tally = point.tally { sum.merge(tally) } }
        return sum
    }
}

/// What pages show.
package enum Span: String, Sendable, CaseIterable {
    case hour, day, month

    package var minutes: Int64 {
        switch self {
        case .hour: 60
        case .day: 1440
        case .month: Int64(Counters.kept)
        }
    }

    /// Minutes of one point.
    package var step: Int64 {
        switch self {
        case .hour: 1
        case .day: 10
        case .month: 360
        }
    }
}

extension Counters {
    /// The newest of it, the current minute included. Blocks.
    package func series(_ span: Span) throws(DatabaseError) -> Series {
        let step = span.step
        let current = self.currentMinute
        // The last step is the one that is under way.
        let end = Minute(number: (current.number / step + 1) * step)
        return try self.series(from: end - span.minutes, to: end, step: step)
    }

    /// From `from` to before `to`. Steps of whole hours between full hours are read from the sums of hours.
    package func series(from: Minute, to: Minute, step: Int64) throws(DatabaseError) -> Series {
        let step = max(1, step)
        let count = max(0, min((to.number - from.number + step - 1) / step, 100_000))
        var tallies = [Tally?](repeating: nil, count: Int(count))
        func add(_ minute: Minute, _ tally: Tally) {
            let index = Int((minute.number - from.number) / step)
            guard minute >= from, minute < to, tallies.indices.contains(index) else { return }
            if tallies[index] == nil { tallies[index] = tally } else { tallies[index]?.merge(tally) }
        }
        let isHourly = step % 60 == 0 && from.number % 60 == 0 && to.number % 60 == 0
        let (statement, unit) = isHourly ? (CountersSchema.hours, Int64(60)) : (CountersSchema.minutes, 1)
        let first: Int64 = from.number / unit
        let end: Int64 = (to.number + unit - 1) / unit
        let (rows, waiting) = try self.read { db throws(DatabaseError) in
            try db.rows(statement, .int(first), .int(end)) { row in
                (Minute(number: row.int(0) * unit), row.withBytes(1) { Tally(encoded: $0) })
            }
        }
        for (minute, tally) in rows { if let tally { add(minute, tally) } }
        for (minute, tally) in waiting { add(minute, tally) }
        let points = tallies.enumerated().map { Series.Point(start: from + Int64($0.offset) * step, tally: $0.element) }
        return Series(step: step, points: points)
    }

    /// Everything from `from` to before `to`, exactly. Blocks.
    package func sum(from: Minute, to: Minute) throws(DatabaseError) -> Tally {
        guard from < to else { return Tally() }
        // Whole hours from their sums, the rest of the first and last hour by minutes.
        let firstHour = Minute(number: (from.number + 59) / 60 * 60)
        let lastHour = Minute(number: to.number / 60 * 60)
        guard firstHour < lastHour else { return try self.series(from: from, to: to, step: 1).sum }
        var sum = try self.series(from: firstHour, to: lastHour, step: 60).sum
        if from < firstHour { sum.merge(try self.series(from: from, to: firstHour, step: 1).sum) }
        if lastHour < to { sum.merge(try self.series(from: lastHour, to: to, step: 1).sum) }
        return sum
    }

    /// The first minute of which something is known.
    package func oldest() throws(DatabaseError) -> Minute? {
        let (known, waiting) = try self.read { db throws(DatabaseError) in
            try db.row(CountersSchema.oldest) { $0.optionalInt(0).map { Minute(number: $0) } } ?? nil
        }
        return known ?? waiting.keys.min()
    }
}
