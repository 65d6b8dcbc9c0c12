import MailTesting
import Testing

/// LMTP with those who speak it: into Dovecot, and out of Postfix.
@Suite("LMTP with real peers", .serialized)
struct LMTPPeerTests {
    /// A whole transaction over a plain connection; the codes of RCPT and of the final dot.
    private static func send(_ text: String, to recipients: [String], port: Int) throws -> [Int] {
        let connection = try LineConnection(port: port, timeout: 60)
        _ = try connection.reply()
        var codes: [Int] = []
        for line in ["EHLO client.test", "MAIL FROM:<alice@example.test>"] { try #require(try connection.command(line) == 250, "\(line)") }
        for recipient in recipients { codes.append(try connection.command("RCPT TO:<\(recipient)>")) }
        try #require(try connection.command("DATA") == 354)
        try connection.send(Array((text + ".\r\n").utf8))
        codes.append(try connection.replyCode())
        return codes
    }

    @Test("Dovecot takes mail from us by LMTP, over its socket and over its port; an unknown user goes back to the sender")
    func toDovecot() throws {
        let server = try InteropServer()
        let peer = try DovecotPeer(users: ["carol", "dave"])
        func route(_ host: String) throws {
            let set = try server.instance.command(["config", "set", "mail-routing-table", "[dovecot.test:lmtp:\(host)]"])
            try #require(set.ending == .exited(0), "\(set.output)")
        }
        let relay = try server.instance.command(["config", "set", "relay-networks", "127.0.0.0/8"])
        try #require(relay.ending == .exited(0), "\(relay.output)")
        try route(peer.socket)
        let codes = try Self.send(
            "Subject: socket\r\n\r\n..dot\r\n", to: ["carol@dovecot.test", "nobody@dovecot.test", "dave@dovecot.test"],
            port: server.port("SMTP_PORT"))
        #expect(codes == [250, 250, 250, 250])
        for user in ["carol", "dave"] {
            let isThere = MailTesting.eventually(within: 60) { peer.messages(of: user).count == 1 }
            #expect(isThere, "\(user): \(peer.log.suffix(2000))")
            let text = String(decoding: peer.messages(of: user).first ?? [], as: UTF8.self)
            #expect(text.contains("Subject: socket\n\n.dot\n"), "\(text)")
        }
        try route("127.0.0.1:\(peer.port)")
        #expect(try Self.send("Subject: port\r\n\r\nx\r\n", to: ["carol@dovecot.test"], port: server.port("SMTP_PORT")) == [250, 250])
        let isThere = MailTesting.eventually(within: 60) { peer.messages(of: "carol").count == 2 }
        #expect(isThere, "\(peer.log.suffix(2000))")
        // The unknown one came back to alice.
        let trace = try server.instance.command(["trace", "nobody@dovecot.test"])
        #expect(trace.output.contains("User doesn't exist"), "\(trace.output)")
    }

    @Test("Postfix hands over to us by LMTP: known users get it, unknown ones are refused at RCPT, and a queue is never made of it")
    func fromPostfix() throws {
        let server = try InteropServer()
        let peer = try PostfixPeer(users: ["carol"], sendingTo: server.port("LMTP_PORT"), lmtp: true)
        let codes = try Self.send(
            "Subject: from Postfix\r\n\r\n..dot\r\n", to: ["bob@example.test", "nobody@example.test"], port: peer.port)
        #expect(codes == [250, 250, 250])
        let words = [
            "--silent", "--show-error", "--cacert", server.authority, "--user", "bob:\(InteropServer.password)", "--output",
            server.scratch("received"), "pop3s://localhost:\(try server.port("POP3S_PORT"))/1",
        ]
        #expect(MailTesting.eventually(within: 60) { (try? server.run("curl", words).status) == 0 }, "\(peer.log.suffix(2000))")
        let text = String(decoding: server.read("received"), as: UTF8.self)
        #expect(text.contains("with LMTP id ") && text.hasSuffix("Subject: from Postfix\r\n\r\n.dot\r\n"), "\(text)")
        #expect(MailTesting.eventually(within: 60) { peer.log.contains("550 5.1.1") }, "\(peer.log.suffix(2000))")
        let queue = try server.instance.command(["queue", "list"])
        #expect(!queue.output.contains("example.test"), "\(queue.output)")
    }
}
