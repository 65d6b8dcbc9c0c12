import Forms
import Glibc
import MailTesting
import Testing
import Vocabulary

/// URLs that carry the right to read what they name (RFC 4467).
@Suite(.serialized) struct IMAPURLTests {
    private static let prefix = "imap://taro@mail.example.test"

    private func desk() throws -> IMAPDesk {
        let desk = try IMAPDesk()
        _ = try desk.owner.append("INBOX", "Subject: secret\r\n\r\nthe body\r\n")
        return desk
    }

    private func fetch(_ client: IMAPTestClient, _ url: String) throws -> String? {
        let line = try client.ok("URLFETCH \"\(url)\"").first("URLFETCH ") ?? "no answer"
        return line.hasSuffix(" NIL") ? nil : line.split(separator: "}\r\n", maxSplits: 1).last.map(String.init)
    }

    @Test("Whom a URL names may read what it names with it, and nobody else")
    func access() throws {
        let desk = try self.desk()
        let named = try desk.url("\(Self.prefix)/INBOX/;UID=1;URLAUTH=user+hanako")
        #expect(named.hasPrefix("\(Self.prefix)/INBOX/;UID=1;URLAUTH=user+hanako:internal:01"))
        #expect(try self.fetch(desk.guest, named) == "Subject: secret\r\n\r\nthe body\r\n")
        #expect(try self.fetch(desk.owner, named) == nil, "not even its maker, whom it does not name")
        let part = try desk.url("\(Self.prefix)/INBOX/;UID=1/;SECTION=TEXT;URLAUTH=authuser")
        #expect(try self.fetch(desk.guest, part) == "the body\r\n")
        #expect(try self.fetch(desk.owner, part) == "the body\r\n")
        let open = try desk.url("\(Self.prefix)/INBOX/;UID=1/;SECTION=TEXT/;PARTIAL=4.4;URLAUTH=anonymous")
        #expect(try self.fetch(desk.guest, open) == "body")
        let submit = try desk.url("\(Self.prefix)/INBOX/;UID=1;URLAUTH=submit+taro")
        #expect(try self.fetch(desk.owner, submit) == nil, "no session is that of a server for submission")
        let both = try desk.guest.ok("URLFETCH \"\(part)\" \"\(named)\" \"imap://x/\"").lines
        #expect(both.count == 3 && both[2] == "URLFETCH \"imap://x/\" NIL")
    }

    @Test("A URL that was changed, has expired, or whose key was taken back opens nothing")
    func refused() throws {
        let desk = try self.desk()
        let url = try desk.url("\(Self.prefix)/INBOX/;UID=1;URLAUTH=authuser")
        #expect(try self.fetch(desk.guest, url) != nil)
        _ = try desk.owner.append("INBOX", "Subject: another\r\n\r\n")
        let other = url.replacing("UID=1;", with: "UID=2;")
        for wrong in [
            other, String(url.dropLast()) + (url.hasSuffix("0") ? "1" : "0"), String(url.dropLast(2)), url + "00",
            url.replacing(":internal:", with: ":x:"),
        ] {
            #expect(try self.fetch(desk.guest, wrong) == nil, "\(wrong)")
        }
        let expired = try desk.url("\(Self.prefix)/INBOX/;UID=1;EXPIRE=1970-01-02T00:00:00Z;URLAUTH=authuser")
        #expect(try self.fetch(desk.guest, expired) == nil)
        let later = try desk.url("\(Self.prefix)/INBOX/;UID=1;EXPIRE=2999-01-02T00:00:00.5+09:00;URLAUTH=authuser")
        #expect(try self.fetch(desk.guest, later) != nil)
        // One mailbox, then all.
        try desk.owner.ok("CREATE Work")
        _ = try desk.owner.append("Work", "Subject: work\r\n\r\n")
        let work = try desk.url("\(Self.prefix)/Work/;UID=1;URLAUTH=authuser")
        #expect(try desk.owner.run("RESETKEY INBOX INTERNAL").tagged.hasPrefix("OK [URLMECH INTERNAL]"))
        #expect(try self.fetch(desk.guest, later) == nil)
        #expect(try self.fetch(desk.guest, work) != nil)
        try desk.owner.ok("RESETKEY")
        #expect(try self.fetch(desk.guest, work) == nil)
        let again = try desk.url("\(Self.prefix)/Work/;UID=1;URLAUTH=authuser")
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
        let shared = try desk.url("imap://hanako@mail.example.test/Other%20Users/taro/Team/;UID=1;URLAUTH=authuser", of: desk.guest)
        #expect(try self.fetch(desk.owner, shared) == "Subject: team\r\n\r\n")
        try desk.owner.ok("DELETEACL Team hanako")
        #expect(try self.fetch(desk.owner, shared) == nil)
        // The key is nobody's to read or write.
        let secret = try desk.owner.ok("GETMETADATA (DEPTH infinity) INBOX (/private)").lines.joined()
        #expect(!secret.contains("url-key"))
        #expect(try desk.owner.run("SETMETADATA INBOX (/private/vendor/post.office/url-key \"known\")").tagged.hasPrefix("NO"))
    }

