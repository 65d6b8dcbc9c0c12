import Bytes
import Forms
import MailTesting
import Testing
import Vocabulary

@Suite(.serialized) struct IMAPServiceTests {
    static let word = "correct horse"

    static func server() throws -> (server: SMTPFixture, taro: AccountID) {
        let server = try SMTPFixture()
        let taro = try server.account("taro@example.test", password: self.word)
        return (server, taro)
    }

    private func deliver(_ server: SMTPFixture, _ text: String) throws {
        let reply = try server.greeted().mail(from: "a@remote.test", to: ["taro@example.test"], text)
        guard reply.hasPrefix("250") else { throw IMAPTestClient.Failure(description: reply) }
    }

    @Test func theGreetingNamesTheServerAndOffersLogin() throws {
        let (server, _) = try Self.server()
        let client = try server.imap()
        #expect(client.greetingText.hasPrefix("* OK [CAPABILITY IMAP4rev1 "))
        #expect(client.greetingText.contains("mail.example.test IMAP4 server (Post.Office v1.2 release 3) ready "))
        #expect(try client.run("SELECT INBOX").tagged.hasPrefix("BAD"))
        #expect(try client.run("LOGIN taro wrong").tagged.hasPrefix("NO [AUTHENTICATIONFAILED]"))
        try client.ok("LOGIN taro \"\(Self.word)\"")
        #expect(try client.run("LOGOUT").lines.first?.hasPrefix("BYE") == true)
        #expect(eventually { server.events.lines("closed").contains { $0.hasPrefix("IMAP4-Server login=taro") } })
    }

    @Test("I4 what SMTP has answered with 250 is there at once, for a session that was open and for one that begins")
    func deliveryIsSeen() throws {
        let (server, _) = try Self.server()
        let early = try server.imap("taro", Self.word)
        #expect(try early.ok("SELECT INBOX").first("0 EXISTS") != nil)
        for number in 1...20 {
            try self.deliver(server, "Subject: \(number)\r\n\r\nbody \(number)\r\n")
            #expect(try early.ok("NOOP").lines.contains("\(number) EXISTS"))
        }
        let late = try server.imap("taro", Self.word)
        #expect(try late.ok("SELECT INBOX").lines.contains("20 EXISTS"))
        let fetched = try late.ok("FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])").lines
        #expect(fetched.count == 20)
        #expect(fetched.last?.hasSuffix("Subject: 20\r\n\r\n)") == true)
    }

    @Test("I4 an IDLE session hears of new mail, of flags and of removals by other sessions and by POP3")
    func idleHears() throws {
        let (server, _) = try Self.server()
        let watcher = try server.imap("taro", Self.word)
        try watcher.ok("SELECT INBOX")
        let tag = try watcher.send("IDLE")
        #expect(try watcher.responseText().hasPrefix("+ "))
        try self.deliver(server, "Subject: one\r\n\r\n\r\n")
        #expect(try watcher.responseText() == "* 1 EXISTS")
        let other = try server.imap("taro", Self.word)
        try other.ok("SELECT INBOX")
        try other.ok("STORE 1 +FLAGS (\\Flagged)")
        let flagged = try watcher.responseText()
        #expect(flagged.hasPrefix("* 1 FETCH (") && flagged.contains("FLAGS (\\Flagged)"), "\(flagged)")
        let reader = try server.reader()
        try reader.ok("USER taro")
        try reader.ok("PASS \(Self.word)")
        try reader.ok("DELE 1")
        try reader.ok("QUIT")
        #expect(try watcher.responseText() == "* 1 EXPUNGE")
        try watcher.client.sendLine("DONE")
        #expect(try watcher.finish(tag).isOK)
        #expect(try other.ok("NOOP").lines.contains("1 EXPUNGE"))
    }

    @Test("Mail that comes faster than an IDLE session is told of it is told in sum, to the last message")
    func idleUnderLoad() throws {
        let (server, _) = try Self.server()
        let watcher = try server.imap("taro", Self.word)
        try watcher.ok("SELECT INBOX")
        try watcher.send("IDLE")
        _ = try watcher.responseText()
        let senders = try (0..<4).map { _ in try server.greeted() }
        for _ in 0..<50 {
            for sender in senders {
                #expect(try sender.mail(from: "a@remote.test", to: ["taro@example.test"], "Subject: x\r\n\r\n").hasPrefix("250"))
            }
        }
        var last = ""
        while last != "* 200 EXISTS" { last = try watcher.responseText() }
    }

    @Test func aMessageIsAppendedCopiedMovedAndExpunged() throws {
        let (server, _) = try Self.server()
        let client = try server.imap("taro", Self.word)
        try client.ok("CREATE Work/2026")
        let appended = try client.append("INBOX", "Subject: x\r\n\r\nhello\r\n", flags: "\\Seen $Later")
        #expect(appended.tagged.hasPrefix("OK [APPENDUID "))
        try client.ok("SELECT INBOX")
        #expect(try client.ok("FETCH 1 (FLAGS RFC822.SIZE BODY.PEEK[])").lines.first?.contains("Subject: x\r\n\r\nhello\r\n") == true)
        #expect(try client.ok("COPY 1 Work/2026").tagged.hasPrefix("OK [COPYUID "))
        let moved = try client.ok("MOVE 1 Work")
        #expect(moved.lines.contains("1 EXPUNGE"))
        #expect(try client.ok("STATUS Work (MESSAGES UIDNEXT)").first("STATUS") == "STATUS Work (MESSAGES 1 UIDNEXT 2)")
        try client.ok("SELECT Work/2026")
        try client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        #expect(try client.ok("EXPUNGE").lines.contains("1 EXPUNGE"))
        #expect(try client.append("Nowhere", "x").tagged.hasPrefix("NO [TRYCREATE]"))
    }

    @Test("A6 a lock, an end date and a service that is switched off end IMAP sessions at their next command")
    func lockEndsSessions() throws {
        let (server, taro) = try Self.server()
        let client = try server.imap("taro", Self.word)
        try server.change(taro, DeliveryField.services, ["pop3"])
        let reply = try client.send("NOOP")
        #expect(try client.responseText().hasPrefix("* BYE"))
        _ = reply
        #expect(try server.imap().run("LOGIN taro \"\(Self.word)\"").tagged.hasPrefix("NO"))
    }

    @Test func anAccountHasSoManySessions() throws {
        let (server, _) = try Self.server()
        try server.configure(LimitField.imapSessionsPerAccount, "2")
        let first = try server.imap("taro", Self.word)
        let second = try server.imap("taro", Self.word)
        let third = try server.imap()
        #expect(try third.run("LOGIN taro \"\(Self.word)\"").tagged.hasPrefix("NO [LIMIT]"))
        try first.ok("LOGOUT")
        #expect(eventually { (try? third.run("LOGIN taro \"\(Self.word)\"").isOK) == true })
        try second.ok("NOOP")
    }
}
