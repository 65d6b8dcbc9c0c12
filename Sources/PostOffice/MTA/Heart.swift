import Glibc
import NIOCore
import Synchronization

/// The heartbeat: goes on while every event loop does its work. A slow disk is no reason to die, so the store is not asked.
final class Heart: Sendable {
    private static let interval: UInt32 = 250_000

    private struct Loops {
        var loops: [any EventLoop] = []
        /// Loops that have not answered the last question.
        var silent: Set<Int> = []
    }

    private let memory: SharedMemory
    private let state = Mutex(Loops())

    init(_ memory: SharedMemory) {
        self.memory = memory
        memory.beatNow()
        POSIXThread.run("heart") { self.beatForever() }
    }

    func watch(_ loops: [any EventLoop]) { self.state.withLock { $0.loops = loops } }

    private func beatForever() {
        while true {
            usleep(Self.interval)
            let asked: [(Int, any EventLoop)]? = self.state.withLock { state in
                guard state.silent.isEmpty else { return nil }
                state.silent = Set(state.loops.indices)
                return Array(zip(state.loops.indices, state.loops))
            }
            guard let asked else { continue }
            self.memory.beatNow()
            for (index, loop) in asked {
                loop.execute { self.state.withLock { _ = $0.silent.remove(index) } }
            }
        }
    }
}
