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
    private let made = Mutex<[FlagsChanged.Step]>([])

    init(_ selection: Selection) { self.selection = selection }

    /// What a change did that is its own alone: of messages that others had changed since the session last looked, the flags are news. What an
    /// earlier one of this series changed is none of others'. [RFC9051-6.4.6]
    func own(_ changed: FlagsChanged) -> [OwnChange] {
        let made = self.made.withLock { made in
            defer { made += changed.steps }
            return made
        }
        let others = changed.found.filter { found in !made.contains { $0.modSeq == found.modSeq && $0.uids.contains(found.uid) } }
        let foreign = UIDSet(ascending: others.lazy.map(\.uid.rawValue))
        return changed.steps.map { OwnChange(modSeq: $0.modSeq, uids: $0.uids.subtracting(foreign)) }
    }
}

/// Outcomes of a series, answered together when the last one is here.
final class StoreOutcomes: Sendable {
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
        if let all { self.answer(.storedRun(all)) }
    }
}
