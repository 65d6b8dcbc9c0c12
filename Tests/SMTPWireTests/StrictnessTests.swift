import MailTesting
import SMTPWire
import Testing
import Vocabulary

@Suite("What a hostile peer tries")
struct StrictnessTests {
    @Test(
        "S1 what is smuggled behind a false end of DATA is never a command",
        arguments: ["\n.\n", "\n.\r\n", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\n.\r", "\r.\r", "\r\n\0.\r\n"])
    func smuggledCommands(_ falseEnd: String) {
        var peer = Conversation.greeted()
        _ = peer.say("MAIL FROM:<a@x.test>", "RCPT TO:<known@example.test>", "DATA")
        let replies = peer.raw("hello\(falseEnd)MAIL FROM:<evil@x.test>\r\nRCPT TO:<known@example.test>\r\nDATA\r\nevil\r\n.\r\n")
        #expect(replies.hasPrefix("554 5.6.0 "))
        #expect(!replies.contains("|"), "more than one reply: something was taken for a command")
        #expect(peer.backend.messages.isEmpty)
    }

    @Test("S2 a bare LF ends no command line: the session ends with a reason")
    func bareNewlineCommand() {
        for cut in Cutting.all {
            var peer = Conversation()
            _ = peer.session.takeOutput()
            for piece in cut.pieces(of: Array("NOOP\r\nEHLO a\nMAIL FROM:<a@x.test>\r\n".utf8)) { peer.session.send(piece) }
            let said = peer.session.takeOutput()
            #expect(said == "250 2.0.0 Ok\r\n500 5.5.2 Lines must end with CRLF; a bare LF was received, closing\r\n")
            #expect(peer.session.isClosed)
        }
    }

    @Test("S2 a bare CR or a NUL in a command line is refused", arguments: ["NO\rOP\r\n", "NOOP\0\r\n", "\r\r\n"])
    func dirtyCommand(_ line: String) {
        var peer = Conversation.greeted()
        #expect(peer.raw(line) == "500 5.5.2 Bare CR or NUL in command")
    }

    @Test("S4 who talks before the greeting is turned away")
    func earlyTalker() {
        var peer = Conversation(early: "EHLO bot.test\r\n")
        #expect(peer.raw("") == "554 5.5.1 You talk before the greeting, closing")
        #expect(peer.session.isClosed)
    }

    @Test("S4 who sends the message before 354 is turned away")
    func talksAfterData() {
        var peer = Conversation.greeted()
        let replies = peer.raw("MAIL FROM:<a@x.test>\r\nRCPT TO:<known@example.test>\r\nDATA\r\nhello\r\n.\r\n")
        #expect(replies == "250 2.1.0 Sender Ok|250 2.1.5 Recipient Ok|554 5.5.1 Message sent before the reply to DATA, closing")
        #expect(peer.session.isClosed && peer.backend.messages.isEmpty)
    }

    @Test("A browser is shown the door at once", arguments: ["GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\n", "CONNECT x:25 HTTP/1.1\r\n"])
    func browser(_ line: String) {
        var peer = Conversation()
        _ = peer.session.takeOutput()
        #expect(peer.raw(line + "Host: x\r\n\r\n").hasPrefix("421 4.7.0 "))
        #expect(peer.session.isClosed)
    }

    @Test("P2 P3 a command line without end is dropped as it comes, then refused; the peer is given up in time")
    func endlessLine() {
        for cut in Cutting.all {
            var peer = Conversation.greeted()
            for piece in cut.pieces(of: Array((String(repeating: "x", count: 5000) + "\r\nNOOP\r\n").utf8)) { peer.session.send(piece) }
            #expect(peer.session.takeOutput() == "500 5.5.2 Line too long\r\n250 2.0.0 Ok\r\n")
        }
        var peer = Conversation.greeted()
        _ = peer.raw(String(repeating: "x", count: 70_000))
        #expect(peer.session.isClosed)
    }

    @Test("P2 the line limit counts CRLF; AUTH may be longer")
    func lineLimits() {
        var peer = Conversation.greeted(clearAuth: true)
        let noop = "NOOP " + String(repeating: "x", count: 2048 - 7)
        #expect(peer.say(noop) == "250 2.0.0 Ok")
        #expect(peer.say(noop + "x") == "500 5.5.2 Line too long")
        for cut in Cutting.all {
            var peer = Conversation.greeted(clearAuth: true)
            for piece in cut.pieces(of: Array(("AUTH PLAIN " + String(repeating: "A", count: 8000) + "\r\n").utf8)) {
                peer.session.send(piece)
            }
            #expect(peer.session.takeOutput().hasPrefix("501 5.5.2 "))
        }
    }

    @Test("P3 after an error in the body the rest is drained: too big, refused by the store, longer than a line may be")
    func drained() {
        var peer = Conversation.greeted { $0.messageSize = 1000 }
        _ = peer.say("MAIL FROM:<a@x.test>", "RCPT TO:<known@example.test>", "DATA")
        let big = String(repeating: "x\r\n", count: 2000)
        #expect(peer.raw("\(big).\r\n") == "552 5.3.4 Message too big, at most 1000 octets")
        #expect(peer.backend.messages.isEmpty && peer.backend.resets == 1)
        #expect(peer.say("MAIL FROM:<a@x.test> SIZE=1001") == "552 5.3.4 Message too big, at most 1000 octets")
        #expect(peer.say("MAIL FROM:<a@x.test> SIZE=99999999999999999999") == "552 5.3.4 Message too big, at most 1000 octets")
        #expect(peer.say("MAIL FROM:<a@x.test> SIZE=1000") == "250 2.1.0 Sender Ok")
    }

    @Test("P2 errors, refused recipients and transactions have an end")
    func budgets() {
        var peer = Conversation.greeted { $0.errors = 3 }
        #expect(
            peer.say("X", "X", "X")
                == "500 5.5.2 Command not recognised|500 5.5.2 Command not recognised|500 5.5.2 Command not recognised|421 4.7.0 Too many errors, closing"
        )
        #expect(peer.session.isClosed)

        peer = Conversation.greeted { $0.refusedRecipients = 2 }
        _ = peer.say("MAIL FROM:<a@x.test>")
        #expect(
            peer.say("RCPT TO:<u1@x.test>", "RCPT TO:<u2@x.test>", "RCPT TO:<known@x.test>")
                == "550 5.1.1 No such address|550 5.1.1 No such address|421 4.7.0 Too many refused recipients, closing")
        #expect(peer.session.isClosed)

        peer = Conversation.greeted { $0.transactions = 1 }
        _ = peer.say("MAIL FROM:<a@x.test>", "RCPT TO:<known@example.test>", "DATA")
        _ = peer.say("x", ".")
        #expect(peer.say("MAIL FROM:<a@x.test>").hasPrefix("421 4.7.0 "))
    }

