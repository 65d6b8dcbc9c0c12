import MessageStore
import PostOffice
import Testing
import Vocabulary

@Suite("What status says of the queue")
struct QueueStateTests {
    @Test("Everything that the server says is understood by the command, whatever is in it")
    func line() {
        var state = QueueState()
        #expect(QueueState(line: state.line) == state)
        state.summary.deferred = 12
        state.summary.oldest = 1_800_000_000
        state.summary.held = 3
        state.summary.heldForReason = 2
        state.resting = [.init(name: "via [a.test]:587", until: 5), .init(name: "b.test", until: 7)]
        state.faults = [.init(what: Localized(en: "what", ja: "何"), cure: Localized(en: "cure", ja: "対処"))]
        #expect(QueueState(line: state.line) == state)
    }

    @Test(
        "Lines of another version are not guessed at", arguments: ["", "x", "1\t\t2", "1\t\t0\t0\t5", "1\t\t0\t0\t-1", "1\t\t0\t0\t0\tx"])
    func other(_ line: String) { #expect(QueueState(line: line) == nil) }
}
