import MailTesting
import Testing

/// Conversations as clients see them. [RFC8474-5.2] [docs/decisions: 0036]
@Suite(.serialized) struct IMAPThreadIDTests {
    private func ids(_ client: IMAPTestClient, _ item: String) throws -> [String] {
        try client.ok("FETCH 1:* (\(item))").all("FETCH").map { line in
            String(line.drop { $0 != "(" }.dropFirst().drop { $0 != "(" }.dropFirst().prefix { $0 != ")" })
        }
    }

    @Test("answers share their THREADID, in every mailbox and for ever; SEARCH finds them; who names nothing stands alone")
    func threads() throws {
        let (server, _) = try IMAPServiceTests.server()
        defer { withExtendedLifetime(server) {} }
        let client = try server.imap("taro", IMAPServiceTests.word)
        try client.ok("CREATE other")
        for header in [
            "Message-ID: <1@x.test>", "Message-ID: <2@x.test>\r\nReferences: <1@x.test>", "Message-ID: <9@x.test>", "Subject: alone",
            "Message-ID: <3@x.test>\r\nReferences: <1@x.test> <2@x.test>", "Subject: alone",
        ] { _ = try client.append("INBOX", header + "\r\n\r\ntext\r\n") }
        try client.ok("SELECT INBOX")
        let threads = try self.ids(client, "THREADID")
        try #require(threads.count == 6)
        #expect(threads[0] == threads[1] && threads[0] == threads[4], "\(threads)")
        #expect(
            Set(threads).count == 4 && threads.allSatisfy { $0.hasPrefix("T") && $0.allSatisfy { $0.isLetter || $0.isNumber } },
            "\(threads)")
        #expect(try client.ok("SEARCH THREADID \(threads[0])").lines == ["SEARCH 1 2 5"])
        #expect(try client.ok("SEARCH THREADID \(threads[3])").lines == ["SEARCH 4"])
        #expect(try client.ok("SEARCH NOT THREADID \(threads[0]) SUBJECT alone").lines == ["SEARCH 4 6"])
        #expect(try client.ok("SEARCH THREADID T0 UNSEEN").lines == ["SEARCH"])
        #expect(try client.ok("SEARCH OR THREADID \(threads[2]) THREADID \(threads[5])").lines == ["SEARCH 3 6"])
        // The second time from what the first has found out.
        #expect(try client.ok("SEARCH THREADID \(threads[0])").lines == ["SEARCH 1 2 5"])

        let emails = try self.ids(client, "EMAILID")
        #expect(Set(emails).count == 6 && Set(emails).isDisjoint(with: threads))
        try client.ok("COPY 1:3 other")
        try client.ok("MOVE 4:6 other")
        try client.ok("SELECT other")
        #expect(try self.ids(client, "THREADID") == threads)
        #expect(try self.ids(client, "EMAILID") == emails)
        let again = try server.imap("taro", IMAPServiceTests.word)
        try again.ok("EXAMINE other")
        #expect(try self.ids(again, "THREADID") == threads)
    }
}
