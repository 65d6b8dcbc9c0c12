internal import IMAPWire
internal import NetKit
internal import Synchronization

/// Hands out the parts of an answer, of which the next one is made while the last one is on its way: one part ahead and no more, and only so many
/// in all sessions together. One worker at a time makes parts; who asks meanwhile gets the next one when it is made.
final class PartsAhead<Progress: Sendable>: Sendable {
    struct Made: Sendable {
        var outcome: IMAPOutcome
        var isLast: Bool
    }

    enum Asked {
        /// It was made before.
        case made(Made)
        /// Somebody is making it.
        case waits
        /// The caller is to make it.
        case make(Progress)
    }

    private struct State {
        /// How far the answer has come; with the worker that is making a part.
        var rest: Progress?
        var ahead: Made?
        var waiting: SessionAnswer<IMAPOutcome>?
    }

    private let state: Mutex<State>

    init(_ progress: Progress) { self.state = Mutex(State(rest: progress)) }

    deinit { if self.state.withLock({ $0.ahead != nil }) { PartsAheadCount.change(by: -1) } }

    /// - Parameter answer: waits until a part is made, where somebody is making one.
    func ask(_ answer: SessionAnswer<IMAPOutcome>) -> Asked {
        self.state.withLock { state in
            if let made = state.ahead {
                state.ahead = nil
                PartsAheadCount.change(by: -1)
                return .made(made)
            }
            if let rest = state.rest {
                state.rest = nil
                return .make(rest)
            }
            state.waiting = answer
            return .waits
        }
    }

    /// The right to make a part that nobody has asked for yet.
    func claim() -> Progress? {
        self.state.withLock { state in
            guard state.ahead == nil, PartsAheadCount.hasRoom else { return nil }
            defer { state.rest = nil }
            return state.rest
        }
    }

    /// No more is made for now.
    func putBack(_ rest: Progress) { self.state.withLock { $0.rest = rest } }

    /// The same, unless somebody has asked meanwhile: his answer, and the right to go on making it.
    func putBackUnlessAsked(_ rest: Progress) -> SessionAnswer<IMAPOutcome>? {
        self.state.withLock { state in
            defer { state.waiting = nil }
            if state.waiting == nil { state.rest = rest }
            return state.waiting
        }
    }

    /// A part for whoever has asked meanwhile; kept where nobody has.
    func keepUnlessAsked(_ made: Made, _ rest: Progress?) -> SessionAnswer<IMAPOutcome>? {
        self.state.withLock { state in
            defer { state.waiting = nil }
            if state.waiting == nil {
                (state.ahead, state.rest) = (made, rest)
                PartsAheadCount.change(by: 1)
            }
            return state.waiting
        }
    }
}

/// Parts that lie ready in all sessions.
enum PartsAheadCount {
    private static let count = Atomic<Int>(0)
    /// At 240 KiB each, as those of fast clients are, 30 MiB.
    private static let most = 128

    static var hasRoom: Bool { self.count.load(ordering: .relaxed) < self.most }
    static func change(by number: Int) { self.count.add(number, ordering: .relaxed) }
}
