/// A run of POP3 sessions over accounts that all have the same password.
package struct POP3Load: Sendable {
    package enum Script: Sendable {
        /// Login, STAT, QUIT.
        case stat
        /// Login, STAT, RETR 1 … n, QUIT.
        case retrieve(Int)
        /// Login, STAT, LIST, UIDL, QUIT.
        case list
    }

    package var server: Endpoint
    package var accounts: [String]
    package var password: String
    package var sessions: Int
    /// At a time; never more than accounts, because a POP3 mailbox is locked by its session.
    package var parallel: Int
    package var script: Script
    package var sources: Int?
    package var timeLimit: Int64 = 60_000_000_000

    package init(server: Endpoint, accounts: [String], password: String, sessions: Int, parallel: Int, script: Script) {
        self.server = server
        self.accounts = accounts
        self.password = password
        self.sessions = sessions
        self.parallel = min(parallel, accounts.count, sessions)
        self.script = script
    }

    /// Runs on the calling thread until every session has ended or the time is up.
    package func run() throws -> POP3Result {
        try POP3Run(self).run()
    }
}

/// What a run brought. Times are monotonic nanoseconds.
package struct POP3Result: Sendable {
    package var started: Int64 = 0
    package var ended: Int64 = 0
    package var completed = 0
    package var failed = 0
    package var firstFailure: String?
    /// Bytes received, all included.
    package var bytes = 0
    /// Whole sessions, from the connect to the answer to QUIT.
    package var session = Latencies()
    /// From the answer to the password to the end of the answer to the last command before QUIT.
    package var work = Latencies()
    /// What STAT said, by account number.
    package var counts: [Int: Int] = [:]
    package var clientCPU: Int64 = 0

    package var seconds: Double { Double(self.ended - self.started) / 1e9 }
}

final class POP3Run {
    let load: POP3Load
    let reactor: Reactor
    var result = POP3Result()
    private var started = 0
    private var ended = 0
    private var turn = 0
    private var busy: Set<Int> = []

    init(_ load: POP3Load) throws {
        self.load = load
        self.reactor = try Reactor()
    }

    func run() throws -> POP3Result {
        let cpu = threadCPU()
        self.result.started = monotonicNow()
        for _ in 0..<self.load.parallel { try self.startNext() }
        let finished = try self.reactor.run(until: self.result.started + self.load.timeLimit) { self.ended == self.load.sessions }
        if !finished { self.note("time limit") }
        self.result.ended = monotonicNow()
        self.result.clientCPU = threadCPU() - cpu
        return self.result
    }

    /// Accounts take turns; one that a session holds is passed over, because a POP3 mailbox is locked by its session.
    private func startNext() throws {
        while self.busy.contains(self.turn % self.load.accounts.count) { self.turn += 1 }
        let account = self.turn % self.load.accounts.count
        self.turn += 1
        self.busy.insert(account)
        let descriptor = try Socket.connect(to: self.load.server, source: self.load.sources.map { self.started % $0 })
        self.started += 1
        _ = try POP3LoadSession(descriptor, account: account, self)
    }

    func sessionEnded(_ account: Int) {
        self.ended += 1
        self.busy.remove(account)
        guard self.started < self.load.sessions else { return }
        do { try self.startNext() } catch {
            self.note("\(error)")
            self.ended += self.load.sessions - self.started
            self.started = self.load.sessions
        }
    }

    func note(_ failure: String) {
        if self.result.firstFailure == nil { self.result.firstFailure = failure }
    }
}
