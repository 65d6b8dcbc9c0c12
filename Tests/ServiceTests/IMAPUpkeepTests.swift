import MailTesting
import MessageStore
import Testing
import Vocabulary

/// What is prepared and remembered behind the sessions: it is there in time, and nobody can tell by an answer whether it was.
@Suite(.serialized) struct IMAPUpkeepTests {
    private static let word = "correct horse"

    private func deliver(_ server: SMTPFixture, _ user: String, _ text: String) throws {
        let reply = try server.greeted().mail(from: "a@remote.test", to: ["\(user)@example.test"], text)
        guard reply.hasPrefix("250") else { throw IMAPTestClient.Failure(description: reply) }
    }

    private func blobs(_ server: SMTPFixture, _ account: AccountID) throws -> [BlobID] {
        guard let inbox = try server.store.findMailbox("INBOX", of: account) else { return [] }
        return try server.store.rows(of: inbox.id, uids: UIDSet(1...1000), limit: 1000).map(\.blob).sorted { $0.rawValue < $1.rawValue }
    }

    private func kept(_ server: SMTPFixture, _ account: AccountID) throws -> Int {
        let blobs = try self.blobs(server, account)
        return zip(server.store.cachedSummaries(blobs), server.store.cachedHeaders(blobs)).count { $0 != nil && $1 != nil }
    }

    @Test("mail for who reads over IMAP is summed up before he asks, that of others is not")
    func prepared() throws {
        let server = try SMTPFixture()
        let taro = try server.account("taro@example.test", password: Self.word)
        let hanako = try server.account("hanako@example.test", password: Self.word)
        try self.deliver(server, "taro", "Subject: before the first login\r\n\r\nx\r\n")
        let client = try server.imap("taro", Self.word)
        #expect(eventually { (try? self.kept(server, taro)) == 1 })
        for number in 1...70 {
            try self.deliver(server, "taro", "Subject: \(number)\r\n\r\nx\r\n")
            if number == 1 { try self.deliver(server, "hanako", "Subject: \(number)\r\n\r\nx\r\n") }
        }
        #expect(eventually { (try? self.kept(server, taro)) == 71 })
        let inbox = try #require(try server.store.findMailbox("INBOX", of: taro))
        #expect(eventually { server.store.preparedThrough(inbox.id) == UID(rawValue: 71) })
        #expect(eventually { server.upkeep.isIdle })
        #expect(try self.kept(server, hanako) == 0)
        #expect(try client.append("INBOX", "Subject: appended\r\n\r\nx\r\n").isOK)
        #expect(eventually { (try? self.kept(server, taro)) == 72 })
        let day = server.clock.now / 86_400
        #expect(eventually { server.store.readers(since: day) == [taro] })
    }

    private static let fields = [
        "(FROM TO SUBJECT)", "(Received)", "(Delivered-To Return-Path)", "(X-Odd)", "(SUBJECT RECEIVED X-ODD)", "(absent)",
    ]

    private static func text(_ number: Int) -> String {
        let trace =
            (0..<(number % 3 * 30)).map { "X-Note: of a filter, \($0)\r\n\tthat goes on \(String(repeating: "and on ", count: 8))\r\n" }
            .joined()
            + "Received: from h.test by g.test;\r\n\tThu, 1 Jan 2026 00:00:00 +0000\r\n"
        return trace
            + "From: a@remote.test\r\nX-Odd: \(number)\r\nSubject: =?utf-8?B?5Lya6K2w?=\r\n number \(number)\r\nsubject: again\r\n\r\nFrom: body\r\n"
    }

    /// One value of each message's answer, by sequence number.
    private func answers(_ client: IMAPTestClient, _ item: String) throws -> [String] {
        try client.ok("FETCH 1:* \(item)").lines.filter { $0.contains("FETCH") }
    }

