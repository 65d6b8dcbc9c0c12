/// One POP3 session: a fixed list of commands, each sent when the one before is answered.
final class POP3LoadSession: Connection {
    private let run: POP3Run
    private let account: Int
    private let connectedAt = monotonicNow()
    private var loggedInAt: Int64 = 0
    private var replies = POP3ReplyScanner()
    private var step = Step.greeting

    private enum Step: Equatable { case greeting, user, pass, stat, retrieve(Int), list, uidl, quit }

    init(_ descriptor: CInt, account: Int, _ run: POP3Run) throws {
        self.run = run
        self.account = account
        try super.init(descriptor, run.reactor)
    }

    override func received(_ bytes: UnsafeRawBufferPointer) {
        self.run.result.bytes += bytes.count
        var rest = bytes
        while !self.closed, let reply = self.replies.next(&rest) { self.answered(reply) }
    }

    override func ended(_ reason: String) {
        guard !self.closed else { return }
        self.run.note("session ended in \(self.step): \(reason)")
        self.run.result.failed += 1
        self.finish()
    }

    private func finish() {
        self.close()
        self.run.sessionEnded(self.account)
    }

    private func answered(_ reply: POP3Reply) {
        guard reply.ok else { return self.ended(reply.firstLine) }
        switch self.step {
        case .greeting: self.go(.user, "USER \(self.run.load.accounts[self.account])\r\n")
        case .user: self.go(.pass, "PASS \(self.run.load.password)\r\n")
        case .pass:
            self.loggedInAt = monotonicNow()
            self.go(.stat, "STAT\r\n")
        case .stat:
            let words = reply.firstLine.split(separator: " ")
            self.run.result.counts[self.account] = words.count > 1 ? Int(words[1]) : nil
            self.afterStat()
        case .retrieve(let number): self.retrieve(number + 1)
        case .list: self.go(.uidl, "UIDL\r\n", multiline: true)
        case .uidl: self.quit()
        case .quit:
            self.run.result.session.record(nanoseconds: monotonicNow() - self.connectedAt)
            self.run.result.completed += 1
            self.finish()
        }
    }

    private func afterStat() {
        switch self.run.load.script {
        case .stat: self.quit()
        case .retrieve: self.retrieve(1)
        case .list: self.go(.list, "LIST\r\n", multiline: true)
        }
    }

    private func retrieve(_ number: Int) {
        guard case .retrieve(let count) = self.run.load.script, number <= count else { return self.quit() }
        self.go(.retrieve(number), "RETR \(number)\r\n", multiline: true)
    }

    private func quit() {
        self.run.result.work.record(nanoseconds: monotonicNow() - self.loggedInAt)
        self.go(.quit, "QUIT\r\n")
    }

    private func go(_ step: Step, _ command: String, multiline: Bool = false) {
        self.step = step
        self.replies.expectMultiline = multiline
        self.send(command.utf8)
    }
}
