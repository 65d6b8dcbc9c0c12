/// What happens to the account beside IMAP: mail comes in, and another program reads and deletes over POP3.
struct IMAPStressNeighbour {
    private struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    private let stress: IMAPStress
    private var dice: SeededGenerator
    private var made = 0

    init(_ stress: IMAPStress, seed: UInt64) {
        self.stress = stress
        self.dice = SeededGenerator(seed: seed ^ 0xBEEF)
    }

    /// - Parameter mayBreak: the server is killed meanwhile, so that connections end.
    func work(until end: Double, mayBreak: Bool) {
        var copy = self
        while monotonicSeconds() < end {
            do {
                try copy.act()
            } catch {
                if !mayBreak { return self.stress.model.violated("neighbour broke: \(error)") }
            }
            self.stress.pause(&copy.dice)
        }
    }

    private mutating func act() throws {
        if let port = self.stress.settings.smtpPort, Int.random(in: 0..<4, using: &self.dice) > 0 { return try self.deliver(port) }
        if let port = self.stress.settings.pop3Port { try self.fetchAndDelete(port) }
    }

    // MARK: SMTP

    private mutating func deliver(_ port: Int) throws {
        let client = try TestClient(port: port)
        _ = try client.readReply()
        try self.say(client, "EHLO localhost", "250")
        for _ in 0..<Int.random(in: 1...4, using: &self.dice) {
            self.made += 1
            let token = "token-mail-\(self.made)-\(UInt32.random(in: 0 ... .max, using: &self.dice))"
            try self.say(client, "MAIL FROM:<>", "250")
            try self.say(client, "RCPT TO:<\(self.stress.settings.address)>", "250")
            try self.say(client, "DATA", "354")
            try self.say(client, "From: b@example.test\r\nSubject: \(token)\r\n\r\ndelivered\r\n.", "250")
            self.stress.model.delivered(token)
            self.stress.model.counted()
        }
        try self.say(client, "QUIT", "221")
    }

    private func say(_ client: TestClient, _ line: String, _ code: String) throws {
        let reply = try client.command(line)
        guard reply.last?.hasPrefix(code) == true else { throw Refused(description: "\(line.prefix(60)): \(reply)") }
    }

    // MARK: POP3

    private mutating func fetchAndDelete(_ port: Int) throws {
        let client = try TestClient(port: port)
        _ = try client.readLine()
        try self.ask(client, "USER \(self.stress.settings.login)")
        try self.ask(client, "PASS \(self.stress.settings.password)")
        try self.ask(client, "UIDL")
        let found = try Self.lines(client).compactMap { line -> (number: Int, uid: UInt32)? in
            let words = line.split { $0 == " " || $0 == "." }
            guard words.count == 3, let number = Int(words[0]), let uid = UInt32(words[2]) else { return nil }
            return (number, uid)
        }
        for message in found.shuffled(using: &self.dice).prefix(3) {
            // Another session may have expunged it since: then it is not given out.
            guard let token = try self.token(client, message.number) else { continue }
            self.stress.model.saw("INBOX", message.uid, token: token)
            guard Bool.random(using: &self.dice) else { continue }
            self.stress.model.doom("INBOX", [message.uid])
            try self.ask(client, "DELE \(message.number)")
        }
        try self.ask(client, "QUIT")
        self.stress.model.counted()
    }

    private func token(_ client: TestClient, _ number: Int) throws -> String? {
        try client.sendLine("TOP \(number) 0")
        guard try client.readLine().hasPrefix("+OK") else { return nil }
        let subject = try Self.lines(client).first { $0.hasPrefix("Subject: token-") }
        return subject.map { String($0.dropFirst(9)) }
    }

    private func ask(_ client: TestClient, _ line: String) throws {
        try client.sendLine(line)
        let reply = try client.readLine()
        guard reply.hasPrefix("+OK") else { throw Refused(description: "\(line): \(reply)") }
    }

    private static func lines(_ client: TestClient) throws -> [String] {
        var lines: [String] = []
        while true {
            let line = try client.readLine()
            if line == "." { return lines }
            lines.append(line)
        }
    }
}
