import Bytes
import MailTesting
import NIOCore
import SMTPWire
import Testing
import Vocabulary

@Suite("An SMTP session")
struct SessionTests {
    static func plain(_ login: String, _ password: String) -> String { Base64.encode(Array("\0\(login)\0\(password)".utf8)) }

    @Test(
        "S3 BDAT and DATA give the same bytes, whatever the pieces",
        arguments: ["", "a\r\n", ".\r\n..\r\n", "no line end", "a\r\n\r\n.\r\nb\r\n"])
    func sameBytes(_ text: String) {
        var byData = Conversation.greeted()
        _ = byData.say("MAIL FROM:<a@x.test>", "RCPT TO:<known@example.test>", "DATA")
        let ended = text.isEmpty || text.hasSuffix("\r\n") ? text : text + "\r\n"
        var encoder = DotEncoder()
        var stuffed = ByteBuffer()
        encoder.encode(ByteBuffer(string: ended), into: &stuffed)
        encoder.finish(into: &stuffed)
        _ = byData.raw(String(buffer: stuffed))
        var byChunks = Conversation.greeted()
        _ = byChunks.say("MAIL FROM:<a@x.test>", "RCPT TO:<known@example.test>")
        for byte in text.utf8 { _ = byChunks.raw(Array("BDAT 1\r\n".utf8) + [byte]) }
        _ = byChunks.say("BDAT 0 LAST")
        #expect(byData.backend.messages.map(\.text) == [ended])
        #expect(byChunks.backend.messages.map(\.text) == [ended])
    }

