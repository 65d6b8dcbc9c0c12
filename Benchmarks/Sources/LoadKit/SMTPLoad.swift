/// A run of SMTP sessions that send messages of one size.
package struct SMTPLoad: Sendable {
    package var server: Endpoint
    /// Sessions in all; `parallel` of them at a time (nil: all).
    package var sessions: Int
    package var parallel: Int?
    package var messagesPerSession: Int
    package var size: Int
    package var sender = "load@client.example"
    /// Message m of session n goes to recipient n + m * sessions and, with `recipientsPerMessage`, to those that follow (modulo their
    /// number): with as many recipients as sessions each session has its own, with more they take turns.
    package var recipients: [String]
    package var recipientsPerMessage = 1
    /// MAIL, all RCPT and DATA in one write [RFC2920-3.1]; otherwise a round trip each.
    package var pipelining = false
    /// Sessions come from as many addresses of 127.1.0.0/16; nil: from one.
    package var sources: Int?
    package var timeLimit: Int64 = 60_000_000_000

    package init(server: Endpoint, sessions: Int, messagesPerSession: Int, size: Int, recipients: [String]) {
        self.server = server
        self.sessions = sessions
        self.messagesPerSession = messagesPerSession
        self.size = size
        self.recipients = recipients
    }

    package var messages: Int { self.sessions * self.messagesPerSession }

    /// Runs on the calling thread until every message is answered or the time is up.
    package func run() throws -> SMTPResult {
        try SMTPRun(self).run()
    }
}

/// What a run brought. Times are monotonic nanoseconds.
package struct SMTPResult: Sendable {
    package var started: Int64 = 0
    /// When the last answer to a message came.
    package var answered: Int64 = 0
    package var accepted = 0
    package var failed = 0
    /// The first thing that went wrong, if any.
    package var firstFailure: String?
    /// From the write of the last byte of a message to its 250.
    package var afterData = Latencies()
    /// From the write of MAIL to the 250 of the message.
    package var transaction = Latencies()
    package var clientCPU: Int64 = 0

    package var seconds: Double { Double(self.answered - self.started) / 1e9 }
}

/// The state that the sessions of one run share.
final class SMTPRun {
    let load: SMTPLoad
    let text: MessageText
    let reactor: Reactor
    /// A RCPT command for each recipient of the load.
    let recipients: [[UInt8]]
    var result = SMTPResult()
    private var started = 0
    private var ended = 0

    init(_ load: SMTPLoad) throws {
        self.load = load
        self.recipients = load.recipients.map { Array("RCPT TO:<\($0)>\r\n".utf8) }
        self.text = try MessageText(size: load.size, run: UInt32.random(in: 0...UInt32.max))
        self.reactor = try Reactor()
    }

    func run() throws -> SMTPResult {
        let cpu = threadCPU()
        self.result.started = monotonicNow()
        for _ in 0..<min(self.load.sessions, self.load.parallel ?? self.load.sessions) { try self.startNext() }
        let finished = try self.reactor.run(until: self.result.started + self.load.timeLimit) { self.ended == self.load.sessions }
        if !finished { self.note("time limit") }
        self.result.clientCPU = threadCPU() - cpu
        return self.result
    }

    private func startNext() throws {
        let number = self.started
        self.started += 1
        let source = self.load.sources.map { number % $0 }
        let descriptor = try Socket.connect(to: self.load.server, source: source)
        _ = try SMTPLoadSession(descriptor, number: number, self)
    }

    func sessionEnded() {
        self.ended += 1
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