    @Test("header fields are the message's own, octet by octet, whether they come from what is kept or from the message")
    func headerFields() throws {
        let server = try SMTPFixture()
        let taro = try server.account("taro@example.test", password: Self.word)
        let client = try server.imap("taro", Self.word)
        for number in 1...9 {
            try self.deliver(server, "taro", Self.text(number))
            #expect(try client.append("INBOX", Self.text(number)).isOK)
        }
        try client.ok("SELECT INBOX")
        #expect(eventually { (try? self.kept(server, taro)) == 18 })
        // Their bodies come once more, and not in the order in which they came first.
        for copied in ["3:4", "1"] { try client.ok("COPY \(copied) INBOX") }
        try client.ok("NOOP")
        // A part's header or a partial body is answered from the message.
        let items =
            Self.fields.flatMap { ["BODY.PEEK[HEADER.FIELDS \($0)]", "BODY.PEEK[HEADER.FIELDS.NOT \($0)]"] } + [
                "BODY.PEEK[HEADER]", "BODY.PEEK[HEADER]<10.40>", "BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)]<3.20>", "RFC822.HEADER",
            ]
        var fromKept: [String: [String]] = [:]
        for item in items { fromKept[item] = try self.answers(client, "(UID \(item))") }
        for item in items {
            // With an item that opens the message, nothing that is kept is asked.
            let whole = try self.answers(client, "(BODY.PEEK[] \(item))")
            #expect(fromKept[item]?.count == 21)
            for (number, answer) in (fromKept[item] ?? []).enumerated() {
                let header = try #require(Self.value(whole[number], "BODY[]")).parts(by: "\r\n\r\n")[0] + "\r\n\r\n"
                let name = item.replacing(".PEEK", with: "")
                #expect(Self.value(answer, Self.shown(name)) == Self.expected(header, item), "\(item) of \(number + 1)")
            }
        }
    }

    private static func shown(_ item: String) -> String {
        guard let mark = item.firstIndex(of: "<") else { return item }
        let dot = item[mark...].firstIndex(of: ".") ?? item.endIndex
        return String(item[..<dot]) + ">"
    }

    /// The literal or quoted value behind a name.
    private static func value(_ response: String, _ name: String) -> String? {
        guard let place = response.end(ofFirst: name + " ") else { return nil }
        let rest = response.utf8[place...]
        guard rest.first == UInt8(ascii: "{"), let end = rest.firstIndex(of: UInt8(ascii: "}")),
            let count = Int(String(rest[rest.index(after: rest.startIndex)..<end]) ?? "")
        else { return nil }
        let start = rest.index(end, offsetBy: 3)
        return String(rest[start..<rest.index(start, offsetBy: count)])
    }

    private static func expected(_ header: String, _ item: String) -> String {
        var out = header
        if let open = item.firstIndex(of: "("), let close = item.firstIndex(of: ")") {
            let names = item[item.index(after: open)..<close].lowercased().split(separator: " ").map(String.init)
            let isExcluding = item.contains("FIELDS.NOT")
            var fields: [String] = []
            for line in header.parts(by: "\r\n").dropLast(2) {
                if line.hasPrefix(" ") || line.hasPrefix("\t"), let last = fields.popLast() {
                    fields.append(last + line + "\r\n")
                } else {
                    fields.append(line + "\r\n")
                }
            }
            out =
                fields.filter { field in
                    names.contains(field.prefix { $0 != ":" }.lowercased()) != isExcluding
                }.joined() + "\r\n"
        }
        guard let mark = item.firstIndex(of: "<") else { return out }
        let range = item[item.index(after: mark)...].dropLast().split(separator: ".").compactMap { Int($0) }
        return String(decoding: Array(out.utf8).dropFirst(range[0]).prefix(range[1]), as: UTF8.self)
    }