    @Test("A large body goes to the backend in pieces and arrives whole", arguments: Cutting.all.filter { $0 != .everyByte })
    func largeBody(_ cutting: Cutting) {
        var peer = Conversation(bodyInMemory: 64 << 10)
        _ = peer.say("EHLO client.test", "MAIL FROM:<a@x.test>", "RCPT TO:<known@example.test>", "DATA")
        let text = (0..<20_000).map { "line \($0)\r\n" }.joined()
        for piece in cutting.pieces(of: Array("\(text).\r\n".utf8)) { peer.session.send(piece) }
        #expect(peer.session.takeOutput().hasPrefix("250 2.0.0 Taken \(text.utf8.count) octets"))
        #expect(peer.backend.messages.first?.text == text)
        if cutting != .whole { #expect(peer.backend.pieces >= 2 && peer.backend.granted == 64 << 10) }
    }

    @Test("When the store refuses a piece, the rest is drained and the reason given at the end")
    func refusedPiece() {
        var peer = Conversation(bodyInMemory: 1 << 10)
        peer.backend.bodyReply = Reply(452, EnhancedStatus(4, 3, 1), "Storage is full")
        _ = peer.say("EHLO client.test", "MAIL FROM:<a@x.test>", "RCPT TO:<known@example.test>", "DATA")
        for _ in 0..<2000 { #expect(peer.raw("NOOP is text here\r\n").isEmpty) }
        #expect(peer.say(".") == "452 4.3.1 Storage is full")
        #expect(peer.say("NOOP") == "250 2.0.0 Ok")
    }

    @Test("AUTH: PLAIN at once and in two steps, LOGIN, and the end of patience")
    func auth() {
        var peer = Conversation.greeted(clearAuth: true)
        #expect(peer.say("AUTH PLAIN \(Self.plain("known", "wrong"))") == "535 5.7.8 Authentication credentials invalid")
        #expect(peer.say("AUTH PLAIN") == "334 ")
        #expect(peer.say("*") == "501 5.7.0 Authentication cancelled")
        #expect(peer.say("AUTH LOGIN") == "334 VXNlcm5hbWU6")
        #expect(peer.say(Base64.encode(Array("known".utf8))) == "334 UGFzc3dvcmQ6")
        #expect(peer.say(Base64.encode(Array("secret word".utf8))) == "235 2.7.0 Authentication successful")
        #expect(peer.say("AUTH PLAIN \(Self.plain("known", "secret word"))") == "503 5.5.1 Bad sequence of commands")
        #expect(!peer.say("EHLO again").contains("AUTH"))

        peer = Conversation.greeted(clearAuth: true)
        _ = peer.say("AUTH PLAIN \(Self.plain("a", "b"))", "AUTH PLAIN \(Self.plain("unknown", "b"))")
        #expect(
            peer.say("AUTH PLAIN \(Self.plain("c", "d"))")
                == "535 5.7.8 Authentication credentials invalid|421 4.7.0 Too many failed logins, closing")
    }

    @Test("T3 AUTH is neither offered nor taken without TLS; after MAIL it is refused")
    func authNeedsTLS() {
        var peer = Conversation()
        #expect(!peer.say("EHLO client.test").contains("AUTH"))
        #expect(peer.say("AUTH PLAIN \(Self.plain("known", "secret word"))").hasPrefix("538 5.7.11"))
        #expect(peer.say("STARTTLS").hasPrefix("220"))
        peer.session.establishTLS()
        #expect(peer.say("EHLO client.test").contains("AUTH PLAIN LOGIN"))
        _ = peer.say("MAIL FROM:<a@x.test>")
        #expect(peer.say("AUTH PLAIN \(Self.plain("known", "secret word"))") == "503 5.5.1 Bad sequence of commands")
        #expect(peer.say("AUTH CRAM-MD5").hasPrefix("503"))
        _ = peer.say("RSET")
        #expect(peer.say("AUTH CRAM-MD5").hasPrefix("504"))
    }

    @Test("T1 T2 nothing said in clear is known after STARTTLS, nothing glued behind it is read")
    func tlsStartsAnew() {
        var peer = Conversation.greeted(clearAuth: true)
        _ = peer.say("AUTH PLAIN \(Self.plain("known", "secret word"))", "MAIL FROM:<a@x.test>", "RCPT TO:<known@example.test>")
        #expect(peer.raw("STARTTLS\r\nDATA\r\nevil\r\n.\r\nQUIT\r\n") == "220 2.0.0 Ready to start TLS")
        #expect(peer.session.dropped == "DATA\r\nevil\r\n.\r\nQUIT\r\n".utf8.count)
        peer.session.establishTLS()
        #expect(peer.raw("").isEmpty)
        #expect(peer.say("DATA") == "503 5.5.1 Send EHLO or HELO first")
        #expect(peer.say("EHLO client.test").contains("AUTH"))
        #expect(!peer.say("EHLO client.test").contains("STARTTLS"))
    }

    @Test("Errors made before STARTTLS still count after it")
    func countsSurvive() {
        var peer = Conversation.greeted { $0.errors = 3 }
        _ = peer.say("X", "X", "STARTTLS")
        peer.session.establishTLS()
        #expect(peer.say("X").contains("421"))
    }

    @Test("Submission: first TLS, then login, then mail; bare local parts are taken")
    func submission() {
        var peer = Conversation.greeted(submission: true)
        #expect(peer.say("MAIL FROM:<known@example.test>") == "530 5.7.0 Send STARTTLS first")
        _ = peer.say("STARTTLS")
        peer.session.establishTLS()
        _ = peer.say("EHLO client.test")
        #expect(peer.say("MAIL FROM:<known@example.test>") == "530 5.7.0 Authentication required")
        _ = peer.say("AUTH PLAIN \(Self.plain("known", "secret word"))")
        #expect(peer.say("MAIL FROM:<known>") == "250 2.1.0 Sender Ok")
        #expect(peer.say("RCPT TO:<known>") == "250 2.1.5 Recipient Ok")
    }

    @Test("A stranger's bare local part is refused, but for postmaster's")
    func bareRecipient() {
        var peer = Conversation.greeted()
        _ = peer.say("MAIL FROM:<>")
        #expect(peer.say("RCPT TO:<known>").hasPrefix("501 5.1.3"))
        #expect(peer.say("RCPT TO:<POSTmaster>") == "250 2.1.5 Recipient Ok")
    }

    @Test("EHLO in a transaction ends it")
    func helloResets() {
        var peer = Conversation.greeted()
        _ = peer.say("MAIL FROM:<a@x.test>", "RCPT TO:<known@example.test>")
        _ = peer.say("EHLO again.test")
        #expect(peer.say("DATA") == "503 5.5.1 Send MAIL first")
        #expect(peer.backend.resets == 1)
    }

    @Test("A refused MAIL begins nothing, a 421 from the backend ends the session")
    func refusals() {
        var peer = Conversation.greeted()
        peer.backend.mailReply = Reply(452, EnhancedStatus(4, 3, 1), "Storage is full")
        #expect(peer.say("MAIL FROM:<a@x.test>") == "452 4.3.1 Storage is full")
        #expect(peer.say("RCPT TO:<known@example.test>").hasPrefix("503"))
        peer.backend.mailReply = nil
        _ = peer.say("MAIL FROM:<a@x.test>")
        #expect(
            peer.say("RCPT TO:<full@x.test>", "RCPT TO:<busy@x.test>", "RCPT TO:<known@x.test>")
                == "452 4.2.2 Mailbox full|421 4.7.0 Closing")
        #expect(peer.session.isClosed)
    }

    @Test("A silent peer is told so and let go; what the backend does has no limit of time")
    func timeouts() {
        var peer = Conversation.greeted()
        #expect(peer.session.deadline == .minutes(5))
        _ = peer.say("MAIL FROM:<a@x.test>", "RCPT TO:<known@example.test>", "DATA")
        #expect(peer.session.deadline == .minutes(3))
        peer.session.timeOut()
        #expect(peer.raw("") == "421 4.4.2 mail.example.test Timeout, closing")
        #expect(peer.session.isClosed)
    }

    @Test("A byte now and then does not put off the deadline of a command")
    func slowCommand() {
        var peer = Conversation.greeted()
        var out = SessionOutput<SMTPCall>()
        var machine = peer.session.machine
        var input = ByteBuffer(string: "NOO")
        machine.received(&input, &out)
        #expect(out.takeDeadline() == nil)
        _ = peer.say("QUIT")
    }

