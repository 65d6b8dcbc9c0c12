import Glibc
import MailTesting
import Testing

/// Answers longer than what is written at once: they must come whole, and hold up nobody.
@Suite(.serialized) struct IMAPLongAnswerTests {
    private func client(_ server: InteropServer, _ name: String = "bob") throws -> IMAPTestClient {
        let client = try IMAPTestClient(port: server.port("IMAP_PORT"))
        try client.ok("LOGIN \(name) \"\(InteropServer.password)\"")
        return client
    }

    private static let count = 9000

    private func fill(_ client: IMAPTestClient) throws {
        try client.ok("CREATE Deep")
        let one = "Subject: x\r\n\r\n"
        for _ in 0..<(Self.count / 900) {
            let messages = Array(repeating: "{\(one.utf8.count)+}\r\n\(one)", count: 900).joined(separator: " ")
            try client.ok("APPEND Deep \(messages)")
        }
    }

    /// Numbers at any depth. Threads are bound together by their subject here, one below a common parent.
    private static func numbers(_ values: [IMAPValue]) -> Int {
        values.reduce(0) { $0 + ($1.number != nil ? 1 : Self.numbers($1.list)) }
    }

    @Test func `search, flags, news and ends of thousands come whole, and the server stays`() throws {
        let server = try InteropServer()
        let mta = server.instance.mtaID
        let client = try self.client(server)
        try self.fill(client)
        let other = try self.client(server)
        try client.ok("SELECT Deep")
        try other.ok("SELECT Deep")
        #expect(try client.ok("UID SEARCH UID 1:7000").data("SEARCH").first?.count == 7001)
        #expect(try client.ok("SEARCH ALL").data("SEARCH").first?.count == Self.count + 1)
        #expect(try client.ok("UID STORE 1:* +FLAGS (\\Answered)").data("FETCH").count == Self.count)
        #expect(try other.ok("NOOP").data("FETCH").count == Self.count, "another session hears of all")
        let threads = try client.ok("UID THREAD REFERENCES UTF-8 ALL").data("THREAD").first ?? []
        #expect(Self.numbers(threads) == Self.count)
        try client.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        #expect(try client.ok("EXPUNGE").data("EXPUNGE").count == Self.count)
        #expect(try other.ok("NOOP").data("EXPUNGE").count == Self.count)
        #expect(server.instance.mtaID == mta, "nothing was killed for being silent")
    }

    @Test("A7 NOTIFY tells nothing of others' private mailboxes") func othersNews() throws {
        let server = try InteropServer()
        let alice = try self.client(server, "alice")
        let bob = try self.client(server)
        try alice.ok("CREATE pub")
        try alice.ok("CREATE secret")
        try alice.ok("SETACL pub bob lr")
        try bob.ok(
            "NOTIFY SET (personal (MessageNew MessageExpunge MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)) "
                + "(subtree \"Other Users\" (MessageNew MessageExpunge MailboxName))")
        try alice.ok("SUBSCRIBE merger")
        try alice.ok("DELETE secret")
        try alice.ok("DELETE Drafts")
        try alice.ok("SETMETADATA \"\" (/private/comment \"q\")")
        try alice.ok("APPEND pub %", "Subject: for all\r\n\r\n")
        var heard = ""
        #expect(
            eventually(within: 20) {
                for response in (try? bob.run("NOOP").untagged) ?? [] { heard += "\(response)\n" }
                return heard.contains("pub")
            }, "what is shared is heard of: \(heard)")
        for word in ["merger", "secret", "Drafts", "METADATA"] { #expect(!heard.contains(word), "\(heard)") }
    }
}
