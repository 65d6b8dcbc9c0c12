import Forms
import MailTesting
import MessageStore
import Policy
import Queue
import SMTPService
import Testing
import Vocabulary

@Suite("Filters, over the wire", .serialized)
struct SMTPFilterTests {
    private static func server(_ rules: String...) throws -> (SMTPFixture, taro: AccountID, hanako: AccountID) {
        let server = try SMTPFixture(sends: true)
        let taro = try server.account("taro@example.test", password: "taros word")
        let hanako = try server.account("hanako@example.test")
        try server.configure(RoutingField.mailRoutingTable, "[*:hold]")
        try server.configure(FilterField.rules, list: rules)
        return (server, taro, hanako)
    }

    private static func send(
        _ server: SMTPFixture, _ text: String, to recipients: [String] = ["taro@example.test"], from: String = "a@remote.test"
    ) throws -> String {
        try server.greeted().mail(from: from, to: recipients, text)
    }

    /// 漢字 in ISO-2022-JP as an encoded word, 当選 in base64 of UTF-8 in a part of a part.
    private static let japanese = """
        Subject: =?ISO-2022-JP?B?GyRCNEE7ehsoQg==?=\r
        Content-Type: multipart/mixed; boundary=a\r
        \r
        --a\r
        Content-Type: multipart/alternative; boundary=b\r
        \r
        --b\r
        Content-Type: text/html; charset=utf-8\r
        Content-Transfer-Encoding: base64\r
        \r
        PHA+44GU5b2T6YG4PC9wPg==\r
        --b--\r
        --a\r
        Content-Type: application/octet-stream\r
        Content-Disposition: attachment; filename*=utf-8''%e8%ab%8b%e6%b1%82.exe\r
        \r
        MZ\r
        --a--\r

        """

    @Test("Refused: by decoded subject, decoded body, file name, type and size; the message is nowhere, the log has the rule")
    func refusals() throws {
        for rule in [
            "r: if subject /漢字/ then refuse \"Not this\"", "r: if body /当選/ then refuse \"Not this\"",
            "r: if attachment /請求\\.exe$/ then refuse \"Not this\"", "r: if type /octet-stream/ and size < 1M then refuse \"Not this\"",
        ] {
            let (server, taro, _) = try Self.server(rule)
            #expect(try Self.send(server, Self.japanese) == "550 5.7.1 Not this", "\(rule)")
            #expect(try Self.send(server, "Subject: x\r\n\r\nx\r\n").hasPrefix("250"))
            #expect(try server.mailbox(of: taro).count == 1)
            #expect(server.events.lines("filtered") == ["SMTP-Accept to=taro@example.test rule=r action=refuse"])
            #expect(server.events.lines("message-refused").last?.contains("550 Not this") == true)
        }
    }

    @Test(
        "A file name is seen as Windows takes it: without the blanks and dots at its end",
        arguments: ["", " ", ".", " . .", "\t", "\u{3000}"])
    func endOfFileName(_ end: String) throws {
        let (server, _, _) = try Self.server("r: if attachment /^evil\\.exe$/i then refuse \"Not this\"")
        for field in ["Content-Disposition: attachment; filename=\"evil.EXE\(end)\"", "Content-Type: x/y; name=\"evil.exe\(end)\""] {
            #expect(try Self.send(server, "\(field)\r\n\r\nMZ\r\n") == "550 5.7.1 Not this", "\(field)")
        }
        #expect(try Self.send(server, "Content-Type: x/y; name=\"evil.exe.txt\(end)\"\r\n\r\nMZ\r\n").hasPrefix("250"))
    }

    @Test(
        "Tagged: the field stands before the message, behind our trace fields, for those whom the rule is about; the body stays as it was")
    func tags() throws {
        let (server, taro, hanako) = try Self.server("t: if to /^taro@/ then tag \"X-Filter: seen\"", "u: tag \"X-All: yes\"")
        let text = "Subject: x\r\n\r\nx\r\n"
        #expect(try Self.send(server, text, to: ["taro@example.test", "hanako@example.test"]).hasPrefix("250"))
        let first = try #require(try server.mailbox(of: taro).first)
        let second = try #require(try server.mailbox(of: hanako).first)
        #expect(first.hasSuffix("\r\nX-Filter: seen\r\nX-All: yes\r\n" + text) && first.hasPrefix("Return-Path:"))
        #expect(second.hasSuffix("\r\nX-All: yes\r\n" + text) && !second.contains("X-Filter"))
    }

