import Forms
import MailTesting
import Testing
import Vocabulary

/// Limits of names, and what RENAME may take away.
@Suite(.serialized) struct IMAPFolderTests {
    private static func levels(_ count: Int, _ letter: String = "a") -> String {
        Array(repeating: letter, count: count).joined(separator: "/")
    }

    @Test("RENAME gives no mailbox a name that CREATE would refuse: not too deep, not too long, the children's too")
    func namesOfChildren() throws {
        let desk = try IMAPDesk()
        defer { withExtendedLifetime(desk.server) {} }
        let client = desk.owner
        try client.ok("CREATE \(Self.levels(30))")
        try client.ok("CREATE \(Self.levels(30, "b"))")
        // 30 levels below 30 are 60; the top has 50 at most.
        let deep = try client.run("RENAME a \(Self.levels(30, "b"))/a")
        #expect(deep.tagged.hasPrefix("NO [CANNOT]"), "\(deep.tagged)")
        #expect(try client.ok("LIST \"\" \(Self.levels(30))").lines.count == 1)
        let long = String(repeating: "n", count: 240)
        try client.ok("CREATE c/\(long)/\(long)/\(long)")
        let wide = try client.run("RENAME c \(long)/\(long)")
        #expect(wide.tagged.hasPrefix("NO [CANNOT]"), "\(wide.tagged)")
        #expect(try client.ok("LIST \"\" \(long)").lines.isEmpty, "no level was made for a rename that was refused")
        // What fits goes with all its children.
        try client.ok("RENAME c d")
        #expect(try client.ok("LIST \"\" d/\(long)/\(long)/\(long)").lines.count == 1)
    }

    @Test("RENAME onto a name that is taken, of a mailbox or of a child, makes nothing on the way")
    func takenNames() throws {
        let desk = try IMAPDesk()
        defer { withExtendedLifetime(desk.server) {} }
        let client = desk.owner
        try client.ok("CREATE one/two")
        try client.ok("CREATE up")
        #expect(try client.run("RENAME one up").tagged.hasPrefix("NO [ALREADYEXISTS]"))
        #expect(try client.run("RENAME nowhere new/place").tagged.hasPrefix("NO [NONEXISTENT]"))
        #expect(try client.run("RENAME one one/two/three").tagged.hasPrefix("NO [CANNOT]"))
        #expect(try client.ok("LIST \"\" new*").lines.isEmpty)
        #expect(try client.ok("LIST \"\" one*").lines.count == 2)
    }

    @Test("An account has so many mailboxes and no more, whether they are made by CREATE, as levels above others, or by RENAME")
    func numberOfMailboxes() throws {
        let server = try SMTPFixture(mailboxes: 10)
        try server.account("taro@example.test", password: IMAPDesk.word)
        let client = try server.imap("taro", IMAPDesk.word)
        // INBOX and the five standard ones are there.
        #expect(try client.ok("LIST \"\" *").lines.count == 6)
        #expect(try client.run("CREATE a/b/c/d/e").tagged.hasPrefix("NO [LIMIT]"))
        try client.ok("CREATE a/b/c")
        #expect(try client.run("RENAME a/b/c x/y/z").tagged.hasPrefix("NO [LIMIT]"))
        try client.ok("RENAME a/b/c x")
        _ = try client.append("INBOX", "Subject: x\r\n\r\n")
        try client.ok("RENAME INBOX old")
        #expect(try client.run("CREATE more").tagged.hasPrefix("NO [LIMIT]"))
        #expect(try client.run("RENAME INBOX more").tagged.hasPrefix("NO [LIMIT]"))
        #expect(try client.ok("LIST \"\" *").lines.count == 10)
    }

    @Test("A7 another's mailbox is renamed by who may delete it and each below it; INBOX is emptied only by who may take its messages")
    func renameOfAnothers() throws {
        let desk = try IMAPDesk()
        try desk.owner.ok("CREATE Team/Open")
        try desk.owner.ok("CREATE Team/Closed")
        for (mailbox, rights) in [("Team", "lrk"), ("Team/Open", "lrx"), ("INBOX", "lrxk")] {
            try desk.owner.ok("SETACL \(mailbox) hanako \(rights)")
        }
        let prefix = "Other Users/taro"
        try desk.guest.ok("RENAME \"\(prefix)/Team/Open\" \"\(prefix)/Team/Renamed\"")
        #expect(try desk.owner.ok("LIST \"\" Team/Renamed").lines.count == 1)
        // A child that is not shared stays where its owner has put it.
        try desk.owner.ok("CREATE Team/Renamed/Private")
        try desk.owner.ok("DELETEACL Team/Renamed/Private hanako")
        let refused = try desk.guest.run("RENAME \"\(prefix)/Team/Renamed\" \"\(prefix)/Team/Again\"")
        #expect(refused.tagged.hasPrefix("NO [NOPERM]"), "\(refused.tagged)")
        #expect(try desk.owner.ok("LIST \"\" Team/Renamed/Private").lines.count == 1)
        // x alone takes no message out of INBOX.
        _ = try desk.owner.append("INBOX", "Subject: mine\r\n\r\n")
        let taken = try desk.guest.run("RENAME \"\(prefix)/INBOX\" \"\(prefix)/Team/Taken\"")
        #expect(taken.tagged.hasPrefix("NO [NOPERM]"), "\(taken.tagged)")
        #expect(try desk.owner.ok("STATUS INBOX (MESSAGES)").lines == ["STATUS INBOX (MESSAGES 1)"])
        try desk.owner.ok("SETACL INBOX hanako +te")
        try desk.guest.ok("RENAME \"\(prefix)/INBOX\" \"\(prefix)/Team/Taken\"")
        #expect(try desk.owner.ok("STATUS Team/Taken (MESSAGES)").lines == ["STATUS Team/Taken (MESSAGES 1)"])
    }

