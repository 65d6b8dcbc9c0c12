import Forms
import MailTesting
import Testing
import Vocabulary

/// Submission of what lies in a mailbox, by URL (RFC 4468).
@Suite(.serialized) struct BURLTests {
    private static let prefix = "imap://taro@mail.example.test"

    /// A session of submission behind its login.
    private func submission(_ desk: IMAPDesk) throws -> SMTPClient {
        let client = try desk.server.greeted("submission")
        #expect(try client.login("taro", IMAPDesk.word).hasPrefix("235"))
        return client
    }

    /// The reply to the last line of a message for the other account.
    private func submit(_ client: SMTPClient, _ line: String) throws -> String {
        _ = try client.say("MAIL FROM:<taro@example.test>", "RCPT TO:<hanako@example.test>")
        return try client.say(line)
    }

    private func desk() throws -> IMAPDesk {
        let desk = try IMAPDesk()
        _ = try desk.owner.append("INBOX", "Subject: draft\r\n\r\nthe body\r\n")
        return desk
    }

    @Test("A draft is sent, and a message forwarded, without its coming to the client")
    func sent() throws {
        let desk = try self.desk()
        let client = try self.submission(desk)
        #expect(try client.say("EHLO client.test").hasSuffix("|250 BURL imap"))
        let draft = try desk.url("\(Self.prefix)/INBOX/;UID=1;URLAUTH=submit+taro")
        #expect(try self.submit(client, "BURL \(draft) LAST").hasPrefix("250 2."))
        let first = try #require(try desk.server.mailbox(of: desk.guestAccount).first)
        #expect(first.contains("\r\nSubject: draft\r\n") && first.hasSuffix("\r\n\r\nthe body\r\n"))
        // What is missing in it is added, as in every submission.
        #expect(first.contains("\r\nMessage-ID: <") && first.contains("with ESMTPA id "))
        // Long, and between chunks.
        let body = (0..<40_000).map { "line number \($0)\r\n" }.joined()
        _ = try desk.owner.append("INBOX", "Subject: long\r\n\r\n\(body)")
        let text = try desk.url("\(Self.prefix)/INBOX/;UID=2/;SECTION=TEXT;URLAUTH=submit+taro")
        let header = "Subject: forwarded\r\n\r\n"
        #expect(try self.submit(client, "BDAT \(header.utf8.count)\r\n\(header)BURL \(text) LAST").hasPrefix("250 2.0.0 Chunk Ok"))
        #expect(try client.reply().hasPrefix("250 2."))
        let second = try #require(try desk.server.mailbox(of: desk.guestAccount).last)
        #expect(second.contains("\r\nSubject: forwarded\r\n") && second.hasSuffix("\r\n\r\n\(body)"))
    }

    @Test("A URL of somebody else's submissions, one that was changed or taken back, and one of another server send nothing")
    func refused() throws {
        let desk = try self.desk()
        let his = try desk.url("\(Self.prefix)/INBOX/;UID=1;URLAUTH=submit+taro")
        let hers = try desk.url("\(Self.prefix)/INBOX/;UID=1;URLAUTH=submit+hanako")
        let users = try desk.url("\(Self.prefix)/INBOX/;UID=1;URLAUTH=user+taro")
        let expired = try desk.url("\(Self.prefix)/INBOX/;UID=1;EXPIRE=1970-01-02T00:00:00Z;URLAUTH=submit+taro")
        for (url, reply) in [
            (hers, "554 5.7.0 IMAP URL authorization failed"), (users, "554 5.7.0 IMAP URL authorization failed"),
            (his.replacing("UID=1;", with: "UID=2;"), "554 5.6.6 IMAP URL resolution failed"),
            (String(his.dropLast(2)), "554 5.6.6 IMAP URL resolution failed"), (expired, "554 5.6.6 IMAP URL resolution failed"),
            (his.replacing("mail.example.test", with: "mail.remote.test"), "554 5.7.14 URL resolution requires trust relationship"),
            ("http://mail.example.test/", "554 5.6.6 IMAP URL resolution failed"),
        ] {
            let client = try self.submission(desk)
            #expect(try self.submit(client, "BURL \(url) LAST") == reply, "\(url)")
            // The transaction is over.
            #expect(try client.say("DATA").hasPrefix("503"))
            #expect(try client.say("BURL \(his) LAST") == "503 5.5.1 Send MAIL first")
        }
        #expect(try desk.server.mailbox(of: desk.guestAccount).isEmpty)
        let fresh = try self.submission(desk)
        #expect(try self.submit(fresh, "BURL \(his) LAST").hasPrefix("250"))
        try desk.owner.ok("RESETKEY INBOX INTERNAL")
        #expect(try self.submit(fresh, "BURL \(his) LAST").hasPrefix("554 5.6.6"))
        // Not before a login, and not where mail comes in.
        #expect(try desk.server.greeted("submission").say("EHLO client.test").hasSuffix("|250 BURL"))
        let relay = try desk.server.greeted()
        _ = try relay.login("taro", IMAPDesk.word)
        #expect(try relay.say("BURL \(his) LAST").hasPrefix("500"))
        #expect(try !relay.say("EHLO client.test").contains("BURL"))
    }
}
