import Foundation
import POP3Wire
import SASL
import Testing

/// Dialogues are data: `Dialogues/*.txt`.
///
///     ; setting value      before the first line: plaintext no, tls yes, refusal NAME, maildrop NAME, update fails, piece N, empty yes
///     C: text              the client says a line; CRLF is added
///     c: text              the client says just this; \r \n \t \0 \\ and \xNN are octets
///     S: text              the server says a line; a final * stands for any rest
///     T: / O: / D:         the handshake succeeds / the deadline passes / the server drains
///     X:                   the server has closed the connection
struct Dialogue: CustomTestStringConvertible, Sendable {
    enum Step: Sendable, Equatable { case client([UInt8]), server(String), handshake, timeout, drain, closed }
    var name: String
    var settings: [String: String] = [:]
    var steps: [Step] = []
    var testDescription: String { self.name }

    static let all: [Dialogue] = {
        guard let folder = Bundle.module.resourceURL?.appendingPathComponent("Dialogues"),
            let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        else { return [] }
        return names.filter { $0.hasSuffix(".txt") }.sorted().compactMap { name in
            (try? String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)).map { Dialogue(name, $0) }
        }
    }()

    init(_ name: String, _ text: String) {
        self.name = name
        for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
            let rest = String(line.dropFirst(line.dropFirst(2).first == " " ? 3 : 2))
            switch line.prefix(2) {
            case "; ":
                let words = line.dropFirst(2).split(separator: " ")
                self.settings[String(words[0])] = String(words[1])
            case "C:": self.steps.append(.client(Array((rest + "\r\n").utf8)))
            case "c:": self.steps.append(.client(Self.octets(rest)))
            case "S:": self.steps.append(.server(rest))
            case "T:": self.steps.append(.handshake)
            case "O:": self.steps.append(.timeout)
            case "D:": self.steps.append(.drain)
            case "X:": self.steps.append(.closed)
            default: break  // a comment
            }
        }
    }

    private static func octets(_ text: String) -> [UInt8] {
        var out: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let kind = rest.popFirst() else {
                out.append(byte)
                continue
            }
            switch kind {
            case UInt8(ascii: "r"): out.append(13)
            case UInt8(ascii: "n"): out.append(10)
            case UInt8(ascii: "t"): out.append(9)
            case UInt8(ascii: "0"): out.append(0)
            case UInt8(ascii: "x"):
                out.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
                rest = rest.dropFirst(2)
            default: out.append(kind)
            }
        }
        return out
    }

    static let standardMessages = [
        FakeOffice.Message(uid: 3, bytes: Array("Subject: one\r\n\r\nHello\r\n".utf8)),
        FakeOffice.Message(uid: 7, bytes: Array("Subject: dots\r\n\r\n.\r\n..two\r\n.three\r\nend\r\n".utf8)),
        FakeOffice.Message(uid: 9, bytes: Array("Subject: 日本\r\n\r\n本文\r\n".utf8)),
    ]

    func harness() -> Harness {
        var office = FakeOffice()
        office.messages = self.settings["empty"] == nil ? Self.standardMessages : []
        office.refusal = self.settings["refusal"].flatMap { AuthRefusal(rawValue: $0) }
        office.updateFails = self.settings["update"] != nil
        office.pieceSize = self.settings["piece"].flatMap { Int($0) } ?? office.pieceSize
        switch self.settings["maildrop"] {
        case "in-use": office.noMaildrop = .inUse
        case "too-soon": office.noMaildrop = .tooSoon
        case "unavailable": office.noMaildrop = .unavailable
        default: break
        }
        return Harness(office, tls: self.settings["tls"] == nil ? nil : Harness.tlsFacts) { settings in
            settings.allowsPlaintextLogin = self.settings["plaintext"] != "no"
            settings.offersTLS = self.settings["certificate"] != "no"
            settings.language = self.settings["language"] == "ja" ? .japanese : .english
            settings.loginDelay = self.settings["delay"].flatMap { Int($0) } ?? 0
            settings.retentionDays = self.settings["retention"].flatMap { Int($0) }
        }
    }
}

/// How the client's octets are cut into packets.
enum Cut: CaseIterable { case lines, octets, glued }

@Suite struct DialogueTests {
    @Test func thereAreDialogues() { #expect(Dialogue.all.count >= 15) }

    @Test(arguments: Dialogue.all, Cut.allCases) func dialogue(_ dialogue: Dialogue, _ cut: Cut) {
        var player = Player(harness: dialogue.harness())
        for step in dialogue.steps { player.play(step, cut) }
        player.flush(cut)
        player.expectNothingMore()
    }
}

private struct Player {
    var harness: Harness
    var unread = ""
    var held: [UInt8] = []
    var expected: [String] = []

    mutating func play(_ step: Dialogue.Step, _ cut: Cut) {
        switch step {
        case .client(let bytes):
            guard cut != .glued else { return self.held += bytes }
            self.flush(cut)
            self.expectNothingMore()
            if cut == .lines { self.harness.feed(bytes) } else { for byte in bytes { self.harness.feed([byte]) } }
        case .server(let line): self.expected.append(line)
        case .handshake:
            self.flush(cut)
            self.expectNothingMore()
            self.harness.shakeHands()
        case .timeout:
            self.flush(cut)
            self.harness.timeOut()
        case .drain:
            self.flush(cut)
            self.harness.shutDown()
        case .closed:
            self.flush(cut)
            #expect(self.harness.isClosed)
        }
    }

    /// Sends what is held back and compares all that is expected so far.
    mutating func flush(_ cut: Cut) {
        if !self.held.isEmpty { self.harness.feed(self.held) }
        self.held = []
        self.unread += self.harness.takeText()
        for pattern in self.expected {
            let line = self.takeLine()
            if pattern.hasSuffix("*") {
                #expect(line?.hasPrefix(pattern.dropLast()) == true, "expected \(pattern), got \(line ?? "nothing")")
            } else {
                #expect(line == pattern)
            }
        }
        self.expected = []
    }

    private mutating func takeLine() -> String? {
        guard let end = self.unread.range(of: "\r\n") else { return nil }
        defer { self.unread = String(self.unread[end.upperBound...]) }
        return String(self.unread[..<end.lowerBound])
    }

    mutating func expectNothingMore() {
        #expect(self.unread.isEmpty)
        self.unread = ""
    }
}
