import Glibc
import LoadKit

/// What is measured over IMAP: one mailbox with many messages, each operation in turn on each server, round after round.
struct IMAPWork {
    enum Kind {
        /// What mail programs do all day.
        case programs
        /// A mailbox with more messages than anybody has.
        case many
        /// Search and sort in a mailbox with many messages.
        case search
    }

    var kind: Kind
    var messages: Int
    var size: Int
    var rounds: Int

    /// One operation: how it is done, and what its seconds say.
    struct Operation {
        enum Unit { case milliseconds, megabytes, perSecond(Int) }
        var name: String
        var unit: Unit
        /// Sessions at a time; each does the same.
        var sessions = 1
        /// Its first time tells of caches that are not there yet, and is told apart.
        var hasFirst = false
        /// - Returns: octets that came back.
        var body: (IMAPClient, _ session: Int, _ round: Int) throws -> Int
        /// What comes before, in each session, and is not measured.
        var prepare: (IMAPClient, _ round: Int) throws -> Void = { _, _ in }
    }

    struct Row {
        var operation: Operation
        /// By server: seconds of the first time, seconds and octets of each round after it.
        var results: [(first: Double, seconds: [Double], octets: Int)]
    }

    func run(_ servers: [any Server], say: (String) -> Void) throws -> [Row] {
        for server in servers {
            let started = monotonicNow()
            try self.kind == .many ? self.fillByCopying(server) : self.fill(server)
            say("  \(server.name) filled in \(fixed(Double(monotonicNow() - started) / 1e9, 1)) s")
        }
        return try self.operations.map { operation in
            var row = Row(operation: operation, results: servers.map { _ in (0, [], 0) })
            for round in 0...self.rounds {
                for (index, server) in servers.enumerated() {
                    let (seconds, octets) = try self.once(operation, server, round)
                    if round == 0 { row.results[index].first = seconds } else { row.results[index].seconds.append(seconds) }
                    row.results[index].octets = octets
                }
            }
            say("  \(operation.name)")
            return row
        }
    }

    private func once(_ operation: Operation, _ server: any Server, _ round: Int) throws -> (Double, Int) {
        guard let imap = server.imap else { throw BenchError("\(server.name) has no IMAP") }
        let clients = try (0..<operation.sessions).map { session in
            let client = try IMAPClient(imap, source: session)
            try client.login(Accounts.address(operation.sessions > 1 ? session + 1 : 0), Accounts.password)
            if operation.sessions == 1, operation.name != "SELECT" { try client.run("SELECT INBOX") }
            try operation.prepare(client, round)
            return client
        }
        let started = monotonicNow()
        if clients.count == 1 {
            let octets = try operation.body(clients[0], 0, round)
            return (Double(monotonicNow() - started) / 1e9, octets)
        }
        try inThreads(clients.count) { _ = try operation.body(clients[$0], $0, round) }
        return (Double(monotonicNow() - started) / 1e9, 0)
    }

    /// Appends in lots, so that the client is not what is waited for.
    private func fill(_ server: any Server) throws {
        guard let imap = server.imap else { throw BenchError("\(server.name) has no IMAP") }
        let client = try IMAPClient(imap)
        try client.login(Accounts.address(0), Accounts.password)
        for number in 0..<self.messages {
            try client.begin("APPEND INBOX", literal: Self.message(number, size: self.size))
            if number >= 20 { try client.finish() }
        }
        for _ in 0..<min(20, self.messages) { try client.finish() }
    }

    private var operations: [Operation] {
        switch self.kind {
        case .programs: self.programs
        case .many: self.many
        case .search: self.searches
        }
    }

    func command(_ name: String, _ text: String, _ unit: Operation.Unit = .milliseconds, hasFirst: Bool = false) -> Operation {
        Operation(name: name, unit: unit, hasFirst: hasFirst) { client, _, _ in try client.run(text) }
    }