    @Test("CATENATE takes nothing from here for a URL of another server or of somebody else")
    func whoseMessage() throws {
        let desk = try self.desk()
        for right in [Self.prefix, "imap://TARO@Mail.Example.Test:143", "imap://mail.example.test", "imap://;AUTH=*@mail.example.test", ""]
        {
            let reply = try desk.owner.run("APPEND INBOX CATENATE (URL \"\(right)/INBOX/;UID=1\")").tagged
            #expect(reply.hasPrefix("OK [APPENDUID "), "\(right): \(reply)")
        }
        for wrong in [
            "imap://hanako@mail.example.test", "imap://taro@other.test", "imap://nobody@mail.example.test", "imap://", "imap://taro@",
        ] {
            let reply = try desk.owner.run("APPEND INBOX CATENATE (URL \"\(wrong)/INBOX/;UID=1\")").tagged
            #expect(reply.hasPrefix("NO [BADURL "), "\(wrong): \(reply)")
        }
    }

    @Test("What a URL opens comes whole, however long it is")
    func long() throws {
        let desk = try self.desk()
        let body = (0..<20_000).map { "line number \($0)\r\n" }.joined()
        _ = try desk.owner.append("INBOX", "Subject: long\r\n\r\n\(body)")
        let url = try desk.url("\(Self.prefix)/INBOX/;UID=2/;SECTION=TEXT;URLAUTH=authuser")
        #expect(try self.fetch(desk.guest, url) == body)
    }

