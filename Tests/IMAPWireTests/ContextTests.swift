import IMAPWire
import MailTesting
import Testing
import Vocabulary

/// Results that are kept up, what a session may hold, and limits of one command.
@Suite struct ContextTests {
    /// What a client has made of ADDTO and REMOVEFROM with positions. [RFC5267-4.3.2]
    private struct Kept {
        var uids: [Int]

        /// `* ESEARCH (TAG "t") UID ADDTO (1 4 3 2)`
        mutating func apply(_ line: String) -> Bool {
            guard let open = line.lastIndex(of: "("), line.hasSuffix(")") else { return false }
            let isAdding = line.contains(" ADDTO ")
            guard isAdding || line.contains(" REMOVEFROM ") else { return false }
            let numbers = line[line.index(after: open)...].dropLast().split(separator: " ").compactMap { Int($0) }
            for pair in stride(from: 0, to: numbers.count - 1, by: 2) {
                let (position, uid) = (numbers[pair] - 1, numbers[pair + 1])
                guard position >= 0, position <= self.uids.count else { return false }
                if isAdding {
                    self.uids.insert(uid, at: position)
                } else {
                    guard position < self.uids.count, self.uids[position] == uid else { return false }
                    self.uids.remove(at: position)
                }
            }
            return true
        }
    }

