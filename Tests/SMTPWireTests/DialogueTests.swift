import Foundation
import MailTesting
import SMTPWire
import Testing
import Vocabulary

@Suite("Dialogues with the pure machine")
struct DialogueTests {
    static let dialogues: [Dialogue] = {
        guard let folder = Bundle.module.resourcePath else { return [] }
        return ((try? Dialogue.load(folder: folder + "/Dialogues")) ?? []).filter { !$0.options.contains("real") }
    }()

    @Test func thereAreDialogues() { #expect(Self.dialogues.count >= 5) }

    @Test("Every dialogue sounds the same however its bytes are cut", arguments: dialogues, Cutting.all)
    func sameInAnyCut(_ dialogue: Dialogue, _ cutting: Cutting) throws {
        var conversation = Conversation(
            submission: dialogue.options.contains("submission"), lmtp: dialogue.options.contains("lmtp"),
            urls: dialogue.options.contains("urls"), clearAuth: dialogue.options.contains("clear-auth"))
        try dialogue.play(on: &conversation.session, cutting)
    }
}
