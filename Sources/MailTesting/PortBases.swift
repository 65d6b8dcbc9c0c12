internal import Glibc
internal import NetKit
internal import Synchronization
internal import Vocabulary

/// Ports for the instances of one test program. What `setup --quick` finds free by itself may be found by two that are set up at the same
/// moment, and the second of them does not start.
final class PortBases: Sendable {
    /// Below what the kernel gives to outgoing connections.
    private static let range = 20_000..<32_000
    /// More than an instance has.
    private static let step = 20
    fileprivate static var count: Int { self.range.count / self.step }
    /// Where another test program on this computer begins is another place.
    private let turn = Mutex(Int.random(in: 0..<PortBases.count))

    /// nil when nothing is free: the setup then says so.
    func next() -> Int? {
        for _ in 0..<Self.count {
            let turn = self.turn.withLock { turn in
                turn = (turn + 1) % Self.count
                return turn
            }
            let base = Self.range.lowerBound + turn * Self.step
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
