import Foundation
import IMAPWire
import MailTesting
import SASL
import Testing
import Vocabulary

/// Options: `plaintext=no`, `certificate=no`, `language=ja`, `messages=N`, `refusal=NAME`, `piece=N`, `tls=yes`.
@Suite struct DialogueTests {
    static let dialogues: [Dialogue] = {
        guard let folder = Bundle.module.resourcePath else { return [] }
        return (try? Dialogue.load(folder: folder + "/Dialogues")) ?? []
    }()

    @Test func thereAreDialogues() { #expect(Self.dialogues.count >= 20) }

    @Test("Every IMAP dialogue sounds the same however its bytes are cut", arguments: dialogues, Cutting.all)
    func sameInAnyCut(_ dialogue: Dialogue, _ cutting: Cutting) throws {
        var client = dialogue.client()
        try dialogue.play(on: &client.session, cutting)
    }

    @Test("Every IMAP dialogue that stays on one connection sounds the same when the client waits for nothing", arguments: dialogues)
    func sameWhenPipelined(_ dialogue: Dialogue) throws {
        guard !dialogue.steps.contains(.startTLS), !dialogue.options.contains("pipelined=no") else { return }
        var lockstep = dialogue.client()
        var pipelined = dialogue.client()
        let lines = dialogue.steps.compactMap { step in if case .send(let bytes) = step { bytes } else { nil } }
        for line in lines { lockstep.session.send(line) }
        pipelined.session.send(Array(lines.joined()))
        #expect(pipelined.session.takeOutput() == lockstep.session.takeOutput())
    }
}

extension Dialogue {
    private func option(_ name: String) -> String? {
        self.options.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
    }

    /// With its greeting unread.
    fileprivate func client() -> Client {
        let office = FakeOffice()
        office.refusal = self.option("refusal").flatMap { AuthRefusal(rawValue: $0) }
        office.pieceSize = self.option("piece").flatMap { Int($0) } ?? office.pieceSize
        for number in 0..<(self.option("messages").flatMap { Int($0) } ?? 0) {
            office.inbox.add("Subject: m\(number + 1)\r\n\r\nbody \(number + 1)\r\n", date: 1_000_000_000 + Int64(number))
        }
        var client = Client(office) { settings in
            settings.allowsPlaintextLogin = self.option("plaintext") != "no"
            settings.offersTLS = self.option("certificate") != "no"
            settings.language = self.option("language") == "ja" ? .japanese : .english
            settings.limits.messageSize = 1000
            settings.product = ("Post.Office", "1.0")
        }
        if self.option("login") != "no" { _ = client.command("LOGIN alice wonderland") }
        if self.option("messages") != nil { _ = client.command("SELECT INBOX") }
        return client
    }
}
