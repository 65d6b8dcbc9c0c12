internal import Glibc
internal import NetKit
internal import Synchronization
internal import Vocabulary

/// Ports for the instances of one test program. What `setup --quick` finds free by itself may be found by two that are set up at the same
/// moment, and the second of them does not start.
package final class PortBases: Sendable {
    /// Of this test program: nobody is given a port that another part of it was given a moment ago.
    package static let shared = PortBases()

    /// More than an instance has.
    private static let step = 20
    private let range: Range<Int>
    /// Where another test program on this computer begins is another place.
    private let turn: Mutex<Int>

    /// - Parameter range: below what the kernel gives to outgoing connections.
    package init(in range: Range<Int> = 20_000..<32_000) {
        self.range = range
        self.turn = Mutex(Int.random(in: 0..<max(1, range.count / Self.step)))
    }

    /// nil when nothing is free: the setup then says so.
    package func next() -> Int? {
        let count = max(1, self.range.count / Self.step)
        for _ in 0..<count {
            let turn = self.turn.withLock { turn in
                turn = (turn + 1) % count
                return turn
            }
            let base = self.range.lowerBound + turn * Self.step
            if (base..<(base + Self.step)).allSatisfy(Self.isFree) { return base }
        }
        return nil
    }

    private static func isFree(_ port: Int) -> Bool {
        guard let listener = try? BoundListener.bind(IPAddress(bytes: [127, 0, 0, 1]), port: port, backlog: 1) else { return false }
        close(listener.descriptor)
        return true
    }
}