    @Test("A7 once the right to read is taken away, neither IDLE nor NOOP tells what comes; given back, everything is told")
    func rightsTakenAway() throws {
        let desk = try IMAPDesk()
        try desk.owner.ok("CREATE Work")
        try desk.owner.ok("SETACL Work hanako lr")
        try desk.guest.ok("SELECT \"Other Users/taro/Work\"")
        _ = try desk.owner.append("Work", "Subject: 1\r\n\r\n")
        #expect(try desk.guest.ok("NOOP").lines.contains("1 EXISTS"))
        let tag = try desk.guest.send("IDLE")
        #expect(try desk.guest.responseText().hasPrefix("+ "))
        try desk.owner.ok("DELETEACL Work hanako")
        _ = try desk.owner.append("Work", "Subject: 2\r\n\r\n")
        try desk.guest.client.sendLine("DONE")
        #expect(try desk.guest.finish(tag).lines.isEmpty)
        #expect(try desk.guest.ok("NOOP").lines.isEmpty)
        #expect(try desk.guest.run("FETCH 1 FLAGS").tagged.hasPrefix("NO [NOPERM]"))
        try desk.owner.ok("SETACL Work hanako lr")
        #expect(try desk.guest.ok("NOOP").lines.contains("2 EXISTS"))
    }

    @Test("A7 I3 who gets the name of an account that is gone gets nothing that was shared with it; who gets another name keeps it")
    func sharedWithAnAccount() throws {
        let desk = try IMAPDesk()
        try desk.owner.ok("CREATE Work")
        try desk.owner.ok("SETACL Work hanako lr")
        #expect(try desk.owner.ok("GETACL Work").lines == ["ACL Work taro lrswipkxteacd hanako lr"])
        let hanako = try #require(desk.server.directory.snapshot.account(holding: Address(localPart: "hanako", domain: "example.test")))
        try desk.server.remove(hanako)
        #expect(try desk.owner.ok("GETACL Work").lines == ["ACL Work taro lrswipkxteacd"])
        try desk.server.account("hanako@example.test", password: IMAPDesk.word)
        let other = try desk.server.imap("hanako", IMAPDesk.word)
        #expect(try other.ok("LIST \"\" \"Other Users/*\"").lines.isEmpty)
        #expect(try other.run("SELECT \"Other Users/taro/Work\"").tagged.hasPrefix("NO "))
        #expect(try desk.owner.run("SETACL Work nobody lr").tagged.hasPrefix("NO [CANNOT] "))
        try desk.owner.ok("SETACL Work -anyone r")
        try desk.owner.ok("SETACL Work hanako@example.test lr")
        #expect(try other.ok("MYRIGHTS \"Other Users/taro/Work\"").lines == ["MYRIGHTS \"Other Users/taro/Work\" l"])
    }

    @Test("CATENATE of URLs alone makes a message; of parts that come to nothing it makes none")
    func catenateOfURLs() throws {
        let desk = try IMAPDesk()
        defer { withExtendedLifetime(desk.server) {} }
        let client = desk.owner
        _ = try client.append("INBOX", "Subject: x\r\n\r\nbody\r\n")
        try client.ok("APPEND Drafts (\\Draft) CATENATE (URL \"/INBOX/;UID=1/;SECTION=HEADER\" URL \"/INBOX/;UID=1/;SECTION=TEXT\")")
        try client.ok("SELECT Drafts")
        #expect(try client.ok("FETCH 1 (RFC822.SIZE FLAGS)").lines == ["1 FETCH (RFC822.SIZE 20 FLAGS (\\Draft))"])
        let empty = try client.run("APPEND Drafts CATENATE (URL \"/INBOX/;UID=1/;SECTION=TEXT/;PARTIAL=900.5\")")
        #expect(empty.tagged == "NO the message is empty", "\(empty.tagged)")
        let bad = try client.run("APPEND Drafts CATENATE (URL \"/INBOX/;UID=1/;SECTION=9\")")
        #expect(bad.tagged.hasPrefix("NO [BADURL /INBOX/;UID=1/;SECTION=9] "), "\(bad.tagged)")
        #expect(try client.ok("STATUS Drafts (MESSAGES)").lines == ["STATUS Drafts (MESSAGES 1)"])
        // REPLACE, too.
        try client.ok("REPLACE 1 Drafts CATENATE (URL \"/INBOX/;UID=1\")")
        #expect(try client.ok("STATUS Drafts (MESSAGES)").lines == ["STATUS Drafts (MESSAGES 1)"])
    }

