import MailTesting
import Testing
import Vocabulary

/// SEARCH through the whole server: the first one makes the index, the others use it, and nobody can tell which is which.
@Suite(.serialized) struct IMAPSearchTests {
    private static let words = ["会議の議事録", "Grüße aus Köln", "the quick brown fox", "請求書 12345", "nothing of note"]

    private func message(_ number: Int) -> String {
        let word = Self.words[number % Self.words.count]
        return """
            From: sender\(number % 3)@remote.test\r
            Subject: message \(number)\r
            MIME-Version: 1.0\r
            Content-Type: text/plain; charset=utf-8\r
            Content-Transfer-Encoding: 8bit\r
            \r
            \(word) and number \(number)\r

            """
    }

    private func numbers(_ client: IMAPTestClient, _ search: String) throws -> [Int] {
        let line = try client.ok(search).first("SEARCH") ?? ""
        return line.split(separator: " ").dropFirst().compactMap { Int($0) }
    }

    /// As a literal, which needs no quoting.
    private func text(_ client: IMAPTestClient, _ key: String, _ value: String) throws -> [Int] {
        try self.numbers(client, "SEARCH CHARSET UTF-8 \(key) {\(value.utf8.count)+}\r\n\(value)")
    }

    @Test("With and without an index a search finds the same: substrings, Japanese words of two characters, folded letters, new mail")
    func sameWithIndex() throws {
        let server = try SMTPFixture()
        try server.account("taro@example.test", password: "taros word")
        let client = try server.imap("taro", "taros word")
        for number in 1...40 { #expect(try client.append("INBOX", self.message(number)).isOK) }
        try client.ok("SELECT INBOX")
        let expected: [(key: String, value: String, word: Int?)] = [
            ("BODY", "会議", 0), ("TEXT", "議事録", 0), ("BODY", "grüsse", 1), ("BODY", "GRÜSSE AUS KÖLN", 1), ("BODY", "quick brown", 2),
            ("BODY", "請求", 3), ("BODY", "2345", 3), ("BODY", "absent", nil),
        ]
        for round in 0..<2 {
            for (key, value, word) in expected {
                let right = (1...40).filter { $0 % Self.words.count == word }
                #expect(try self.text(client, key, value) == right, "\(key) \(value), round \(round)")
            }
        }
        // What comes behind the index's end, and what goes.
        #expect(try client.append("INBOX", self.message(42)).isOK)
        try client.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        try client.ok("EXPUNGE")
        #expect(
            try self.text(client, "BODY", "quick brown") == [6, 11, 16, 21, 26, 31, 36, 40],
            "numbers 7, 12, …, 37 and 42 have moved up by one")
        #expect(try self.numbers(client, "SEARCH SUBJECT \"message 4\" NOT FROM sender1") == self.subjects(4))
    }

    /// Places of messages whose subject contains `message 4`, that are not from sender1, in a mailbox without number 2.
    private func subjects(_ digit: Int) -> [Int] {
        let there = Array(1...40).filter { $0 != 2 } + [42]
        return there.enumerated().filter { "message \($0.element)".contains("message \(digit)") && $0.element % 3 != 1 }.map {
            $0.offset + 1
        }
    }

    @Test("SORT and THREAD order what was found")
    func orders() throws {
        let server = try SMTPFixture()
        try server.account("taro@example.test", password: "taros word")
        let client = try server.imap("taro", "taros word")
        let dates = ["3 Jan 2026", "1 Jan 2026", "2 Jan 2026"]
        for (index, date) in dates.enumerated() {
            let head = "Subject: \(index == 1 ? "plan" : "Re: plan")\r\nDate: \(date) 10:00:00 +0000\r\nMessage-ID: <\(index)@x>\r\n"
            let reply = index == 1 ? "" : "In-Reply-To: <1@x>\r\n"
            #expect(try client.append("INBOX", head + reply + "\r\nx\r\n").isOK)
        }
        try client.ok("SELECT INBOX")
        #expect(try client.ok("SORT (DATE) UTF-8 ALL").first("SORT") == "SORT 2 3 1")
        #expect(try client.ok("SORT (REVERSE DATE) UTF-8 ALL").first("SORT") == "SORT 1 3 2")
        #expect(try client.ok("THREAD REFERENCES UTF-8 ALL").first("THREAD") == "THREAD (2 (3)(1))")
        #expect(try client.ok("SEARCH RETURN (MIN MAX COUNT) SUBJECT plan").first("ESEARCH")?.hasSuffix("MIN 1 MAX 3 COUNT 3") == true)
    }

    @Test("A fuzzy search sorts by how near its words come: where they stand, and how often")
    func relevancy() throws {
        let server = try SMTPFixture()
        try server.account("taro@example.test", password: "taros word")
        let client = try server.imap("taro", "taros word")
        for (subject, body) in [
            ("nothing", "one budget here"), ("the Budget of the year", "-"), ("Budget", "-"), ("nothing", "budget budget budget"),
            ("nothing", "not a word of it"), ("Budget for all", "-"),
        ] {
            _ = try client.append("INBOX", "Subject: \(subject)\r\n\r\n\(body)\r\n")
        }
        try client.ok("SELECT INBOX")
        #expect(try client.ok("SORT (RELEVANCY) UTF-8 FUZZY TEXT budget").first("SORT") == "SORT 3 6 2 4 1")
        #expect(try client.ok("SORT (REVERSE RELEVANCY) UTF-8 FUZZY TEXT budget").first("SORT") == "SORT 1 4 2 6 3")
        // Of two words the mean: who has one of them whole has half.
        #expect(try client.ok("SORT (RELEVANCY) UTF-8 OR FUZZY SUBJECT budget FUZZY SUBJECT nothing").first("SORT") == "SORT 1 3 4 5 6 2")
        let found = try client.ok("UID SEARCH RETURN (RELEVANCY ALL) FUZZY TEXT budget").all("ESEARCH")
        #expect(found.first?.hasSuffix("ALL 1:4,6 RELEVANCY (44 84 100 52 92)") == true, "\(found)")
        #expect(try client.run("SORT (RELEVANCY) UTF-8 TEXT budget").tagged.hasPrefix("BAD"))
        #expect(try client.run("UID SEARCH RETURN (RELEVANCY) TEXT budget").tagged.hasPrefix("BAD"))
    }
}
