import NIOCore
import NetKit
import Synchronization
import Vocabulary

/// Answers the calls of `EchoMachine` at once, when told, or from another thread.
final class EchoBackend: SessionBackend, Sendable {
    typealias Machine = EchoMachine
    enum Manner: Sendable { case atOnce, whenTold, fromThread }

    private struct State {
        var calls: [EchoMachine.Call] = []
        var waiting: [(EchoMachine.Outcome, SessionAnswer<EchoMachine.Outcome>)] = []
        var ended = 0
    }
    private let manner: Manner
    private let state = Mutex(State())
    private let worker: (any EventLoop)?

    init(_ manner: Manner = .atOnce, worker: (any EventLoop)? = nil) {
        self.manner = manner
        self.worker = worker
    }

    func perform(_ call: EchoMachine.Call, _ answer: SessionAnswer<EchoMachine.Outcome>) {
        let outcome: EchoMachine.Outcome =
            switch call {
            case .wait(let text): .waited(text)
            case .chunk(let left): .chunk(left - 1, more: left > 1)
            }
        self.state.withLock { state in
            state.calls.append(call)
            if self.manner == .whenTold { state.waiting.append((outcome, answer)) }
        }
        switch self.manner {
        case .atOnce: answer(outcome)
        case .whenTold: break
        case .fromThread: self.worker?.execute { answer(outcome) }
        }
    }

    func ended() { self.state.withLock { $0.ended += 1 } }

    /// Gives the oldest waiting answer.
    func tell() {
        let next = self.state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
        if let (outcome, answer) = next { answer(outcome) }
    }

    /// The oldest waiting answer, to be misused.
    var waitingAnswer: SessionAnswer<EchoMachine.Outcome>? { self.state.withLock { $0.waiting.first?.1 } }
    var calls: [EchoMachine.Call] { self.state.withLock { $0.calls } }
    var endings: Int { self.state.withLock { $0.ended } }
}
