import Forms
import MailTesting
import Testing
import Vocabulary

/// URLs that carry the right to read what they name (RFC 4467).
@Suite(.serialized) struct IMAPURLTests {
    private static let word = "correct horse"
    private static let prefix = "imap://taro@mail.example.test"

    private struct Desk {
        let server: SMTPFixture
        let owner: IMAPTestClient
        let guest: IMAPTestClient
    }

    private func desk() throws -> Desk {
        let server = try SMTPFixture()
        try server.account("taro@example.test", password: Self.word)
        try server.account("hanako@example.test", password: Self.word)
        let owner = try server.imap("taro", Self.word)
        _ = try owner.append("INBOX", "Subject: secret\r\n\r\nthe body\r\n")
        return Desk(server: server, owner: owner, guest: try server.imap("hanako", Self.word))
    }

    private func make(_ client: IMAPTestClient, _ rump: String) throws -> String {
        let line = try client.ok("GENURLAUTH \"\(rump)\" INTERNAL").first("GENURLAUTH ") ?? ""
        return String(line.dropFirst("GENURLAUTH \"".count).dropLast())
    }

    private func fetch(_ client: IMAPTestClient, _ url: String) throws -> String? {
        let line = try client.ok("URLFETCH \"\(url)\"").first("URLFETCH ") ?? "no answer"
        return line.hasSuffix(" NIL") ? nil : line.split(separator: "}\r\n", maxSplits: 1).last.map(String.init)
    }

    @Test("Whom a URL names may read what it names with it, and nobody else")
    func access() throws {
        let desk = try self.desk()
        let named = try self.make(desk.owner, "\(Self.prefix)/INBOX/;UID=1;URLAUTH=user+hanako")
        #expect(named.hasPrefix("\(Self.prefix)/INBOX/;UID=1;URLAUTH=user+hanako:internal:01"))
        #expect(try self.fetch(desk.guest, named) == "Subject: secret\r\n\r\nthe body\r\n")
        #expect(try self.fetch(desk.owner, named) == nil, "not even its maker, whom it does not name")
        let part = try self.make(desk.owner, "\(Self.prefix)/INBOX/;UID=1/;SECTION=TEXT;URLAUTH=authuser")
        #expect(try self.fetch(desk.guest, part) == "the body\r\n")
        #expect(try self.fetch(desk.owner, part) == "the body\r\n")
        let open = try self.make(desk.owner, "\(Self.prefix)/INBOX/;UID=1/;SECTION=TEXT/;PARTIAL=4.4;URLAUTH=anonymous")
        #expect(try self.fetch(desk.guest, open) == "body")
        let submit = try self.make(desk.owner, "\(Self.prefix)/INBOX/;UID=1;URLAUTH=submit+taro")
        #expect(try self.fetch(desk.owner, submit) == nil, "no session is that of a server for submission")
        let both = try desk.guest.ok("URLFETCH \"\(part)\" \"\(named)\" \"imap://x/\"").lines
        #expect(both.count == 3 && both[2] == "URLFETCH \"imap://x/\" NIL")
    }

    @Test("A URL that was changed, has expired, or whose key was taken back opens nothing")
    func refused() throws {
        let desk = try self.desk()
        let url = try self.make(desk.owner, "\(Self.prefix)/INBOX/;UID=1;URLAUTH=authuser")
        #expect(try self.fetch(desk.guest, url) != nil)
        _ = try desk.owner.append("INBOX", "Subject: another\r\n\r\n")
        let other = url.replacing("UID=1;", with: "UID=2;")
        for wrong in [
            other, String(url.dropLast()) + (url.hasSuffix("0") ? "1" : "0"), String(url.dropLast(2)), url + "00",
            url.replacing(":internal:", with: ":x:"),
        ] {
            #expect(try self.fetch(desk.guest, wrong) == nil, "\(wrong)")
        }
        let expired = try self.make(desk.owner, "\(Self.prefix)/INBOX/;UID=1;EXPIRE=1970-01-02T00:00:00Z;URLAUTH=authuser")
        #expect(try self.fetch(desk.guest, expired) == nil)
        let later = try self.make(desk.owner, "\(Self.prefix)/INBOX/;UID=1;EXPIRE=2999-01-02T00:00:00.5+09:00;URLAUTH=authuser")
        #expect(try self.fetch(desk.guest, later) != nil)
        // One mailbox, then all.
        try desk.owner.ok("CREATE Work")
        _ = try desk.owner.append("Work", "Subject: work\r\n\r\n")
        let work = try self.make(desk.owner, "\(Self.prefix)/Work/;UID=1;URLAUTH=authuser")
        #expect(try desk.owner.run("RESETKEY INBOX INTERNAL").tagged.hasPrefix("OK [URLMECH INTERNAL]"))
        #expect(try self.fetch(desk.guest, later) == nil)
        #expect(try self.fetch(desk.guest, work) != nil)
        try desk.owner.ok("RESETKEY")
        #expect(try self.fetch(desk.guest, work) == nil)
        let again = try self.make(desk.owner, "\(Self.prefix)/Work/;UID=1;URLAUTH=authuser")
        #expect(again != work)
        #expect(try self.fetch(desk.guest, again) != nil)
        // With the mailbox its key goes, and a mailbox of the same name has another.
        try desk.owner.ok("DELETE Work")
        try desk.owner.ok("CREATE Work")
        _ = try desk.owner.append("Work", "Subject: new\r\n\r\n")
        #expect(try self.fetch(desk.guest, again) == nil)
    }

