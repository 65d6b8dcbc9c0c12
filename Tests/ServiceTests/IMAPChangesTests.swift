import MailTesting
import Testing

/// Two sessions that change the same messages.
@Suite(.serialized) struct IMAPChangesTests {
    /// The server lives as long as the first of them.
    private func sessions(_ messages: Int) throws -> (server: SMTPFixture, IMAPTestClient, IMAPTestClient) {
        let (server, _) = try IMAPServiceTests.server()
        let (mine, theirs) = (try server.imap("taro", IMAPServiceTests.word), try server.imap("taro", IMAPServiceTests.word))
        for number in 1...messages { _ = try mine.append("INBOX", "Subject: \(number)\r\n\r\n") }
        try mine.ok("SELECT INBOX")
        try theirs.ok("SELECT INBOX")
        // The numbering is known.
        try mine.ok("FETCH 1:* (UID)")
        return (server, mine, theirs)
    }

    @Test("I6 a silent STORE tells what another session had changed before it and after this one's last look")
    func silentStore() throws {
        let (server, mine, theirs) = try self.sessions(3)
        defer { withExtendedLifetime(server) {} }
        for round in 0..<5 {
            // Between the last look and the commit: nothing is read in between.
            try theirs.ok("STORE 1 \(round % 2 == 0 ? "+" : "-")FLAGS (\\Answered)")
            let told = try mine.ok("STORE 1:3 \(round % 2 == 0 ? "+" : "-")FLAGS.SILENT (\\Flagged)").all("FETCH")
            // Its own changes may come with them, as they are.
            let wanted = "FLAGS (\(round % 2 == 0 ? "\\Answered \\Flagged" : ""))"
            #expect(told.contains { $0.hasPrefix("1 FETCH") && $0.contains(wanted) }, "\(told)")
            #expect(try theirs.ok("NOOP").all("FETCH").count == 3)
            #expect(try mine.ok("NOOP").lines.isEmpty)
        }
        // Nothing of others: nothing is told, with modseqs nothing but these.
        #expect(try mine.ok("STORE 1:3 FLAGS.SILENT (\\Draft)").lines.isEmpty)
        try mine.ok("ENABLE CONDSTORE")
        try theirs.ok("STORE 2 +FLAGS (\\Deleted)")
        let told = try mine.ok("STORE 1:3 +FLAGS.SILENT (\\Seen)").all("FETCH")
        for number in 1...3 { #expect(told.contains { $0.hasPrefix("\(number) FETCH") && $0.contains("MODSEQ") }, "\(told)") }
        #expect(told.contains { $0.hasPrefix("2 FETCH") && $0.contains("\\Deleted \\Seen \\Draft") }, "\(told)")
    }

    @Test("a hundred STOREs without waiting are answered in order, and one that fails undoes no other") func together() throws {
        let (server, mine, theirs) = try self.sessions(20)
        defer { withExtendedLifetime(server) {} }
        let tooMany = (1...59).map { "$k\($0)" }.joined(separator: " ")
        var tags: [String] = []
        for number in 0..<100 {
            let flags = number == 50 ? tooMany : number % 2 == 0 ? "\\Flagged" : "\\Answered"
            tags.append(try mine.send("STORE \(number % 20 + 1) +FLAGS\(number % 3 == 0 ? ".SILENT" : "") (\(flags))"))
        }
        for (number, tag) in tags.enumerated() {
            let reply = try mine.finish(tag)
            #expect(number == 50 ? reply.tagged.hasPrefix("NO [LIMIT]") : reply.isOK, "\(number): \(reply)")
            let told = reply.all("FETCH").filter { $0.hasPrefix("\(number % 20 + 1) FETCH") }
            #expect(told.count == (number == 50 || number % 3 == 0 ? 0 : 1), "\(number): \(reply)")
        }
        #expect(try mine.ok("SEARCH UNFLAGGED").lines == ["SEARCH 2 4 6 8 10 12 14 16 18 20"])
        #expect(try theirs.ok("SEARCH ANSWERED").lines.contains("SEARCH 2 4 6 8 10 12 14 16 18 20"))
    }

    @Test("I6 who adds to the selected mailbox hears first what others did before, and numbers stay right") func appendAmongOthers() throws
    {
        let (server, mine, theirs) = try self.sessions(6)
        defer { withExtendedLifetime(server) {} }
        func uids(_ client: IMAPTestClient) throws -> [String] {
            try client.ok("FETCH 1:* (UID)").all("FETCH").map { String($0.drop { $0 != "(" }) }
        }
        for round in 0..<6 {
            // Nothing of others, a flag, a removal, a new message, in turn: right before.
            switch round % 4 {
            case 1: try theirs.ok("STORE 2 +FLAGS (\(round == 1 ? "\\Flagged" : "\\Answered"))")
            case 2:
                try theirs.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
                try theirs.ok("EXPUNGE")
            case 3: #expect(try theirs.append("INBOX", "Subject: theirs\r\n\r\n").isOK)
            default: break
            }
            let told = try mine.append("INBOX", "Subject: mine\r\n\r\n")
            let own = try #require(told.code("APPENDUID")?.split(separator: " ").last)
            if round % 4 == 1 { #expect(told.all("FETCH").contains { $0.hasPrefix("2 FETCH") }, "\(told)") }
            if round % 4 == 2 { #expect(told.all("EXPUNGE") == ["1 EXPUNGE"], "\(told)") }
            let count = try #require(told.all("EXISTS").last?.split(separator: " ").first)
            #expect(try mine.ok("FETCH \(count) (UID)").first("\(count) FETCH") == "\(count) FETCH (UID \(own))", "\(told)")
            #expect(try mine.ok("NOOP").lines.isEmpty)
            try theirs.ok("NOOP")
            #expect(try uids(mine) == uids(theirs))
        }
    }

    @Test("a new keyword is told by a silent STORE, too") func keyword() throws {
        let (server, mine, theirs) = try self.sessions(2)
        defer { withExtendedLifetime(server) {} }
        #expect(try mine.ok("STORE 1 +FLAGS.SILENT ($New)").first("FLAGS")?.contains("$New") == true)
        #expect(try theirs.ok("NOOP").first("FLAGS")?.contains("$New") == true)
    }

    @Test("REPLACE of a message that another session removes is refused, and nothing is added") func replaceGone() throws {
        let (server, mine, theirs) = try self.sessions(3)
        defer { withExtendedLifetime(server) {} }
        try theirs.ok("STORE 2:3 +FLAGS.SILENT (\\Deleted)")
        // While the text is on its way.
        let tag = try mine.send("REPLACE 3 INBOX {5}")
        #expect(try mine.responseText().hasPrefix("+"))
        try theirs.ok("EXPUNGE")
        try mine.client.send(Array("hello\r\n".utf8))
        let late = try mine.finish(tag)
        #expect(late.tagged.hasPrefix("NO [EXPUNGEISSUED]"), "\(late)")
        // Before it is asked for.
        let early = try mine.send("REPLACE 1 INBOX {5}")
        #expect(try mine.responseText().hasPrefix("+"))
        try mine.client.send(Array("first\r\n".utf8))
        let done = try mine.finish(early)
        #expect(done.isOK && done.first("OK [APPENDUID") != nil && done.lines.contains("1 EXPUNGE"), "\(done)")
        #expect(try mine.ok("STATUS INBOX (MESSAGES)").first("STATUS") == "STATUS INBOX (MESSAGES 1)")
        #expect(try mine.ok("FETCH 1 (BODY.PEEK[])").lines.first?.contains("first") == true)
    }

    @Test("I6 no flags are told that are older than those of a FETCH, though very many have changed")
    func partBehindFetch() throws {
        let (server, mine, theirs) = try self.sessions(1)
        defer { withExtendedLifetime(server) {} }
        for count in [999, 1000, 600] {
            let messages = (0..<count).map { "Subject: \($0)\r\n\r\n" }
            let answer = try theirs.finish(theirs.send("APPEND INBOX" + String(repeating: " %", count: count), messages))
            #expect(answer.isOK, "\(answer.text)")
        }
        let other = try server.imap("taro", IMAPServiceTests.word)
        try other.ok("SELECT INBOX")
        try mine.ok("ENABLE CONDSTORE")
        try mine.ok("NOOP")
        try theirs.ok("STORE 1 +FLAGS.SILENT (\\Draft)")
        // Read once, for both.
        try other.ok("NOOP")
        for flag in ["\\Seen", "\\Answered", "\\Flagged", "$Own", "\\Deleted"] { try theirs.ok("STORE 1:* +FLAGS.SILENT (\(flag))") }
        let told = try mine.ok("FETCH 1 (FLAGS MODSEQ)").data("FETCH").filter { $0[0].number == 1 }.compactMap { values in
            values.last?["MODSEQ"]?.list.first.flatMap { UInt64($0.text) }
        }
        #expect(!told.isEmpty && told == told.sorted(), "\(told)")
    }

    @Test(
        "I6 who is given a part of very many changes shares what comes behind it with nobody who knows other messages",
        arguments: [true, false])
    func partOfChanges(isPartFirst: Bool) throws {
        let (server, part, writer) = try self.sessions(1)
        defer { withExtendedLifetime(server) {} }
        for count in [999, 1000, 600] {
            let messages = (0..<count).map { "Subject: \($0)\r\n\r\n" }
            let answer = try writer.finish(writer.send("APPEND INBOX" + String(repeating: " %", count: count), messages))
            #expect(answer.isOK, "\(answer.text)")
        }
        try part.ok("NOOP")
        try writer.ok("STORE 1 +FLAGS (\\Draft)")
        let whole = try server.imap("taro", IMAPServiceTests.word)
        try whole.ok("SELECT INBOX")
        for flag in ["+FLAGS.SILENT (\\Seen)", "-FLAGS.SILENT (\\Seen)", "+FLAGS.SILENT (\\Answered)", "-FLAGS.SILENT (\\Answered)"] {
            try writer.ok("STORE 1:* \(flag)")
        }
        // Up to here, and knows nothing newer; then more changes than are told at once, and a new message.
        try whole.ok("NOOP")
        try writer.ok("STORE 1:* +FLAGS.SILENT (\\Seen)")
        _ = try writer.append("INBOX", "Subject: new\r\n\r\n")
        #expect(try part.ok("NOOP").lines.contains("2601 EXISTS"))
        try writer.ok("STORE 2601 +FLAGS (\\Flagged)")
        for isPart in [isPartFirst, !isPartFirst] {
            let told = try (isPart ? part : whole).ok("NOOP").lines
            if isPart { #expect(told.contains { $0.hasPrefix("2601 FETCH") && $0.contains("\\Flagged") }, "\(told.suffix(3))") }
            if !isPart { #expect(told.contains("2601 EXISTS"), "\(told.suffix(3))") }
        }
    }
}
