import MailTesting
import Testing
import Vocabulary

/// Searches by flags, which are answered from a table of all flags that is kept up by what changes.
@Suite(.serialized) struct IMAPFlagSearchTests {
    private typealias Program = (text: String, matches: @Sendable (UInt32, Set<String>) -> Bool)

    /// Every third message is about numbers, so that flags alone do not decide.
    private static func message(_ number: Int) -> String { "Subject: \(number % 3 == 0 ? "number" : "word")\r\n\r\nx\r\n" }

    private static let programs: [Program] = [
        ("UNSEEN", { !$1.contains("\\Seen") }),
        ("SEEN FLAGGED", { $1.isSuperset(of: ["\\Seen", "\\Flagged"]) }),
        ("OR DELETED KEYWORD $a", { $1.contains("\\Deleted") || $1.contains("$a") }),
        ("NOT (UNDELETED UNKEYWORD $a)", { $1.contains("\\Deleted") || $1.contains("$a") }),
        ("KEYWORD $nowhere", { _, _ in false }),
        ("UNSEEN UID 5:25", { (5...25).contains($0) && !$1.contains("\\Seen") }),
        ("OR UID 1:9 FLAGGED", { $0 <= 9 || $1.contains("\\Flagged") }),
        ("UNSEEN LARGER 100000", { _, _ in false }),
        ("UNDELETED SMALLER 100000", { !$1.contains("\\Deleted") }),
    ]

    /// With the size they come from the messages' rows, without it from the table.
    private func flags(_ client: IMAPTestClient, _ items: String = "FLAGS RFC822.SIZE") throws -> [UInt32: Set<String>] {
        var found: [UInt32: Set<String>] = [:]
        for values in try client.ok("UID FETCH 1:* (\(items))").data("FETCH") {
            guard let uid = values.last?["UID"]?.number, let flags = values.last?["FLAGS"] else { continue }
            found[uid] = Set(flags.list.map(\.text)).subtracting(["\\Recent"])
        }
        return found
    }

    private func uids(_ client: IMAPTestClient, _ program: String) throws -> [UInt32] {
        try client.ok("UID SEARCH \(program)").data("SEARCH").flatMap { $0.dropFirst().compactMap(\.number) }
    }

    /// As `client` sees it: what two sessions have done to the mailbox in turn is found at once.
    private func compare(_ client: IMAPTestClient, _ what: String) throws {
        try client.ok("NOOP")
        let known = try self.flags(client)
        #expect(try self.flags(client, "FLAGS") == known, "FETCH FLAGS after \(what)")
        for program in Self.programs {
            let right = known.filter { program.matches($0.key, $0.value) }.map(\.key).sorted()
            #expect(try self.uids(client, program.text) == right, "\(program.text) after \(what)")
        }
        let unseen = known.filter { !$0.value.contains("\\Seen") }.count
        #expect(try client.ok("UID SEARCH RETURN (COUNT) UNSEEN").first("ESEARCH")?.hasSuffix("COUNT \(unseen)") == true)
        // Orders and other keys need more than flags.
        let sorted = try client.ok("UID SORT (REVERSE ARRIVAL) UTF-8 FLAGGED").data("SORT").flatMap { $0.dropFirst().compactMap(\.number) }
        #expect(Set(sorted) == Set(known.filter { $0.value.contains("\\Flagged") }.keys), "SORT after \(what)")
        let words = try self.uids(client, "SUBJECT number")
        let unseenWords = words.filter { known[$0]?.contains("\\Seen") == false }
        #expect(try self.uids(client, "SUBJECT number UNSEEN") == unseenWords, "after \(what)")
    }

