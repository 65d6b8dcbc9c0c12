import PostOffice
import Testing
import Vocabulary

@Suite("Listeners that a start file of an earlier version lacks")
struct StartFileAdditionsTests {
    /// As version 0.3 wrote it, and as somebody has changed it since.
    private static let earlier = """
        # our own file
        version: 1
        directories:
          program: "/opt/post.office"
          spool: "/tmp/none/spool"
          mailbox: "/tmp/none/mailbox"
        listeners:
          - name: smtp
            service: smtp
            address: "127.0.0.1"
            port: 25000  # not 25
          - name: pop3
            service: pop3
            address: "192.0.2.1"
            port: 25003
            allow: [192.0.2.0/24]
          - name: submission
            service: submission
            address: "127.0.0.1"
            port: 25001

        # what follows is ours too
        user: mta
        database: embedded
        """

    private func read(_ text: String) throws -> StartConfiguration { try StartConfiguration.read(text: text, file: "/x.conf") }

    @Test("what is missing is a whole service: who has one listener of it has decided about it")
    func missing() throws {
        let start = try self.read(Self.earlier)
        #expect(StartFileAdditions.missing(in: start) == [.imap, .imaps, .http, .https, .finger, .password])
        #expect(StartFileAdditions.names([.imap, .imaps]) == "imap, imaps")
    }

    @Test("they are added behind the others, listen where and for whom POP3 listens, and every other line stays")
    func added() throws {
        let start = try self.read(Self.earlier)
        let listeners = StartFileAdditions.listeners(for: start) { $0.standard + 25_000 }
        let text = try #require(StartFileAdditions.text(Self.earlier, adding: listeners, file: "/x.conf"))
        let after = try self.read(text)
        #expect(after.listeners.map(\.role.name) == ["smtp", "pop3", "submission", "imap", "imaps", "http", "https", "finger", "password"])
        #expect(after.listeners[4].role.implicitTLS)
        #expect(after.listeners[3...5].allSatisfy { $0.address == start.listeners[1].address && $0.allow == ["192.0.2.0/24"] })
        #expect(after.listeners.suffix(6).map(\.port) == [25143, 25993, 25080, 25443, 25079, 25106])
        // Passwords without TLS stay on this computer, wherever POP3 listens.
        #expect(after.listeners.last.map { "\($0.address)" } == "127.0.0.1" && after.listeners.last?.allow == [])
        let lines = text.split(separator: "\n")
        for line in Self.earlier.split(separator: "\n") { #expect(lines.contains(line)) }
        #expect(StartFileAdditions.missing(in: after).isEmpty)
        #expect(StartFileAdditions.text(text, adding: [], file: "/x.conf") == text)
    }

    @Test("a file whose list cannot be added to is left to its owner")
    func unusual() throws {
        let flow = """
            version: 1
            directories: {program: /opt/p, spool: /tmp/none/s, mailbox: /tmp/none/m}
            listeners: [{name: smtp, service: smtp, address: "*", port: 25}]
            """
        let start = try self.read(flow)
        let listeners = StartFileAdditions.listeners(for: start) { $0.standard }
        #expect(listeners.contains { $0.role.name == "imaps" && $0.port == 993 })
        #expect(StartFileAdditions.text(flow, adding: listeners, file: "/x.conf") == nil)
        #expect(StartFileAdditions.text("no yaml: [", adding: listeners, file: "/x.conf") == nil)
    }
}
