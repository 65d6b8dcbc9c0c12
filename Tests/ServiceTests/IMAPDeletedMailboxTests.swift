import MailTesting
import Testing

/// The selected mailbox of one session is deleted by another. [RFC2180-3.3]
@Suite(.serialized) struct IMAPDeletedMailboxTests {
    private static let farewell = "* BYE the mailbox was deleted"

    /// A session that has selected a mailbox with messages, as far as `commands` bring it.
    private func reader(_ desk: IMAPDesk, _ commands: [String]) throws -> IMAPTestClient {
        try desk.owner.ok("CREATE box")
        for number in 1...3 { _ = try desk.owner.append("box", "Subject: \(number)\r\n\r\nbody\r\n") }
        let reader = try desk.server.imap("taro", IMAPDesk.word)
        try reader.ok("SELECT box")
        for command in commands { try reader.ok(command) }
        return reader
    }

    @Test(
        "a session that is not in IDLE hears BYE, whatever it sends next, before or after it has read it",
        arguments: ["FETCH 1:* FLAGS", "UID SEARCH ALL", "NOOP", "UID FETCH 1:* BODY.PEEK[]", "STORE 1 +FLAGS (\\Seen)", "EXPUNGE"])
    func quiet(_ command: String) throws {
        let desk = try IMAPDesk()
        for before in [[], ["FETCH 1:* FLAGS"], ["ENABLE QRESYNC", "UID SEARCH ALL"]] {
            for waits in [true, false] {
                let reader = try self.reader(desk, before)
                try desk.owner.ok("DELETE box")
                if waits { #expect(try reader.responseText() == Self.farewell, "\(command) \(before)") }
                // The server may have gone by then.
                _ = try? reader.send(command)
                guard !waits else { continue }
                var lines: [String] = []
                while let line = try? reader.responseText() {
                    lines.append(line)
                    if line.hasPrefix("* BYE") { break }
                }
                #expect(lines.last?.hasPrefix("* BYE ") == true, "\(command) \(before): \(lines)")
            }
        }
    }

    @Test("a command that comes in the same moment is answered, or BYE comes instead of its answer; never is the end without one")
    func race() throws {
        let desk = try IMAPDesk()
        for command in ["FETCH 1:* FLAGS", "UID SEARCH TEXT body", "UID FETCH 1:* BODY.PEEK[]", "STORE 1:* FLAGS (\\Seen)"] {
            for _ in 1...10 {
                let reader = try self.reader(desk, [])
                _ = try desk.owner.send("DELETE box")
                for _ in 1...5 { _ = try? reader.send(command) }
                var lines: [String] = []
                while let line = try? reader.responseText() {
                    lines.append(line)
                    if line.hasPrefix("* BYE") { break }
                }
                #expect(lines.last?.hasPrefix("* BYE ") == true, "\(command): \(lines)")
                while try desk.owner.responseText().contains("OK ") == false {}
            }
        }
    }
}
