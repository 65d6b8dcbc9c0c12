import CTLSPeer
import Glibc

/// Connections that have read the greeting and then say nothing, for measuring what they cost the server.
package final class IdleLoad {
    private var plain: [CInt] = []
    private var secured: [OpaquePointer] = []

    package init() {}

    package var count: Int { self.plain.count }

    /// Opens connections one after the other (so that no listen backlog is the limit) from `sources` client addresses.
    /// - Parameter tls: TLS from the first byte.
    package func open(_ count: Int, to server: Endpoint, tls: Bool, sources: Int?) throws {
        for number in 0..<count {
            let descriptor = try Socket.connect(to: server, source: sources.map { number % $0 }, blocking: true)
            self.plain.append(descriptor)
            var limit = timeval(tv_sec: 10, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            if tls {
                guard let peer = tls_peer_open(descriptor) else { throw BenchError("TLS connection \(number) failed") }
                self.secured.append(peer)
            } else {
                try Self.readLine(descriptor, number)
            }
        }
    }

    private static func readLine(_ descriptor: CInt, _ number: Int) throws {
        var line = [UInt8](repeating: 0, count: 512)
        let got = recv(descriptor, &line, line.count, 0)
        guard got > 0 else {
            throw BenchError("connection \(number) got no greeting: \(got == 0 ? "closed" : String(cString: strerror(errno)))")
        }
        guard line[0] == UInt8(ascii: "2") || line[0] == UInt8(ascii: "+") else {
            throw BenchError("connection \(number) refused: \(String(decoding: line[..<got], as: UTF8.self))")
        }
    }

    package func close() {
        for peer in self.secured { tls_peer_close(peer) }
        for descriptor in self.plain { Glibc.close(descriptor) }
        self.secured = []
        self.plain = []
    }
}
