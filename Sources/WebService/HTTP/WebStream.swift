internal import Database
internal import Synchronization

/// A body that is made while it is read: by a thread that may block, and no faster than the client takes it. What makes it goes on when nobody
/// reads any more; its words are thrown away then.
package final class WebStream: Sendable {
    /// The client took nothing for too long, or went away.
    package struct Abandoned: Error {}

    private struct State {
        var waiting: [UInt8] = []
        var isDone = false
        var isAbandoned = false
        var reader: CheckedContinuation<[UInt8], any Error>?
    }

    private let state = Monitor(State())
    private let work: Work
    private let patience: Int
    /// Bytes that wait for the client; a piece beyond them waits itself.
    private static let most = 256 << 10
    /// Nothing to read means no more than that somebody is at work: a line end, which says nothing in lines of JSON.
    private static let sign: [UInt8] = [0x0A]

    /// Makes the body and hands out each piece.
    package typealias Work = @Sendable (_ piece: @escaping @Sendable ([UInt8]) -> Void) -> Void

    /// - Parameter patience: milliseconds for which a client may take nothing.
    package init(patience: Int = 60_000, _ work: @escaping Work) {
        self.patience = patience
        self.work = work
    }

    /// All of it at once, in memory: for tests.
    package func whole() -> [UInt8] {
        let all = Mutex<[UInt8]>([])
        self.work { piece in all.withLock { $0 += piece } }
        return all.withLock { $0 }
    }

    /// Makes the body. Blocks.
    package func run() {
        self.work { self.write($0) }
        let reader = self.state.withLock { state in
            state.isDone = true
            return state.waiting.isEmpty ? state.reader.take() : nil
        }
        reader?.resume(returning: [])
    }

    /// Waits while as much as may wait does.
    private func write(_ piece: [UInt8]) {
        guard !piece.isEmpty else { return }
        let next: (reader: CheckedContinuation<[UInt8], any Error>, bytes: [UInt8])? = self.state.wait(
            milliseconds: self.patience, until: { $0.isAbandoned || $0.waiting.count < Self.most }
        ) { state in
            guard !state.isAbandoned else { return nil }
            guard state.waiting.count < Self.most else {
                state.isAbandoned = true
                state.waiting = []
                return nil
            }
            state.waiting += piece
            guard let reader = state.reader.take() else { return nil }
            defer { state.waiting = [] }
            return (reader, state.waiting)
        }
        if let next { next.reader.resume(returning: next.bytes) }
    }

    // MARK: The connection's side

    /// What there is, as soon as there is something; empty at the end. One caller.
    package func next() async throws -> [UInt8] {
        let bytes: [UInt8] = try await withCheckedThrowingContinuation { reader in
            let now: Result<[UInt8], any Error>? = self.state.withLock { state in
                if state.isAbandoned { return .failure(Abandoned()) }
                if state.waiting.isEmpty, !state.isDone {
                    state.reader = reader
                    return nil
                }
                defer { state.waiting = [] }
                return .success(state.waiting)
            }
            if let now { reader.resume(with: now) }
        }
        self.state.broadcast()
        return bytes
    }

    /// While nothing is said the client still hears that somebody is at work.
    package func tick() {
        self.state.withLock { $0.reader.take() }?.resume(returning: Self.sign)
    }

    /// The connection is gone.
    package func abandon() {
        let reader = self.state.withLock { state in
            state.isAbandoned = true
            state.waiting = []
            return state.reader.take()
        }
        reader?.resume(throwing: Abandoned())
        self.state.broadcast()
    }
}
