// Invariants:
// 1. `note` is called for each event of the log and trail with the time of its line, and for nothing else: a period's counts are the
//    events of that period.
// 2. The hot path takes one short lock, allocates nothing and touches no file.
// 3. When a minute is over it is added to its row and to its hour's in one transaction. A crash costs what was counted since then: at most
//    the minute under way.
package import Database
internal import Synchronization
package import Vocabulary

/// Counters per minute of what the server does, kept for 31 days over restarts.
package final class Counters: Sendable {
    /// Minutes that are kept: 31 days.
    package static let kept = 31 * 1440

    /// How things stand, looked at once a minute on the counters' own thread. What is not known is left out.
    package typealias Look = @Sendable () -> [Gauge: Int64]

    /// What was counted and is not in the file yet.
    private struct State {
        /// The minute that most events belong to.
        var current: Minute
        var tally = Tally()
        var hasCounted = false
        /// Others: those that are over, and where the clock was set.
        var others: [Minute: Tally] = [:]
        var isStopped = false
        /// Why the newest minute could not be written; nil when it was.
        var failure: String?

        mutating func change(_ minute: Minute, _ body: (inout Tally) -> Void) {
            if minute > self.current { self.moveOn(to: minute) }
            if minute == self.current {
                body(&self.tally)
                self.hasCounted = true
            } else {
                body(&self.others[minute, default: Tally()])
            }
        }

        private mutating func moveOn(to minute: Minute) {
            if self.hasCounted { self.others[self.current, default: Tally()].merge(self.tally) }
            self.current = minute
            self.tally = Tally()
            self.hasCounted = false
            // The disk takes nothing for hours: no minute is lost, but they become one.
            guard self.others.count > Counters.mostWaiting, let oldest = self.others.keys.min() else { return }
            let lost = self.others.removeValue(forKey: oldest)
            if let next = self.others.keys.min(), let lost { self.others[next]?.merge(lost) }
        }

        /// Everything but what belongs to `minute`, which is still counted.
        mutating func take(except minute: Minute?) -> [Minute: Tally] {
            var out = self.others
            self.others = [:]
            if let minute { self.others[minute] = out.removeValue(forKey: minute) }
            if self.current != minute, self.hasCounted {
                out[self.current, default: Tally()].merge(self.tally)
                self.tally = Tally()
                self.hasCounted = false
            }
            return out
        }

        var all: [Minute: Tally] {
            var out = self.others
            if self.hasCounted { out[self.current, default: Tally()].merge(self.tally) }
            return out
        }
    }

    /// Minutes that wait for a disk that does not take them.
    private static let mostWaiting = 600

    private let database: Database
    private let state: Monitor<State>
    /// Held while minutes go from memory to the file, and by who reads both: nothing is missed and nothing counts twice.
    private let gate = Monitor(())
    private let now: @Sendable () -> Int64
    private let thread = Mutex<Thread?>(nil)

    /// Opens or creates the file.
    /// - Parameter now: milliseconds since 1970; the clock of the log.
    package static func open(_ file: String, now: @escaping @Sendable () -> Int64) throws(DatabaseError) -> Counters {
        var options = DatabaseOptions()
        options.readers = 2
        options.writerCacheKiB = 2 << 10
        options.readerCacheKiB = 2 << 10
        return Counters(try Database.open(file, CountersSchema.schema, options), now)
    }

    private init(_ database: Database, _ now: @escaping @Sendable () -> Int64) {
        self.database = database
        self.now = now
        self.state = Monitor(State(current: Minute(milliseconds: now())))
    }

    /// One event. Never blocks on anything but the lock.
    /// - Parameter milliseconds: the time that its line in the log has.
    package func note(_ event: TrailEvent, milliseconds: Int64) {
        let count = EventCount(event)
        guard !count.isNothing else { return }
        let minute = Minute(milliseconds: milliseconds)
        self.state.withLock { state in state.change(minute) { count.apply(to: &$0) } }
    }

    /// What is known of a minute from looking.
    package func set(_ gauges: [Gauge: Int64], at minute: Minute) {
        guard !gauges.isEmpty else { return }
        self.state.withLock { state in
            state.change(minute) { tally in for (gauge, value) in gauges { tally[gauge] = value } }
        }
    }

    // MARK: Writing

    /// Writes each minute when it is over, and looks at the gauges before.
    package func start(_ look: @escaping Look) {
        self.thread.withLock { thread in
            guard thread == nil else { return }
            thread = Thread("counters") { self.run(look) }
        }
    }

    private func run(_ look: Look) {
        var seen: Minute?
        while true {
            let time = self.now()
            let current = Minute(milliseconds: time)
            if current != seen {
                self.write(except: current)
                self.set(look(), at: current)
                seen = current
            }
            // To the end of the minute, and never far past a clock that was set.
            let rest = 60_000 - (time - current.number * 60_000)
            let isStopped = self.state.wait(
                milliseconds: Int(min(max(rest, 10), 5_000)), until: { $0.isStopped }, then: { $0.isStopped })
            if isStopped { return }
        }
    }

    /// Writes everything that was counted, but not what belongs to `minute`: it is still counted. What comes late for a minute that is
    /// written is added to it the next time.
    package func write(except minute: Minute?) {
        self.gate.withLock { _ in
            let batch = self.state.withLock { $0.take(except: minute) }
            guard !batch.isEmpty else { return }
            do {
                try self.put(batch)
                self.state.withLock { $0.failure = nil }
            } catch {
                self.state.withLock { state in
                    state.failure = "\(error)"
                    for (minute, tally) in batch { state.others[minute, default: Tally()].merge(tally) }
                }
            }
        }
    }

    private func put(_ minutes: [Minute: Tally]) throws(DatabaseError) {
        try self.database.write { db throws(DatabaseError) in
            for (minute, tally) in minutes {
                try Self.add(tally, db, CountersSchema.one, CountersSchema.put, minute.number)
                try Self.add(tally, db, CountersSchema.oneHour, CountersSchema.putHour, minute.hour)
            }
            let (minutes, hours) = (Int64(Self.kept), Int64(Self.kept / 60))
            try db.run(CountersSchema.forget, .int(minutes))
            try db.run(CountersSchema.forgetHours, .int(hours))
        }
    }

    private static func add(
        _ tally: Tally, _ db: Connection, _ get: Statement, _ put: Statement, _ key: Int64
    ) throws(DatabaseError) {
        var sum = try db.row(get, .int(key), read: { row in row.withBytes(0) { Tally(encoded: $0) } }).flatMap { $0 } ?? Tally()
        sum.merge(tally)
        try db.run(put, .int(key), .blob(sum.encoded))
    }

    /// Why the newest minute could not be written; nil when it was.
    package var failure: String? { self.state.withLock { $0.failure } }

    /// Writes all that was counted, the current minute too, and closes the file.
    package func close() {
        self.state.withLock { $0.isStopped = true }
        self.state.broadcast()
        self.thread.withLock { $0 }?.join()
        self.write(except: nil)
        self.database.close()
    }

    /// Rows of the file, and what is not there yet, as of one moment.
    func read<T>(_ body: (Connection) throws(DatabaseError) -> T) throws(DatabaseError) -> (rows: T, waiting: [Minute: Tally]) {
        try self.gate.withLock { _ throws(DatabaseError) in
            let rows = try self.database.read(body)
            return (rows, self.state.withLock { $0.all })
        }
    }

    package var currentMinute: Minute { Minute(milliseconds: self.now()) }
}