    @Test("searches, orders and threads that remember find what those find that remember nothing, while messages come, change and go")
    func remembered() throws {
        let server = try SMTPFixture()
        try server.account("taro@example.test", password: Self.word)
        let (client, other) = (try server.imap("taro", Self.word), try server.imap("taro", Self.word))
        try client.ok("SELECT INBOX")
        try other.ok("SELECT INBOX")
        let commands = [
            "SEARCH SUBJECT plan", "SEARCH SUBJECT Plan FROM u1", "SEARCH UNSEEN SUBJECT 会議", "SEARCH SENTSINCE 5-Jan-2026",
            "SORT (SUBJECT REVERSE DATE) UTF-8 ALL", "SORT (FROM) UTF-8 FLAGGED", "SORT (DATE) UTF-8 SUBJECT plan",
            "SORT (REVERSE ARRIVAL) UTF-8 ALL",
            "THREAD REFERENCES UTF-8 ALL", "THREAD ORDEREDSUBJECT UTF-8 ALL", "THREAD REFERENCES UTF-8 UNFLAGGED",
        ]
        var number = 0
        for round in 0..<8 {
            for _ in 0..<(round == 0 ? 20 : Int.random(in: 0...3)) {
                number += 1
                let subject = ["plan", "Re: plan", "会議", "Re: 会議 B", "other"].randomElement() ?? ""
                let reply = number > 1 && Bool.random() ? "In-Reply-To: <m\(Int.random(in: 1..<number))@x>\r\n" : ""
                let text =
                    "From: u\(number % 3)@a.test\r\nSubject: \(subject)\r\nDate: \(number % 27 + 1) Jan 2026 10:00:00 +0000\r\nMessage-ID: <m\(number)@x>\r\n\(reply)\r\nx\r\n"
                #expect(try (Bool.random() ? client : other).append("INBOX", text).isOK)
            }
            if round % 2 == 1 { try other.ok("STORE \(Int.random(in: 1...10)) +FLAGS.SILENT (\\Flagged \\Seen)") }
            if round % 3 == 2 {
                try other.ok("STORE \(Int.random(in: 1...10)) +FLAGS.SILENT (\\Deleted)")
                try other.ok("EXPUNGE")
            }
            try client.ok("NOOP")
            // A copy has the same messages in the same places, and nothing is remembered of it.
            try other.ok("CREATE Copy\(round)")
            try other.ok("NOOP")
            try other.ok("COPY 1:* Copy\(round)")
            let fresh = try server.imap("taro", Self.word)
            for command in commands {
                try fresh.ok("SELECT Copy\(round)")
                let expected = try fresh.ok(self.literal(command)).lines.filter { !$0.hasSuffix("EXISTS") }
                for _ in 0..<2 {
                    let found = try client.ok(self.literal(command)).lines.filter { $0.hasPrefix(command.prefix(4)) }
                    #expect(found == expected.filter { $0.hasPrefix(command.prefix(4)) }, "\(command), round \(round)")
                }
            }
        }
    }

    /// Words beyond ASCII go as literals.
    private func literal(_ command: String) -> String {
        guard let place = command.end(ofFirst: "会議") else { return command }
        let before = String(command.utf8[..<command.utf8.index(place, offsetBy: -6)]) ?? ""
        return before.replacing("SEARCH ", with: "SEARCH CHARSET UTF-8 ") + "{6+}\r\n会議"
    }

    @Test("after an account's first search all its mailboxes are taken into the index, and new mail is")
    func indexed() throws {
        let server = try SMTPFixture()
        let taro = try server.account("taro@example.test", password: Self.word)
        let client = try server.imap("taro", Self.word)
        try client.ok("CREATE Work")
        for number in 1...5 {
            #expect(try client.append("Work", "Subject: w\(number)\r\n\r\nneedle \(number)\r\n").isOK)
            #expect(try client.append("INBOX", "Subject: i\(number)\r\n\r\nneedle \(number)\r\n").isOK)
        }
        try client.ok("SELECT INBOX")
        #expect(try client.ok("SEARCH BODY \"needle 3\"").first("SEARCH") == "SEARCH 3")
        let index = try #require(server.indexes.index(of: taro))
        let work = try #require(try server.store.findMailbox("Work", of: taro))
        #expect(eventually { (try? index.progress(of: work.id)) == UID(rawValue: 5) })
        #expect(eventually { server.upkeep.isIdle })
        // A file that is damaged is begun anew behind a search that goes without it.
        #expect(try client.ok("SEARCH BODY \"needle 4\"").first("SEARCH") == "SEARCH 4")
        try client.ok("SELECT Work")
        #expect(try client.ok("SEARCH BODY needle").first("SEARCH") == "SEARCH 1 2 3 4 5")
    }
}

extension String {
    /// Offset behind the first place of a text.
    fileprivate func end(ofFirst text: String) -> String.UTF8View.Index? {
        let (all, wanted) = (Array(self.utf8), Array(text.utf8))
        guard !wanted.isEmpty, all.count >= wanted.count else { return nil }
        for start in 0...(all.count - wanted.count) where all[start..<(start + wanted.count)].elementsEqual(wanted) {
            return self.utf8.index(self.utf8.startIndex, offsetBy: start + wanted.count)
        }
        return nil
    }

    /// Split by a text.
    fileprivate func parts(by separator: String) -> [String] {
        let (all, wanted) = (Array(self.utf8), Array(separator.utf8))
        var out: [[UInt8]] = [[]]
        var index = 0
        while index < all.count {
            if all[index...].starts(with: wanted) {
                out.append([])
                index += wanted.count
            } else {
                out[out.count - 1].append(all[index])
                index += 1
            }
        }
        return out.map { String(decoding: $0, as: UTF8.self) }
    }
}
