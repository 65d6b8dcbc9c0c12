import Glibc
import MailTesting
import MessageStore
import Testing
import Vocabulary

/// Octets of bodies are changed on the disk while the server runs.
@Suite(.serialized) struct IMAPDamageTests {
    private static func message(_ number: Int, _ size: Int) -> String {
        "Subject: \(number)\r\n\r\nMARK-\(number)-\r\n" + String(repeating: "needle text of the body\r\n", count: size / 25)
    }

    @Test("R3 a damaged message is left out and told; the others of the same FETCH and SEARCH are given out whole")
    func oneAmongOthers() throws {
        let desk = try IMAPDesk()
        for number in 1...40 { _ = try desk.owner.append("INBOX", Self.message(number, 500)) }
        try desk.owner.ok("SELECT INBOX")
        for number in [5, 6, 20, 40] { try desk.server.damage("MARK-\(number)-", 60) }
        for items in ["BODY.PEEK[]", "BODY.PEEK[]<0.60>", "BODY.PEEK[TEXT]", "BINARY.PEEK[1]", "BODY[]"] {
            let answer = try desk.owner.run("UID FETCH 1:* (UID \(items))")
            #expect(answer.tagged.hasPrefix("NO [CORRUPTION] a message is damaged"), "\(items): \(answer.tagged)")
            let told = answer.lines.filter { $0.contains("UID ") && $0.contains("FETCH") && !$0.contains("UID 5 ") }
            #expect(told.count == 36, "\(items): \(told.count)")
        }
        for key in ["BODY needle", "TEXT needle", "HEADER X-None \"\" NOT BODY nothing"] {
            let answer = try desk.owner.run("UID SEARCH RETURN (COUNT) \(key)")
            #expect(answer.isOK && answer.lines.contains { $0.hasPrefix("NO [CORRUPTION]") }, "\(key): \(answer.tagged) \(answer.lines)")
        }
        #expect(try desk.owner.ok("UID SEARCH RETURN (COUNT) BODY needle").lines.contains { $0.hasSuffix("COUNT 36") })
    }

    @Test("A command over many damaged messages names five of them in the log and counts all")
    func namedFiveTimes() throws {
        let desk = try IMAPDesk()
        for number in 1...12 { _ = try desk.owner.append("INBOX", Self.message(number, 500)) }
        try desk.owner.ok("SELECT INBOX")
        for number in 1...12 { try desk.server.damage("MARK-\(number)-", 60) }
        for command in ["FETCH 1:* BODY.PEEK[]", "SEARCH TEXT needle"] {
            let before = desk.server.events.lines("store-failed").count
            _ = try desk.owner.run(command)
            let told = desk.server.events.lines("store-failed").dropFirst(before)
            #expect(told.filter { $0.contains(" uid=") }.count == 5, "\(command): \(told)")
            #expect(told.count == 6 && told.last?.hasSuffix("messages=12") == true, "\(command): \(told)")
        }
    }

    @Test("R3 no part of a long body goes out once an octet of it is another", arguments: [70_000, 300_000])
    func longBody(_ size: Int) throws {
        let desk = try IMAPDesk()
        let text = Self.message(1, size)
        _ = try desk.owner.append("INBOX", text)
        _ = try desk.owner.append("INBOX", Self.message(2, size))
        try desk.owner.ok("SELECT INBOX")
        try desk.server.damage("MARK-1-", size - 5000)
        for items in [
            "BODY.PEEK[TEXT]", "BODY.PEEK[1]", "BINARY.PEEK[1]", "RFC822.TEXT", "BODY.PEEK[]<14.400000>", "BODY.PEEK[]<0.65536>",
            "BODY.PEEK[]",
            "BODY.PEEK[]<65536.65536>",
        ] {
            let answer = try desk.owner.run("FETCH 1:2 \(items)")
            #expect(answer.tagged.hasPrefix("NO [CORRUPTION]"), "\(items): \(answer.tagged)")
            #expect(answer.lines.filter { $0.hasPrefix("1 FETCH") && !$0.contains("FLAGS (") }.isEmpty, "\(items)")
            #expect(answer.lines.contains { $0.hasPrefix("2 FETCH") }, "\(items)")
        }
        // Piece after piece of the other one is what was added.
        var read = ""
        let whole = Self.message(2, size)
        while read.utf8.count < whole.utf8.count {
            let line = try desk.owner.ok("FETCH 2 BODY.PEEK[]<\(read.utf8.count).65536>").first("2 FETCH") ?? ""
            guard let start = line.utf8.firstIndex(of: 10) else { break }
            read += String(decoding: line.utf8[line.utf8.index(after: start)...].dropLast(), as: UTF8.self)
        }
        #expect(read == whole)
    }

    @Test("who goes away in the midst of a FETCH has not seen what lies far behind") func seen() throws {
        let desk = try IMAPDesk()
        for number in 1...30 { _ = try desk.owner.append("INBOX", Self.message(number, 100_000)) }
        let reader = try desk.server.imap("taro", IMAPDesk.word)
        try reader.ok("SELECT INBOX")
        _ = try reader.send("FETCH 1:* BODY[]")
        _ = try reader.responseText()
        reader.client.reset()
        try desk.owner.ok("SELECT INBOX")
        #expect(eventually { (try? desk.owner.ok("UID SEARCH RETURN (COUNT) SEEN").lines.contains { !$0.hasSuffix("COUNT 0") }) == true })
        let line = try desk.owner.ok("UID SEARCH RETURN (COUNT) UNSEEN").first("ESEARCH") ?? ""
        let unseen = Int(line.split(separator: " ").last ?? "") ?? 0
        #expect(unseen > 0, "\(line)")
    }
}
