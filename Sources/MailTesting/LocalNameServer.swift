internal import Glibc
internal import Synchronization

/// A name server on a UDP port of loopback that answers what the test tells it, rightly or not. One thread, ended by `stop`.
package final class LocalNameServer: Sendable {
    /// How a question is answered.
    package enum Behaviour: Sendable {
        /// Record data of the asked type.
        case records([[UInt8]])
        case noName, noRecords, fail, silent
        /// These bytes instead of an answer, made from the question's.
        case raw(@Sendable ([UInt8]) -> [UInt8])
    }
    private struct Question: Hashable {
        var name: String
        var type: UInt16
    }
    private struct State {
        var answers: [Question: Behaviour] = [:]
        var asked: [String] = []
    }

    package let port: Int
    private let descriptor: CInt
    private let state = Mutex(State())
    private let isStopped = Atomic<Bool>(false)

    package init() {
        self.descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                // SAFETY: test kit; a test without its name server would prove nothing.
                guard bind(descriptor, raw, length) == 0, getsockname(descriptor, raw, &length) == 0 else { fatalError("no UDP port") }
            }
        }
        self.port = Int(UInt16(bigEndian: name.sin_port))
        var limit = timeval(tv_sec: 0, tv_usec: 100_000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        testThread { self.run() }
    }

    package func stop() { self.isStopped.store(true, ordering: .relaxed) }

    package func set(_ name: String, type: UInt16, _ behaviour: Behaviour) {
        self.state.withLock { $0.answers[Question(name: name, type: type)] = behaviour }
    }

    package var asked: [String] { self.state.withLock { $0.asked } }

    /// A name as record data.
    package static func wire(_ name: String) -> [UInt8] {
        name.split(separator: ".").flatMap { [UInt8(truncatingIfNeeded: $0.utf8.count)] + Array($0.utf8) } + [0]
    }

    private func run() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !self.isStopped.load(ordering: .relaxed) {
            var peer = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let count = withUnsafeMutablePointer(to: &peer) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(self.descriptor, &buffer, buffer.count, 0, $0, &length)
                }
            }
            guard count > 12, let answer = self.answer(Array(buffer[..<count])) else { continue }
            _ = withUnsafePointer(to: &peer) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { sendto(self.descriptor, answer, answer.count, 0, $0, length) }
            }
        }
        close(self.descriptor)
    }

    private func answer(_ query: [UInt8]) -> [UInt8]? {
        var labels: [String] = []
        var position = 12
        while position < query.count, query[position] > 0 {
            let end = position + 1 + Int(query[position])
            guard end < query.count else { return nil }
            labels.append(String(decoding: query[position + 1..<end], as: UTF8.self).lowercased())
            position = end
        }
        guard position + 5 <= query.count else { return nil }
        let name = labels.joined(separator: ".")
        let type = UInt16(query[position + 1]) << 8 | UInt16(query[position + 2])
        let behaviour = self.state.withLock { state in
            state.asked.append(name)
            return state.answers[Question(name: name, type: type)] ?? .noName
        }
        if case .raw(let make) = behaviour { return make(query) }
        let question = Array(query[12..<position + 5])
        var records: [[UInt8]] = []
        var code: UInt8 = 0
        switch behaviour {
        case .records(let data): records = data
        case .noName: code = 3
        case .noRecords: break
        case .fail: code = 2
        case .silent, .raw: return nil
        }
        // Answer, recursion asked for and available.
        var out = [query[0], query[1], 0x81, 0x80 | code, 0, 1, 0, UInt8(truncatingIfNeeded: records.count), 0, 0, 0, 0] + question
        for data in records {
            out += [0xC0, 12, UInt8(type >> 8), UInt8(type & 0xFF), 0, 1, 0, 0, 0, 60]
            out += [UInt8(truncatingIfNeeded: data.count >> 8), UInt8(truncatingIfNeeded: data.count)] + data
        }
        return out
    }
}

/// A thread that runs `body` to its end.
package func testThread(_ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(ThreadBody(body))
    var thread = pthread_t()
    // Detached from the beginning: glibc's pthread_detach may look at a thread that has ended meanwhile and is no more.
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    defer { pthread_attr_destroy(&attributes) }
    let failed = pthread_create(
        &thread, &attributes,
        { raw in
            guard let raw else { return nil }
            Unmanaged<ThreadBody>.fromOpaque(raw).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
    // SAFETY: test kit; without the thread the test would wait for nothing.
    if failed != 0 { fatalError("no thread") }
}

private final class ThreadBody: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
