import CLinux
import Glibc

/// Something with a descriptor that a `Reactor` watches. One thread only.
class Source {
    let descriptor: CInt
    fileprivate(set) var closed = false
    /// The peer has sent its end: the next read must go on to it, no further event will come.
    fileprivate(set) var hungUp = false
    unowned let reactor: Reactor

    /// Registers edge-triggered for both directions, once: no further epoll_ctl is needed until the close.
    init(_ descriptor: CInt, _ reactor: Reactor) throws {
        self.descriptor = descriptor
        self.reactor = reactor
        try reactor.add(self)
    }

    /// Must read until the socket is empty (or the read comes back short).
    func readable() {}
    /// Called after each change to writable, also when a connect has finished or failed.
    func writable() {}

    /// Safe to call twice.
    final func close() {
        guard !self.closed else { return }
        self.closed = true
        self.reactor.remove(self)
        Glibc.close(self.descriptor)
    }
}

/// One epoll descriptor and the loop around it.
final class Reactor {
    private let epoll: CInt
    private var sources: [Source?] = []
    private(set) var open = 0
    /// Read buffer shared by all sources: nothing is kept in it between two calls.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)

    init() throws {
        self.epoll = epoll_create1(CInt(EPOLL_CLOEXEC))
        guard self.epoll >= 0 else { throw BenchError.system("epoll_create1") }
    }

    deinit {
        Glibc.close(self.epoll)
        self.scratch.deallocate()
    }

    fileprivate func add(_ source: Source) throws {
        let index = Int(source.descriptor)
        while self.sources.count <= index { self.sources.append(nil) }
        var event = epoll_event()
        event.events = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
        event.data.fd = source.descriptor
        guard epoll_ctl(self.epoll, EPOLL_CTL_ADD, source.descriptor, &event) == 0 else { throw BenchError.system("epoll_ctl") }
        self.sources[index] = source
        self.open += 1
    }

    fileprivate func remove(_ source: Source) {
        self.sources[Int(source.descriptor)] = nil
        self.open -= 1
    }

    /// Serves events until `done` says so (asked after each batch) or the deadline (monotonic nanoseconds) has passed.
    /// - Returns: false when the deadline ended it.
    func run(until deadline: Int64, _ done: () -> Bool) throws -> Bool {
        try withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 256) { events in
            while !done() {
                let left = deadline - monotonicNow()
                guard left > 0 else { return false }
                let count = epoll_wait(self.epoll, events.baseAddress, 256, CInt(clamping: left / 1_000_000 + 1))
                guard count >= 0 || errno == EINTR else { throw BenchError.system("epoll_wait") }
                for index in 0..<max(0, Int(count)) { self.dispatch(events[index]) }
            }
            return true
        }
    }

    private func dispatch(_ event: epoll_event) {
        let descriptor = Int(event.data.fd)
        let flags = event.events
        if flags & EPOLLOUT.rawValue != 0, let source = self.sources[descriptor] { source.writable() }
        let input = EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue | EPOLLRDHUP.rawValue
        guard flags & input != 0, let source = self.sources[descriptor] else { return }
        if flags & (input & ~EPOLLIN.rawValue) != 0 { source.hungUp = true }
        source.readable()
    }
}
