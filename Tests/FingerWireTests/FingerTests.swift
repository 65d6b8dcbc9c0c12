import FingerWire
import Foundation
import MailTesting
import NIOCore
import Testing
import Vocabulary

typealias FingerSession = PureSession<FingerMachine>

/// People in memory behind a machine.
struct FakeHost {
    var hostText = "A host for tests.\nOpen all day."
    static let jane = FingerEntry(
        name: "Jane G. Doe", address: "Jane.Doe@example.test",
        facts: [.init("Telephone", "+81 3 1234 5678"), .init("Postal address", "1 Road\nTown")],
        information: "Plan:\n\twrite\u{1B}[2J mail\r\n山田\n\n")
    static let john = FingerEntry(name: "John Doe", address: "john@example.test")

    func answer(_ call: FingerCall) -> FingerOutcome {
        guard case .lookUp(let query) = call else { return .unavailable }
        switch query {
        case .host: return .host(self.hostText)
        case .name("doe", _): return .entries([Self.john, Self.john], isCut: true)
        case .name("jane", let isLong):
            var entry = Self.jane
            if !isLong { entry.facts = [] }
            return .entries([entry], isCut: false)
        case .name("山田", _): return .entries([Self.john], isCut: false)
        case .name("busy", _): return .unavailable
        case .name(let name, _): return name.hasSuffix("@elsewhere.test") ? .elsewhere : .entries([], isCut: false)
        case .elsewhere, .unreadable: return .unavailable
        }
    }
}

extension FingerSession {
    init(_ host: FakeHost = FakeHost(), limits: FingerLimits = FingerLimits()) {
        self.init(FingerMachine(hostName: "mail.example.test", limits: limits), answer: host.answer)
        self.connect()
    }
}

@Suite struct FingerTests {
    static let dialogues: [Dialogue] = {
        guard let folder = Bundle.module.resourcePath else { return [] }
        return (try? Dialogue.load(folder: folder + "/Dialogues")) ?? []
    }()

    @Test func thereAreDialogues() { #expect(Self.dialogues.count >= 6) }

    @Test("Every finger dialogue sounds the same however its bytes are cut", arguments: dialogues, Cutting.all)
    func sameInAnyCut(_ dialogue: Dialogue, _ cutting: Cutting) throws {
        var host = FakeHost()
        if dialogue.options.contains("silent") { host.hostText = "" }
        var session = FingerSession(host)
        try dialogue.play(on: &session, cutting)
        #expect(session.isClosed)
    }

    @Test("Nothing that a terminal obeys goes out, whoever wrote it; lines end in CRLF") func noControlCharacters() {
        let every = String(String.UnicodeScalarView((0...0x2FFF).compactMap { Unicode.Scalar($0) }))
        let entry = FingerEntry(name: every, address: every, facts: [.init(every, every)], information: every)
        var session = PureSession(FingerMachine(hostName: "mail.example.test")) { (_: FingerCall) in .entries([entry], isCut: false) }
        session.connect()
        let output = session.exchange("anybody\r\n")
        let scalars = output.unicodeScalars
        #expect(!output.replacing("\r\n", with: "").unicodeScalars.contains(where: FingerText.isForbidden))
        #expect(scalars.count { $0 == "\r" } == scalars.count { $0 == "\n" } && scalars.contains("あ") == false)
        #expect(output.contains("Account Name: "))
    }

    @Test("A line without end is refused at its limit, and nothing gathers behind a query") func bounds() {
        var session = FingerSession()
        session.send(String(repeating: "x", count: 511))
        #expect(!session.isClosed)
        session.send("x")
        #expect(session.takeOutput() == "Query too long\r\n" && session.isClosed)
        var waiting = FingerSession()
        waiting.answersCalls = false
        waiting.send("jane\r\n" + String(repeating: "y", count: 5000))
        #expect(waiting.input.readableBytes == 0 && waiting.openCall != nil)
        waiting.complete(.entries([], isCut: false))
        #expect(waiting.takeOutput() == "No information available\r\n" && waiting.isClosed)
    }

    @Test("An answer is cut between two accounts, and one long text within its bound, at the end of a line") func longAnswers() {
        var limits = FingerLimits()
        limits.answer = 2000
        let long = FingerEntry(name: "Long", address: "l@example.test", information: String(repeating: "日本語の行\n", count: 500))
        var one = PureSession(FingerMachine(hostName: "mail.example.test", limits: limits)) { (_: FingerCall) in
            .entries([long], isCut: false)
        }
        one.connect()
        let text = one.exchange("long\n")
        #expect(text.utf8.count <= 2000 && text.hasSuffix("日本語の行\r\n"))
        let many = [FingerEntry](repeating: FakeHost.john, count: 100)
        var all = PureSession(FingerMachine(hostName: "mail.example.test", limits: limits)) { (_: FingerCall) in
            .entries(many, isCut: false)
        }
        all.connect()
        let list = all.exchange("john\n")
        #expect(list.utf8.count < 2100 && list.hasSuffix("No information available\r\n\r\n\(FingerWords.more)\r\n"))
    }

    @Test("Who asks nothing is let go after a minute; a drain ends who has not asked, and answers who has") func time() {
        var session = FingerSession()
        #expect(session.deadline == .seconds(60))
        session.timeOut()
        #expect(session.takeOutput().isEmpty && session.isClosed)
        var draining = FingerSession()
        draining.shutDown()
        #expect(draining.isClosed)
        var asked = FingerSession()
        asked.answersCalls = false
        asked.send("jane\r\n")
        asked.shutDown()
        #expect(!asked.isClosed)
        asked.complete(.entries([FakeHost.jane], isCut: false))
        #expect(asked.isClosed && asked.takeOutput().hasPrefix("[mail.example.test]\r\nAccount Name: Jane G. Doe\r\n"))
    }

    @Test(
        "Queries: /W alone or before a name, blanks, names that begin with a slash",
        arguments: [
            ("", FingerQuery.host), ("  \r", .host), ("/W", .host), ("/w ", .host), ("jane\r", .name("jane", isLong: false)),
            ("/W jane", .name("jane", isLong: true)), ("/w\tJane Doe", .name("Jane Doe", isLong: true)),
            ("/Wjane", .name("/Wjane", isLong: false)), ("/jane", .name("/jane", isLong: false)),
            ("jane@example.test", .name("jane@example.test", isLong: false)), ("@host", .elsewhere), ("jane@a@b", .elsewhere),
            ("jane@", .elsewhere), ("/W @host", .elsewhere), ("ja\u{1}ne", .unreadable),
        ]) func queries(_ line: String, _ query: FingerQuery)
    {
        #expect(FingerQuery(line: Array(line.utf8)) == query)
    }

    @Test func bytesThatAreNoTextAreNobody() { #expect(FingerQuery(line: [0xFF, 0xFE, 0x61]) == .unreadable) }
}
