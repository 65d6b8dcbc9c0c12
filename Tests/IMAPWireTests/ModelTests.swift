import IMAPWire
import MailTesting
import Testing
import Vocabulary

/// What a mail program knows of a mailbox from what it was told, and the complaints it would have.
private struct MailProgram {
    let name: String
    var client: Client
    let hasVanished: Bool
    /// By message number; nil where the UID is not known yet.
    var uids: [UInt32?] = []
    var flags: [UInt32: Set<String>] = [:]
    var complaints: [String] = []

    init(_ name: String, _ office: FakeOffice, hasVanished: Bool) {
        self.name = name
        self.hasVanished = hasVanished
        self.client = Client(office)
        _ = self.client.command("LOGIN alice wonderland")
        if hasVanished { _ = self.client.command("ENABLE QRESYNC") }
        self.select()
    }

    mutating func select() {
        self.uids = []
        self.flags = [:]
        self.run("SELECT INBOX", mayExpunge: false)
        self.refresh()
    }

    /// Numbers that are new: asks for their UIDs and flags.
    mutating func refresh() {
        for _ in 0..<5 {
            guard let first = self.uids.firstIndex(of: nil) else { return }
            self.run("FETCH \(first + 1):* (UID FLAGS)", mayExpunge: false)
            // A message that went before we could ask is still numbered until we may be told.
            if self.uids.contains(nil) { self.run("NOOP", mayExpunge: true) }
        }
    }

    @discardableResult
    mutating func run(_ command: String, mayExpunge: Bool) -> [String] {
        let (lines, result) = self.client.command(command)
        if !result.hasPrefix("OK") { self.complain("\(command): \(result)") }
        for line in lines { self.hear(line, mayExpunge, command) }
        return lines
    }

    mutating func hearUnasked(_ context: String) {
        for line in self.client.session.takeOutput().split(separator: "\r\n") { self.hear(String(line), true, context) }
    }

    private mutating func complain(_ text: String) { self.complaints.append("\(self.name): \(text)") }

    private mutating func hear(_ line: String, _ mayExpunge: Bool, _ command: String) {
        let words = line.split(separator: " ", maxSplits: 3).map(String.init)
        guard words.count >= 3, words[0] == "*" else { return }
        if words[1] == "VANISHED" {
            guard mayExpunge, self.hasVanished else { return self.complain("\(line) in \(command)") }
            let gone = Self.set(words[2])
            for uid in gone where !self.uids.contains(uid) {
                // One of those at the end whose UIDs were not asked for yet.
                guard let unknown = self.uids.lastIndex(of: nil) else { return self.complain("\(line): unknown \(uid) in \(command)") }
                self.uids.remove(at: unknown)
            }
            self.uids.removeAll { $0.map(gone.contains) ?? false }
            return
        }
        guard let number = Int(words[1]) else { return }
        switch words[2] {
        case "EXISTS":
            guard number >= self.uids.count else { return self.complain("\(line) with \(self.uids.count) known, in \(command)") }
            self.uids += Array(repeating: nil, count: number - self.uids.count)
        case "EXPUNGE":
            guard mayExpunge, !self.hasVanished, self.uids.indices.contains(number - 1) else {
                return self.complain("\(line) in \(command)")
            }
            self.uids.remove(at: number - 1)
        case "FETCH": self.hearFetch(number, line, command)
        default: break
        }
    }

    private mutating func hearFetch(_ number: Int, _ line: String, _ command: String) {
        guard self.uids.indices.contains(number - 1) else { return self.complain("\(line): no such number, in \(command)") }
        if let uid = Self.behind("UID ", line).flatMap({ UInt32($0) }) {
            if let known = self.uids[number - 1], known != uid { return self.complain("\(line): was \(known), in \(command)") }
            self.uids[number - 1] = uid
        }
        guard let uid = self.uids[number - 1], let start = line.range(of: "FLAGS (") else { return }
        self.flags[uid] = Set(line[start...].dropFirst(7).prefix { $0 != ")" }.split(separator: " ").map(String.init))
    }

    private static func behind(_ word: String, _ line: String) -> Substring? {
        line.range(of: word).map { line[$0...].dropFirst(word.count).prefix { $0.isNumber } }
    }

    static func set(_ text: String) -> Set<UInt32> {
        var out: Set<UInt32> = []
        for range in text.split(separator: ",") {
            let ends = range.split(separator: ":").compactMap { UInt32($0) }
            guard let first = ends.first, let last = ends.last, first <= last else { continue }
            out.formUnion(first...last)
        }
        return out
    }
}

extension String {
    /// Where `word` begins.
    fileprivate func range(of word: String) -> Index? {
        self.indices.first { self[$0...].hasPrefix(word) }
    }
}

