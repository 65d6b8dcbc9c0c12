internal import Bytes
internal import Database
internal import Glibc
internal import Synchronization
package import Vocabulary

/// The log and trail on disk. Sessions hand over events and go on at once; a thread of its own writes them in batches.
/// Bounded: when the disk is full or slow, events are dropped and counted, and the count is the first line after it recovers.
package final class TrailWriter: EventSink {
    package struct Options: Sendable {
        /// Bytes that may wait for the disk.
        package var memory = 4 << 20
        /// Days that are kept.
        package var days = 30
        /// How long the writer gathers before it writes, in milliseconds. 0 writes at once.
        package var gather = 50
        /// Pause after a failed write, in milliseconds.
        package var pause = 1000
        /// Told why events cannot be written, once until they can be again; nil is the end of it. Called on the writer's thread.
        package var whenFailing: @Sendable (String?) -> Void = { _ in }
        /// Told of every event with the time of its line, whether or not its switch is on. Called on the thread that records: must return at
        /// once. An event that is dropped later is counted all the same; `events-dropped` says how many there are.
        package var count: (@Sendable (TrailEvent, Int64) -> Void)?
        /// Milliseconds since 1970.
        package var now: @Sendable () -> Int64 = TrailWriter.systemTime

        package init() {}
    }

    private let waiting = Monitor(TrailBatch.Waiting())
    private let switches = Atomic<UInt32>(.max)
    private let days: Days
    private let options: Options
    private let state = State()
    private let thread: Thread

    package init(directory: String, options: Options = Options()) {
        self.options = options
        let (waiting, state) = (self.waiting, self.state)
        let days = Days(options.days)
        self.days = days
        self.thread = Thread("trail") { Self.run(waiting, TrailFiles(directory: directory), options, days, state) }
    }

    /// Which of the switchable events are written; all others always are.
    package func setSwitches(_ enabled: Set<LogSwitch>) {
        let mask = enabled.reduce(UInt32(0)) { $0 | Self.bit($1) }
        self.switches.store(mask, ordering: .relaxed)
    }

    /// How many days are kept; nil keeps all. Holds from the next new file on.
    package func setDays(_ count: Int?) { self.days.count.store(max(1, count ?? .max), ordering: .relaxed) }

    /// Shared with the writer's thread.
    private final class Days: Sendable {
        let count: Atomic<Int>
        init(_ count: Int) { self.count = Atomic(count) }
    }

    /// Events that could not be written since the start, whether or not the log says so by now.
    package var unwritten: Int { self.state.unwritten.load(ordering: .relaxed) }

    /// Why events cannot be written now; nil when they can.
    package var failure: String? { self.state.failure.withLock { $0 } }

    private final class State: Sendable {
        let unwritten = Atomic<Int>(0)
        let failure = Mutex<String?>(nil)

        /// True when something is to be told.
        func note(unwritten: Int, _ failure: String?) -> Bool {
            self.unwritten.store(unwritten, ordering: .relaxed)
            return self.failure.withLock { known in
                defer { known = failure }
                return (known == nil) != (failure == nil)
            }
        }
    }

    package func record(_ event: @autoclosure () -> TrailEvent, switchedBy gate: LogSwitch?) {
        let isWanted = gate.map { self.switches.load(ordering: .relaxed) & Self.bit($0) != 0 } ?? true
        guard isWanted || self.options.count != nil else { return }
        let event = event()
        let time = self.options.now()
        self.options.count?(event, time)
        if isWanted { self.write(event, time) }
    }

    /// Returns when everything recorded before has been handed to the system, or was dropped.
    package func flush() {
        let goal = self.waiting.withLock { state in
            state.wantsFlush = true
            return state.taken + (state.size > 0 ? 1 : 0)
        }
        self.waiting.broadcast()
        self.waiting.wait(until: { $0.finished >= goal }, then: { _ in })
    }

    /// Writes what waits and ends the thread.
    package func close() {
        self.waiting.withLock { $0.isClosed = true }
        self.waiting.broadcast()
        self.thread.join()
    }

    /// Writes one event at once, from a process that has no writer (dispatcher, commands). Appends of two processes do not mix.
    /// Returns the line, for standard error.
    @discardableResult
    package static func append(_ event: TrailEvent, directory: String, now: Int64 = TrailWriter.systemTime()) -> String {
        var waiting = TrailBatch.Waiting()
        var line: [UInt8] = []
        TrailLine.append(event, to: &line)
        waiting.add(line, milliseconds: now, limit: .max)
        let batch = waiting.take()
        var output = TrailOutput(files: TrailFiles(directory: directory), days: .max)
        _ = output.write(batch, at: now)
        output.close()
        return String(decoding: batch.chunks.flatMap(\.bytes), as: UTF8.self)
    }

    package static let systemTime: @Sendable () -> Int64 = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    private func write(_ event: TrailEvent, _ time: Int64) {
        var line: [UInt8] = []
        line.reserveCapacity(256)
        TrailLine.append(event, to: &line)
        let limit = self.options.memory
        let wasEmpty = self.waiting.withLock { state in
            let wasEmpty = state.size == 0
            state.add(line, milliseconds: time, limit: limit)
            return wasEmpty
        }
        if wasEmpty { self.waiting.broadcast() }
    }

    private static func bit(_ gate: LogSwitch) -> UInt32 {
        switch gate {
        case .opened: 1 << 0
        case .refusedAtConnect: 1 << 1
        case .helo: 1 << 2
        case .tls: 1 << 3
        case .auth: 1 << 4
        case .mail: 1 << 5
        case .recipientAccepted: 1 << 6
        case .recipientRefused: 1 << 7
        case .relayRefused: 1 << 8
        case .messageAccepted: 1 << 9
        case .messageRefused: 1 << 10
        case .specialCommand: 1 << 11
        case .closed: 1 << 12
        }
    }

    /// The thread: waits for the first event, gathers a little, writes, until closed and empty.
    private static func run(_ waiting: Monitor<TrailBatch.Waiting>, _ files: TrailFiles, _ options: Options, _ days: Days, _ state: State) {
        var output = TrailOutput(files: files, days: options.days)
        while true {
            waiting.wait(until: { $0.size > 0 || $0.isClosed }, then: { _ in })
            waiting.wait(
                milliseconds: options.gather, until: { $0.isClosed || $0.wantsFlush || $0.size > 256 << 10 }, then: { _ in })
            let (batch, isClosed) = waiting.withLock { ($0.take(), $0.isClosed) }
            output.days = days.count.load(ordering: .relaxed)
            let lost = output.write(batch, at: options.now())
            if !batch.isEmpty, state.note(unwritten: output.reported + lost, output.failure) { options.whenFailing(output.failure) }
            waiting.withLock { $0.finish(lost: lost) }
            waiting.broadcast()
            if isClosed && batch.isEmpty { return }
            if lost > 0 && !isClosed { waiting.wait(milliseconds: options.pause, until: { $0.isClosed }, then: { _ in }) }
        }
    }
}
