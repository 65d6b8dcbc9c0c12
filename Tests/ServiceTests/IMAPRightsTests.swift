import Forms
import MailTesting
import Testing
import Vocabulary

/// Every command that names a mailbox, as its owner, as somebody with each set of rights, and as a stranger.
@Suite(.serialized) struct IMAPRightsTests {
    private struct Desk {
        let server: SMTPFixture
        let owner: IMAPTestClient
        let guest: IMAPTestClient
    }

    private func desk() throws -> Desk {
        let server = try SMTPFixture()
        try server.account("taro@example.test", password: "taros word")
        try server.account("hanako@example.test", password: "hanakos word")
        let owner = try server.imap("taro", "taros word")
        let guest = try server.imap("hanako", "hanakos word")
        try owner.ok("CREATE Work")
        return Desk(server: server, owner: owner, guest: guest)
    }

    private static let mailbox = "\"Other Users/taro/Work\""

    /// Commands on the shared mailbox, and the rights without which each is refused. [RFC4314-4]
    private static let commands: [(command: String, needs: String)] = [
        ("SELECT \(mailbox)", "r"), ("EXAMINE \(mailbox)", "r"), ("STATUS \(mailbox) (MESSAGES)", "r"),
        ("GETACL \(mailbox)", "a"), ("SETACL \(mailbox) hanako +l", "a"), ("DELETEACL \(mailbox) anyone", "a"),
        ("LISTRIGHTS \(mailbox) hanako", "a"), ("CREATE \"Other Users/taro/Work/Sub\"", "k"),
        ("GETQUOTAROOT \(mailbox)", "r"), ("GETMETADATA \(mailbox) /shared/comment", "lr"),
        ("SETMETADATA \(mailbox) (/shared/comment \"x\")", "lrw"), ("COPY 1 \(mailbox)", "i"),
        ("RENAME \(mailbox) \"Other Users/taro/Work/Elsewhere\"", "x"),
    ]

    @Test("A7 every command that names a mailbox needs its right, and without l the mailbox does not exist")
    func matrix() throws {
        let desk = try self.desk()
        _ = try desk.guest.append("INBOX", "Subject: x\r\n\r\n")
        try desk.guest.ok("SELECT INBOX")
        for letters in ["", "l", "lr", "lrswipkxtea"] {
            for (command, needs) in Self.commands {
                try desk.owner.ok("SETACL Work hanako \"\(letters)\"")
                if command.hasPrefix("COPY") { try desk.guest.ok("SELECT INBOX") }
                let reply = try desk.guest.run(command)
                let mayDo = needs.allSatisfy { letters.contains($0) } && !command.hasPrefix("RENAME")
                if command.hasPrefix("RENAME") { continue }
                #expect(reply.isOK == mayDo, "\(command) with \"\(letters)\": \(reply.tagged)")
                if letters.isEmpty {
                    let hidesIt = reply.tagged.hasPrefix("NO [NONEXISTENT]") || reply.tagged.hasPrefix("NO [TRYCREATE]")
                    #expect(hidesIt || command.hasPrefix("CREATE"), "\(command): \(reply.tagged)")
                }
                _ = try desk.owner.run("DELETE Work/Sub")
            }
        }
    }

    /// In the selected shared mailbox, with rights as they were when it was selected.
    private static let selected: [(command: String, needs: String)] = [
        ("STORE 1 +FLAGS (\\Seen)", "s"), ("STORE 1 +FLAGS (\\Deleted)", "t"), ("STORE 1 +FLAGS (\\Flagged)", "w"),
        ("STORE 1 +FLAGS ($Label1)", "w"), ("EXPUNGE", "e"), ("COPY 1 INBOX", ""), ("MOVE 1 INBOX", "te"), ("SEARCH ALL", ""),
        ("FETCH 1 (FLAGS)", ""),
    ]

    @Test("A7 in a shared mailbox each flag, removal and move needs its right; reading alone sets nothing")
    func selectedMatrix() throws {
        let desk = try self.desk()
        for right in ["lr", "lrs", "lrt", "lrw", "lre", "lrte", "lrstwe"] {
            for (command, needs) in Self.selected {
                for number in 1...2 { _ = try desk.owner.append("Work", "Subject: \(number)\r\n\r\nx\r\n") }
                try desk.owner.ok("SETACL Work hanako \(right)")
                try desk.guest.ok("SELECT \(Self.mailbox)")
                let reply = try desk.guest.run(command)
                let mayDo = needs.allSatisfy { right.contains($0) }
                #expect(reply.isOK == mayDo, "\(command) with \(right): \(reply.tagged)")
                try desk.guest.ok("FETCH * BODY[TEXT]")
                let isSeen = try desk.guest.ok("FETCH * (FLAGS)").all("FETCH").last?.contains("\\Seen") == true
                #expect(isSeen == right.contains("s"), "\(right): reading marks where the right is, and nowhere else")
                try desk.guest.ok("UNSELECT")
                try desk.owner.ok("SELECT Work")
                try desk.owner.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
                try desk.owner.ok("CLOSE")
            }
        }
    }

