import LoadKit

/// Mailboxes of a size that few people have.
extension IMAPWork {
    /// A thousand different messages, copied until there are enough.
    func fillByCopying(_ server: any Server) throws {
        guard let imap = server.imap else { throw BenchError("\(server.name) has no IMAP") }
        let client = try IMAPClient(imap)
        try client.login(Accounts.address(0), Accounts.password)
        var count = min(1000, self.messages)
        for number in 0..<count {
            try client.begin("APPEND INBOX", literal: Self.message(number, size: self.size))
            if number >= 20 { try client.finish() }
        }
        for _ in 0..<min(20, count) { try client.finish() }
        try client.run("SELECT INBOX")
        while count < self.messages {
            let more = min(count, self.messages - count, 100_000)
            try client.run("COPY 1:\(more) INBOX")
            count += more
        }
    }

    var many: [Operation] {
        let last = self.messages
        return [
            command("SELECT", "SELECT INBOX", hasFirst: true),
            command("STATUS (MESSAGES UNSEEN)", "STATUS INBOX (MESSAGES UIDNEXT UNSEEN)", hasFirst: true),
            command("FETCH of the last 50", "FETCH \(last - 49):\(last) (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)", hasFirst: true),
            command("FETCH 1:* (FLAGS)", "FETCH 1:* (FLAGS)", hasFirst: true),
            command("UID SEARCH UNSEEN, all", "UID SEARCH RETURN (COUNT) UNSEEN", hasFirst: true),
            Operation(name: "STORE of one flag", unit: .milliseconds) { client, _, round in
                try client.run("STORE \(last / 2) \(round % 2 == 0 ? "+" : "-")FLAGS (\\Flagged)")
            },
        ]
    }

    var searches: [Operation] {
        [
            command("SEARCH TEXT, 100 hits", "SEARCH TEXT \"needle-42 \"", hasFirst: true),
            command("SEARCH BODY, no hit", "SEARCH BODY \"xyzzyplugh\"", hasFirst: true),
            command("SEARCH SUBJECT, 100 hits", "SEARCH SUBJECT \"number 777\"", hasFirst: true),
            command("SEARCH FROM, 1,000 hits", "SEARCH FROM \"person77@\"", hasFirst: true),
            command("SORT (REVERSE DATE)", "SORT (REVERSE DATE) UTF-8 ALL", hasFirst: true),
            command("THREAD REFERENCES", "THREAD REFERENCES UTF-8 ALL", hasFirst: true),
        ]
    }
}
