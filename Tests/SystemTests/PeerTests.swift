import MailTesting
import Testing

/// Mail to and from a mail server that nobody here wrote.
@Suite("Real peers", .serialized)
struct PeerTests {
    /// Its paths are compiled in: it lives in a mount namespace of its own.
    private static let needsNamespaces: Comment = "root and mount namespaces are needed"

    private static func together<Peer: MailPeer>(_ type: Peer.Type) throws -> (InteropServer, Peer) {
        let server = try InteropServer()
        let peer = try Peer(users: ["carol", "dave"], sendingTo: try server.port("SMTP_PORT"))
        for (field, value) in [("relay-networks", "127.0.0.0/8"), ("mail-routing-table", "[\(Peer.domain):127.0.0.1:\(peer.port)]")] {
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
        let (server, peer) = try Self.together(PostfixPeer.self)
        for first in try self.sendsAll(server, peer) { #expect(first.contains("using TLSv1"), "\(first.prefix(800))") }
    }

    /// Sends what is awkward to both users of a peer, looks that it arrives as it was, and gives a message of each user.
    private func sendsAll(_ server: InteropServer, _ peer: some MailPeer) throws -> [String] {
        let domain = type(of: peer).domain
        for message in Awkward.complete {
            let code = try Self.send(
                message, from: "alice@example.test", to: ["carol@\(domain)", "dave@\(domain)"], port: server.port("SMTP_PORT"))
            #expect(code == 250)
        }
        let samples = ["carol", "dave"].map { user in
            let isThere = MailTesting.eventually(within: 60) { peer.messages(of: user).count == Awkward.complete.count }
            #expect(isThere, "\(user) has \(peer.messages(of: user).count): \(peer.log.suffix(2000))")
            let arrived = peer.messages(of: user)
            for message in Awkward.complete {
                let lines = message.filter { $0 != 13 }
                let copies = arrived.filter { $0.suffix(lines.count).elementsEqual(lines) }
                #expect(copies.count == 1, "\(String(decoding: message.prefix(40), as: UTF8.self))")
            }
            return String(decoding: arrived.first ?? [], as: UTF8.self)
        }
        for sample in samples { #expect(sample.contains("by mail.example.test (Post.Office MTA"), "\(sample.prefix(800))") }
        let left = try server.instance.command(["queue", "list"]).output
        #expect(MailTesting.eventually { (try? server.instance.command(["queue", "list"]).output.contains(domain)) == false }, "\(left)")
        return samples
    }

    // The TLS of Debian 12's OpenSMTPD does not come about for whoever sends to it: it cannot use its own key. It offers STARTTLS all the same.
    @Test(
        "OpenSMTPD takes what we send, byte for byte, also where the TLS that it offers breaks",
        .enabled(if: Networks.isPossible, Self.needsNamespaces))
    func toOpenSMTPD() throws {
        let (server, peer) = try Self.together(OpenSMTPDPeer.self)
        for first in try self.sendsAll(server, peer) {
            #expect(first.contains("by mail.opensmtpd.test (OpenSMTPD)"), "\(first.prefix(800))")
            #expect(
                first.contains("TLS") || peer.log.contains("SSL routines"), "TLS was tried: \(first.prefix(800))\n\(peer.log.suffix(2000))")
        }
    }

    @Test("What Postfix refuses comes back: an unknown user with its words, a message that is too large before it is sent")
    func refused() throws { try self.returnsWhatIsRefused(PostfixPeer.self, unknown: ["Status: 5.1.1", "550 5.1.1"]) }

    @Test(
        "What OpenSMTPD refuses comes back: an unknown user with its words, a message that is too large before it is sent",
        .enabled(if: Networks.isPossible, Self.needsNamespaces))
    func refusedByOpenSMTPD() throws { try self.returnsWhatIsRefused(OpenSMTPDPeer.self, unknown: ["Status: 5.", "expansion problem"]) }

    private func returnsWhatIsRefused<Peer: MailPeer>(_ type: Peer.Type, unknown words: [String]) throws {
        let (server, peer) = try Self.together(type)
        let port = try server.port("SMTP_PORT")
        let small = Array("Subject: small\r\n\r\nx\r\n".utf8)
        #expect(
            try Self.send(small, from: "alice@example.test", to: ["nobody@\(Peer.domain)", "carol@\(Peer.domain)"], port: port) == 250)
        let unknown = String(decoding: try Self.mailbox(server, "alice", 1)[0], as: UTF8.self)
        for part in ["Final-Recipient: rfc822; nobody@\(Peer.domain)"] + words { #expect(unknown.contains(part), "\(unknown)") }
        #expect(MailTesting.eventually(within: 60) { peer.messages(of: "carol").count == 1 })
        let line = Array(String(repeating: "x", count: 70).utf8) + [13, 10]
        let large = Array("Subject: large\r\n\r\n".utf8) + Array((0..<(Peer.sizeLimit / 72 + 2000)).map { _ in line }.joined())
        #expect(try Self.send(large, from: "alice@example.test", to: ["carol@\(Peer.domain)"], port: port) == 250)
        let report = String(decoding: try Self.mailbox(server, "alice", 2)[1], as: UTF8.self)
        #expect(report.contains("Status: 5.3.4"), "\(report.prefix(3000))")
        #expect(peer.messages(of: "carol").count == 1)
    }

    @Test("Postfix sends to us over TLS; what arrives is what it was given; what we refuse it returns")
    func fromPostfix() throws { try self.takesAll(PostfixPeer.self) }

    @Test(
        "OpenSMTPD sends to us over TLS; what arrives is what it was given; what we refuse it returns",
        .enabled(if: Networks.isPossible, Self.needsNamespaces))
    func fromOpenSMTPD() throws { try self.takesAll(OpenSMTPDPeer.self) }

    private func takesAll<Peer: MailPeer>(_ type: Peer.Type) throws {
        let (server, peer) = try Self.together(type)
        let carol = "carol@\(Peer.domain)"
        for message in Awkward.complete { #expect(try Self.send(message, from: carol, to: ["bob@example.test"], port: peer.port) == 250) }
        let arrived = try Self.mailbox(server, "bob", Awkward.complete.count)
        for message in Awkward.complete {
            let copies = arrived.filter { $0.suffix(message.count).elementsEqual(message) }
            #expect(copies.count == 1, "\(String(decoding: message.prefix(40), as: UTF8.self))")
        }
        for words in ["Received: from mail.\(Peer.domain)", "version=TLSv1", "with ESMTPS"] {
            let first = String(decoding: arrived[0], as: UTF8.self)
            #expect(first.contains(words), "\(first.prefix(800))")
        }
        #expect(try Self.send(Awkward.complete[0], from: carol, to: ["nobody@example.test"], port: peer.port) == 250)
        let isReturned = MailTesting.eventually(within: 60) {
            peer.messages(of: "carol").contains { String(decoding: $0, as: UTF8.self).contains("No such address here") }
        }
        #expect(isReturned, "\(peer.log.suffix(2000))")
    }
}