    @Test("Dropped for some, delivered to others; for all, 250 and nothing is kept; each is in the log")
    func drops() throws {
        let (server, taro, hanako) = try Self.server("d: if to /^taro@/ then drop")
        #expect(try Self.send(server, "x: y\r\n\r\nx\r\n", to: ["taro@example.test", "hanako@example.test"]).hasPrefix("250"))
        #expect(try server.mailbox(of: hanako).count == 1)
        #expect(try Self.send(server, "x: y\r\n\r\nx\r\n").hasPrefix("250 2.0.0"))
        #expect(try server.mailbox(of: taro).isEmpty && server.store.queueCount() == 0)
        #expect(server.events.lines("filtered").count == 2)
    }

    @Test("Held: local and remote copies wait as held entries until they are released; other recipients get theirs")
    func holds() throws {
        let (server, taro, hanako) = try Self.server("h: if not to /^hanako@/ and body /wait/ then hold \"look\"")
        let user = try server.greeted("submission")
        _ = try user.login("taro", "taros word")
        let reply = try user.mail(
            from: "taro@example.test", to: ["taro@example.test", "hanako@example.test", "x@remote.test"], "Subject: x\r\n\r\nwait\r\n")
        #expect(reply.hasPrefix("250"))
        #expect(try server.mailbox(of: hanako).count == 1)
        try server.waitForQueue(2)
        let entries = try server.store.queueEntries(limit: 10)
        #expect(
            entries.allSatisfy { $0.flags.contains(.held) && $0.draft.due == MessageStore.never && $0.reason == "held by filter h: look" })
        #expect(Set(entries.map(\.draft.channel)) == [.mailbox, .remote])
        #expect(try server.mailbox(of: taro).isEmpty)
        #expect(server.events.lines("filtered").count == 2)
    }

    @Test("Redirected: to a mailbox here or another host, with the sender and the message as they were")
    func redirects() throws {
        let (server, taro, hanako) = try Self.server(
            "r: if to /^taro@/ then redirect hanako@example.test", "s: if to /^hanako@/ then redirect x@remote.test")
        #expect(try Self.send(server, "Subject: x\r\n\r\nx\r\n").hasPrefix("250"))
        #expect(try server.mailbox(of: taro).isEmpty)
        #expect(try server.mailbox(of: hanako).count == 1)
        #expect(try Self.send(server, "Subject: x\r\n\r\nx\r\n", to: ["hanako@example.test"]).hasPrefix("250"))
        try server.waitForQueue(1)
        let entry = try #require(try server.store.queueEntries(limit: 10).first)
        #expect("\(entry.draft.recipient.address)" == "x@remote.test" && entry.draft.channel == .remote)
        #expect(entry.envelope.sender.map { "\($0)" } == "a@remote.test")
    }

    @Test("A large message is looked at as far as its beginning, its size in whole; it streams to disk all the same")
    func large() throws {
        let (server, taro, _) = try Self.server("s: if size > 2M then refuse \"Too big\"", "b: if body /needle/ then refuse \"Found\"")
        let line = String(repeating: "x", count: 70) + "\r\n"
        func text(_ lines: Int, needleAt: Int?) -> String {
            "Subject: x\r\n\r\n" + (0..<lines).map { $0 == needleAt ? "needle\r\n" : line }.joined()
        }
        #expect(try Self.send(server, text(15_000, needleAt: nil)).hasPrefix("250"))
        #expect(try Self.send(server, text(15_000, needleAt: 100)) == "550 5.7.1 Found")
        #expect(try Self.send(server, text(40_000, needleAt: nil)) == "550 5.7.1 Too big")
        #expect(try server.mailbox(of: taro).count == 1)
    }

    @Test("The form refuses rules that cannot be read, with line and cure")
    func form() throws {
        let (server, _, _) = try Self.server("a: accept")
        do {
            try server.configure(FilterField.rules, list: ["a: drop", "b: if body /(/ then drop"])
            Issue.record("taken")
        } catch {
            #expect("\(error)".contains("line 2"))
        }
        try server.configure(FilterField.rules, list: [])
        #expect(server.directory.configuration.filters.isEmpty)
    }
}
