internal import Glibc
internal import Synchronization

/// An HTTPS server on loopback that answers every request as the test says, byte for byte.
package final class WebServer: Sendable {
    private struct State {
        var answer: @Sendable (String) -> String
        var requests: [String] = []
        var certificate: TestCertificate
    }
    package let port: Int
    private let listener: CInt
    private let state: Mutex<State>

    /// `answer` gets the request, head and body.
    package init(_ certificate: TestCertificate, answer: @escaping @Sendable (String) -> String) {
        self.state = Mutex(State(answer: answer, certificate: certificate))
        self.listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = self.listener
        withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                guard bind(listener, raw, length) == 0, listen(listener, 50) == 0, getsockname(listener, raw, &length) == 0 else {
                    // SAFETY: test kit; a test without its server would prove nothing.
                    fatalError("no TCP port")
                }
            }
        }
        self.port = Int(UInt16(bigEndian: name.sin_port))
        testThread { self.run() }
    }

    package func stop() { shutdown(self.listener, CInt(SHUT_RDWR)) }
    package func set(_ answer: @escaping @Sendable (String) -> String) { self.state.withLock { $0.answer = answer } }
    package func setCertificate(_ certificate: TestCertificate) { self.state.withLock { $0.certificate = certificate } }
    package var requests: [String] { self.state.withLock { $0.requests } }

    /// A whole answer with status 200.
    package static func document(_ text: String, kind: String = "text/plain") -> String {
        "HTTP/1.1 200 OK\r\nContent-Type: \(kind)\r\nContent-Length: \(text.utf8.count)\r\nConnection: close\r\n\r\n\(text)"
    }

    private func run() {
        while true {
            let descriptor = accept(self.listener, nil, nil)
            guard descriptor >= 0 else { break }
            testThread {
                var limit = timeval(tv_sec: 60, tv_usec: 0)
                setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
                try? self.serve(descriptor)
                close(descriptor)
            }
        }
        close(self.listener)
    }

    private func serve(_ descriptor: CInt) throws {
        let tls = try TLSServerEngine(self.state.withLock { $0.certificate })
        var request: [UInt8] = []
        while !Self.isWhole(request) {
            var piece = [UInt8](repeating: 0, count: 64 << 10)
            let count = recv(descriptor, &piece, piece.count, 0)
            guard count > 0 else { return }
            let (plain, answer) = try tls.decrypt(Array(piece.prefix(count)))
            Self.send(descriptor, answer)
            request += plain
        }
        let text = String(decoding: request, as: UTF8.self)
        let answer = self.state.withLock { state in
            state.requests.append(text)
            return state.answer(text)
        }
        Self.send(descriptor, try tls.encrypt(Array(answer.utf8)))
    }

    private static func isWhole(_ request: [UInt8]) -> Bool {
        let text = String(decoding: request, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n") else { return false }
        let length =
            text[..<end.lowerBound].split(separator: "\r\n").lazy.compactMap { line -> Int? in
                line.lowercased().hasPrefix("content-length:") ? Int(line.dropFirst(15).filter { $0 != " " }) : nil
            }.first ?? 0
        guard let head = request.indices.first(where: { request[$0...].starts(with: [13, 10, 13, 10]) }) else { return false }
        return request.count >= head + 4 + length
    }

    private static func send(_ descriptor: CInt, _ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
