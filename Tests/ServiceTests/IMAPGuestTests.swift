import Forms
import MailTesting
import Testing
import Vocabulary

/// What somebody else, and somebody who is no longer here, may do with mailboxes; and what becomes of one that is deleted under another name.
@Suite(.serialized) struct IMAPGuestTests {
    private static let word = "correct horse"
    private static let bye = "* BYE your account is not active any more"

    private struct Desk {
        let server: SMTPFixture
        let hanako: AccountID
        let owner: IMAPTestClient
        let guest: IMAPTestClient
    }

    private func desk() throws -> Desk {
        let server = try SMTPFixture()
        try server.account("taro@example.test", password: Self.word)
        let hanako = try server.account("hanako@example.test", password: Self.word)
        return Desk(
            server: server, hanako: hanako, owner: try server.imap("taro", Self.word), guest: try server.imap("hanako", Self.word))
    }

    @Test("A7 sessions in IDLE and NOTIFY end with their account, locked or removed, before they hear of another's mailbox again")
    func closedAccount() throws {
        for isRemoved in [false, true] {
            let desk = try self.desk()
            try desk.owner.ok("CREATE Work")
            try desk.owner.ok("SETACL Work hanako lr")
            var guests: [IMAPTestClient] = []
            for mailbox in ["INBOX", "\"Other Users/taro/Work\""] {
                let idle = try desk.server.imap("hanako", Self.word)
                try idle.ok("SELECT \(mailbox)")
                try idle.send("IDLE")
                #expect(try idle.responseText().hasPrefix("+ "))
                let notify = try desk.server.imap("hanako", Self.word)
                try notify.ok("SELECT \(mailbox)")
                try notify.ok("NOTIFY SET (selected (MessageNew (UID BODY.PEEK[]) MessageExpunge))")
                guests += [idle, notify]
            }
            let before = desk.server.events.lines("login-ended").count
            if isRemoved {
                try desk.server.remove(desk.hanako)
            } else {
                try desk.server.change(desk.hanako, AccountField.state, "locked")
            }
            _ = try desk.owner.append("Work", "Subject: secret\r\n\r\n")
            for guest in guests { #expect(try guest.responseText() == Self.bye) }
            for guest in guests { #expect(throws: (any Error).self) { try guest.responseText() } }
            #expect(try desk.guest.responseText() == Self.bye, "one that only waits, too")
            #expect(eventually { desk.server.events.lines("login-ended").count == before + 5 })
            // Others stay.
            try desk.owner.ok("NOOP")
        }
    }

    @Test("DELETE of the selected mailbox under any of its names is answered, and nothing is selected afterwards")
    func deleteUnderAnotherName() throws {
        let desk = try self.desk()
        let client = desk.owner
        let cases: [(String, String?, String)] = [
            ("s1", nil, "s1"), ("s1", nil, "\"Other Users/taro/s1\""), ("s1", "s2", "s2"), ("\"Other Users/taro/s1\"", nil, "s1"),
        ]
        for (select, rename, delete) in cases {
            try client.ok("CREATE s1")
            let other = try desk.server.imap("taro", Self.word)
            try other.ok("SELECT s1")
            try client.ok("SELECT \(select)")
            if let rename { try client.ok("RENAME s1 \(rename)") }
            try client.ok("DELETE \(delete)")
            #expect(try client.run("FETCH 1 FLAGS").tagged.hasPrefix("BAD"), "\(select) \(delete)")
            try client.ok("NOOP")
            #expect(try other.responseText() == "* BYE the mailbox was deleted")
        }
        // Another mailbox than the selected one leaves it selected.
        try client.ok("CREATE s3")
        try client.ok("SELECT INBOX")
        try client.ok("DELETE s3")
        try client.ok("UID FETCH 1:* FLAGS")
    }

    @Test("A7 a new mailbox has the rights of the level above: who makes one in another's account sees it; its use the owner alone says")
    func inheritedRights() throws {
        let desk = try self.desk()
        let prefix = "Other Users/taro"
        try desk.owner.ok("CREATE top")
        try desk.owner.ok("SETACL top hanako lrk")
        for name in ["top/a", "top/a/b"] { try desk.guest.ok("CREATE \"\(prefix)/\(name)\"") }
        for name in ["top/a", "top/a/b"] {
            #expect(try desk.guest.ok("MYRIGHTS \"\(prefix)/\(name)\"").lines == ["MYRIGHTS \"\(prefix)/\(name)\" lrkc"])
            #expect(try desk.owner.ok("GETACL \(name)").lines.first?.hasSuffix(" hanako lrkc") == true)
        }
        try desk.owner.ok("CREATE top/mine")
        #expect(try desk.guest.ok("LIST \"\" \"\(prefix)/top/%\"").lines.count == 2)
        // What is taken away below stays so above, and the other way round.
        try desk.owner.ok("DELETEACL top/a hanako")
        #expect(try desk.guest.run("CREATE \"\(prefix)/top/a/c\"").tagged.hasPrefix("NO"))
        try desk.owner.ok("CREATE alone")
        #expect(try desk.owner.ok("GETACL alone").lines.first?.contains("hanako") == false)
        let refused = try desk.guest.run("CREATE \"\(prefix)/top/use\" (USE (\\Important))")
        #expect(refused.tagged.hasPrefix("NO [USEATTR]"), "\(refused.tagged)")
        try desk.owner.ok("CREATE \"\(prefix)/top/use\" (USE (\\Important))")
    }

    @Test("BINARY[] of a message with a NUL goes as literal8, whole or in part, as BINARY[1] does")
    func wholeBinary() throws {
        let desk = try self.desk()
        let client = desk.owner
        let message = Array("Subject: x\r\n\r\na".utf8) + [0] + Array("bc\r\n".utf8)
        try client.client.send(Array("m1 APPEND INBOX ~{\(message.count)+}\r\n".utf8) + message + [13, 10])
        #expect(try client.finish("m1").isOK)
        _ = try client.append("INBOX", "Subject: x\r\n\r\nabc\r\n")
        try client.ok("SELECT INBOX")
        for item in ["BINARY.PEEK[]", "BINARY.PEEK[]<10.8>", "BINARY.PEEK[1]"] {
            let name = item.replacing(".PEEK", with: "").replacing(".8>", with: ">")
            #expect(try client.ok("FETCH 1 (\(item))").lines.first?.hasPrefix("1 FETCH (\(name) ~{") == true, "\(item)")
            #expect(try client.ok("FETCH 2 (\(item))").lines.first?.hasPrefix("2 FETCH (\(name) {") == true, "\(item)")
        }
    }

    @Test("A NUL goes in BINARY alone: elsewhere another octet stands for it, sizes and ranges stay, and a copy by CATENATE has it")
    func nulInLiterals() throws {
        let desk = try self.desk()
        let client = desk.owner
        let header = Array("Subject: x\r\nX-Odd: o".utf8) + [0] + Array("dd\r\n\r\n".utf8)
        let message = header + Array("a".utf8) + [0, 0] + Array("bc\r\n".utf8)
        try client.client.send(Array("m1 APPEND INBOX ~{\(message.count)+}\r\n".utf8) + message + [13, 10])
        #expect(try client.finish("m1").isOK)
        _ = try client.ok("SELECT INBOX")
        func fetch(_ item: String, _ number: Int = 1) throws -> String { try client.ok("FETCH \(number) (\(item))").lines.first ?? "" }
        // The client shows an octet that is no UTF-8 as U+FFFD.
        let odd = "\u{FFFD}"
        for round in 0..<2 {
            let body = "a\(odd)\(odd)bc\r\n"
            #expect(try fetch("BODY.PEEK[TEXT]") == "1 FETCH (BODY[TEXT] {7}\r\n\(body))", "round \(round)")
            #expect(try fetch("BODY.PEEK[1]<1.3>") == "1 FETCH (BODY[1]<1> {3}\r\n\(odd)\(odd)b)")
            #expect(try fetch("BODY.PEEK[]").hasSuffix("{\(message.count)}\r\nSubject: x\r\nX-Odd: o\(odd)dd\r\n\r\n\(body))"))
            #expect(try fetch("RFC822.TEXT").contains(body))
            #expect(try fetch("BODY.PEEK[HEADER]").hasSuffix("X-Odd: o\(odd)dd\r\n\r\n)"))
            #expect(try fetch("BODY.PEEK[HEADER.FIELDS (X-Odd)]").hasSuffix("{15}\r\nX-Odd: o\(odd)dd\r\n\r\n)"))
            #expect(try fetch("BODY.PEEK[HEADER.FIELDS.NOT (Subject)]").contains("o\(odd)dd"))
            #expect(try fetch("RFC822.SIZE") == "1 FETCH (RFC822.SIZE \(message.count))")
            #expect(try fetch("BINARY.PEEK[1]") == "1 FETCH (BINARY[1] ~{7}\r\na\0\0bc\r\n)")
        }
        try client.ok("APPEND INBOX CATENATE (URL \"/INBOX/;UID=1\")")
        #expect(try fetch("BINARY.PEEK[]", 2).hasSuffix("X-Odd: o\0dd\r\n\r\na\0\0bc\r\n)"))
    }

    @Test("APPEND to a server with too little disk room says so, and who can mend it")
    func diskIsFull() throws {
        let server = try SMTPFixture { $0.minimumFree = .max / 2 }
        try server.account("taro@example.test", password: Self.word)
        let client = try server.imap("taro", Self.word)
        // Before the message is sent, where it waits for leave.
        let tag = try client.send("APPEND INBOX {16}")
        #expect(try client.finish(tag).lines.isEmpty)
        let refused = try client.run("APPEND INBOX %", "Subject: x\r\n\r\n")
        #expect(refused.tagged == "NO [UNAVAILABLE] the server has too little disk room: the postmaster must make room")
        try client.ok("LANGUAGE ja")
        #expect(try client.append("INBOX", "Subject: x\r\n\r\n").tagged.contains("ポストマスタ"))
    }
}
