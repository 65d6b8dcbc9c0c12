import MailTesting
import Testing

/// Clients that ask for more than they read: what is made for them ends where their sockets are full.
@Suite(.serialized) struct IMAPBackPressureTests {
    private func client(_ server: SMTPFixture, receiveBuffer: Int? = nil) throws -> IMAPTestClient {
        let client = try IMAPTestClient(TestClient(port: server.port("imap"), timeout: 60, receiveBuffer: receiveBuffer))
        try client.ok("LOGIN taro \"\(IMAPServiceTests.word)\"")
        try client.ok("SELECT INBOX")
        return client
    }

    /// What sockets of this machine may hold, and what is made ahead: they are filled before anything waits in the server.
    private static let mostMade = 12 << 20
    private static let size = 100_000

    @Test("P3 who asks for 4,000 messages in one go and does not read gets only what sockets hold made for him") func fetches() throws {
        let (server, _) = try IMAPServiceTests.server()
        let fast = try self.client(server)
        #expect(try fast.append("INBOX", "Subject: x\r\n\r\n" + String(repeating: "x\r\n", count: Self.size / 3)).isOK)
        try self.askAndLeave(server, beside: fast)
        try fast.ok("LOGOUT")
        func ends() -> [Int] {
            server.events.lines("closed").compactMap { line in
                line.split(separator: " ").first { $0.hasPrefix("fetched=") }.flatMap { Int($0.dropFirst("fetched=".count)) }
            }
        }
        #expect(eventually { ends().count == 2 })
        #expect(ends().max() ?? 0 >= 400, "\(ends())")
        #expect((ends().min() ?? .max) < Self.mostMade / Self.size, "\(ends())")
    }

    /// The connection ends with this function, unread.
    private func askAndLeave(_ server: SMTPFixture, beside fast: IMAPTestClient) throws {
        let slow = try self.client(server, receiveBuffer: 4096)
        for _ in 0..<4000 { try slow.send("FETCH 1 BODY.PEEK[]") }
        // Meanwhile one who reads has four hundred answers: as many as the other would have had.
        for _ in 0..<400 { #expect(try fast.ok("FETCH 1 BODY.PEEK[]").lines.count == 1) }
        withExtendedLifetime(slow) {}
    }
}