    @Test("A sorted result is kept up by positions: what comes, what changes and what goes")
    func sorted() {
        let office = FakeOffice()
        for text in ["a", "b", "c"] { office.inbox.add(text) }
        var client = Client.inInbox(office)
        // The office sorts the newest first.
        #expect(
            client.command("UID SORT RETURN (UPDATE ALL) (REVERSE ARRIVAL) UTF-8 UNSEEN").lines == ["* ESEARCH (TAG \"t3\") UID ALL 3,2,1"])
        office.inbox.add("d")
        #expect(client.command("NOOP").lines == ["* 4 EXISTS", "* ESEARCH (TAG \"t3\") UID ADDTO (1 4)"])
        #expect(client.command("STORE 2 +FLAGS \\Seen").lines.last == "* ESEARCH (TAG \"t3\") UID REMOVEFROM (3 2)")
        #expect(client.command("STORE 2 -FLAGS \\Seen").lines.last == "* ESEARCH (TAG \"t3\") UID ADDTO (3 2)")
        office.inbox.expunge(UIDSet(3...4))
        #expect(
            client.command("NOOP").lines == ["* ESEARCH (TAG \"t3\") UID REMOVEFROM (2 3 1 4)", "* 4 EXPUNGE", "* 3 EXPUNGE"])
        #expect(client.command("CANCELUPDATE \"t3\"").result == "OK completed")
        office.inbox.add("e")
        #expect(client.command("NOOP").lines == ["* 3 EXISTS"])
        // With numbers of messages.
        #expect(client.command("SORT RETURN (UPDATE ALL) (REVERSE ARRIVAL) UTF-8 ALL").lines == ["* ESEARCH (TAG \"t10\") ALL 3,2,1"])
        office.inbox.add("f")
        #expect(client.command("NOOP").lines == ["* 4 EXISTS", "* ESEARCH (TAG \"t10\") ADDTO (1 4)"])
    }

    @Test("Whatever happens, what the client made of positions is what SORT says", arguments: 0..<20)
    func sortedLikeAnew(_ seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) &* 977 &+ 5)
        let office = FakeOffice()
        for number in 1...6 { office.inbox.add("m\(number)", flags: number % 2 == 0 ? .seen : []) }
        var client = Client.inInbox(office)
        var kept = Kept(uids: [])
        let first = client.command("UID SORT RETURN (UPDATE) (REVERSE ARRIVAL) UTF-8 UNSEEN")
        #expect(first.result == "OK completed")
        kept.uids = Self.uids(client.command("UID SORT (REVERSE ARRIVAL) UTF-8 UNSEEN").lines.last ?? "")
        for _ in 0..<30 {
            for _ in 0..<Int(random.next() % 4) {
                let uids = office.inbox.messages.map(\.uid)
                switch random.next() % 3 {
                case 0: office.inbox.add("new", flags: random.next() % 2 == 0 ? .seen : [])
                case 1:
                    guard let uid = uids.isEmpty ? nil : uids[Int(random.next() % UInt64(uids.count))] else { continue }
                    office.inbox.setFlags(uid, random.next() % 2 == 0 ? .seen : [])
                default:
                    guard let uid = uids.isEmpty ? nil : uids[Int(random.next() % UInt64(uids.count))] else { continue }
                    office.inbox.expunge(UIDSet(uid...uid))
                }
            }
            for line in client.command("NOOP").lines where line.hasPrefix("* ESEARCH") {
                let isApplied = kept.apply(line)
                #expect(isApplied, "\(line)")
            }
            #expect(kept.uids == Self.uids(client.command("UID SORT (REVERSE ARRIVAL) UTF-8 UNSEEN").lines.last ?? ""))
        }
    }

    private static func uids(_ line: String) -> [Int] { line.split(separator: " ").dropFirst(2).compactMap { Int($0) } }

    // MARK: Memory

    @Test("A session holds so much and no more: results that are kept up, and $")
    func memory() {
        let office = FakeOffice()
        for number in 1...400 { office.inbox.add("m", flags: number % 2 == 0 ? .seen : []) }
        var client = Client.inInbox(office) { $0.limits.sessionMemory = 4000 }
        let long = String(repeating: "x", count: 3000)
        let refused = client.command("UID SEARCH RETURN (UPDATE COUNT) OR UNSEEN TEXT \(long)")
        #expect(refused.lines.first?.hasPrefix("* NO [NOUPDATE \"t3\"] your session holds") == true, "\(refused.lines)")
        #expect(refused.result == "OK completed", "the other options are honoured")
        #expect(client.command("UID SEARCH RETURN (SAVE COUNT) 1:400").lines == ["* ESEARCH (TAG \"t4\") UID COUNT 400"])
        #expect(client.command("UID SEARCH RETURN (COUNT) $").lines == ["* ESEARCH (TAG \"t5\") UID COUNT 400"])
        // Each second message is a run of its own: 200 of them.
        var small = Client.inInbox(office) { $0.limits.sessionMemory = 2000 }
        #expect(small.command("UID SEARCH RETURN (SAVE COUNT) UNSEEN").result.hasPrefix("NO [NOTSAVED] "))
        #expect(small.command("UID SEARCH RETURN (COUNT) $").lines == ["* ESEARCH (TAG \"t4\") UID COUNT 0"])
    }

    // MARK: Limits of one command

    @Test("One command takes so many messages, the newest, and says where it stopped; what must be whole is refused")
    func messageLimit() {
        let office = FakeOffice()
        for number in 1...5 { office.inbox.add("m\(number)") }
        _ = office.create("Other")
        var client = Client.inInbox(office) { $0.messageLimit = 2 }
        #expect(client.command("CAPABILITY").lines[0].contains(" MESSAGELIMIT=2 "))
        let fetched = client.command("FETCH 1:* (UID)")
        #expect(fetched.lines == ["* 4 FETCH (UID 4)", "* 5 FETCH (UID 5)"])
        #expect(fetched.result == "OK [MESSAGELIMIT 2 4] only a part was done: ask again for the rest")
        #expect(client.command("UID FETCH 1:3 (UID)").result.hasPrefix("OK [MESSAGELIMIT 2 2] "))
        #expect(client.command("UID FETCH 1 (UID)").result == "OK completed")
        let found = client.command("UID SEARCH ALL")
        #expect(found.lines == ["* SEARCH 4 5"] && found.result.hasPrefix("OK [MESSAGELIMIT 2 4] "))
        #expect(client.command("UID STORE 1:* +FLAGS.SILENT (\\Flagged)").result.hasPrefix("OK [MESSAGELIMIT 2 4] "))
        #expect(office.inbox.messages.filter { $0.flags.contains(.flagged) }.map(\.uid) == [4, 5])
        #expect(client.command("COPY 1:3 Other").result.hasPrefix("NO [MESSAGELIMIT 2] "))
        #expect(office.boxes["Other"]?.messages.isEmpty == true)
        #expect(client.command("UID SORT (DATE) UTF-8 ALL").result.hasPrefix("NO [MESSAGELIMIT 2] "))
        #expect(client.command("UID COPY 4:5 Other").result.hasPrefix("OK "))
        for uid in 1...5 { office.inbox.setFlags(UInt32(uid), .deleted) }
        _ = client.command("NOOP")
        let expunged = client.command("UID EXPUNGE 1:*")
        #expect(expunged.lines.filter { $0.hasSuffix("EXPUNGE") }.count == 2 && expunged.result.contains("[MESSAGELIMIT 2 4]"))
        #expect(client.command("UID EXPUNGE 1:3").result.contains("[MESSAGELIMIT 2 2]"))
    }

    @Test("A move beyond the limit is made in part, and what is left is found by UIDs")
    func moveBeyondLimit() {
        let office = FakeOffice()
        for number in 1...6 { office.inbox.add("m\(number)") }
        _ = office.create("Other")
        var client = Client.inInbox(office) { $0.messageLimit = 2 }
        let moved = client.command("MOVE 1:* Other")
        #expect(moved.lines.contains { $0.hasPrefix("* OK [COPYUID ") && $0.contains(" 5:6 1:2]") })
        #expect(moved.result == "OK [MESSAGELIMIT 2 5] only a part was done: ask again for the rest")
        #expect(client.command("UID SEARCH UIDBEFORE 3").lines == ["* SEARCH 1 2"])
        #expect(client.command("UID SEARCH UIDBEFORE 4 UIDAFTER 1").lines == ["* SEARCH 2 3"])
        #expect(client.command("UID SEARCH UIDAFTER 4").lines == ["* SEARCH"])
        #expect(client.command("UID SEARCH UIDBEFORE 1").lines == ["* SEARCH"])
        #expect(client.command("UID SEARCH UIDAFTER 4294967295").lines == ["* SEARCH"])
        #expect(client.command("UID SEARCH UIDBEFORE 0").result.hasPrefix("BAD"))
        #expect(client.command("UID SEARCH UIDBEFORE 4").result.hasPrefix("OK [MESSAGELIMIT 2 2] "))
        // Where the answer has a code of its own.
        _ = client.command("ENABLE CONDSTORE")
        let rest = client.command("UID MOVE 1:3 Other")
        #expect(rest.lines.contains("* NO [MESSAGELIMIT 2 2] only a part was done: ask again for the rest"))
        #expect(rest.result.hasPrefix("OK [HIGHESTMODSEQ ") && office.inbox.messages.map(\.uid) == [1, 4])
    }

    @Test("UIDBATCHES cuts a mailbox into ranges of so many messages, the newest first, without a gap between them")
    func batches() {
        let office = FakeOffice()
        for number in 1...1300 { office.inbox.add("m\(number)") }
        office.inbox.expunge(UIDSet(101...200))
        var client = Client.inInbox(office)
        #expect(client.command("CAPABILITY").lines[0].contains(" UIDBATCHES"))
        #expect(client.command("UIDBATCHES 500").lines == ["* UIDBATCHES (TAG \"t4\") 1300:801,800:301,300:1"])
        #expect(client.command("UIDBATCHES 600 1:1").lines == ["* UIDBATCHES (TAG \"t5\") 1300:701"])
        #expect(client.command("UIDBATCHES 600 2:9").lines == ["* UIDBATCHES (TAG \"t6\") 700:1"])
        #expect(client.command("UIDBATCHES 600 7:9").lines == ["* UIDBATCHES (TAG \"t7\")"])
        #expect(client.command("UIDBATCHES 4294967295").lines == ["* UIDBATCHES (TAG \"t8\") 1300:1"])
        #expect(client.command("UIDBATCHES 499").result.hasPrefix("NO [TOOSMALL] "))
        for wrong in ["UIDBATCHES", "UIDBATCHES x", "UIDBATCHES 0", "UIDBATCHES 500 6:", "UIDBATCHES 500 6:5", "UIDBATCHES 500 5:6 x"] {
            #expect(client.command(wrong).result.hasPrefix("BAD "), "\(wrong)")
        }
        // Messages that are gone and not told are still counted, as in every answer.
        office.inbox.expunge(UIDSet(1300...1300))
        _ = client.command("ENABLE UIDONLY")
        #expect(client.command("UIDBATCHES 2000").lines.last == "* UIDBATCHES (TAG \"t17\") 1300:1")
    }

    @Test("An empty mailbox has no batches")
    func noBatches() {
        var client = Client.inInbox(FakeOffice())
        #expect(client.command("UIDBATCHES 500").lines == ["* UIDBATCHES (TAG \"t3\")"])
        #expect(client.command("UIDBATCHES 500").result == "OK completed")
    }
}