    @Test("Draining: idle sessions end at once, a transaction is finished first")
    func draining() {
        var idle = Conversation.greeted()
        idle.session.shutDown()
        #expect(idle.raw("").hasPrefix("421 4.3.2 ") && idle.session.isClosed)
        var busy = Conversation.greeted()
        _ = busy.say("MAIL FROM:<a@x.test>", "RCPT TO:<known@example.test>")
        busy.session.shutDown()
        #expect(busy.say("DATA").hasPrefix("354"))
        #expect(busy.say("x", ".").hasPrefix("250 2.0.0 Taken 3 octets for 1: x||421 4.3.2"))
        #expect(busy.session.isClosed)
    }

    @Test("Draining: of whom only an envelope is here, the next line is waited for 5 s and no longer; a body in hand has its usual time")
    func drainingPatience() {
        var silent = Conversation.greeted()
        _ = silent.say("MAIL FROM:<a@x.test>", "RCPT TO:<known@example.test>")
        silent.session.shutDown()
        #expect(silent.session.deadline == .seconds(5) && !silent.session.isClosed)
        _ = silent.say("NOOP")
        #expect(silent.session.deadline == .seconds(5))
        silent.session.timeOut()
        #expect(silent.raw("").hasPrefix("421 4.3.2 ") && silent.session.isClosed)
        var login = Conversation.greeted()
        _ = login.say("AUTH LOGIN")
        login.session.shutDown()
        #expect(login.session.isClosed || login.session.deadline == .seconds(5))
        var busy = Conversation.greeted()
        _ = busy.say("MAIL FROM:<a@x.test>", "RCPT TO:<known@example.test>", "DATA")
        busy.session.shutDown()
        #expect(!busy.session.isClosed && busy.session.deadline.map { $0 > .seconds(5) } == true)
    }

    @Test("HELP and EHLO come from the table of commands")
    func help() {
        var peer = Conversation.greeted()
        let help = peer.say("HELP")
        for verb in [
            "HELO", "EHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "VRFY", "EXPN", "HELP", "STARTTLS", "AUTH", "ETRN",
            "QSND",
        ] {
            #expect(help.contains(verb))
            #expect(peer.say(verb.lowercased()) != "500 5.5.2 Command not recognised")
            peer = Conversation.greeted()
        }
        #expect(peer.say("MAILER x").hasPrefix("500") && peer.say("STARTLE").hasPrefix("500") && peer.say("").hasPrefix("500"))
    }

    @Test("BURL is offered to submission alone, and what it opens is held to the limits of every body")
    func urls() {
        let login = "AUTH PLAIN AGtub3duAHNlY3JldCB3b3Jk"
        for isSubmission in [true, false] {
            var peer = Conversation(submission: isSubmission, urls: true, clearAuth: true)
            #expect(peer.say("EHLO client.test").hasSuffix("|250 BURL") == isSubmission)
            _ = peer.say(login)
            #expect(peer.say("EHLO client.test").hasSuffix("|250 BURL imap") == isSubmission)
            #expect(peer.say("HELP").contains("BURL") == isSubmission)
            #expect(peer.say("BURL imap://h/whole LAST").hasPrefix(isSubmission ? "503 5.5.1 " : "500 "))
        }
        var none = Conversation(submission: true, clearAuth: true)
        #expect(!none.say("EHLO client.test", "HELP").contains("BURL"))
        // Longer than what is kept in memory: it goes on to the backend in pieces.
        var large = Conversation(submission: true, urls: true, clearAuth: true, bodyInMemory: 1000)
        let begin = ["EHLO client.test", login, "MAIL FROM:<known@x.test>", "RCPT TO:<known@x.test>"].map { $0 + "\r\n" }.joined()
        _ = large.raw(begin)
        #expect(large.say("BURL imap://h/large LAST") == "250 2.0.0 Taken 4800 octets for 1")
        #expect(large.backend.messages.first?.text == String(repeating: "0123456789\r\n", count: 400) && large.backend.pieces > 0)
        // And longer than a message may be: nothing more is fetched.
        var tooLarge = Conversation(submission: true, urls: true, clearAuth: true) { $0.messageSize = 2000 }
        _ = tooLarge.raw(begin)
        #expect(tooLarge.say("BURL imap://h/large") == "552 5.3.4 Message too big, at most 2000 octets")
        #expect(tooLarge.backend.resets == 1 && tooLarge.backend.messages.isEmpty)
        // Who tries one URL after the other is sent away.
        var guesser = Conversation(submission: true, urls: true, clearAuth: true) { $0.errors = 4 }
        _ = guesser.raw(begin)
        let tries = (0..<4).map { _ in guesser.say("BURL imap://h/none LAST") + guesser.say("MAIL FROM:<>", "RCPT TO:<known@x.test>") }
        #expect(tries[3].hasPrefix("554 5.6.6 IMAP URL resolution failed|421 4.7.0 ") && guesser.session.isClosed, "\(tries)")
    }

    @Test("A reply cannot be split by what it quotes")
    func replies() {
        var out = ByteBuffer()
        out.writeReply(Reply(250, EnhancedStatus(2, 0, 0), "one\ntwo\r\u{0}three"))
        #expect(String(buffer: out) == "250-2.0.0 one\r\n250 2.0.0 two??three\r\n")
    }
}
