import Bytes
import Forms
import MailTesting
import NIOCore
import Testing
import Vocabulary

/// Items of the checklist that take more than one part of the server.
@Suite("Checklist, over directory and store", .serialized)
struct ChecklistTests {
    private static func server() throws -> (SMTPFixture, AccountID) {
        let server = try SMTPFixture()
        return (server, try server.account("taro@example.test", password: "taros word"))
    }

    private static func reader(_ server: SMTPFixture) throws -> POP3Client {
        let reader = try server.reader()
        try reader.ok("USER taro")
        try reader.ok("PASS taros word")
        return reader
    }

    @Test("S2 an LF alone is refused from everybody but the networks that the postmaster lists, and never passed on")
    func bareNewlines() throws {
        let (server, taro) = try Self.server()
        let text = "Subject: scan\n\nline\n.\nlast\r\n"
        #expect(try server.greeted().mail(from: "a@remote.test", to: ["taro@example.test"], text).hasPrefix("554 5.6.0"))
        try server.configure(SecurityField.bareNewlines, "192.0.2.0/24")
        #expect(try server.greeted().mail(from: "a@remote.test", to: ["taro@example.test"], text).hasPrefix("554 5.6.0"))
        try server.configure(SecurityField.bareNewlines, "127.0.0.0/8")
        let client = try server.greeted()
        #expect(try client.mail(from: "a@remote.test", to: ["taro@example.test"], text).hasPrefix("250"))
        #expect(try client.say("NO\nOP").hasPrefix("500 5.5.2"), "in commands it stays a fault")
        let stored = try #require(try server.mailbox(of: taro).first)
        #expect(stored.hasSuffix("\r\nSubject: scan\r\n\r\nline\r\n.\r\nlast\r\n"))
    }

    @Test("S3 DATA and BDAT store the same bytes, however the chunks are cut")
    func chunks() throws {
        let (server, taro) = try Self.server()
        let text = "Subject: x\r\n\r\n.\r\n..two\r\n\r\n.end\r\n"
        let stuffed = text.split(separator: "\r\n", omittingEmptySubsequences: false).map { $0.hasPrefix(".") ? "." + $0 : String($0) }
            .joined(separator: "\r\n")
        #expect(try server.greeted().mail(from: "a@remote.test", to: ["taro@example.test"], stuffed).hasPrefix("250"))
        let bytes = Array(text.utf8)
        for size in [1, 7, bytes.count] {
            let client = try server.greeted()
            _ = try client.say("MAIL FROM:<a@remote.test>", "RCPT TO:<taro@example.test>")
            for start in stride(from: 0, to: bytes.count, by: size) {
                let chunk = Array(bytes[start..<min(start + size, bytes.count)])
                let isLast = start + size >= bytes.count
                try client.connection.send(Array("BDAT \(chunk.count)\(isLast ? " LAST" : "")\r\n".utf8) + chunk)
                #expect(try client.reply().hasPrefix("250"))
            }
        }
        let bodies = try server.mailbox(of: taro).map { String($0.split(separator: "Subject:", maxSplits: 1).last ?? "") }
        #expect(bodies.count == 4 && Set(bodies).count == 1 && "Subject:" + bodies[0] == text)
    }

    @Test("S5 octets beyond ASCII come as they were; addresses with them only behind SMTPUTF8")
    func eightBit() throws {
        let (server, taro) = try Self.server()
        let client = try server.greeted()
        #expect(try client.say("MAIL FROM:<\u{5C71}@remote.test>").hasPrefix("553 5.6.7"))
        #expect(try client.say("MAIL FROM:<\u{5C71}@remote.test> SMTPUTF8 BODY=8BITMIME").hasPrefix("250"))
        #expect(try client.say("RCPT TO:<taro@example.test>").hasPrefix("250"))
        #expect(try client.send("Subject: \u{5C71}\r\n\r\n\u{5C71}\r\n").hasPrefix("250"))
        #expect(try server.mailbox(of: taro).first?.hasSuffix("Subject: \u{5C71}\r\n\r\n\u{5C71}\r\n") == true)
        // HELO offers none of this.
        let old = try server.connect()
        _ = try old.reply()
        #expect(try old.say("HELO client.test") == "250 mail.example.test")
        #expect(try old.say("MAIL FROM:<a@remote.test> BODY=8BITMIME").hasPrefix("555"))
    }