@Suite struct ModelTests {
    @Test("I2 two sessions and a stream of mail: every session's numbering follows from what it was told", arguments: 0..<60)
    func interleavings(_ seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) &* 7919 &+ 1)
        let office = FakeOffice()
        for number in 0..<5 { office.inbox.add("m\(number)") }
        _ = office.create("Other")
        var programs = [
            MailProgram("A", office, hasVanished: seed % 3 == 0), MailProgram("B", office, hasVanished: seed % 2 == 0),
        ]
        for _ in 0..<60 {
            let who = Int.random(in: 0..<2, using: &random)
            Self.step(&programs[who], office, &random)
            for index in programs.indices where Int.random(in: 0..<3, using: &random) > 0 {
                programs[index].client.session.notify(.mailboxChanged)
                programs[index].hearUnasked("a hint")
            }
        }
        for index in programs.indices { Self.compare(&programs[index], office) }
        for program in programs { #expect(program.complaints.isEmpty, "seed \(seed): \(program.complaints)") }
    }

    @Test("Sets of numbers name the messages that a plain list of them names, however many gaps there are", arguments: 0..<20)
    func sequenceSets(_ seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) &+ 99)
        let office = FakeOffice()
        for _ in 0..<200 { office.inbox.add("") }
        office.inbox.expunge(UIDSet(ranges: (0..<80).map { _ in UInt32.random(in: 1...200, using: &random) }.map { $0...$0 }))
        let uids = office.inbox.messages.map(\.uid)
        var client = Client.inInbox(office)
        for _ in 0..<20 {
            var (texts, places): ([String], Set<Int>) = ([], [])
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let (a, b) = (Int.random(in: 1...uids.count, using: &random), Int.random(in: 1...uids.count, using: &random))
                let isOpen = Int.random(in: 0..<8, using: &random) == 0
                texts.append(isOpen ? "\(a):*" : a == b ? "\(a)" : "\(a):\(b)")
                places.formUnion(isOpen ? a...uids.count : min(a, b)...max(a, b))
            }
            let wanted = places.sorted().map { "* \($0) FETCH (UID \(uids[$0 - 1]))" }
            #expect(client.command("FETCH \(texts.joined(separator: ",")) (UID)").lines == wanted)
            let found = client.command("SEARCH \(texts.joined(separator: ","))").lines
            #expect(found == ["* SEARCH " + places.sorted().map(String.init).joined(separator: " ")])
        }
    }

    /// After NOOP a session knows everything.
    private static func compare(_ program: inout MailProgram, _ office: FakeOffice) {
        program.run("NOOP", mayExpunge: true)
        program.refresh()
        program.run("NOOP", mayExpunge: true)
        #expect(program.uids == office.inbox.messages.map(\.uid), "\(program.name)")
        for message in office.inbox.messages {
            let names = [(Flags.seen, "\\Seen"), (.flagged, "\\Flagged"), (.deleted, "\\Deleted")].filter { message.flags.contains($0.0) }
            #expect(program.flags[message.uid] == Set(names.map(\.1)), "\(program.name): flags of \(message.uid)")
        }
    }

    private static func step(_ program: inout MailProgram, _ office: FakeOffice, _ random: inout SeededGenerator) {
        let count = program.uids.count
        let number = count == 0 ? 0 : Int.random(in: 1...count, using: &random)
        let uid = number == 0 ? nil : program.uids[number - 1]
        let flag = ["\\Seen", "\\Flagged", "\\Deleted"].randomElement(using: &random) ?? "\\Seen"
        switch Int.random(in: 0..<14, using: &random) {
        case 0, 1: office.inbox.add("new")
        case 2 where number > 0: program.run("STORE \(number) +FLAGS (\(flag))", mayExpunge: false)
        case 3 where number > 0: program.run("STORE \(number) -FLAGS (\(flag))", mayExpunge: false)
        case 4 where uid != nil:
            program.run("UID STORE \(uid ?? 0) +FLAGS.SILENT (\(flag))", mayExpunge: true)
            // The client knows what it has done, if the message was there.
            if let uid, program.uids.contains(uid), program.flags[uid] != nil { program.flags[uid]?.insert(flag) }
        case 5: program.run("EXPUNGE", mayExpunge: true)
        case 6 where uid != nil: program.run("UID EXPUNGE \(uid ?? 0)", mayExpunge: true)
        case 7: program.run("NOOP", mayExpunge: true)
        case 8 where number > 0: program.run("FETCH \(number):* (UID FLAGS)", mayExpunge: false)
        case 9: program.run("SEARCH ALL", mayExpunge: false)
        case 10 where number > 0: program.run("COPY \(number) INBOX", mayExpunge: true)
        case 11 where number > 0: program.run("MOVE \(number) Other", mayExpunge: true)
        case 12: Self.idle(&program, office, &random)
        case 13: program.select()
        default: program.run("UID SEARCH ALL", mayExpunge: true)
        }
        program.refresh()
    }

    private static func idle(_ program: inout MailProgram, _ office: FakeOffice, _ random: inout SeededGenerator) {
        program.client.session.send("i IDLE\r\n")
        program.hearUnasked("IDLE")
        if Bool.random(using: &random) {
            program.client.session.timeOut()
            program.hearUnasked("IDLE")
        }
        office.inbox.add("while idle")
        if let uid = office.inbox.messages.randomElement(using: &random)?.uid { office.inbox.expunge(UIDSet(uid...uid)) }
        program.client.session.notify(.mailboxChanged)
        program.hearUnasked("IDLE")
        program.client.session.send("DONE\r\n")
        program.hearUnasked("DONE")
    }
}
