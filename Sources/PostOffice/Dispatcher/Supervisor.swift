import Glibc

/// How the mta came to its end.
package enum MTAEnd: Sendable, Equatable {
    case exited(Int32)
    case signalled(Int32)
}

/// Decides when the mta is started, killed and given up. A pure value: what happened goes in with the time, what to do comes out.
/// Times are monotonic milliseconds.
package struct Supervisor: Sendable {
    package struct Bounds: Sendable, Equatable {
        /// Without a heartbeat for so long the mta counts as crashed.
        package var silence: Int64 = 20_000
        /// From SIGABRT to SIGKILL.
        package var mercy: Int64 = 2000
        /// What sessions get to finish at SIGTERM; the mta keeps it itself and gets 5 s more to close the store.
        package var drain: Int64 = 30_000
        /// A run of so long was a good one: the next crash is answered at once again.
        package var stable: Int64 = 300_000
        /// Between the first restart, which is immediate, and the second; doubled for each further one.
        package var firstPause: Int64 = 1000
        package var longestPause: Int64 = 60_000

        package init() {}
    }

    package enum Action: Sendable, Equatable {
        case spawn
        /// To the mta.
        case kill(Int32)
        /// To the service manager.
        case notify(String)
        /// Look into the crash slots: this is how the mta ended.
        case blame(MTAEnd, silent: Bool)
        /// Leave with this status.
        case finish(Int32)
        case log(String, [(key: String, value: String)])

        package static func == (a: Action, b: Action) -> Bool { "\(a)" == "\(b)" }
    }

    private enum Phase: Sendable, Equatable {
        case pausing(until: Int64)
        /// Starting and serving alike: the heartbeat begins with the process.
        case alive(since: Int64)
        /// Told to die because it was silent; SIGKILL follows.
        case dying(killAt: Int64)
        case stopping(killAt: Int64, urgency: Int)
        case finished
    }

    private let bounds: Bounds
    private var phase: Phase
    private var lastBeat: Int64 = 0
    /// Crashes in a row.
    private var crashes = 0
    private var wasEverReady = false
    private(set) package var isReady = false
    /// Restarts since the dispatcher began, for `status`.
    private(set) package var restarts = 0

    package init(_ bounds: Bounds = Bounds()) {
        self.bounds = bounds
        self.phase = .pausing(until: .min)
    }

    /// When `tick` has to be called at the latest; nil when nothing is waited for.
    package var deadline: Int64? {
        switch self.phase {
        case .pausing(let until): until
        case .alive: self.lastBeat + self.bounds.silence
        case .dying(let killAt), .stopping(let killAt, _): killAt
        case .finished: nil
        }
    }

    package mutating func spawned(_ now: Int64) {
        self.phase = .alive(since: now)
        self.lastBeat = now
    }

    /// The system gave us no process: like a crash.
    package mutating func couldNotSpawn(_ now: Int64) -> [Action] { self.pause(now) }

    package mutating func ready(_ now: Int64) -> [Action] {
        guard case .alive = self.phase, !self.isReady else { return [] }
        self.isReady = true
        self.wasEverReady = true
        return [.notify("READY=1\nSTATUS=serving"), .log("ready", [])]
    }

    package mutating func beat(_ now: Int64) { self.lastBeat = now }

    package mutating func exited(_ end: MTAEnd, _ now: Int64) -> [Action] {
        defer { self.isReady = false }
        switch self.phase {
        case .pausing, .finished: return []
        case .stopping:
            self.phase = .finished
            return [.log("stopped", []), .finish(end == .exited(0) ? 0 : 1)]
        case .alive(let since):
            if !self.wasEverReady, case .exited(let status) = end {
                // It said why on standard error; trying again would only repeat it.
                self.phase = .finished
                return [.finish(status == 0 ? 1 : status)]
            }
            if now - since >= self.bounds.stable { self.crashes = 0 }
            return [.blame(end, silent: false)] + self.pause(now)
        case .dying: return [.blame(end, silent: true)] + self.pause(now)
        }
    }

    package mutating func tick(_ now: Int64) -> [Action] {
        guard let deadline = self.deadline, now >= deadline else { return [] }
        switch self.phase {
        case .pausing: return [.spawn]
        case .alive:
            self.phase = .dying(killAt: now + self.bounds.mercy)
            return [.log("silent", [("milliseconds", "\(now - self.lastBeat)")]), .kill(SIGABRT)]
        case .dying:
            self.phase = .dying(killAt: now + self.bounds.mercy)
            return [.kill(SIGKILL)]
        case .stopping(_, let urgency):
            self.phase = .stopping(killAt: now + self.bounds.mercy, urgency: urgency)
            return [.log("drain-deadline-passed", []), .kill(SIGKILL)]
        case .finished: return []
        }
    }

    /// SIGTERM or SIGINT. The first drains, the second hurries, the third kills.
    package mutating func terminate(_ now: Int64) -> [Action] {
        switch self.phase {
        case .finished: return []
        case .pausing:
            self.phase = .finished
            return [.notify("STOPPING=1"), .finish(0)]
        case .alive, .dying:
            self.phase = .stopping(killAt: now + self.bounds.drain + 5000, urgency: 1)
            return [.notify("STOPPING=1\nSTATUS=finishing sessions"), .log("stopping", []), .kill(SIGTERM)]
        case .stopping(_, let urgency):
            self.phase = .stopping(killAt: now + 5000, urgency: urgency + 1)
            return urgency == 1 ? [.log("hurrying", []), .kill(SIGTERM)] : [.kill(SIGKILL)]
        }
    }

    /// SIGHUP: only a serving mta has anything to reload.
    package func reload() -> [Action] {
        guard case .alive = self.phase else { return [] }
        return [.kill(SIGHUP)]
    }

    private mutating func pause(_ now: Int64) -> [Action] {
        self.crashes += 1
        self.restarts += 1
        var pause: Int64 = 0
        if self.crashes > 1 {
            let doublings = min(self.crashes - 2, 20)
            pause = min(self.bounds.firstPause << Int64(doublings), self.bounds.longestPause)
        }
        self.phase = .pausing(until: now + pause)
        return [.notify("STATUS=restarting the mta"), .log("restarting", [("milliseconds", "\(pause)"), ("crashes", "\(self.crashes)")])]
    }
}
