import MailTesting
import Testing

/// STATUS is answered from memory where nothing has changed: whatever was acknowledged before it, by whomever, must show.
@Suite(.serialized) struct IMAPStatusTests {
    private static let items = "MESSAGES UNSEEN UIDNEXT DELETED SIZE HIGHESTMODSEQ"

    private struct Desk {
        let server: SMTPFixture
        let asking: IMAPTestClient
        let other: IMAPTestClient

        init() throws {
            (self.server, _) = try IMAPServiceTests.server()
            self.asking = try self.server.imap("taro", IMAPServiceTests.word)
            self.other = try self.server.imap("taro", IMAPServiceTests.word)
        }

        /// Asked twice, so that the second answer may come from memory; all three ways must say the same.
        func status(_ name: String = "INBOX", _ items: String = IMAPStatusTests.items) throws -> [String: Int] {
            let first = try self.asking.ok("STATUS \(name) (\(items))").first("STATUS")
            let second = try self.asking.ok("STATUS \(name) (\(items))").first("STATUS")
            let listed = try self.asking.ok("LIST \"\" \(name) RETURN (STATUS (\(items)))").first("STATUS")
            #expect(first != nil && first == second && second == listed, "\(first ?? "") \(second ?? "") \(listed ?? "")")
            let words = (second ?? "").filter { $0 != "(" && $0 != ")" }.split(separator: " ").dropFirst(2).map(String.init)
            var out: [String: Int] = [:]
            for index in stride(from: 0, to: words.count - 1, by: 2) { out[words[index]] = Int(words[index + 1]) }
            return out
        }
    }

    @Test("I4 STATUS tells what SMTP has answered with 250, and what other sessions and POP3 have changed") func messages() throws {
        let desk = try Desk()
        #expect(try desk.status()["MESSAGES"] == 0)
        for number in 1...10 {
            let reply = try desk.server.greeted().mail(from: "a@remote.test", to: ["taro@example.test"], "Subject: \(number)\r\n\r\n")
            #expect(reply.hasPrefix("250"), "\(reply)")
            let told = try desk.status()
            #expect(told["MESSAGES"] == number && told["UNSEEN"] == number && told["UIDNEXT"] == number + 1, "\(told)")
        }
        try desk.other.ok("SELECT INBOX")
        var before = try desk.status()
        func step(_ what: String, _ check: ([String: Int]) -> Bool) throws {
            let now = try desk.status()
            #expect(now["HIGHESTMODSEQ", default: 0] > before["HIGHESTMODSEQ", default: 0] && check(now), "\(what): \(now)")
            before = now
        }
        for round in 0..<20 {
            try desk.other.ok("STORE 1 \(round % 2 == 0 ? "+" : "-")FLAGS.SILENT (\\Seen)")
            try step("STORE") { $0["UNSEEN"] == (round % 2 == 0 ? 9 : 10) }
        }
        try desk.other.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        try step("marked") { $0["DELETED"] == 2 }
        try desk.other.ok("EXPUNGE")
        try step("EXPUNGE") { $0["DELETED"] == 0 && $0["MESSAGES"] == 8 }
        #expect(try desk.other.append("INBOX", "Subject: new\r\n\r\nlonger\r\n", flags: "\\Seen").isOK)
        let size = before["SIZE", default: 0]
        try step("APPEND") { $0["MESSAGES"] == 9 && $0["UNSEEN"] == 8 && $0["SIZE", default: 0] > size }
        try desk.other.ok("COPY 1 INBOX")
        try step("COPY") { $0["MESSAGES"] == 10 }
        let reader = try desk.server.reader()
        try reader.ok("USER taro")
        try reader.ok("PASS \(IMAPServiceTests.word)")
        try reader.ok("DELE 1")
        try reader.ok("QUIT")
        try step("POP3") { $0["MESSAGES"] == 9 }
        // What it does itself.
        #expect(try desk.asking.append("INBOX", "Subject: own\r\n\r\n").isOK)
        try step("own APPEND") { $0["MESSAGES"] == 10 }
    }

