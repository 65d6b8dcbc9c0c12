import Bytes
import Directory
import Forms
import MailTesting
import NetKit
import Testing
import Vocabulary

/// Logins of SMTP and POP3 alike, over the real directory.
@Suite("Logins, with directory and store", .serialized)
struct LoginTests {
    private static let word = "taros word"

    private static func server() throws -> (SMTPFixture, AccountID) {
        let server = try SMTPFixture()
        return (server, try server.account("taro@example.test", password: Self.word))
    }

    /// The answers of POP3 and of SMTP to a login.
    private static func answers(_ server: SMTPFixture, _ password: String = word) throws -> (pop3: String, smtp: String) {
        let reader = try server.reader()
        try reader.ok("USER taro")
        let pop3 = try reader.say("PASS \(password)")
        if pop3.hasPrefix("+OK") { try reader.ok("QUIT") }
        return (pop3, try server.greeted("submission").login("taro", password))
    }

    @Test("42 a host name in the account's list counts only when it leads back to the address", arguments: ["*.home.test", "pc.home.test"])
    func namesInLists(entry: String) throws {
        let (server, taro) = try Self.server()
        #expect(try Self.answers(server).pop3.hasPrefix("+OK"))
        #expect(server.names.asked.isEmpty, "nobody waits for DNS where no list names a host")
        try server.change(taro, AccountSecurityField.access, entry)
        // No name at all.
        #expect(
            try Self.answers(server) == ("-ERR [AUTH] login failed: wrong name or password", "535 5.7.8 Authentication credentials invalid")
        )
        // A name that anybody can put into his own reverse zone.
        server.names.set("1.0.0.127.in-addr.arpa", .ptr, .success(DNSAnswer(records: .names(["pc.home.test"]))))
        server.names.set("pc.home.test", .a, .success(DNSAnswer(records: .addresses([try #require(IPAddress("192.0.2.1"))]))))
        #expect(try Self.answers(server).pop3.hasPrefix("-ERR"))
        // The owner of the name agrees.
        server.names.addHost("pc.home.test", ["127.0.0.1"])
        let answers = try Self.answers(server)
        #expect(answers.pop3.hasPrefix("+OK") && answers.smtp.hasPrefix("235"))
        // DNS is away: nobody comes in by name.
        server.names.set("1.0.0.127.in-addr.arpa", .ptr, .failure(.timedOut))
        #expect(try Self.answers(server).smtp.hasPrefix("535"))
        #expect(server.events.lines("login-refused").allSatisfy { $0.contains(" reason=access-list-of-account ") })
    }

    @Test("A host name is looked up once a session, before the password")
    func oneLookup() throws {
        let (server, taro) = try Self.server()
        try server.change(taro, AccountSecurityField.access, "pc.home.test")
        server.names.addHost("pc.home.test", ["127.0.0.1"])
        let client = try server.greeted("submission")
        #expect(try client.login("taro", "wrong").hasPrefix("535"))
        #expect(try client.login("taro", Self.word).hasPrefix("235"))
        #expect(server.names.asked == ["1.0.0.127.in-addr.arpa", "pc.home.test"])
    }

    @Test("A6 a lock, an end date and a service that is switched off end running sessions at their next command")
    func lockEndsSessions() throws {
        let (server, taro) = try Self.server()
        let ways: [(Field, [String], [String])] = [
            (AccountField.state, ["locked"], ["active"]), (AccountField.state, ["expired"], ["active"]),
            (DeliveryField.services, ["imap"], ["pop3", "imap", "submission"]),
        ]
        #expect(try server.greeted().mail(from: "a@remote.test", to: ["taro@example.test"], "Subject: x\r\n\r\n").hasPrefix("250"))
        for (field, off, on) in ways {
            let reader = try server.reader()
            try reader.ok("USER taro")
            try reader.ok("PASS \(Self.word)")
            let sender = try server.greeted("submission")
            #expect(try sender.login("taro", Self.word).hasPrefix("235"))
            try reader.ok("DELE 1")
            #expect(try sender.say("MAIL FROM:<taro@example.test>").hasPrefix("250"))
            try server.change(taro, field, off)
            #expect(try reader.say("QUIT") == "-ERR [SYS/PERM] your account is not active any more, good-bye")
            #expect(try sender.say("RCPT TO:<taro@example.test>") == "421 4.7.0 Your account is not active any more, closing")
            #expect(throws: (any Error).self) { try reader.connection.line() }
            #expect(throws: (any Error).self) { try sender.reply() }
            try server.change(taro, field, on)
        }
        #expect(try server.mailbox(of: taro).count == 1, "nothing was removed")
        #expect(server.events.lines("login-ended").count == 6)
        // A stranger's session of the same listener goes on.
        #expect(try server.greeted().say("NOOP").hasPrefix("250"))
    }

    @Test("A6 sessions of SMTP and POP3 that wait for nothing end by themselves when the account is locked; a message in hand is refused")
    func lockEndsWaitingSessions() throws {
        let (server, taro) = try Self.server()
        server.directory.onChange { [submitting = server.submitting, fetching = server.fetching] snapshot in
            submitting.accountsChanged { snapshot.mayUse(.submission, $0) }
            fetching.accountsChanged { snapshot.mayUse(.pop3, $0) }
        }
        let reader = try server.reader()
        try reader.ok("USER taro")
        try reader.ok("PASS \(Self.word)")
        let (waiting, sending) = (try server.greeted("submission"), try server.greeted("submission"))
        for client in [waiting, sending] { #expect(try client.login("taro", Self.word).hasPrefix("235")) }
        #expect(try sending.say("MAIL FROM:<taro@example.test>", "RCPT TO:<taro@example.test>", "DATA").contains("|354 "))
        let stranger = try server.greeted()
        #expect(server.submitting.total == 2 && server.fetching.total == 1)
        try server.change(taro, AccountField.state, "locked")
        #expect(try waiting.reply() == "421 4.7.0 Your account is not active any more, closing")
        #expect(throws: (any Error).self) { try reader.connection.line() }
        try sending.connection.send(Array("Subject: x\r\n\r\nx\r\n.\r\n".utf8))
        #expect(try sending.reply() == "421 4.7.0 Your account is not active any more, closing")
        #expect(try stranger.say("NOOP").hasPrefix("250"))
        #expect(MailTesting.eventually { server.submitting.total == 0 && server.fetching.total == 0 })
        #expect(try server.mailbox(of: taro).isEmpty)
    }

    @Test("An account that is removed has no session any more")
    func removedAccount() throws {
        let (server, taro) = try Self.server()
        let sender = try server.greeted("submission")
        #expect(try sender.login("taro", Self.word).hasPrefix("235"))
        try server.remove(taro)
        #expect(try sender.say("NOOP").hasPrefix("421 4.7.0"))
    }

    @Test("A1 the log has the true reason of a refused login, the client only what does not help a stranger")
    func trueReasons() throws {
        let (server, taro) = try Self.server()
        try server.account("none@example.test")
        let client = try server.greeted("submission")
        let reader = try server.reader()
        #expect(try client.login("nobody", "x").hasPrefix("535 5.7.8 Authentication credentials invalid"))
        #expect(try client.login("taro", "wrong").hasPrefix("535 5.7.8 Authentication credentials invalid"))
        try reader.ok("USER none")
        #expect(try reader.say("PASS x") == "-ERR [AUTH] login failed: wrong name or password")
        try server.change(taro, AccountField.state, "locked")
        try reader.ok("USER taro")
        #expect(try reader.say("PASS \(Self.word)") == "-ERR [SYS/PERM] this account is locked")
        let tail = "peer=127.0.0.1 mechanism"
        #expect(
            server.events.lines("login-refused") == [
                "SMTP-Accept login=nobody reason=unknown-name \(tail)=PLAIN tls=no",
                "SMTP-Accept login=taro reason=wrong-password \(tail)=PLAIN tls=no",
                "POP3-Server login=none reason=no-password \(tail)=USER tls=no",
                "POP3-Server login=taro reason=locked \(tail)=USER tls=no",
            ])
        #expect(!server.events.all.contains { $0.facts.contains { $0.value.contains(Self.word) } })
    }
}