    @Test("A search by flags finds what FETCH FLAGS shows, while two sessions change flags, remove, add, copy and move")
    func followsChanges() throws {
        let server = try SMTPFixture()
        try server.account("taro@example.test", password: "taros word")
        let clients = try (0..<2).map { _ in try server.imap("taro", "taros word") }
        for number in 1...30 { #expect(try clients[0].append("INBOX", Self.message(number)).isOK) }
        try clients[0].ok("CREATE Other")
        for client in clients { try client.ok("SELECT INBOX") }
        try self.compare(clients[0], "nothing")
        var random = SeededGenerator(seed: 20_261_122)
        for round in 0..<120 {
            let client = clients[round % 2]
            let first = Int.random(in: 1...40, using: &random)
            let range = "\(first):\(first + Int.random(in: 0...9, using: &random))"
            let flag = ["\\Seen", "\\Flagged", "\\Deleted", "$a", "$b\(round / 10)"].randomElement(using: &random) ?? "$a"
            let act: String
            switch Int.random(in: 0..<10, using: &random) {
            case 0: act = "EXPUNGE"
            case 1: act = "UID COPY \(range) INBOX"
            case 2: act = "UID MOVE \(first) Other"
            case 3: act = "APPEND"
            case 4: act = "UID STORE 1:* -FLAGS.SILENT (\(flag))"
            default: act = "UID STORE \(range) \(Bool.random(using: &random) ? "+" : "-")FLAGS.SILENT (\(flag))"
            }
            if act == "APPEND" {
                #expect(try client.append("INBOX", Self.message(round), flags: flag).isOK)
            } else {
                _ = try client.run(act)
            }
            if round % 3 == 0 { try self.compare(clients[(round / 3) % 2], "\(act), round \(round)") }
        }
        for client in clients { try self.compare(client, "all") }
    }

    @Test("FETCH FLAGS of many messages: parts, messages that others have removed, more combinations than the table holds behind them")
    func fetchesFlags() throws {
        let server = try SMTPFixture()
        try server.account("taro@example.test", password: "taros word")
        let (client, other) = (try server.imap("taro", "taros word"), try server.imap("taro", "taros word"))
        for number in 1...300 {
            let bits = (0..<9).filter { number >> $0 & 1 == 1 }.map { "$k\($0)" }.joined(separator: " ")
            #expect(try client.append("INBOX", Self.message(number), flags: bits).isOK)
        }
        try client.ok("SELECT INBOX")
        try client.ok("CREATE Many")
        for _ in 0..<30 { try client.ok("COPY 1:200 Many") }
        for client in [client, other] { try client.ok("SELECT Many") }
        try client.ok("STORE 5:10,20 +FLAGS.SILENT (\\Seen)")
        func compare(_ count: Int, _ what: String) throws {
            let right = try self.flags(client)
            #expect(right.count == count, "\(what)")
            for round in 0..<2 { #expect(try self.flags(client, "FLAGS") == right, "\(what), round \(round)") }
        }
        try compare(6000, "first")
        try client.ok("ENABLE QRESYNC")
        try client.ok("SELECT Many")
        try other.ok("STORE 100:110 +FLAGS.SILENT (\\Deleted)")
        try other.ok("EXPUNGE")
        // This session counts them still: they have a UID and no more.
        let lines = try client.ok("FETCH 1:* (UID FLAGS)").data("FETCH")
        #expect(lines.count >= 6000)
        #expect(lines.filter { $0.last?["FLAGS"] == nil }.count == 11)
        try client.ok("NOOP")
        try client.ok("SELECT INBOX")
        try client.ok("COPY 1:300 Many")
        try client.ok("SELECT Many")
        try compare(6289, "more combinations")
        #expect(try client.ok("UID FETCH 5990:6010 (FLAGS)").data("FETCH").count == 21)
    }

    @Test("More combinations of flags than the table holds are found all the same")
    func manyCombinations() throws {
        let server = try SMTPFixture()
        try server.account("taro@example.test", password: "taros word")
        let client = try server.imap("taro", "taros word")
        for number in 1...300 {
            let bits = (0..<9).filter { number >> $0 & 1 == 1 }.map { "$k\($0)" }.joined(separator: " ")
            #expect(try client.append("INBOX", Self.message(number), flags: bits).isOK)
        }
        try client.ok("SELECT INBOX")
        for round in 0..<2 {
            for bit in 0..<9 {
                let right = (1...300).filter { $0 >> bit & 1 == 1 }.map { UInt32($0) }
                #expect(try self.uids(client, "KEYWORD $k\(bit)") == right, "bit \(bit), round \(round)")
            }
        }
    }
}
