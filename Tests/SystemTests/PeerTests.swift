import MailTesting
import Testing

/// Mail to and from a mail server that nobody here wrote.
@Suite("Real peers", .serialized)
struct PeerTests {
    private static func together() throws -> (InteropServer, PostfixPeer) {
        let server = try InteropServer()
        let peer = try PostfixPeer(users: ["carol", "dave"], sendingTo: try server.port("SMTP_PORT"))
        for (field, value) in [("relay-networks", "127.0.0.0/8"), ("mail-routing-table", "[postfix.test:127.0.0.1:\(peer.port)]")] {
            let set = try server.instance.command(["config", "set", field, value])
            try #require(set.ending == .exited(0), "\(set.output)")
        }
        return (server, peer)
    }

    /// A whole transaction over a plain connection; the reply to the final dot.
    private static func send(_ message: [UInt8], from sender: String, to recipients: [String], port: Int) throws -> Int {
        let connection = try LineConnection(port: port, timeout: 60)
        _ = try connection.reply()
        for line in ["EHLO client.test", "MAIL FROM:<\(sender)> BODY=8BITMIME"] + recipients.map({ "RCPT TO:<\($0)>" }) + ["DATA"] {
            let code = try connection.command(line)
            try #require(code == 250 || code == 354, "\(line): \(code)")
        }
        try connection.send(Sender.stuffed(message))
        return try connection.replyCode()
    }

    /// All of a user's messages, by curl.
    private static func mailbox(_ server: InteropServer, _ user: String, _ count: Int) throws -> [[UInt8]] {
        let port = try server.port("POP3S_PORT")
        return try (1...count).map { number in
            let words = [
                "--silent", "--show-error", "--cacert", server.authority, "--user", "\(user):\(InteropServer.password)", "--output",
                server.scratch("received"), "pop3s://localhost:\(port)/\(number)",
            ]
            let arrived = MailTesting.eventually(within: 60) { (try? server.run("curl", words).status) == 0 }
            try #require(arrived, "\(user) has no message \(number)")
            return server.read("received")
        }
    }

    @Test("Postfix takes what we send, byte for byte and over TLS, with all recipients at once")
    func toPostfix() throws {
        let (server, peer) = try Self.together()
        for message in Awkward.all {
            let code = try Self.send(
                message, from: "alice@example.test", to: ["carol@postfix.test", "dave@postfix.test"], port: server.port("SMTP_PORT"))
            #expect(code == 250)
        }
        for user in ["carol", "dave"] {
            let isThere = MailTesting.eventually(within: 60) { peer.messages(of: user).count == Awkward.all.count }
            #expect(isThere, "\(user) has \(peer.messages(of: user).count): \(peer.log.suffix(2000))")
            let arrived = peer.messages(of: user)
            for message in Awkward.all {
                let lines = message.filter { $0 != 13 }
                let copies = arrived.filter { $0.suffix(lines.count).elementsEqual(lines) }
                #expect(copies.count == 1, "\(String(decoding: message.prefix(40), as: UTF8.self))")
            }
            let first = String(decoding: arrived.first ?? [], as: UTF8.self)
            #expect(first.contains("using TLSv1") && first.contains("by mail.example.test (Post.Office MTA"), "\(first.prefix(800))")
        }
        let left = try server.instance.command(["queue", "list"]).output
        #expect(
            MailTesting.eventually { (try? server.instance.command(["queue", "list"]).output.contains("postfix.test")) == false }, "\(left)"
        )
    }

    @Test("What Postfix refuses comes back: an unknown user with its words, a message that is too large before it is sent")
    func refused() throws {
        let (server, peer) = try Self.together()
        let port = try server.port("SMTP_PORT")
        let small = Array("Subject: small\r\n\r\nx\r\n".utf8)
        #expect(
            try Self.send(small, from: "alice@example.test", to: ["nobody@postfix.test", "carol@postfix.test"], port: port) == 250)
        let unknown = String(decoding: try Self.mailbox(server, "alice", 1)[0], as: UTF8.self)
        #expect(unknown.contains("Final-Recipient: rfc822; nobody@postfix.test") && unknown.contains("Status: 5.1.1"), "\(unknown)")
        #expect(unknown.contains("550 5.1.1"))
        #expect(MailTesting.eventually(within: 60) { peer.messages(of: "carol").count == 1 })
        let line = Array(String(repeating: "x", count: 70).utf8) + [13, 10]
        let large = Array("Subject: large\r\n\r\n".utf8) + Array((0..<(PostfixPeer.sizeLimit / 72 + 2000)).map { _ in line }.joined())
        #expect(try Self.send(large, from: "alice@example.test", to: ["carol@postfix.test"], port: port) == 250)
        let report = String(decoding: try Self.mailbox(server, "alice", 2)[1], as: UTF8.self)
        #expect(report.contains("Status: 5.3.4"), "\(report.prefix(3000))")
        #expect(peer.messages(of: "carol").count == 1)
    }

    @Test("Postfix sends to us over TLS; what arrives is what it was given")
    func fromPostfix() throws {
        let (server, peer) = try Self.together()
        for message in Awkward.all {
            #expect(try Self.send(message, from: "carol@postfix.test", to: ["bob@example.test"], port: peer.port) == 250)
        }
        let arrived = try Self.mailbox(server, "bob", Awkward.all.count)
        for message in Awkward.all {
            let copies = arrived.filter { $0.suffix(message.count).elementsEqual(message) }
            #expect(copies.count == 1, "\(String(decoding: message.prefix(40), as: UTF8.self))")
        }
        let first = String(decoding: arrived[0], as: UTF8.self)
        #expect(
            first.contains("Received: from mail.postfix.test") && first.contains("version=TLSv1") && first.contains("with ESMTPS"),
            "\(first.prefix(800))")
        // And what we refuse it returns.
        #expect(try Self.send(Awkward.all[0], from: "carol@postfix.test", to: ["nobody@example.test"], port: peer.port) == 250)
        #expect(
            MailTesting.eventually(within: 60) {
                peer.messages(of: "carol").contains { String(decoding: $0, as: UTF8.self).contains("No such address here") }
            }, "\(peer.log.suffix(2000))")
    }
}
