import Glibc
import Synchronization

/// An `SMTPSink` on a thread of its own.
package final class SinkThread: Sendable {
    package let port: UInt16
    private let shared: Shared
    private let thread: pthread_t

    private final class Shared: Sendable {
        let going = Atomic<Bool>(true)
        let port = Atomic<Int>(0)
    }

    package init() throws {
        let shared = Shared()
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(shared)
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let shared = Unmanaged<Shared>.fromOpaque(argument).takeRetainedValue()
                guard let sink = try? SMTPSink() else {
                    shared.port.store(-1, ordering: .releasing)
                    return nil
                }
                shared.port.store(Int(sink.port), ordering: .releasing)
                try? sink.run { shared.going.load(ordering: .relaxed) }
                return nil
            }, argument.toOpaque())
        guard code == 0 else {
            argument.release()
            throw BenchError.system("pthread_create", code)
        }
        while shared.port.load(ordering: .acquiring) == 0 { usleep(1000) }
        guard let port = UInt16(exactly: shared.port.load(ordering: .acquiring)) else { throw BenchError("the sink cannot listen") }
        self.port = port
        self.shared = shared
        self.thread = thread
    }

    package func stop() {
        self.shared.going.store(false, ordering: .relaxed)
        pthread_join(self.thread, nil)
    }
}
