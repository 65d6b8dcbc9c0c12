internal import Glibc
internal import NIOCore
internal import NIOEmbedded
internal import NIOSSL
internal import NIOTLS
internal import NetKit

/// A client that blocks: connect, send, read lines, speak TLS. Every wait is bounded. Used on one thread.
package final class TestClient {
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case connect(CInt), closed, timedOut, endless, reset(CInt), tls(String)

        package var description: String {
            switch self {
            case .connect(let code): "cannot connect: \(String(cString: strerror(code)))"
            case .closed: "the peer has closed"
            case .timedOut: "nothing came in time"
            case .endless: "the peer goes on without end"
            case .reset(let code): "connection broke: \(String(cString: strerror(code)))"
            case .tls(let text): "TLS: \(text)"
            }
        }
    }

    /// Bytes in one piece after which a test gives up on a peer that never ends.
    private static let most = 1 << 29
    private let descriptor: CInt
    private var received: [UInt8] = []
    private var taken = 0
    private var isAtEnd = false
    private var hasFinished = false
    private var tls: TLSEngine?
    private var deflate: (out: Deflater, in: Inflater)?

    /// Connects to a port of this host. `timeout` in seconds holds for each wait. `receiveBuffer` in bytes makes a slow reader fill sooner.
    package init(port: Int, address: String = "127.0.0.1", timeout: Int = 20, receiveBuffer: Int? = nil) throws {
        let isIPv6 = address.utf8.contains(UInt8(ascii: ":"))
        self.descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard self.descriptor >= 0 else { throw Failure.connect(errno) }
        var limit = timeval(tv_sec: timeout, tv_usec: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(self.descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        if let receiveBuffer {
            var size = CInt(receiveBuffer)
            setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
        }
        let target = try SocketAddress(ipAddress: address, port: port)
        let result = target.withSockAddr { connect(self.descriptor, $0, socklen_t($1)) }
        guard result == 0 else {
            // `deinit` closes it, also now: a second time it could be a descriptor of somebody else's, such as a database's.
            throw Failure.connect(errno)
        }
    }

    deinit { close(self.descriptor) }

    // MARK: Sending

    package func send(_ text: String) throws { try self.send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) throws {
        var bytes = bytes
        if let deflate = self.deflate { bytes = Array(try deflate.out.deflate(ByteBuffer(bytes: bytes)).readableBytesView) }
        if let tls = self.tls { try self.write(tls.encrypt(bytes)) } else { try self.write(bytes) }
    }

    package func sendLine(_ line: String) throws { try self.send(line + "\r\n") }

    /// Shuts our side; what the peer still says can be read.
    package func finishSending() {
        self.hasFinished = true
        shutdown(self.descriptor, CInt(SHUT_WR))
    }

    /// Lets go of everything but the open connection; the caller closes the descriptor. For counting what a connection costs the server.
    package func leaveOpen() -> CInt { dup(self.descriptor) }

    /// Closes with a reset, as a peer that crashes does.
    package func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        shutdown(self.descriptor, CInt(SHUT_RDWR))
    }

    private func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(self.descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            if count < 0 {
                if errno == EINTR { continue }
                throw errno == EAGAIN ? Failure.timedOut : Failure.reset(errno)
            }
            rest = rest.dropFirst(count)
        }
    }

    // MARK: Reading

    /// The next line without its CRLF.
    package func readLine() throws -> String {
        var scanned = 0
        while true {
            if let end = self.received[(self.taken + scanned)...].firstIndex(of: UInt8(ascii: "\n")) {
                var line = self.received[self.taken..<end]
                if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
                self.taken = end + 1
                return String(decoding: line, as: UTF8.self)
            }
            scanned = self.received.count - self.taken
            guard scanned < Self.most else { throw Failure.endless }
            try self.fill()
        }
    }

    /// All lines of one SMTP reply: up to the first whose code is not followed by a hyphen.
    package func readReply() throws -> [String] {
        var lines: [String] = []
        repeat {
            guard lines.count < 10_000 else { throw Failure.endless }
            lines.append(try self.readLine())
        } while lines.last?.utf8.dropFirst(3).first == UInt8(ascii: "-")
        return lines
    }

    /// Sends a line and reads an SMTP reply.
    @discardableResult
    package func command(_ line: String) throws -> [String] {
        try self.sendLine(line)
        return try self.readReply()
    }

    /// Exactly so many bytes.
    package func read(_ count: Int) throws -> [UInt8] {
        while self.received.count - self.taken < count { try self.fill() }
        defer { self.taken += count }
        return Array(self.received[self.taken..<self.taken + count])
    }

    /// Everything until the peer closes.
    package func readToEnd() throws -> String {
        do {
            while self.received.count - self.taken < Self.most { try self.fill() }
            throw Failure.endless
        } catch Failure.closed {}
        defer { self.taken = self.received.count }
        return String(decoding: self.received[self.taken...], as: UTF8.self)
    }

    private func fill() throws {
        if self.isAtEnd { throw Failure.closed }
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(self.descriptor, &chunk, chunk.count, 0)
            if count < 0 {
                if errno == EINTR { continue }
                throw errno == EAGAIN ? Failure.timedOut : Failure.reset(errno)
            }
            if count == 0 {
                self.isAtEnd = true
                throw Failure.closed
            }
            if self.taken > 1 << 20 {
                self.received.removeFirst(self.taken)
                self.taken = 0
            }
            guard let tls = self.tls else {
                try self.take(chunk[..<count])
                return
            }
            let (plain, answer) = try tls.decrypt(Array(chunk[..<count]))
            if !answer.isEmpty, !self.hasFinished { try self.write(answer) }
            try self.take(plain[...])
            if !plain.isEmpty { return }
        }
    }

    private func take(_ bytes: ArraySlice<UInt8>) throws {
        guard let deflate = self.deflate else {
            self.received += bytes
            return
        }
        var input = ByteBuffer(bytes: bytes)
        while true {
            let piece = try deflate.in.inflate(&input)
            guard piece.readableBytes > 0 else { return }
            self.received += piece.readableBytesView
        }
    }

    /// From now on both directions are deflated. [RFC4978-3]
    package func startDeflate() throws { self.deflate = (try Deflater(), try Inflater()) }

    // MARK: TLS

    /// Shakes hands now. `trust` is the PEM text of what the server's certificate must lead to; nil trusts anything.
    package func startTLS(trust: String?, serverName: String? = nil, minimum: TestTLSVersion = .tls12, maximum: TestTLSVersion = .tls13)
        throws
    {
        let engine = try TLSEngine(trust: trust, serverName: serverName, minimum: minimum, maximum: maximum)
        try self.write(engine.hello())
        let deadline = monotonicSeconds() + Patience.usual
        while !engine.isDone {
            guard monotonicSeconds() < deadline else { throw Failure.timedOut }
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            let count = recv(self.descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { throw count == 0 ? Failure.closed : errno == EAGAIN ? Failure.timedOut : Failure.reset(errno) }
            let (plain, answer) = try engine.decrypt(Array(chunk[..<count]))
            if !answer.isEmpty { try self.write(answer) }
            self.received += plain
        }
        self.tls = engine
    }

    /// DER bytes of the certificate that the server showed.
    package var peerCertificate: [UInt8]? { self.tls?.peerCertificate }
    package var tlsVersion: String? { self.tls?.version }
}

package enum TestTLSVersion: Sendable { case tls11, tls12, tls13 }
