import Forms
import MailTesting
import Testing
import Vocabulary

/// From and envelope of what an account submits.
@Suite("From rewriting on submission", .serialized)
struct FromRewriteTests {
    private static func server(_ style: String = "quoted", name: String = "Yamada Taro") throws -> (SMTPFixture, SMTPClient, AccountID) {
        let server = try SMTPFixture()
        _ = try server.account(
            "taro@example.test", "t.yamada@example.test", "taro@host.elsewhere.test",
            fields: [
                (AccountField.fromRewrite, style), (AccountField.realName, name), (AccountField.grantedSenders, "sales@example.test"),
            ],
            password: "taros word")
        let reader = try server.account("hanako@example.test")
        let client = try server.greeted("submission")
        try #require(try client.login("taro", "taros word").hasPrefix("235"))
        return (server, client, reader)
    }

    @Test("6 8 9 61 header and envelope say the primary address, whichever of its addresses the client used")
    func rewritten() throws {
        for (style, field) in [
            ("quoted", "From: \"Yamada Taro\" <taro@example.test>\r\n"), ("comment", "From: taro@example.test (Yamada Taro)\r\n"),
        ] {
            let (server, client, reader) = try Self.server(style)
            for sender in ["t.yamada@example.test", "taro@host.elsewhere.test", "taro+x@example.test", "sales@example.test"] {
                #expect(try client.mail(from: sender, to: ["hanako"], "From: Me <\(sender)>\r\n\r\nx\r\n").hasPrefix("250"))
            }
            for text in try server.mailbox(of: reader) {
                #expect(
                    text.hasPrefix("Return-Path: <taro@example.test>\r\n") && text.contains("\r\n" + field) && !text.contains("From: Me"))
                // Hiding names of hosts is what it is for: nothing of the old address is kept.
                #expect(!text.contains("elsewhere") && !text.contains("t.yamada"))
            }
            #expect(try server.mailbox(of: reader).count == 4)
            #expect(
                server.events.lines("mail").contains { $0.contains("from=t.yamada@example.test") && $0.contains("as=taro@example.test") })
        }
    }

    @Test("Somebody else's address is refused at MAIL before anything is rewritten; the null sender stays")
    func refused() throws {
        let (server, client, reader) = try Self.server()
        #expect(try client.say("MAIL FROM:<hanako@example.test>").hasPrefix("553 5.7.1"))
        #expect(try client.mail(from: "", to: ["hanako"], "Subject: x\r\n\r\nx\r\n").hasPrefix("250"))
        let text = try #require(try server.mailbox(of: reader).first)
        #expect(text.hasPrefix("Return-Path: <>\r\n") && text.contains("\r\nFrom: \"Yamada Taro\" <taro@example.test>\r\n"))
    }

    @Test("none: From and envelope may be any of its own and granted addresses, and nothing else")
    func none() throws {
        let (server, client, reader) = try Self.server("none")
        #expect(
            try client.mail(from: "sales@example.test", to: ["hanako"], "From: Sales <t.yamada@example.test>\r\n\r\nx\r\n").hasPrefix("250")
        )
        #expect(
            try client.mail(from: "taro@example.test", to: ["hanako"], "From: hanako@example.test\r\n\r\nx\r\n")
                == "550 5.7.1 Message refused: From names an address that is not your account's; use one of its addresses")
        #expect(try client.mail(from: "taro@example.test", to: ["hanako"], "From:\r\n\r\nx\r\n").hasPrefix("550 5.6.0"))
        let texts = try server.mailbox(of: reader)
        #expect(texts.count == 1)
        #expect(texts.first?.hasPrefix("Return-Path: <sales@example.test>\r\n") == true)
        #expect(texts.first?.contains("\r\nFrom: Sales <t.yamada@example.test>\r\n") == true)
        // The message was refused, the session goes on.
        #expect(try client.mail(from: "taro@example.test", to: ["hanako"], "\r\nx\r\n").hasPrefix("250"))
    }

    @Test("A Japanese real name travels as encoded words; a message for the disk is rewritten like a small one")
    func japanese() throws {
        let (server, client, reader) = try Self.server(name: "山田 太郎")
        let body = String(repeating: "0123456789abcdef\r\n", count: 40_000)
        #expect(try client.mail(from: "taro", to: ["hanako"], "From: t.yamada\r\nSender: t.yamada\r\n\r\n" + body).hasPrefix("250"))
        let text = try #require(try server.mailbox(of: reader).first)
        #expect(text.contains("\r\nFrom: =?UTF-8?B?5bGx55SwIOWkqumDjg==?= <taro@example.test>\r\n") && text.hasSuffix("\r\n\r\n" + body))
        #expect(!text.contains("Sender:"))
    }

    @Test("Strangers' mail, and mail that comes by LMTP, keeps its From")
    func strangers() throws {
        let (server, _, reader) = try Self.server()
        let stranger = try server.greeted()
        #expect(
            try stranger.mail(from: "taro@example.test", to: ["hanako@example.test"], "From: a, b\r\nFrom: c\r\n\r\nx\r\n").hasPrefix("250")
        )
        #expect(try server.mailbox(of: reader).first?.hasSuffix("\r\nFrom: a, b\r\nFrom: c\r\n\r\nx\r\n") == true)
    }
}
