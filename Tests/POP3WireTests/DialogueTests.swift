import Foundation
import MailTesting
import POP3Wire
import SASL
import Testing

/// Options: `plaintext=no`, `certificate=no`, `language=ja`, `delay=N`, `retention=N`, `refusal=NAME`, `maildrop=NAME`, `update=fails`,
/// `piece=N`, `empty=yes`.
@Suite struct DialogueTests {
    static let dialogues: [Dialogue] = {
        guard let folder = Bundle.module.resourcePath else { return [] }
        return (try? Dialogue.load(folder: folder + "/Dialogues")) ?? []
    }()

    @Test func thereAreDialogues() { #expect(Self.dialogues.count >= 20) }

    @Test("Every POP3 dialogue sounds the same however its bytes are cut", arguments: dialogues, Cutting.all)
    func sameInAnyCut(_ dialogue: Dialogue, _ cutting: Cutting) throws {
        var session = dialogue.session()
        try dialogue.play(on: &session, cutting)
    }

    @Test("Every POP3 dialogue that stays on one connection sounds the same when the client waits for nothing", arguments: dialogues)
    func sameWhenPipelined(_ dialogue: Dialogue) throws {
        guard !dialogue.steps.contains(.startTLS) else { return }
        var lockstep = dialogue.session()
        var pipelined = dialogue.session()
        let lines = dialogue.steps.compactMap { step in if case .send(let bytes) = step { bytes } else { nil } }
        for line in lines { lockstep.send(line) }
        pipelined.send(Array(lines.joined()))
        #expect(pipelined.takeOutput() == lockstep.takeOutput())
    }
}

extension Dialogue {
    static let messages = [
        FakeOffice.Message(uid: 3, bytes: Array("Subject: one\r\n\r\nHello\r\n".utf8)),
        FakeOffice.Message(uid: 7, bytes: Array("Subject: dots\r\n\r\n.\r\n..two\r\n.three\r\nend\r\n".utf8)),
        FakeOffice.Message(uid: 9, bytes: Array("Subject: 日本\r\n\r\n本文\r\n".utf8)),
    ]

    private func option(_ name: String) -> String? {
        self.options.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
    }

    fileprivate func session() -> POP3Session {
        let office = FakeOffice()
        office.messages = self.option("empty") == nil ? Self.messages : []
        office.refusal = self.option("refusal").flatMap { AuthRefusal(rawValue: $0) }
        office.updateFails = self.option("update") != nil
        office.pieceSize = self.option("piece").flatMap { Int($0) } ?? office.pieceSize
        switch self.option("maildrop") {
        case "in-use": office.noMaildrop = .inUse
        case "too-soon": office.noMaildrop = .tooSoon
        case "unavailable": office.noMaildrop = .unavailable
        default: break
        }
        return POP3Session(office) { settings in
            settings.allowsPlaintextLogin = self.option("plaintext") != "no"
            settings.offersTLS = self.option("certificate") != "no"
            settings.language = self.option("language") == "ja" ? .japanese : .english
            settings.loginDelay = self.option("delay").flatMap { Int($0) } ?? 0
            settings.retentionDays = self.option("retention").flatMap { Int($0) }
        }
    }
}
