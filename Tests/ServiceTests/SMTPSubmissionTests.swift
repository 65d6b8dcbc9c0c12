import Forms
import Testing
import Vocabulary

@Suite("Submission, with directory and store", .serialized)
struct SMTPSubmissionTests {
    static func server() throws -> (SMTPFixture, AccountID) {
        let server = try SMTPFixture()
        let taro = try server.account("taro@example.test", "t.yamada@example.test", password: "taros word")
        return (server, taro)
    }

    @Test("Mail needs a login: 530 before, wrong words 535, then it goes")
    func login() throws {
        let (server, taro) = try Self.server()
        let client = try server.greeted("submission")
        #expect(try client.say("MAIL FROM:<taro@example.test>") == "530 5.7.0 Authentication required")
        #expect(try client.login("taro", "wrong").hasPrefix("535 5.7.8"))
        #expect(try client.login("nobody", "taros word") == client.login("taro", "taros  word"))
        #expect(try server.greeted("submission").login("t.yamada@example.test", "taros word").hasPrefix("235"))
        let good = try server.greeted("submission")
        #expect(try good.login("taro", "taros word").hasPrefix("235"))
        #expect(try good.mail(from: "taro@example.test", to: ["taro@example.test"], "Subject: x\r\n\r\nx\r\n").hasPrefix("250"))
        #expect(try server.mailbox(of: taro).first?.contains("with ESMTPA id ") == true)
    }

    @Test("What is missing is added, bare local parts completed in envelope and header, never a Sender")
    func repairs() throws {
        let (server, taro) = try Self.server()
        let client = try server.greeted("submission")
        _ = try client.login("taro", "taros word")
        #expect(try client.mail(from: "taro", to: ["t.yamada"], "To: t.yamada (Yamada, T)\r\n\r\nx\r\n").hasPrefix("250"))
        let text = try #require(try server.mailbox(of: taro).first)
        #expect(text.hasPrefix("Return-Path: <taro@example.test>\r\nDelivered-To: t.yamada@example.test\r\n"))
        #expect(text.contains("\r\nDate: Fri, 15 Jan 2027 08:00:00 +0000\r\nFrom: <taro@example.test>\r\nMessage-ID: <"))
        #expect(text.hasSuffix("\r\nTo: t.yamada@example.test (Yamada, T)\r\n\r\nx\r\n"))
        #expect(!text.contains("Sender"))
    }

    @Test("Only addresses of the account may send; the null sender may, other hosts cannot be reached yet")
    func senders() throws {
        let (server, _) = try Self.server()
        try server.account("hanako@example.test")
        let client = try server.greeted("submission")
        _ = try client.login("taro", "taros word")
        #expect(try client.say("MAIL FROM:<hanako@example.test>").hasPrefix("553 5.7.1"))
        #expect(try client.say("MAIL FROM:<taro@remote.test>").hasPrefix("553 5.7.1"))
        #expect(try client.say("MAIL FROM:<T.Yamada@Example.Test>").hasPrefix("250"))
        #expect(try client.say("RCPT TO:<x@remote.test>") == "550 5.7.1 Sending to other hosts is not available on this server")
        #expect(try client.say("RCPT TO:<nobody>").hasPrefix("550 5.1.1"))
        _ = try client.say("RSET")
        #expect(try client.say("MAIL FROM:<>").hasPrefix("250"))
    }

    @Test("A login on port 25 makes a submission of it; a stranger's bytes there stay as they are")
    func onPort25() throws {
        let (server, taro) = try Self.server()
        let client = try server.greeted()
        _ = try client.login("taro", "taros word")
        #expect(try client.mail(from: "taro", to: ["taro"], "Subject: x\r\n\r\n").hasPrefix("250"))
        let stranger = try server.greeted()
        #expect(try stranger.mail(from: "a@remote.test", to: ["taro@example.test"], "Subject: x\r\n\r\n").hasPrefix("250"))
        let texts = try server.mailbox(of: taro)
        #expect(texts.first?.contains("Message-ID: ") == true && texts.last?.contains("Message-ID: ") == false)
    }

    @Test("A large submission is completed at its head and stored whole")
    func large() throws {
        let (server, taro) = try Self.server()
        let client = try server.greeted("submission")
        _ = try client.login("taro", "taros word")
        let body = String(repeating: "0123456789abcdef\r\n", count: 40_000)
        #expect(try client.mail(from: "taro", to: ["taro"], "To: taro\r\n\r\n" + body).hasPrefix("250"))
        let text = try #require(try server.mailbox(of: taro).first)
        #expect(text.hasSuffix("\r\nTo: taro@example.test\r\n\r\n" + body) && text.contains("Message-ID: "))
        let endless = "X-Long: x\r\n" + String(repeating: " folded folded folded folded folded\r\n", count: 20_000) + "\r\nx\r\n"
        #expect(try client.mail(from: "taro", to: ["taro"], endless).hasPrefix("554 5.6.0"))
        #expect(server.store.memory.inUse == 0)
    }
}
