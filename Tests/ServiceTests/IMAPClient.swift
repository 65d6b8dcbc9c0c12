import MailTesting

/// An IMAP client that says commands and reads whole responses, literals put into the line where they stand.
final class IMAPClient {
    struct Unexpected: Error, CustomStringConvertible { let description: String }

    /// What came between a command and its tagged answer.
    struct Reply {
        /// Untagged responses without `* `, and continuation requests with `+ `.
        var untagged: [String]
        /// The tagged answer without its tag.
        var tagged: String

        var isOK: Bool { self.tagged.hasPrefix("OK") }
        func first(_ prefix: String) -> String? { self.untagged.first { $0.hasPrefix(prefix) } }
        func all(_ word: String) -> [String] { self.untagged.filter { $0.contains(word) } }
    }

    let connection: LineConnection
    let greeting: String
    private var lastTag = 0

    init(port: Int) throws {
        self.connection = try LineConnection(port: port, timeout: 30)
        self.greeting = try self.connection.line()
    }

    /// Says a command without waiting; its tag.
    @discardableResult
    func start(_ command: String) throws -> String {
        self.lastTag += 1
        let tag = "a\(self.lastTag)"
        try self.connection.send(line: "\(tag) \(command)")
        return tag
    }

    /// One response as it came, without the last CRLF.
    func response() throws -> String {
        var whole = ""
        while true {
            let line = try self.connection.line()
            whole += line
            guard line.hasSuffix("}"), let brace = line.lastIndex(of: "{"), let count = Int(line[line.index(after: brace)...].dropLast())
            else {
                return whole
            }
            whole += "\r\n" + String(decoding: try self.connection.bytes(count), as: UTF8.self)
        }
    }

    func finish(_ tag: String) throws -> Reply {
        var untagged: [String] = []
        while untagged.count < 1_000_000 {
            let response = try self.response()
            if response.hasPrefix("\(tag) ") { return Reply(untagged: untagged, tagged: String(response.dropFirst(tag.count + 1))) }
            untagged.append(response.hasPrefix("* ") ? String(response.dropFirst(2)) : response)
        }
        throw Unexpected(description: "an answer without end")
    }

    func say(_ command: String) throws -> Reply { try self.finish(self.start(command)) }

    @discardableResult
    func ok(_ command: String) throws -> Reply {
        let reply = try self.say(command)
        guard reply.isOK else { throw Unexpected(description: "\(command): \(reply.tagged)") }
        return reply
    }

    func append(_ mailbox: String, _ message: String, flags: String = "", extra: String = "") throws -> Reply {
        let flags = flags.isEmpty ? "" : "(\(flags)) "
        let tag = try self.start("APPEND \(mailbox) \(flags)\(extra){\(message.utf8.count)}")
        let next = try self.response()
        guard next.hasPrefix("+") else {
            return Reply(untagged: [], tagged: String(next.dropFirst(tag.count + 1)))
        }
        try self.connection.send(Array(message.utf8) + [13, 10])
        return try self.finish(tag)
    }
}

extension SMTPFixture {
    /// A session behind its login.
    func imap(_ login: String, _ password: String) throws -> IMAPClient {
        let client = try self.imap()
        try client.ok("LOGIN \(login) \"\(password)\"")
        return client
    }

    func imap() throws -> IMAPClient { try IMAPClient(port: self.port("imap")) }
}
