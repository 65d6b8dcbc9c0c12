/// One session of a run: EHLO, messages one after the other, QUIT.
final class SMTPLoadSession: Connection {
    private enum Phase { case greeting, hello, mail, recipient, data, body, quit }

    private let run: SMTPRun
    private let number: Int
    private let mail: [UInt8]
    private var phase = Phase.greeting
    private var replies = ReplyScanner()
    private var recipient = 0
    private var message = 0
    private var mailAt: Int64 = 0
    private var dataAt: Int64 = 0
    /// Replies of a pipelined group that are still to come.
    private var outstanding = 0

    private static let hello = Array("EHLO client.example\r\n".utf8)
    private static let data = Array("DATA\r\n".utf8)
    private static let quit = Array("QUIT\r\n".utf8)

    init(_ descriptor: CInt, number: Int, _ run: SMTPRun) throws {
        self.run = run
        self.number = number
        self.mail = Array("MAIL FROM:<\(run.load.sender)>\r\n".utf8)
        try super.init(descriptor, run.reactor)
    }

    override func received(_ bytes: UnsafeRawBufferPointer) {
        // Taken out, because an answer may send and look at everything here.
        var replies = self.replies
        self.replies = ReplyScanner()
        replies.scan(bytes) { code, text in
            self.answered(code, text)
            return !self.closed
        }
        self.replies = replies
    }

    override func ended(_ reason: String) {
        guard !self.closed else { return }
        if self.phase != .quit {
            self.run.note("session ended in \(self.phase): \(reason)")
            self.run.result.failed += self.run.load.messagesPerSession - self.message
        }
        self.close()
        self.run.sessionEnded()
    }

    private func answered(_ code: Int, _ text: String) {
        if code >= 400, self.phase != .quit { return self.ended("\(code)\(text)") }
        switch self.phase {
        case .greeting:
            self.expect(code, 220) {
                self.phase = .hello; self.send(Self.hello)
            }
        case .hello: self.expect(code, 250) { self.nextMessage() }
        case .mail: self.expect(code, 250) { self.nextRecipient() }
        case .recipient: self.expect(code, 250) { self.nextRecipient() }
        case .data: self.pipelinedOrData(code)
        case .body: self.expect(code, 250) { self.messageAccepted() }
        case .quit: self.ended("quit")
        }
    }

    private func expect(_ code: Int, _ wanted: Int, _ next: () -> Void) {
        guard code == wanted else { return self.ended("unexpected reply \(code)") }
        next()
    }

    private func nextMessage() {
        guard self.message < self.run.load.messagesPerSession else {
            self.phase = .quit
            return self.send(Self.quit)
        }
        self.mailAt = monotonicNow()
        if self.run.load.pipelining {
            self.phase = .data
            let count = self.run.load.recipientsPerMessage
            self.outstanding = count + 2
            self.send(self.mail + (0..<count).flatMap { self.recipientLine($0) } + Self.data)
        } else {
            self.phase = .mail
            self.recipient = 0
            self.send(self.mail)
        }
    }

    private func nextRecipient() {
        if self.recipient < self.run.load.recipientsPerMessage {
            self.phase = .recipient
            self.recipient += 1
            self.send(self.recipientLine(self.recipient - 1))
        } else {
            self.phase = .data
            self.outstanding = 1
            self.send(Self.data)
        }
    }

    private func recipientLine(_ index: Int) -> [UInt8] {
        self.run.recipients[(self.number + self.message * self.run.load.sessions + index) % self.run.recipients.count]
    }

    private func pipelinedOrData(_ code: Int) {
        self.outstanding -= 1
        self.expect(code, self.outstanding == 0 ? 354 : 250) {
            guard self.outstanding == 0 else { return }
            self.phase = .body
            self.send(self.run.text.head(session: self.number, message: self.message), self.run.text.tail)
            self.dataAt = monotonicNow()
        }
    }

    private func messageAccepted() {
        let now = monotonicNow()
        self.run.result.accepted += 1
        self.run.result.answered = now
        self.run.result.afterData.record(nanoseconds: now - self.dataAt)
        self.run.result.transaction.record(nanoseconds: now - self.mailAt)
        self.message += 1
        self.nextMessage()
    }
}
