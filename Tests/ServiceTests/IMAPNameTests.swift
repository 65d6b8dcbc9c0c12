import Forms
import MailTesting
import Testing

/// Which names are told of, and how.
@Suite(.serialized) struct IMAPNameTests {
    @Test("LSUB tells of levels above subscribed names where the pattern stops there, whether they are there or not, and nowhere else")
    func levelsAboveSubscriptions() throws {
        let desk = try IMAPDesk()
        defer { withExtendedLifetime(desk.server) {} }
        let client = desk.owner
        try client.ok("CREATE a/b/c")
        try client.ok("SUBSCRIBE a/b/c")
        try client.ok("SUBSCRIBE ghost/x")
        func named(_ command: String) throws -> [String] {
            try client.ok(command).lines.filter { $0.contains(" a") || $0.contains("ghost") }
        }
        #expect(try named("LSUB \"\" %") == ["LSUB (\\Noselect) \"/\" a", "LSUB (\\Noselect) \"/\" ghost"])
        #expect(try named("LSUB \"\" a/%") == ["LSUB (\\Noselect) \"/\" a/b"])
        #expect(try named("LSUB \"\" *") == ["LSUB () \"/\" a/b/c", "LSUB () \"/\" ghost/x"])
        // The same of LIST, which tells of what is there always. [RFC5258-3.5]
        let above = "LIST (\\HasChildren) \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\"))"
        #expect(
            try named("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" %")
                == [above, "LIST (\\NonExistent \\HasNoChildren) \"/\" ghost (\"CHILDINFO\" (\"SUBSCRIBED\"))"])
        #expect(try named("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" *").filter { $0.contains("ghost") }.count == 1)
        #expect(try named("LIST (SUBSCRIBED) \"\" %").isEmpty)
        #expect(try named("LIST \"\" %") == ["LIST (\\HasChildren) \"/\" a"])
    }

    @Test("A name that is written otherwise than normalized is told with its old spelling")
    func spellings() throws {
        let desk = try IMAPDesk()
        defer { withExtendedLifetime(desk.server) {} }
        let client = desk.owner
        try client.ok("ENABLE IMAP4rev2")
        let (written, normalized) = ("e\u{301}", "\u{e9}")
        let told = "LIST () \"/\" \"\(normalized)\" (\"OLDNAME\" (\"\(written)\"))"
        func list(_ command: String) throws -> [[UInt8]] {
            try client.ok(command).lines.filter { $0.hasPrefix("LIST") }.map { Array($0.utf8) }
        }
        #expect(try list("CREATE \"\(written)\"") == [Array(told.utf8)])
        #expect(try list("SELECT \"\(written)\"") == [Array(told.utf8)])
        #expect(try list("SELECT \"\(normalized)\"") == [Array("LIST () \"/\" \"\(normalized)\"".utf8)])
        #expect(try list("SELECT inbox") == [Array("LIST () \"/\" INBOX".utf8)])
        let renamed = "LIST () \"/\" plain (\"OLDNAME\" (\"\(written)\"))"
        #expect(try list("RENAME \"\(written)\" plain") == [Array(renamed.utf8)])
        let back = "LIST () \"/\" \"\(normalized)\" (\"OLDNAME\" (plain))"
        #expect(try list("RENAME plain \"\(written)\"") == [Array(back.utf8)])
        let gone = told.replacing("LIST ()", with: "LIST (\\NonExistent)")
        #expect(try list("DELETE \"\(written)\"") == [Array(gone.utf8)])
        #expect(try list("CREATE plain") == [])
        #expect(try client.run("CREATE \"\(written)/\u{2028}\"").tagged.hasPrefix("NO [CANNOT]"))
    }

    @Test("PERMANENTFLAGS are those that rights let the session change")
    func permanentFlags() throws {
        let desk = try IMAPDesk()
        try desk.owner.ok("CREATE Work")
        _ = try desk.owner.append("Work", "Subject: x\r\n\r\n")
        try desk.owner.ok("SELECT Work")
        try desk.owner.ok("STORE 1 +FLAGS (urgent)")
        let expected = [
            ("lr", ""), ("lrs", "\\Seen"), ("lrt", "\\Deleted"), ("lri", ""), ("lrw", "\\Answered \\Flagged \\Draft urgent \\*"),
            ("lrswt", "\\Answered \\Flagged \\Deleted \\Seen \\Draft urgent \\*"),
        ]
        for (rights, flags) in expected {
            try desk.owner.ok("SETACL Work hanako \(rights)")
            let lines = try desk.guest.ok("SELECT \"Other Users/taro/Work\"").lines
            #expect(lines.contains { $0.hasPrefix("OK [PERMANENTFLAGS (\(flags))]") }, "\(rights): \(lines)")
            #expect(lines.contains("FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft urgent)"))
        }
    }

    @Test("NOTIFY with an event that is not known says which are")
    func unknownEvents() throws {
        let desk = try IMAPDesk()
        defer { withExtendedLifetime(desk.server) {} }
        for event in ["AnnotationChange", "NonsenseChange"] {
            let reply = try desk.owner.run("NOTIFY SET (PERSONAL (MailboxName \(event)))").tagged
            #expect(reply.hasPrefix("NO [BADEVENT ("), "\(reply)")
            for known in ["MessageNew", "FlagChange", "MailboxMetadataChange", "ServerMetadataChange"] { #expect(reply.contains(known)) }
        }
        let both = "(SELECTED (MessageNew MessageExpunge)) (SELECTED-DELAYED (MessageNew MessageExpunge))"
        #expect(try desk.owner.run("NOTIFY SET \(both)").tagged.hasPrefix("BAD"))
    }

    @Test("With UIDONLY an answer is never empty, and SELECT takes no numbers to compare")
    func uidOnly() throws {
        let desk = try IMAPDesk()
        defer { withExtendedLifetime(desk.server) {} }
        let client = desk.owner
        for _ in 1...2 { _ = try client.append("INBOX", "Subject: x\r\n\r\n") }
        try client.ok("ENABLE UIDONLY QRESYNC")
        let status = try client.ok("STATUS INBOX (UIDVALIDITY)").first("STATUS") ?? ""
        let validity = status.split(separator: " ").last?.dropLast() ?? ""
        #expect(try client.run("SELECT INBOX (QRESYNC (\(validity) 1 1:2 (1 1)))").tagged.hasPrefix("BAD [UIDREQUIRED]"))
        try client.ok("SELECT INBOX (QRESYNC (\(validity) 1 1:2))")
        #expect(try client.ok("UID FETCH 1:2 UID").lines == ["1 UIDFETCH (UID 1)", "2 UIDFETCH (UID 2)"])
        #expect(try client.ok("UID FETCH 2 (UID RFC822.SIZE)").lines == ["2 UIDFETCH (RFC822.SIZE 14)"])
    }
}
