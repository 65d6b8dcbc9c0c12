import Foundation
import MailTesting
import NIOCore
import PasswordWire
import SASL
import Testing
import Vocabulary

typealias PasswordSession = PureSession<PasswordMachine>

/// One account behind a machine: `jane`, password `old word`.
final class FakeDirectory {
    var refusal: AuthRefusal?
    var password = "old word"
    private(set) var asked = 0

    func perform(_ call: PasswordCall) -> PasswordOutcome {
        switch call {
        case .authenticate(let request, _):
            self.asked += 1
            if let refusal { return .auth(.refused(refusal)) }
            guard case .password("jane", let secret) = request, secret == Secret(self.password) else {
                return .auth(.refused(.badCredentials))
            }
            let address = Address(localPart: "jane", domain: "example.test")
            return .auth(.accepted(Identity(account: AccountID(rawValue: 1), login: "jane", primaryAddress: address)))
        case .change(_, let old, let new):
            guard old == Secret(self.password) else { return .notChanged(Localized(en: "old", ja: "old")) }
            let text = new.withBytes { String(decoding: $0, as: UTF8.self) }
            guard text.count >= 6 else { return .notChanged(Localized(en: "too short;\r\nat least 6", ja: "短すぎます")) }
            self.password = text
            return .changed
        }
    }
}

extension PasswordSession {
    init(_ directory: FakeDirectory = FakeDirectory(), tls: TLSFacts? = nil, _ change: (inout PasswordSettings) -> Void = { _ in }) {
        var settings = PasswordSettings(greeting: "Post.Office v1.0 password server ready")
        settings.isLoopback = true
        change(&settings)
        self.init(PasswordMachine(settings: settings), answer: directory.perform)
        self.connect(tls: tls)
    }
}

@Suite struct PasswordTests {
    static let dialogues: [Dialogue] = {
        guard let folder = Bundle.module.resourcePath else { return [] }
        return (try? Dialogue.load(folder: folder + "/Dialogues")) ?? []
    }()

    @Test func thereAreDialogues() { #expect(Self.dialogues.count >= 7) }

    @Test("Every dialogue of the password server sounds the same however its bytes are cut", arguments: dialogues, Cutting.all)
    func sameInAnyCut(_ dialogue: Dialogue, _ cutting: Cutting) throws {
        let directory = FakeDirectory()
        directory.refusal = dialogue.options.first { $0.hasPrefix("refusal=") }.flatMap { AuthRefusal(rawValue: String($0.dropFirst(8))) }
        var session = PasswordSession(directory) { settings in
            settings.isLoopback = !dialogue.options.contains("far")
            if dialogue.options.contains("japanese") { settings.language = .japanese }
        }
        try dialogue.play(on: &session, cutting)
    }

    @Test("Every dialogue sounds the same when the client waits for nothing", arguments: dialogues)
    func sameWhenPipelined(_ dialogue: Dialogue) {
        func session() -> PasswordSession {
            let directory = FakeDirectory()
            directory.refusal = dialogue.options.first { $0.hasPrefix("refusal=") }.flatMap {
                AuthRefusal(rawValue: String($0.dropFirst(8)))
            }
            return PasswordSession(directory) { $0.isLoopback = !dialogue.options.contains("far") }
        }
        var (lockstep, pipelined) = (session(), session())
        let lines = dialogue.steps.compactMap { step in if case .send(let bytes) = step { bytes } else { nil } }
        for line in lines { lockstep.send(line) }
        pipelined.send(Array(lines.joined()))
        #expect(pipelined.takeOutput() == lockstep.takeOutput())
    }

    @Test("Without TLS nobody but this computer is heard; under TLS everybody is") func bareFromAfar() {
        var far = PasswordSession { $0.isLoopback = false }
        #expect(far.takeOutput().hasPrefix("500 ") && far.isClosed)
        var safe = PasswordSession(tls: TLSFacts(version: "TLSv1.3", cipher: "x", serverName: nil)) { $0.isLoopback = false }
        #expect(safe.takeOutput() == "200 Post.Office v1.0 password server ready\r\n")
        #expect(safe.exchange("user jane\r\n").hasPrefix("200 "))
    }

    @Test("A1 a known and an unknown name lead to the same calls and the same words") func equalAnswers() {
        var answers: [String] = []
        for name in ["jane", "nobody"] {
            let directory = FakeDirectory()
            var session = PasswordSession(directory)
            _ = session.takeOutput()
            answers.append(session.exchange("user \(name)\r\npass wrong\r\n"))
            #expect(directory.asked == 1)
        }
        #expect(answers[0] == answers[1])
    }

    @Test("Guesses, mistakes and refused passwords are bounded, and the whole session in time") func bounds() {
        var guesses = PasswordSession()
        for _ in 0..<3 { guesses.send("user jane\npass x\n") }
        #expect(guesses.isClosed)
        var mistakes = PasswordSession()
        mistakes.send(String(repeating: "noop\n", count: 10))
        #expect(mistakes.isClosed)
        var refused = PasswordSession()
        refused.send("user jane\npass old word\n" + String(repeating: "newpass x\n", count: 5))
        #expect(refused.isClosed && !refused.takeOutput().contains("changed"))
        var slow = PasswordSession()
        _ = slow.exchange("user jane\n")
        #expect(slow.deadline == .minutes(3) && slow.deadlines == 1)
        slow.timeOut()
        #expect(slow.isClosed)
        var long = PasswordSession()
        _ = long.takeOutput()
        for _ in 0..<10 { long.send(String(repeating: "x", count: 1000)) }
        #expect(long.input.readableBytes == 0)
        #expect(long.exchange("\nquit\n").hasPrefix("500 "))
    }

    @Test("A session that is shut down while a password is being changed hears what became of it") func draining() {
        var session = PasswordSession()
        session.send("user jane\npass old word\n")
        session.answersCalls = false
        session.send("newpass better word\n")
        session.shutDown()
        #expect(!session.isClosed)
        _ = session.takeOutput()
        session.complete(.changed)
        #expect(session.takeOutput().hasPrefix("200 ") && session.isClosed)
    }
}
