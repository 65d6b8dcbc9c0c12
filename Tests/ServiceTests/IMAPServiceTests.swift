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
        guard reply.hasPrefix("250") else { throw IMAPClient.Unexpected(description: reply) }
    }

    @Test func theGreetingNamesTheServerAndOffersLogin() throws {
        let (server, _) = try Self.server()
        let client = try server.imap()
        #expect(client.greeting.hasPrefix("* OK [CAPABILITY IMAP4rev1 "))
        #expect(client.greeting.contains("mail.example.test IMAP4 server (Post.Office v1.2 release 3) ready "))
        #expect(try client.say("SELECT INBOX").tagged.hasPrefix("BAD"))
        #expect(try client.say("LOGIN taro wrong").tagged.hasPrefix("NO [AUTHENTICATIONFAILED]"))
        try client.ok("LOGIN taro \"\(Self.word)\"")
        #expect(try client.say("LOGOUT").untagged.first?.hasPrefix("BYE") == true)
        #expect(eventually { server.events.lines("closed").contains { $0.hasPrefix("IMAP4-Server login=taro") } })
    }

    @Test("I4 what SMTP has answered with 250 is there at once, for a session that was open and for one that begins")
    func deliveryIsSeen() throws {
        let (server, _) = try Self.server()
        let early = try server.imap("taro", Self.word)
        #expect(try early.ok("SELECT INBOX").first("0 EXISTS") != nil)
        for number in 1...20 {
            try self.deliver(server, "Subject: \(number)\r\n\r\nbody \(number)\r\n")
            #expect(try early.ok("NOOP").untagged.contains("\(number) EXISTS"))
        }
        let late = try server.imap("taro", Self.word)
        #expect(try late.ok("SELECT INBOX").untagged.contains("20 EXISTS"))
        let fetched = try late.ok("FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])").untagged
        #expect(fetched.count == 20)
        #expect(fetched.last?.hasSuffix("Subject: 20\r\n\r\n)") == true)
    }

    @Test("I4 an IDLE session hears of new mail, of flags and of removals by other sessions and by POP3")
    func idleHears() throws {
        let (server, _) = try Self.server()
        let watcher = try server.imap("taro", Self.word)
        try watcher.ok("SELECT INBOX")
        let tag = try watcher.start("IDLE")
        #expect(try watcher.response().hasPrefix("+ "))
        try self.deliver(server, "Subject: one\r\n\r\n\r\n")
        #expect(try watcher.response() == "* 1 EXISTS")
        let other = try server.imap("taro", Self.word)
        try other.ok("SELECT INBOX")
        try other.ok("STORE 1 +FLAGS (\\Flagged)")
        let flagged = try watcher.response()
        #expect(flagged.hasPrefix("* 1 FETCH (") && flagged.contains("FLAGS (\\Flagged)"), "\(flagged)")
        let reader = try server.reader()
        try reader.ok("USER taro")
        try reader.ok("PASS \(Self.word)")
        try reader.ok("DELE 1")
        try reader.ok("QUIT")
        #expect(try watcher.response() == "* 1 EXPUNGE")
        try watcher.connection.send(line: "DONE")
        #expect(try watcher.finish(tag).isOK)
        #expect(try other.ok("NOOP").untagged.contains("1 EXPUNGE"))
    }

    @Test("Mail that comes faster than an IDLE session is told of it is told in sum, to the last message")
    func idleUnderLoad() throws {
        let (server, _) = try Self.server()
        let watcher = try server.imap("taro", Self.word)
        try watcher.ok("SELECT INBOX")
        try watcher.start("IDLE")
        _ = try watcher.response()
        let senders = try (0..<4).map { _ in try server.greeted() }
        for _ in 0..<50 {
            for sender in senders {
                #expect(try sender.mail(from: "a@remote.test", to: ["taro@example.test"], "Subject: x\r\n\r\n").hasPrefix("250"))
            }
        }
        var last = ""
        while last != "* 200 EXISTS" { last = try watcher.response() }
    }

    @Test func aMessageIsAppendedCopiedMovedAndExpunged() throws {
        let (server, _) = try Self.server()
        let client = try server.imap("taro", Self.word)
        try client.ok("CREATE Work/2026")
        let appended = try client.append("INBOX", "Subject: x\r\n\r\nhello\r\n", flags: "\\Seen $Later")
        #expect(appended.tagged.hasPrefix("OK [APPENDUID "))
        try client.ok("SELECT INBOX")
        #expect(try client.ok("FETCH 1 (FLAGS RFC822.SIZE BODY.PEEK[])").untagged.first?.contains("Subject: x\r\n\r\nhello\r\n") == true)
        #expect(try client.ok("COPY 1 Work/2026").tagged.hasPrefix("OK [COPYUID "))
        let moved = try client.ok("MOVE 1 Work")
        #expect(moved.untagged.contains("1 EXPUNGE"))
        #expect(try client.ok("STATUS Work (MESSAGES UIDNEXT)").first("STATUS") == "STATUS Work (MESSAGES 1 UIDNEXT 2)")
        try client.ok("SELECT Work/2026")
        try client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        #expect(try client.ok("EXPUNGE").untagged.contains("1 EXPUNGE"))
        #expect(try client.append("Nowhere", "x").tagged.hasPrefix("NO [TRYCREATE]"))
    }

    @Test("A6 a lock, an end date and a service that is switched off end IMAP sessions at their next command")
    func lockEndsSessions() throws {
        let (server, taro) = try Self.server()
        let client = try server.imap("taro", Self.word)
        try server.change(taro, DeliveryField.services, ["pop3"])
        let reply = try client.start("NOOP")
        #expect(try client.response().hasPrefix("* BYE"))
        _ = reply
        #expect(try server.imap().say("LOGIN taro \"\(Self.word)\"").tagged.hasPrefix("NO"))
    }

    @Test func anAccountHasSoManySessions() throws {
        let (server, _) = try Self.server()
        try server.configure(LimitField.imapSessionsPerAccount, "2")
        let first = try server.imap("taro", Self.word)
        let second = try server.imap("taro", Self.word)
        let third = try server.imap()
        #expect(try third.say("LOGIN taro \"\(Self.word)\"").tagged.hasPrefix("NO [LIMIT]"))
        try first.ok("LOGOUT")
        #expect(eventually { (try? third.say("LOGIN taro \"\(Self.word)\"").isOK) == true })
        try second.ok("NOOP")
    }
}