    @Test("URLFETCH tells what a part is, and gives it without its transfer encoding")
    func binary() throws {
        let desk = try self.desk()
        let message = [
            "Subject: parts", "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b", "", "--b", "Content-Type: text/plain", "",
            "plain", "--b", "Content-Type: image/png; name=\"a)b.png\"", "Content-Transfer-Encoding: base64", "", "AAECA//+", "--b",
            "Content-Type: message/rfc822", "", "Subject: inner", "", "inside", "--b--", "",
        ].joined(separator: "\r\n")
        _ = try desk.owner.append("INBOX", message)
        func fetch(_ part: String, _ words: String) throws -> String {
            let url = try desk.url("\(Self.prefix)/INBOX/;UID=2\(part);URLAUTH=authuser")
            let line = try desk.guest.ok("URLFETCH (\"\(url)\" \(words))").first("URLFETCH ") ?? ""
            return String(line.dropFirst("URLFETCH \"\(url)\" ".count))
        }
        let plain = try fetch("/;SECTION=1", "BODYPARTSTRUCTURE BODY")
        #expect(plain.hasPrefix("(BODYPARTSTRUCTURE (\"text\" \"plain\" ") && plain.hasSuffix(")) (BODY {5}\r\nplain)"), "\(plain)")
        let image = try fetch("/;SECTION=2", "BODYPARTSTRUCTURE")
        #expect(image.hasPrefix("(BODYPARTSTRUCTURE (\"image\" \"png\" (\"name\" \"a)b.png\") NIL NIL \"base64\" 8 "), "\(image)")
        #expect(try fetch("/;SECTION=2", "BODY") == "(BODY {8}\r\nAAECA//+)")
        #expect(try fetch("/;SECTION=2", "BINARY").hasPrefix("(BINARY ~{6}\r\n\0"))
        #expect(try fetch("/;SECTION=2/;PARTIAL=1.2", "BINARY").hasSuffix("{2}\r\n\u{1}\u{2})"))
        // Within a message that is a part, and of the message itself.
        let inner = try fetch("/;SECTION=3.1", "BODYPARTSTRUCTURE BINARY")
        #expect(inner.hasPrefix("(BODYPARTSTRUCTURE (\"text\" ") && inner.hasSuffix(")) (BINARY {6}\r\ninside)"), "\(inner)")
        #expect(try fetch("/;SECTION=3", "BODYPARTSTRUCTURE").hasPrefix("(BODYPARTSTRUCTURE (\"message\" \"rfc822\" "))
        #expect(try fetch("", "BODYPARTSTRUCTURE").hasPrefix("(BODYPARTSTRUCTURE ((\"text\" \"plain\" "))
        #expect(try fetch("", "BINARY") == "(BINARY {\(message.utf8.count)}\r\n\(message))")
        #expect(try fetch("/;SECTION=HEADER", "BODYPARTSTRUCTURE BODY").hasPrefix("(BODY {"))
        #expect(try fetch("/;SECTION=HEADER", "BODYPARTSTRUCTURE") == "NIL")
        #expect(try fetch("/;SECTION=4", "BODYPARTSTRUCTURE BINARY") == "NIL")
        #expect(try desk.guest.ok("URLFETCH (imap://x/ BINARY)").lines == ["URLFETCH \"imap://x/\" NIL"])
    }

    @Test(
        "CATENATE of a damaged message says so, whatever its length; a URL of no message is a wrong URL", arguments: [500, 70_000, 300_000])
    func damaged(_ size: Int) throws {
        let desk = try IMAPDesk()
        let text = "Subject: x\r\n\r\nMARK-\(size)-\r\n" + String(repeating: "a line of the body\r\n", count: size / 20)
        _ = try desk.owner.append("INBOX", text)
        _ = try desk.owner.append("INBOX", "Subject: whole\r\n\r\nbody\r\n")
        let url = try desk.url("\(Self.prefix)/INBOX/;UID=1;URLAUTH=authuser")
        try desk.server.damage("MARK-\(size)-", 100)
        try desk.owner.ok("CREATE Out")
        for url in ["/INBOX/;UID=1", "/INBOX/;UID=1/;SECTION=TEXT", "/INBOX/;UID=1/;PARTIAL=0.300"] {
            for list in ["URL \"\(url)\"", "URL \"/INBOX/;UID=2\" URL \"\(url)\""] {
                let tagged = try desk.owner.run("APPEND Out CATENATE (\(list))").tagged
                #expect(tagged.hasPrefix("NO [CORRUPTION]"), "\(list): \(tagged)")
            }
        }
        let missing = try desk.owner.run("APPEND Out CATENATE (URL \"/INBOX/;UID=9\")").tagged
        #expect(missing.hasPrefix("NO [BADURL /INBOX/;UID=9]"), "\(missing)")
        // Nothing came into the mailbox, and the session goes on.
        #expect(try desk.owner.ok("STATUS Out (MESSAGES)").lines.contains { $0.hasSuffix("(MESSAGES 0)") })
        if size < 64 << 10 { #expect(try self.fetch(desk.guest, url) == nil) }
    }
}