    @Test("A URL gives nobody more than its maker may read now, and only of his own mailboxes on this server")
    func bounds() throws {
        let desk = try self.desk()
        for wrong in [
            "imap://hanako@mail.example.test/INBOX/;UID=1;URLAUTH=authuser", "imap://taro@other.test/INBOX/;UID=1;URLAUTH=authuser",
            "\(Self.prefix)/Nowhere/;UID=1;URLAUTH=authuser", "\(Self.prefix)/INBOX;UIDVALIDITY=1/;UID=1;URLAUTH=authuser",
            "\(Self.prefix)/INBOX/;UID=1", "\(Self.prefix)/INBOX/;UID=1;URLAUTH=everybody", "/INBOX/;UID=1;URLAUTH=authuser",
            "\(Self.prefix)/INBOX/;UID=1;URLAUTH=authuser:internal:01aa",
        ] {
            let reply = try desk.owner.run("GENURLAUTH \"\(wrong)\" INTERNAL")
            #expect(reply.tagged.hasPrefix("NO [BADURL "), "\(wrong): \(reply.tagged)")
        }
        #expect(try desk.owner.run("GENURLAUTH \"\(Self.prefix)/INBOX/;UID=1;URLAUTH=authuser\" X-OWN").tagged.hasPrefix("NO [CANNOT]"))
        #expect(try desk.owner.run("RESETKEY INBOX X-OWN").tagged.hasPrefix("NO [CANNOT]"))
        #expect(try desk.owner.run("RESETKEY Nowhere").tagged.hasPrefix("NO [NONEXISTENT]"))
        #expect(try desk.owner.run("GENURLAUTH x").tagged.hasPrefix("BAD"))
        #expect(try desk.owner.run("URLFETCH").tagged.hasPrefix("BAD"))
        // A shared mailbox, as long as it is shared.
        try desk.owner.ok("CREATE Team")
        _ = try desk.owner.append("Team", "Subject: team\r\n\r\n")
        try desk.owner.ok("SETACL Team hanako lr")
        let shared = try self.make(desk.guest, "imap://hanako@mail.example.test/Other%20Users/taro/Team/;UID=1;URLAUTH=authuser")
        #expect(try self.fetch(desk.owner, shared) == "Subject: team\r\n\r\n")
        try desk.owner.ok("DELETEACL Team hanako")
        #expect(try self.fetch(desk.owner, shared) == nil)
        // The key is nobody's to read or write.
        let secret = try desk.owner.ok("GETMETADATA (DEPTH infinity) INBOX (/private)").lines.joined()
        #expect(!secret.contains("url-key"))
        #expect(try desk.owner.run("SETMETADATA INBOX (/private/vendor/post.office/url-key \"known\")").tagged.hasPrefix("NO"))
    }

    @Test("What a URL opens comes whole, however long it is")
    func long() throws {
        let desk = try self.desk()
        let body = (0..<20_000).map { "line number \($0)\r\n" }.joined()
        _ = try desk.owner.append("INBOX", "Subject: long\r\n\r\n\(body)")
        let url = try self.make(desk.owner, "\(Self.prefix)/INBOX/;UID=2/;SECTION=TEXT;URLAUTH=authuser")
        #expect(try self.fetch(desk.guest, url) == body)
    }
}