    @Test("Many ranges of one decoded part are the part's own octets, in whatever order they are asked for")
    func rangesOfADecodedPart() throws {
        let desk = try IMAPDesk()
        defer { withExtendedLifetime(desk.server) {} }
        let client = desk.owner
        // "abc" is YWJj: every three octets of the part are four of the text.
        let line = String(repeating: "YWJj", count: 19) + "\r\n"
        let body = String(repeating: line, count: 12_000)
        let header = "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        _ = try client.append("INBOX", header + body)
        try client.ok("SELECT INBOX")
        let size = 12_000 * 57
        let starts = (0..<40).map { ($0 * 7919 * 3) % (size - 10) / 3 * 3 }
        let items = starts.map { "BINARY.PEEK[1]<\($0).6>" }.joined(separator: " ")
        let reply = try client.ok("FETCH 1 (BINARY.SIZE[1] \(items))")
        let text = try #require(reply.lines.first)
        #expect(text.hasPrefix("1 FETCH (BINARY.SIZE[1] \(size) "))
        #expect(text.split(separator: "{6}\r\nabcabc", omittingEmptySubsequences: false).count == Set(starts).count + 1)
        #expect(try client.run("FETCH 1 (\((1...101).map { "BODY[]<\($0).1>" }.joined(separator: " ")))").tagged.hasPrefix("NO [LIMIT]"))
    }

    @Test("must-have 37: POP3/IMAP4 delivery of an account decides whether mail comes into its mailbox; what is there stays readable")
    func deliverySwitch() throws {
        let server = try SMTPFixture()
        let taro = try server.account(
            "taro@example.test", fields: [(DeliveryField.forwarding, "hanako@example.test")], password: IMAPDesk.word)
        try server.account("hanako@example.test", password: IMAPDesk.word)
        func deliver() throws -> Bool {
            try server.greeted().mail(from: "a@remote.test", to: ["taro@example.test"], "Subject: x\r\n\r\n").hasPrefix("250")
        }
        func messages(_ name: String) throws -> String? {
            try server.imap(name, IMAPDesk.word).ok("STATUS INBOX (MESSAGES)").first("STATUS")
        }
        #expect(try deliver())
        #expect(try messages("taro") == "STATUS INBOX (MESSAGES 1)")
        try server.change(taro, DeliveryField.mailboxDelivery, "no")
        #expect(try deliver())
        #expect(try messages("taro") == "STATUS INBOX (MESSAGES 1)")
        let reader = try server.reader()
        try reader.ok("USER taro")
        try reader.ok("PASS \(IMAPDesk.word)")
        #expect(try reader.ok("STAT").hasPrefix("+OK 1 "))
        try server.change(taro, DeliveryField.mailboxDelivery, "yes")
        #expect(try deliver())
        #expect(try messages("taro") == "STATUS INBOX (MESSAGES 2)")
    }

    @Test("Messages of one APPEND wait in memory up to what a session may hold; what is more goes to files, and all of it arrives")
    func manyMessagesOfOneAppend() throws {
        let desk = try IMAPDesk()
        let (memory, client) = (desk.server.store.memory, desk.owner)
        let message = Array(("Subject: x\r\n\r\n" + String(repeating: "0123456789abcdef", count: 12_000)).utf8)
        var most = 0
        try client.client.send(Array("m1 APPEND INBOX".utf8))
        for _ in 1...40 {
            try client.client.send(Array(" {\(message.count)+}\r\n".utf8) + message)
            most = max(most, memory.inUse)
        }
        try client.client.send([13, 10])
        let reply = try client.finish("m1")
        #expect(reply.isOK, "\(reply.tagged)")
        // Of 7.7 MB no more than four; a message in hand is counted before it goes to its file.
        #expect(most <= (4 << 20) + (256 << 10), "\(most)")
        #expect(try client.ok("STATUS INBOX (MESSAGES)").first("STATUS") == "STATUS INBOX (MESSAGES 40)")
        #expect(eventually { memory.inUse == 0 })
    }
}
