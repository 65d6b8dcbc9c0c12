import CLinux
import Glibc
import LoadKit
import Synchronization

/// Counts the files that appear in directories (the `new` of maildirs), with the time of the latest, on a thread of its own.
final class ArrivalWatch: Sendable {
    private let state: State
    private let thread: pthread_t

    private final class State: Sendable {
        let descriptor: CInt
        let count = Atomic<Int>(0)
        let latest = Atomic<Int64>(0)
        let going = Atomic<Bool>(true)
        init(_ descriptor: CInt) { self.descriptor = descriptor }
    }

    init(_ directories: [String]) throws {
        let descriptor = inotify_init1(O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw BenchError.system("inotify_init1") }
        for directory in directories {
            guard inotify_add_watch(descriptor, directory, UInt32(IN_CREATE | IN_MOVED_TO)) >= 0 else {
                throw BenchError.system("inotify_add_watch \(directory)")
            }
        }
        let state = State(descriptor)
        let argument = Unmanaged.passRetained(state)
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, Self.threadBody, argument.toOpaque())
        guard code == 0 else {
            argument.release()
            throw BenchError.system("pthread_create", code)
        }
        self.state = state
        self.thread = thread
    }

    var count: Int { self.state.count.load(ordering: .acquiring) }
    /// Monotonic nanoseconds of the latest arrival.
    var latest: Int64 { self.state.latest.load(ordering: .acquiring) }

    func stop() {
        self.state.going.store(false, ordering: .relaxed)
        pthread_join(self.thread, nil)
        close(self.state.descriptor)
    }

    private static let threadBody: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        guard let argument else { return nil }
        let state = Unmanaged<State>.fromOpaque(argument).takeRetainedValue()
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        while state.going.load(ordering: .relaxed) {
            var waiting = pollfd(fd: state.descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, 50) > 0 else { continue }
            let length = read(state.descriptor, &buffer, buffer.count)
            guard length > 0 else { continue }
            var offset = 0
            var events = 0
            while offset + MemoryLayout<inotify_event>.size <= length {
                let nameLength = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self) }
                offset += MemoryLayout<inotify_event>.size + Int(nameLength)
                events += 1
            }
            state.latest.store(monotonicNow(), ordering: .releasing)
            state.count.add(events, ordering: .releasing)
        }
        return nil
    }
}