    @Test("I2 commands of one packet are carried out in their order, in SMTP and in POP3")
    func pipelined() throws {
        let (server, _) = try Self.server()
        let client = try server.greeted()
        let lines = [
            "MAIL FROM:<a@remote.test>", "RCPT TO:<nobody@example.test>", "RCPT TO:<taro@example.test>", "RSET",
            "RCPT TO:<taro@example.test>",
            "MAIL FROM:<b@remote.test>", "RCPT TO:<taro@example.test>", "NOOP",
        ]
        try client.connection.send(Array(lines.map { $0 + "\r\n" }.joined().utf8))
        #expect(try lines.map { _ in try client.reply().prefix(3) } == ["250", "550", "250", "250", "503", "250", "250", "250"])
        #expect(try client.send("Subject: x\r\n\r\n").hasPrefix("250"))

        let reader = try Self.reader(server)
        try reader.connection.send(Array("STAT\r\nDELE 1\r\nLIST 1\r\nSTAT\r\nRSET\r\nLIST 1\r\nNOOP\r\nDELE 1\r\nQUIT\r\n".utf8))
        let answers = try (0..<9).map { _ in try reader.connection.line() }
        #expect(answers.map { $0.hasPrefix("+OK") } == [true, true, false, true, true, true, true, true, true], "\(answers)")
        #expect(answers[3] == "+OK 0 0" && answers[0] == answers[4])
        #expect(try Self.reader(server).say("STAT") == "+OK 0 0")
    }

    @Test("102 mail without sender is kept once, and a transaction without recipient leaves nothing behind")
    func nothingIsOrphaned() throws {
        let (server, taro) = try Self.server()
        let client = try server.greeted()
        #expect(try client.say("MAIL FROM:<>").hasPrefix("250"))
        #expect(try client.say("DATA").hasPrefix("554"))
        #expect(try client.say("RCPT TO:<nobody@example.test>").hasPrefix("550"))
        #expect(try client.say("DATA").hasPrefix("554"))
        #expect(try client.say("RCPT TO:<>").hasPrefix("501"))
        try client.connection.send(Array("BDAT 4 LAST\r\nabcd".utf8))
        #expect(try client.reply().hasPrefix("554"))
        _ = try client.say("RSET")
        #expect(try client.mail(from: "", to: ["taro@example.test"], "Subject: x\r\n\r\n").hasPrefix("250"))
        #expect(try server.mailbox(of: taro).first?.hasPrefix("Return-Path: <>\r\n") == true)
        let report = try server.store.check()
        #expect(report.problems.isEmpty && report.messages == 1, "\(report.problems)")
        #expect(try server.store.queueCount() == 0)
        #expect(server.store.memory.inUse == 0)
    }

    @Test("I4 after 250 the message is there for the next session")
    func visibleAtOnce() throws {
        let (server, _) = try Self.server()
        let client = try server.greeted()
        for number in 1...40 {
            #expect(try client.mail(from: "a@remote.test", to: ["taro@example.test"], "Subject: \(number)\r\n\r\n").hasPrefix("250"))
            let reader = try Self.reader(server)
            #expect(try reader.say("STAT").hasPrefix("+OK \(number) "))
            try reader.ok("QUIT")
        }
    }

    @Test("The time of a whole session is asked for at each connection: a change holds for the next, not for those that stand")
    func sessionTimeout() throws {
        let (server, _) = try Self.server()
        let before = try server.greeted()
        server.limit.value = .milliseconds(300)
        let after = try server.greeted()
        // Busy all the time, and ended all the same.
        var last = ""
        for _ in 0..<400_000 where !last.hasPrefix("421") { last = try after.say("NOOP") }
        #expect(last == "421 4.4.2 mail.example.test Timeout, closing")
        #expect(try before.say("NOOP").hasPrefix("250"))
    }
}