    @Test("I4 STATUS goes by what a name means now: removed, made anew, renamed, moved to") func names() throws {
        let desk = try Desk()
        let items = "MESSAGES UIDVALIDITY MAILBOXID"
        func line(_ name: String) throws -> String? { try desk.asking.ok("STATUS \(name) (\(items))").first("STATUS") }
        try desk.other.ok("CREATE Work")
        let first = try line("Work")
        #expect(try line("Work") == first)
        try desk.other.ok("DELETE Work")
        for _ in 0..<2 { #expect(try desk.asking.run("STATUS Work (\(items))").tagged.hasPrefix("NO [NONEXISTENT]")) }
        try desk.other.ok("CREATE Work")
        let second = try line("Work")
        #expect(second != nil && second != first, "\(second ?? "")")
        #expect(try desk.other.append("Work", "Subject: x\r\n\r\n").isOK)
        #expect(try desk.status("Work", "MESSAGES")["MESSAGES"] == 1)
        try desk.other.ok("RENAME Work Play")
        #expect(try desk.asking.run("STATUS Work (MESSAGES)").tagged.hasPrefix("NO [NONEXISTENT]"))
        #expect(try desk.status("Play", "MESSAGES")["MESSAGES"] == 1)
        try desk.other.ok("CREATE Work")
        #expect(try desk.status("Work", "MESSAGES")["MESSAGES"] == 0)
        try desk.other.ok("SELECT Play")
        try desk.other.ok("MOVE 1 Work")
        #expect(try desk.status("Work", "MESSAGES")["MESSAGES"] == 1)
        #expect(try desk.status("Play", "MESSAGES")["MESSAGES"] == 0)
        // INBOX gives its messages away and stays.
        #expect(try desk.other.append("INBOX", "Subject: x\r\n\r\n").isOK)
        #expect(try desk.status()["MESSAGES"] == 1)
        try desk.other.ok("RENAME INBOX Old")
        #expect(try desk.status()["MESSAGES"] == 0)
        #expect(try desk.status("Old", "MESSAGES")["MESSAGES"] == 1)
    }

    @Test("A7 STATUS of another's mailbox goes by the rights of now, however often it was asked before") func rights() throws {
        let desk = try IMAPDesk()
        let mailbox = "\"Other Users/taro/Work\""
        try desk.owner.ok("CREATE Work")
        for _ in 0..<3 {
            try desk.owner.ok("SETACL Work hanako lr")
            for _ in 0..<2 {
                try desk.owner.ok("STATUS Work (MESSAGES)")
                try desk.guest.ok("STATUS \(mailbox) (MESSAGES)")
            }
            try desk.owner.ok("SETACL Work hanako l")
            #expect(try desk.guest.run("STATUS \(mailbox) (MESSAGES)").tagged.hasPrefix("NO [NOPERM]"))
            try desk.owner.ok("DELETEACL Work hanako")
            #expect(try desk.guest.run("STATUS \(mailbox) (MESSAGES)").tagged.hasPrefix("NO [NONEXISTENT]"))
        }
        #expect(try desk.guest.run("STATUS Work (MESSAGES)").tagged.hasPrefix("NO [NONEXISTENT]"), "names are each account's own")
        try desk.owner.ok("SETMETADATA Work (/private/comment \"x\")")
        #expect(try desk.owner.ok("STATUS Work (MESSAGES)").first("STATUS") == "STATUS Work (MESSAGES 0)")
    }

    @Test("Four sessions change a mailbox and ask for its STATUS at the same time: nobody is told less than he has done")
    func manyAtOnce() throws {
        let (server, _) = try IMAPServiceTests.server()
        try inParallel(4, "sessions that add and ask") { number in
            do { try Self.addAndAsk(server, number) } catch { #expect(Bool(false), "\(error)") }
        }
    }

    private static func addAndAsk(_ server: SMTPFixture, _ number: Int) throws {
        let client = try server.imap("taro", IMAPServiceTests.word)
        var newest = 0
        for round in 0..<50 {
            let uid = try client.append("INBOX", "Subject: \(number) \(round)\r\n\r\n").code("APPENDUID")
            let own = Int(uid?.split(separator: " ").last ?? "") ?? .max
            newest = max(newest, own)
            let told = try client.ok("STATUS INBOX (UIDNEXT)").first("STATUS") ?? ""
            let next = Int(told.dropLast().split(separator: " ").last ?? "") ?? 0
            #expect(next > newest, "\(told) after UID \(own)")
            newest = max(newest, next - 1)
        }
    }
}
