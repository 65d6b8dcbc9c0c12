import Forms
import MailTesting
import MessageStore
import NIOCore
import SMTPService
import Testing
import Vocabulary

@Suite("Mail of programs of this host", .serialized)
struct LocalSubmissionTests {
    private static func submit(
        _ server: SMTPFixture, _ text: String, to recipients: [String] = ["taro"], user: UInt32 = 1000, says size: Int? = nil
    ) throws(LocalSubmission.Failure) {
        var rest = ByteBuffer(string: text)
        let message = LocalSubmission.Message(
            sender: "hanako@example.test", recipients: recipients, userID: user, size: Int64(size ?? text.utf8.count))
        try server.submission.accept(message, trace: TraceID("L1")) { () throws(LocalSubmission.Failure) -> ByteBuffer in
            rest.readSlice(length: min(rest.readableBytes, LocalSubmission.firstPiece)) ?? ByteBuffer()
        }
    }

    /// What the server says of it; nil when it is taken.
    private static func answer(
        _ server: SMTPFixture, _ text: String, to recipients: [String] = ["taro"], user: UInt32 = 1000, says size: Int? = nil
    ) -> LocalSubmission.Failure? {
        do throws(LocalSubmission.Failure) {
            try Self.submit(server, text, to: recipients, user: user, says: size)
            return nil
        } catch {
            return error
        }
    }

    @Test("The form of a message is held to as over SMTP: CRLF, NUL, long lines, size; in whatever piece it stands")
    func form() throws {
        let server = try SMTPFixture()
        let taro = try server.account("taro@example.test")
        try server.configure(LimitField.messageSize, "2M")
        let head = "Subject: x\r\n\r\n"
        let filler = String(repeating: String(repeating: "x", count: 98) + "\r\n", count: 8000)
        for before in [head, head + filler] {
            for (bad, word) in [
                ("a\nb\r\n", "LF"), ("a\rb\r\n", "CR"), ("\0\r\n", "NUL"),
                (String(repeating: "x", count: 999) + "\r\n", "longer than allowed"),
                (filler + filler + filler, "larger than a message may be"), ("a\r", "CR"),
            ] {
                let answer = Self.answer(server, before + bad)
                guard case .refused(let why)? = answer else { Issue.record("\(bad.prefix(20)) \(String(describing: answer))"); continue }
                #expect(why.contains(word))
            }
        }
        #expect(Self.answer(server, head + "x\r\n", says: 100) == .refused("it changed while it was read"))
        #expect(Self.answer(server, head + "x\r\n", says: 10) == .refused("it changed while it was read"))
        #expect(try server.mailbox(of: taro).isEmpty)
        // The last line's end is added; a dot on a line of its own is text.
        #expect(Self.answer(server, head + ".\r\n\r\nlast") == nil && Self.answer(server, head + filler) == nil)
        #expect(try server.mailbox(of: taro).count == 2)
    }

    @Test("Filters look at it: refused, held, tagged, thrown away, in memory and on disk")
    func filters() throws {
        let server = try SMTPFixture(sends: true)
        let taro = try server.account("taro@example.test")
        try server.configure(
            FilterField.rules,
            list: [
                "no: if subject /refuse/ then refuse \"Not this\"", "wait: if subject /hold/ then hold \"to be looked at\"",
                "gone: if subject /drop/ then drop", "late: if body /needle/ then refuse \"Found\"",
            ])
        let filler = String(repeating: String(repeating: "x", count: 98) + "\r\n", count: 6000)
        #expect(Self.answer(server, "Subject: refuse\r\n\r\nx\r\n") == .refused("a filter refuses it: Not this"))
        #expect(Self.answer(server, "Subject: large\r\n\r\nneedle\r\n\(filler)") == .refused("a filter refuses it: Found"))
        #expect(
            Self.answer(server, "Subject: drop\r\n\r\n\(filler)\r\n") == nil && Self.answer(server, "Subject: hold\r\n\r\nx\r\n") == nil)
        #expect(try server.mailbox(of: taro).isEmpty)
        #expect(server.events.lines("filtered").count == 4)
        #expect(Self.answer(server, "Subject: fine\r\n\r\nx\r\n") == nil)
        #expect(try server.mailbox(of: taro).count == 1)
    }

    @Test("The hourly limit of users holds for users of this host: one waits, others go on, what waited does not count")
    func rates() throws {
        let server = try SMTPFixture(sends: true)
        _ = try server.account("taro@example.test")
        try server.configure(RoutingField.mailRoutingTable, "[*:hold]")
        try server.configure(BlockField.userRate, "2")
        let away = ["a@remote.test", "b@remote.test", "c@remote.test"]
        #expect(Self.answer(server, "Subject: x\r\n\r\n", to: [away[0]]) == nil)
        for _ in 0..<3 {
            guard case .userWaits? = Self.answer(server, "Subject: x\r\n\r\n", to: Array(away.prefix(2))) else {
                Issue.record("taken"); return
            }
        }
        #expect(Self.answer(server, "Subject: x\r\n\r\n", to: [away[1]]) == nil)
        #expect(Self.answer(server, "Subject: x\r\n\r\n") == nil, "recipients here do not count")
        #expect(
            Self.answer(server, "Subject: x\r\n\r\n", to: away, user: 1001) == nil, "more than an hour allows, when nothing else was sent")
        #expect(server.guards.rates.known(at: server.clock.now).map(\.sender) == [.localUser(1000), .localUser(1001)])
        server.clock.advance(7300)
        #expect(Self.answer(server, "Subject: x\r\n\r\n", to: [away[2]]) == nil)
    }
}
