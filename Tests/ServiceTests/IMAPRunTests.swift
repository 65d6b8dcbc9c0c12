import Forms
import MailTesting
import Testing

/// Commands that a client sends without waiting for answers.
@Suite(.serialized) struct IMAPRunTests {
    /// Sent in one go, with tags of their own.
    private func send(_ commands: [String], _ client: IMAPTestClient) throws -> [String] {
        let tags = commands.indices.map { "run\($0)" }
        try client.client.send(zip(tags, commands).map { "\($0) \($1)\r\n" }.joined())
        return tags
    }

    private func subjects(_ client: IMAPTestClient, _ mailbox: String) throws -> [String] {
        try client.ok("SELECT \(mailbox)")
        return try client.ok("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])").lines.compactMap { line in
            line.split(separator: "\r\n").first { $0.hasPrefix("Subject: ") }.map { String($0.dropFirst(9)) }
        }
    }

    private func append(_ number: Int, to mailbox: String, flags: String = "", padding: Int = 0) -> String {
        let text = "Subject: \(number)\r\n\r\n" + String(repeating: "x", count: padding) + "\r\n"
        return "APPEND \(mailbox) \(flags){\(text.utf8.count)+}\r\n\(text)"
    }

    @Test("APPENDs without waiting come into the mailboxes in their order, whatever each needs, and one that fails undoes no other")
    func appends() throws {
        let (server, _) = try IMAPServiceTests.server()
        defer { withExtendedLifetime(server) {} }
        let client = try server.imap("taro", IMAPServiceTests.word)
        try client.ok("CREATE other")
        let commands = (0..<120).map { number in
            switch number {
            case 20: self.append(number, to: "nowhere")
            case 30...34: self.append(number, to: "other")
            // What has keywords, or is long, is looked at on other threads before it is written.
            case 40, 41, 60: self.append(number, to: "INBOX", flags: "($work\(number)) ")
            case 50, 61: self.append(number, to: "INBOX", padding: 90_000)
            case 70: "APPEND INBOX {0+}\r\n"
            case 80: self.append(number, to: "INBOX") + " {3+}\r\nabc"
            default: self.append(number, to: "INBOX", padding: number)
            }
        }
        var uids: [String: [Int]] = [:]
        for (number, tag) in try self.send(commands, client).enumerated() {
            let reply = try client.finish(tag)
            switch number {
            case 20: #expect(reply.tagged.hasPrefix("NO [TRYCREATE]"), "\(reply)")
            case 70: #expect(reply.tagged.hasPrefix("NO "), "\(reply)")
            default:
                let code = try #require(reply.code("APPENDUID"), "\(number): \(reply)").split(separator: " ")
                let last = try #require(code.last?.split(separator: ":").last.flatMap { Int($0) })
                uids[String(code[0]), default: []].append(last)
            }
        }
        #expect(uids.count == 2 && uids.values.allSatisfy { $0 == $0.sorted() && Set($0).count == $0.count }, "\(uids)")
        let inbox = (0..<120).filter { ![20, 30, 31, 32, 33, 34, 70].contains($0) }.map(String.init)
        #expect(try self.subjects(client, "INBOX") == inbox)
        #expect(try self.subjects(client, "other") == ["30", "31", "32", "33", "34"])
    }

    @Test("A quota that fills up in the midst of APPENDs refuses the rest, and what was answered is there") func quota() throws {
        let server = try SMTPFixture()
        defer { withExtendedLifetime(server) {} }
        _ = try server.account("taro@example.test", fields: [(DeliveryField.quota, "20000")], password: IMAPServiceTests.word)
        let client = try server.imap("taro", IMAPServiceTests.word)
        var taken: [String] = []
        for (number, tag) in try self.send((0..<30).map { self.append($0, to: "INBOX", padding: 1980) }, client).enumerated() {
            let reply = try client.finish(tag)
            if reply.isOK { taken.append("\(number)") } else { #expect(reply.tagged.hasPrefix("NO [OVERQUOTA]"), "\(reply)") }
        }
        #expect(taken.count == 9 || taken.count == 10, "\(taken)")
        #expect(taken == (0..<taken.count).map(String.init))
        #expect(try self.subjects(client, "INBOX") == taken)
    }

    @Test("COPYs without waiting are made in their order; one that fails undoes no other") func copies() throws {
        let (server, _) = try IMAPServiceTests.server()
        defer { withExtendedLifetime(server) {} }
        let client = try server.imap("taro", IMAPServiceTests.word)
        for number in 1...20 { _ = try client.append("INBOX", "Subject: \(number)\r\n\r\n") }
        try client.ok("CREATE other")
        try client.ok("SELECT INBOX")
        let commands = (0..<100).map { number in
            number == 50
                ? "COPY 1 nowhere" : number == 51 ? "COPY 99 other" : "\(number % 2 == 0 ? "" : "UID ")COPY \(number % 20 + 1) other"
        }
        for (number, tag) in try self.send(commands, client).enumerated() {
            let reply = try client.finish(tag)
            switch number {
            case 50: #expect(reply.tagged.hasPrefix("NO [TRYCREATE]"), "\(reply)")
            case 51: #expect(reply.word == "BAD", "\(reply)")
            default:
                #expect(
                    reply.code("COPYUID")?.hasSuffix(" \(number % 20 + 1) \(number < 50 ? number + 1 : number - 1)") == true, "\(reply)")
            }
        }
        #expect(try self.subjects(client, "other") == (0..<100).filter { $0 != 50 && $0 != 51 }.map { "\($0 % 20 + 1)" })
    }
}
