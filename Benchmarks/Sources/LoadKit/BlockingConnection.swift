import CTLSPeer
import Glibc

/// A connection that waits: sends bytes, reads lines.
package class BlockingConnection {
    private let descriptor: CInt
    private var peer: OpaquePointer?
    private var buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0
    /// Octets received, all included.
    package private(set) var received = 0

    /// - Parameter tls: TLS from the first octet.
    package init(_ server: Endpoint, source: Int? = nil, tls: Bool = false) throws {
        self.descriptor = try Socket.connect(to: server, source: source, blocking: true)
        self.buffer = .allocate(byteCount: 64 << 10, alignment: 64)
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard tls else { return }
        self.peer = tls_peer_connect(self.descriptor)
        guard self.peer != nil else { throw BenchError("the TLS handshake failed") }
    }

    deinit {
        tls_peer_close(self.peer)
        Glibc.close(self.descriptor)
        self.buffer.deallocate()
    }

    /// Ends both directions: who reads on another thread comes back.
    package func shut() { shutdown(self.descriptor, CInt(SHUT_RDWR)) }

    package func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                let start = $0.baseAddress.map { $0 + sent }
                if let peer = self.peer { return tls_peer_write(peer, start, bytes.count - sent) }
                return Glibc.send(self.descriptor, start, bytes.count - sent, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw BenchError.system("send") }
            sent += count
        }
    }

    /// Up to the next line end, without it.
    package func physicalLine() throws -> [UInt8] {
        var scanned = 0
        while true {
            let waiting = UnsafeRawBufferPointer(rebasing: self.buffer[(self.start + scanned)..<self.end])
            if let base = waiting.baseAddress, let found = memchr(base, 10, waiting.count) {
                let length = scanned + (UnsafeRawPointer(found) - base)
                let text = Array(self.buffer[self.start..<(self.start + length)])
                self.start += length + 1
                return text.last == 13 ? Array(text.dropLast()) : text
            }
            scanned = self.end - self.start
            try self.fill()
        }
    }

    /// Throws so many octets away.
    package func skip(_ count: Int) throws {
        var left = count
        while left > 0 {
            if self.start == self.end { try self.fill() }
            let taken = min(left, self.end - self.start)
            self.start += taken
            left -= taken
        }
    }

    /// Answers may be one long line: 100,000 numbers take 600,000 octets.
    private func makeRoom() throws {
        guard let base = self.buffer.baseAddress else { throw BenchError("no room for an answer") }
        guard self.start == 0 else {
            memmove(base, base + self.start, self.end - self.start)
            (self.start, self.end) = (0, self.end - self.start)
            return
        }
        guard self.buffer.count < 64 << 20 else { throw BenchError("a line of the answer is longer than 64 MiB") }
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: self.buffer.count * 2, alignment: 64)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: self.buffer[..<self.end]))
        self.buffer.deallocate()
        self.buffer = larger
    }

    private func fill() throws {
        if self.start == self.end { (self.start, self.end) = (0, 0) }
        if self.end == self.buffer.count { try self.makeRoom() }
        let start = self.buffer.baseAddress.map { $0 + self.end }
        let room = self.buffer.count - self.end
        let count = if let peer = self.peer { tls_peer_read(peer, start, room) } else { recv(self.descriptor, start, room, 0) }
        guard count > 0 else { throw count == 0 ? BenchError("closed by the server") : BenchError.system("recv") }
        self.end += count
        self.received += count
    }
}
