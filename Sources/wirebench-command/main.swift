import Glibc
import NIOCore
import SMTPWire
import Vocabulary

// wirebench: what the protocol machines cost by themselves, without sockets, driver and store. A session sends as most clients do: one
// packet for each of MAIL, RCPT and DATA, then the message in one.

/// CPU seconds of this process so far.
func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Says yes to everything.
func answer(_ call: SMTPCall) -> SMTPOutcome {
    switch call {
    case .connect: .reply(Reply(220, nil, "mail.example.test ESMTP server ready"))
    case .recipients(let recipients): .recipients(recipients.map { _ in nil })
    case .finish: .reply(Reply(250, EnhancedStatus(2, 6, 0), "Message received"))
    case .special: .reply(Reply(252, nil, "no"))
    case .authenticate: .auth(.refused(.unavailable))
    case .url, .urlOn: .content(ByteBuffer(), isLast: true)
    case .secured, .hello, .mail, .memory, .body, .reset: .done
    }
}

struct Runner {
    var machine: SMTPSession
    var replies = 0

    /// What the driver does with one packet.
    mutating func receive(_ packet: ByteBuffer) {
        var out = SessionOutput<SMTPCall>()
        var input = packet
        while true {
            self.machine.received(&input, &out)
            while let call = out.takeCall() { self.machine.completed(answer(call), &out) }
            if input.readableBytes == 0 { break }
        }
        self.replies += out.replies.readableBytes
    }
}

/// A session that has said EHLO.
func greeted() -> Runner {
    let profile = SMTPProfile(
        hostName: "mail.example.test", isSubmission: false, offersStartTLS: false, limits: SMTPLimits(), makeNonce: { "nonce" })
    var runner = Runner(machine: SMTPSession(profile, allowsClearAuth: false))
    var out = SessionOutput<SMTPCall>()
    runner.machine.connected(tls: nil, &out)
    while let call = out.takeCall() { runner.machine.completed(answer(call), &out) }
    runner.receive(ByteBuffer(string: "EHLO client.example.test\r\n"))
    runner.replies = 0
    return runner
}

/// Sessions of 100 messages, as the number that a session may send is limited.
func measure(_ size: Int, sessions: Int) {
    let line = "All work and no play makes a dull mail server, says Jack.\r\n"
    let packets = [
        ByteBuffer(string: "MAIL FROM:<sender@example.test>\r\n"), ByteBuffer(string: "RCPT TO:<u0001@example.test>\r\n"),
        ByteBuffer(string: "DATA\r\n"), ByteBuffer(string: String(repeating: line, count: size / line.utf8.count) + ".\r\n"),
    ]
    var replies = Set<Int>()
    let start = processorSeconds()
    for _ in 0..<sessions {
        var runner = greeted()
        for _ in 0..<100 {
            for packet in packets { runner.receive(packet) }
        }
        replies.insert(runner.replies)
    }
    let each = (processorSeconds() - start) / Double(sessions * 100) * 1e6
    // 250, 250, 354 and 250 are some 100 bytes; a session that was refused says less, and not always the same.
    let isSound = replies.count == 1 && replies.allSatisfy { $0 > 100 * 80 }
    print("\(size) bytes: \((each * 100).rounded() / 100) us of CPU a message\(isSound ? "" : ": replies \(replies)")")
}

measure(1 << 10, sessions: 2_000)
measure(10 << 10, sessions: 500)
measure(100 << 10, sessions: 50)
