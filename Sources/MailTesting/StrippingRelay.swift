internal import Glibc
internal import Synchronization

/// Stands before a name server like a home router: passes questions on, and loses every signature on the way.
package final class StrippingRelay: Sendable {
    package let port: Int
    private let listener: CInt
    private let isStopped = Atomic<Bool>(false)
    /// Signatures get through.
    private let passesSignatures: Atomic<Bool>

    package init(to server: Int, passesSignatures: Bool = false) throws {
        self.passesSignatures = Atomic(passesSignatures)
        self.listener = socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        self.port = try Self.bound(self.listener)
        testThread { self.run(server) }
    }

    package func stop() { self.isStopped.store(true, ordering: .relaxed) }
    package func passSignatures() { self.passesSignatures.store(true, ordering: .relaxed) }

    private static func bound(_ descriptor: CInt) throws -> Int {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(descriptor, raw, length) == 0 && getsockname(descriptor, raw, &length) == 0
            }
        }
        guard isBound else { throw ChildProcess.Failure(description: "no UDP port") }
        var limit = timeval(tv_sec: 0, tv_usec: 100_000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return Int(UInt16(bigEndian: name.sin_port))
    }

    private func run(_ server: Int) {
        let upstream = socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer {
            close(upstream)
            close(self.listener)
        }
        guard (try? Self.bound(upstream)) != nil else { return }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !self.isStopped.load(ordering: .relaxed) {
            var peer = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let count = withUnsafeMutablePointer(to: &peer) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { recvfrom(self.listener, &buffer, buffer.count, 0, $0, &length) }
            }
            guard count > 12 else { continue }
            let query = self.passesSignatures.load(ordering: .relaxed) ? Array(buffer[..<count]) : Self.stripped(Array(buffer[..<count]))
            guard let answer = Self.ask(upstream, server, query) else { continue }
            _ = withUnsafePointer(to: &peer) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { sendto(self.listener, answer, answer.count, 0, $0, length) }
            }
        }
    }

    private static func ask(_ descriptor: CInt, _ server: Int, _ query: [UInt8]) -> [UInt8]? {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        name.sin_port = in_port_t(truncatingIfNeeded: server).bigEndian
        _ = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, query, query.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 12 else { return nil }
            // A late answer to another question is no answer to this one.
            if buffer[0] == query[0], buffer[1] == query[1] { return Array(buffer[..<count]) }
        }
    }

    /// The question without the wish for signatures: the last record is an OPT whose flags stand before its empty data. [RFC6891-6.1.3]
    private static func stripped(_ query: [UInt8]) -> [UInt8] {
        var query = query
        let hasOptions = query[10] != 0 || query[11] != 0
        if hasOptions, query.count > 23, query[query.count - 2] == 0, query[query.count - 1] == 0 { query[query.count - 4] &= 0x7F }
        return query
    }
}