    @Test("A7 a stranger sees, opens and searches nothing of another's mailboxes")
    func strangers() throws {
        let desk = try self.desk()
        _ = try desk.owner.append("Work", "Subject: secret\r\n\r\n")
        #expect(try desk.guest.ok("LIST \"\" *").all("Other Users").isEmpty)
        #expect(try desk.guest.run("SELECT \(Self.mailbox)").tagged.hasPrefix("NO [NONEXISTENT]"))
        #expect(try desk.guest.run("SELECT \"Other Users/nobody/Work\"").tagged.hasPrefix("NO [NONEXISTENT]"))
        try desk.owner.ok("SETACL Work hanako lr")
        #expect(try desk.guest.ok("LIST \"\" *").all("Other Users/taro/Work").count == 1)
        #expect(try desk.guest.ok("MYRIGHTS \(Self.mailbox)").first("MYRIGHTS")?.hasSuffix(" lr") == true)
        try desk.guest.ok("SELECT \(Self.mailbox)")
        #expect(try desk.guest.ok("SEARCH SUBJECT secret").lines.contains("SEARCH 1"))
        // A right that is taken away is gone at the next command that names the mailbox.
        try desk.owner.ok("DELETEACL Work hanako")
        #expect(try desk.guest.run("STATUS \(Self.mailbox) (MESSAGES)").tagged.hasPrefix("NO [NONEXISTENT]"))
        #expect(try desk.guest.ok("LIST \"\" *").all("Other Users").isEmpty)
    }

    @Test("A7 CREATE below levels that are missing goes by the nearest level that is there, and tells nothing of what is hidden")
    func createBelowMissingLevels() throws {
        let desk = try self.desk()
        for name in ["Work/Hidden", "Work/Shown"] { try desk.owner.ok("CREATE \(name)") }
        try desk.owner.ok("SETACL Work hanako lk")
        try desk.owner.ok("SETACL Work/Shown hanako l")
        let work = "Other Users/taro/Work"
        func create(_ name: String) throws -> String { try desk.guest.run("CREATE \"\(name)\"").tagged }
        #expect(try create("\(work)/2026/November").hasPrefix("OK [MAILBOXID"))
        // What was made on the way has the rights of the level above.
        #expect(try desk.guest.ok("MYRIGHTS \"\(work)/2026\"").first("MYRIGHTS")?.hasSuffix(" lkc") == true)
        #expect(try desk.guest.ok("MYRIGHTS \"\(work)/2026/November\"").first("MYRIGHTS")?.hasSuffix(" lkc") == true)
        #expect(try create("\(work)/2026/November").hasPrefix("NO [ALREADYEXISTS]"))
        #expect(try create("\(work)/Shown").hasPrefix("NO [ALREADYEXISTS]"))
        #expect(try create("\(work)/Hidden").hasPrefix("NO [NOPERM]"))
        #expect(try create("\(work)/Shown/Sub").hasPrefix("NO [NOPERM]"))
        #expect(try create("\(work)/Hidden/Sub").hasPrefix("NO [NONEXISTENT]"))
        #expect(try create("Other Users/taro/Else/Sub").hasPrefix("NO [NONEXISTENT]"))
        #expect(try create("Other Users/nobody/Else/Sub").hasPrefix("NO [NONEXISTENT]"))
        #expect(try create("Other Users/taro/Top").hasPrefix("NO [NOPERM]"))
        #expect(try create("Other Users/nobody/Top").hasPrefix("NO [NOPERM]"))
        try desk.owner.ok("SETACL Work/2026 hanako lkx")
        #expect(try desk.guest.run("RENAME \"\(work)/2026\" \"\(work)/Hidden\"").tagged.hasPrefix("NO [NOPERM]"))
        #expect(try !desk.owner.ok("LIST \"\" *").lines.contains { $0.contains("Else") || $0.contains("Top") })
    }
}
