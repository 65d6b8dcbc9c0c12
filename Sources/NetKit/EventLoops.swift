package import NIOCore
internal import NIOPosix

/// The event loops of the process. Fewer loops than cores cost less CPU a message: the rest of the cores is for storage and TLS.
package struct EventLoops: Sendable {
    let group: MultiThreadedEventLoopGroup

    /// `count` nil chooses by the number of cores.
    package init(count: Int? = nil) {
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, count ?? Self.sensibleCount(cores: System.coreCount)))
    }

    package static func sensibleCount(cores: Int) -> Int { min(max(1, cores / 2), 8) }

    /// Each of them, for whoever watches that they still turn.
    package var all: [any EventLoop] { Array(self.group.makeIterator()) }

    package func next() -> any EventLoop { self.group.next() }

    /// Blocks; not from an event loop.
    package func shutDown() throws { try self.group.syncShutdownGracefully() }
}