    private var programs: [Operation] {
        func append(_ sessions: Int, _ count: Int, _ size: Int) -> Operation {
            // Made before: the time is the server's.
            let messages = (0..<count).map { Self.message($0, size: size) }
            return Operation(
                name: "APPEND \(size >> 10) KiB, \(sessions) session\(sessions > 1 ? "s" : "")", unit: .perSecond(count * sessions),
                sessions: sessions
            ) {
                client, _, _ in
                for message in messages { try client.run("APPEND INBOX", literal: message) }
                return 0
            }
        }
        return [
            command("SELECT", "SELECT INBOX", hasFirst: true),
            command("FETCH 1:* (FLAGS)", "FETCH 1:* (FLAGS)", hasFirst: true),
            command("FETCH 1:* ENVELOPE", "FETCH 1:* (UID ENVELOPE)", hasFirst: true),
            command(
                "FETCH 1:* FULL + BODYSTRUCTURE", "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)", hasFirst: true),
            command(
                "FETCH 1:* header fields", "FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (DATE FROM TO SUBJECT MESSAGE-ID)])",
                hasFirst: true),
            command("FETCH 1:* BODY.PEEK[]", "FETCH 1:* BODY.PEEK[]", .megabytes, hasFirst: true),
            command("SEARCH SUBJECT, some hits", "SEARCH SUBJECT \"number 77\"", hasFirst: true),
            command("SEARCH BODY, no hit", "SEARCH BODY \"xyzzyplugh\"", hasFirst: true),
            command("SEARCH TEXT, some hits", "SEARCH TEXT \"needle-42\"", hasFirst: true),
            command("SORT (REVERSE DATE)", "SORT (REVERSE DATE) UTF-8 ALL", hasFirst: true),
            command("THREAD REFERENCES", "THREAD REFERENCES UTF-8 ALL", hasFirst: true),
            Operation(name: "STORE 1:* \\Flagged", unit: .milliseconds) { client, _, round in
                try client.run("STORE 1:* \(round % 2 == 0 ? "+" : "-")FLAGS.SILENT (\\Flagged)")
            },
            Operation(name: "STORE 1:* \\Flagged, not silent", unit: .milliseconds) { client, _, round in
                try client.run("STORE 1:* \(round % 2 == 0 ? "-" : "+")FLAGS (\\Flagged)")
            },
            Operation(
                name: "COPY 1:*", unit: .milliseconds, body: { client, _, round in try client.run("COPY 1:* copies\(round)") },
                prepare: { client, round in try client.run("CREATE copies\(round)") }),
            Operation(
                name: "MOVE 1:*", unit: .milliseconds, body: { client, _, round in try client.run("MOVE 1:* moved\(round)") },
                prepare: { client, round in
                    try client.run("CREATE moved\(round)")
                    try client.run("SELECT copies\(round)")
                }),
            Operation(
                name: "EXPUNGE of all", unit: .milliseconds, body: { client, _, _ in try client.run("EXPUNGE") },
                prepare: { client, round in
                    try client.run("SELECT moved\(round)")
                    try client.run("STORE 1:* +FLAGS.SILENT (\\Deleted)")
                }),
            append(1, 300, 1 << 10), append(1, 300, 10 << 10), append(10, 100, 10 << 10),
            Self.inFlight("APPEND 1 KiB", 600, { _ in "APPEND INBOX" }, { Self.message($0, size: 1 << 10) }),
            Self.inFlight("APPEND 10 KiB", 600, { _ in "APPEND INBOX" }, { Self.message($0, size: 10 << 10) }),
            Self.inFlight(
                "COPY of 1", 600, { "COPY \($0 + 1) single" }, { _ in nil }, prepare: { client, _ in _ = try? client.run("CREATE single") }),
        ]
    }

    /// Commands of one session of which 20 are under way at any time.
    private static func inFlight(
        _ name: String, _ count: Int, _ command: @escaping (Int) -> String, _ literal: (Int) -> [UInt8]?,
        prepare: @escaping (IMAPClient, Int) throws -> Void = { _, _ in }
    ) -> Operation {
        let literals = (0..<count).map(literal)
        return Operation(
            name: "\(name), 1 session, 20 in flight", unit: .perSecond(count),
            body: { client, _, _ in
                for number in 0..<count {
                    try client.begin(command(number), literal: literals[number])
                    if number >= 20 { try client.finish() }
                }
                for _ in 0..<min(20, count) { try client.finish() }
                return 0
            }, prepare: prepare)
    }

    /// A message that is unlike the others where clients look, of exactly `size` octets.
    static func message(_ number: Int, size: Int) -> [UInt8] {
        let reply =
            number % 10 == 0
            ? ""
            : "In-Reply-To: <m\(number - 1)@client.example>\r\nReferences: <m\(number - number % 10)@client.example> <m\(number - 1)@client.example>\r\n"
        let day = number % 28 + 1
        var text = Array(
            """
            From: "Person \(number % 97)" <person\(number % 97)@client.example>\r
            To: Reader <reader@example.test>, other\(number % 13)@example.test\r
            Subject: \(number % 10 == 0 ? "" : "Re: ")a message of the benchmark, number \(number / 10)\r
            Date: Thu, \(day < 10 ? "0" : "")\(day) Jan 2026 0\(number % 10):00:00 +0900\r
            Message-ID: <m\(number)@client.example>\r
            \(reply)MIME-Version: 1.0\r
            Content-Type: multipart/mixed; boundary="=-=\(number)"\r
            \r
            --=-=\(number)\r
            Content-Type: text/plain; charset=us-ascii\r
            \r
            This is needle-\(number % 1000) in the text.\r

            """.utf8)
        let tail = Array(
            "--=-=\(number)\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--=-=\(number)--\r\n"
                .utf8)
        var state = UInt32(truncatingIfNeeded: number &* 2_654_435_761 &+ 12345)
        while text.count + tail.count + 80 <= size {
            for column in 0..<76 {
                state = state &* 1_664_525 &+ 1_013_904_223
                text.append(column % 7 == 6 ? 32 : UInt8(ascii: "a") + UInt8((state >> 24) % 26))
            }
            text += [13, 10]
        }
        return text + tail
    }
}

/// Runs `body` so many times at once and waits for all; the first failure is thrown.
func inThreads(_ count: Int, _ body: @escaping (Int) throws -> Void) throws {
    final class Work {
        let index: Int
        let body: (Int) throws -> Void
        var failure: (any Error)?
        init(_ index: Int, _ body: @escaping (Int) throws -> Void) { (self.index, self.body) = (index, body) }
    }
    let works = (0..<count).map { Work($0, body) }
    let threads = works.map { work -> pthread_t in
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let work = Unmanaged<Work>.fromOpaque(argument).takeUnretainedValue()
                do { try work.body(work.index) } catch { work.failure = error }
                return nil
            }, Unmanaged.passUnretained(work).toOpaque())
        return thread
    }
    for thread in threads { pthread_join(thread, nil) }
    for work in works { if let failure = work.failure { throw failure } }
}
