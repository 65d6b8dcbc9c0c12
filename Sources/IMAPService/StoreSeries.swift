internal import IMAPWire
internal import MessageStore
internal import NetKit
internal import Synchronization
internal import Vocabulary

/// STOREs of one session that are under way together, or one of them.
final class StoreSeries: Sendable {
    /// Messages of one that the store changes in one transaction, whatever else it does.
    static let mostAtOnce = 10_000

    let selection: Selection
    /// Up to where the session knows the mailbox, with what this series did: nobody else's change lies before it. nil once one does.
    private let reached: Mutex<ModSeq?>

    /// - Parameter known: up to where the session knew the mailbox when it asked.
    init(_ selection: Selection, known: ModSeq?) {
        self.selection = selection
        self.reached = Mutex(known)
    }

    /// What a change did that need not be told again, because its answer tells it or the client did not want to hear of it. Nothing where
    /// anybody else has changed anything since the session last looked: then all is told as news, for of a message that both changed only one
    /// change is to be seen. [RFC9051-6.4.6]
    func own(_ changed: FlagsChanged) -> (before: ModSeq, changes: [OwnChange])? {
        self.reached.withLock { reached in
            guard let before = changed.before, before == reached else {
                reached = nil
                return nil
            }
            reached = changed.modSeq
            return (before, changed.steps.map { OwnChange(modSeq: $0.modSeq, uids: $0.uids) })
        }
    }
}

/// Outcomes of commands that came together, answered together when the last one is here.
final class RunOutcomes: Sendable {
    private struct State {
        var outcomes: [IMAPOutcome?]
        var left: Int
    }

    private let state: Mutex<State>
    private let answer: SessionAnswer<IMAPOutcome>

    init(_ count: Int, _ answer: SessionAnswer<IMAPOutcome>) {
        self.state = Mutex(State(outcomes: Array(repeating: nil, count: count), left: count))
        self.answer = answer
    }

    func set(_ index: Int, _ outcome: IMAPOutcome) {
        let all = self.state.withLock { state -> [IMAPOutcome]? in
            state.outcomes[index] = outcome
            state.left -= 1
            return state.left == 0 ? state.outcomes.compactMap { $0 } : nil
        }
        if let all { self.answer(.ran(all)) }
    }
}