    @Test("P2 recipients over the limit are refused for now, those before it stand")
    func manyRecipients() {
        var peer = Conversation.greeted { $0.recipients = 2 }
        _ = peer.say("MAIL FROM:<a@x.test>")
        #expect(
            peer.say("RCPT TO:<known@a.test>", "RCPT TO:<known@b.test>", "RCPT TO:<known@c.test>")
                == "250 2.1.5 Recipient Ok|250 2.1.5 Recipient Ok|452 4.5.3 Too many recipients")
        #expect(peer.say("RCPT TO:<known@d.test>") == "452 4.5.3 Too many recipients")
        _ = peer.say("DATA")
        #expect(peer.say("x", ".") == "250 2.0.0 Taken 3 octets for 2: x|")
    }

    @Test("A thousand pipelined recipients come in runs and are answered in order")
    func runs() {
        var peer = Conversation.greeted()
        _ = peer.say("MAIL FROM:<a@x.test>")
        let lines = (0..<1000).map { "RCPT TO:<\($0 % 3 == 0 ? "unknown" : "known")\($0 % 3 == 0 ? "" : "")@h\($0).test>\r\n" }.joined()
        var peerWithBudget = Conversation.greeted { $0.refusedRecipients = 1000 }
        _ = peerWithBudget.say("MAIL FROM:<a@x.test>")
        let replies = peerWithBudget.raw(lines).split(separator: "|")
        #expect(replies.count == 1000)
        #expect(replies.enumerated().allSatisfy { $1.hasPrefix($0 % 3 == 0 ? "550" : "250") })
        #expect(peerWithBudget.session.calls.count < 20)
    }

    @Test("A word that only begins like RCPT is no RCPT, alone or in a run")
    func almostRecipient() {
        for cut in Cutting.all {
            var peer = Conversation.greeted()
            _ = peer.say("MAIL FROM:<a@x.test>")
            for piece in cut.pieces(of: Array("RCPT TO:<known@x.test>\r\nRCPT<a@b>\r\nRCPTS TO:<a@b>\r\n".utf8)) {
                peer.session.send(piece)
            }
            #expect(
                peer.session.takeOutput()
                    == "250 2.1.5 Recipient Ok\r\n500 5.5.2 Command not recognised\r\n500 5.5.2 Command not recognised\r\n")
        }
    }

    @Test("Parameters: what was not offered, is malformed or comes twice is refused")
    func parameters() {
        var peer = Conversation.greeted()
        for (line, reply) in [
            ("MAIL FROM:<a@x.test> FOO=1", "555 5.5.4"), ("MAIL FROM:<a@x.test> SIZE=x", "501 5.5.4"),
            ("MAIL FROM:<a@x.test> SIZE=1 SIZE=2", "501 5.5.4"),
            ("MAIL FROM:<a@x.test> BODY=BINARYMIME", "501 5.5.4"), ("MAIL FROM:<a@x.test>SIZE=1", "501 5.5.4"),
            ("MAIL FROM:<a@x.test> =1", "501 5.5.4"),
            ("MAIL FROM:<a@x.test> RET=ALL", "501 5.5.4"), ("MAIL FROM:<a@x.test> ENVID=a+b", "501 5.5.4"),
            ("MAIL FROM:<a@x.test> REQUIRETLS", "530 5.7.0"), ("MAIL FROM:<a@x.test> BODY=7BIT body=8BITMIME", "501 5.5.4"),
            ("MAIL FROM:<a@x.test> BODY=7BIT BODY=7BIT", "501 5.5.4"), ("MAIL FROM:<a@x.test> SMTPUTF8 SMTPUTF8", "501 5.5.4"),
            ("MAIL FROM:<a@x.test> AUTH=<> AUTH=<>", "501 5.5.4"), ("MAIL FROM:<a@x.test> RET=FULL RET=FULL", "501 5.5.4"),
            ("MAIL FROM:<a@x.test> ENVID=\(String(repeating: "x", count: 101))", "501 5.5.4"),
            ("MAIL FROM:<a@x.test> ENVID=\(String(repeating: "x", count: 100))", "250 2.1.0"),
            ("MAIL FROM:<\u{3042}@x.test>", "553 5.6.7"), ("MAIL FROM:a@x.test", "501 5.1.7"), ("MAIL TO:<a@x.test>", "501 5.5.4"),
            ("MAIL FROM<a@x.test>", "501 5.5.4"),
        ] {
            var peer = Conversation.greeted()
            #expect(peer.say(line).hasPrefix(reply), "\(line)")
        }
        #expect(peer.say("MAIL FROM: <a@x.test> SIZE=9 body=8bitmime RET=hdrs ENVID=x+3D SMTPUTF8 AUTH=<>") == "250 2.1.0 Sender Ok")
        #expect(peer.say("RCPT TO:<known@x.test> NOTIFY=NEVER,DELAY").hasPrefix("501"))
        #expect(peer.say("RCPT TO:<known@x.test> NOTIFY=NEVER notify=NEVER").hasPrefix("501"))
        #expect(peer.say("RCPT TO:<known@x.test> ORCPT=rfc822;").hasPrefix("501"))
        #expect(peer.say("RCPT TO:<\u{3042}@x.test> NOTIFY=NEVER ORCPT=utf-8;\u{3042}") == "250 2.1.5 Recipient Ok")
        _ = peer.say("DATA")
        _ = peer.say("x", ".")
        let envelope = peer.backend.messages.first?.envelope
        #expect(envelope?.isEightBit == true && envelope?.dsnReturn == .headers && envelope?.envelopeID == "x+3D")
        #expect(envelope?.recipients.first?.notify == .never)

        var old = Conversation()
        _ = old.say("HELO old.test")
        #expect(old.say("MAIL FROM:<a@x.test> SIZE=1").hasPrefix("555"))
    }

    @Test("No reply has text of the peer's, no VRFY tells who exists")
    func nothingEchoed() {
        var peer = Conversation.greeted { $0.errors = 100 }
        for line in [
            "XEVIL", "VRFY known", "VRFY unknown", "EXPN EVIL", "MAIL FROM:<EVIL", "HELP EVIL", "AUTH EVIL", "NOOP EVIL", "ETRN EVIL",
        ] {
            #expect(!peer.say(line).contains("EVIL"), "\(line)")
        }
        #expect(peer.say("VRFY known") == peer.say("VRFY unknown"))
    }
}
