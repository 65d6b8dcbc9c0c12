internal import Glibc

/// A TCP connection to loopback that speaks in lines and blocks, for tests that play a client.
package final class LineConnection {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
        /// Nothing listens, or the listener refused.
        package var isRefused = false
    }

    package let descriptor: CInt
    private var buffer: [UInt8] = []
    private var start = 0

    /// `timeout` in seconds holds for connecting and for each read and write.
    package init(port: Int, timeout: Int = 30, receiveBuffer: Int? = nil) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard self.descriptor >= 0 else { throw Failure(description: "socket: errno \(errno)") }
        var limit = timeval(tv_sec: timeout, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(self.descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        var one: CInt = 1
        setsockopt(self.descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
        if var bytes = receiveBuffer.map({ CInt($0) }) {
            setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<CInt>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failure(description: "connect to \(port): errno \(errno)", isRefused: errno == ECONNREFUSED) }
    }

    deinit { close(self.descriptor) }

    /// Ends both directions. Only `deinit` closes: a second time it would be a descriptor of somebody else's.
    package func cut() { _ = withExtendedLifetime(self) { shutdown(self.descriptor, CInt(SHUT_RDWR)) } }

    /// A server that never ends its line, or its reply, must not keep a test busy for ever.
    private static let longestLine = 16 << 20
    private static let longestReply = 10_000

    /// The next line without its CRLF.
    package func line() throws -> String {
        while self.buffer.count - self.start < Self.longestLine {
            if let end = self.buffer[self.start...].firstIndex(of: 10) {
                defer { self.start = end + 1 }
                let line = self.buffer[self.start..<end]
                return String(decoding: line.last == 13 ? line.dropLast() : line, as: UTF8.self)
            }
            try self.fill()
        }
        throw Failure(description: "a line without end: \(String(decoding: self.buffer[self.start...].prefix(200), as: UTF8.self))")
    }

    /// Exactly `count` bytes.
    package func bytes(_ count: Int) throws -> [UInt8] {
        while self.buffer.count - self.start < count { try self.fill() }
        defer { self.start += count }
        return Array(self.buffer[self.start..<self.start + count])
    }

    private func fill() throws {
        if self.start > 0 {
            self.buffer.removeFirst(self.start)
            self.start = 0
        }
        var chunk = [UInt8](repeating: 0, count: 16_384)
        let count = recv(self.descriptor, &chunk, chunk.count, 0)
        guard count > 0 else { throw Failure(description: count == 0 ? "the peer closed" : "recv: errno \(errno)") }
        self.buffer += chunk[..<count]
    }

    /// All of `bytes`, or a failure.
    package func send(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { room in
                room.baseAddress.map { Glibc.send(self.descriptor, $0 + done, room.count - done, CInt(MSG_NOSIGNAL)) } ?? -1
            }
            guard count > 0 else { throw Failure(description: "send: errno \(errno)") }
            done += count
        }
    }

    package func send(line: String) throws { try self.send(Array(line.utf8) + [13, 10]) }

    /// A whole SMTP reply: all its lines; the code stands in the last.
    package func reply() throws -> [String] {
        var lines: [String] = []
        while lines.count < Self.longestReply {
            let line = try self.line()
            lines.append(line)
            if line.utf8.count < 4 || Array(line.utf8)[3] != UInt8(ascii: "-") { return lines }
        }
        throw Failure(description: "a reply without end: \(lines.prefix(3))")
    }

    /// Sends a command and waits for the reply's code.
    @discardableResult
    package func command(_ line: String) throws -> Int {
        try self.send(line: line)
        return try self.replyCode()
    }

    package func replyCode() throws -> Int { Int(try self.reply().last?.prefix(3) ?? "") ?? 0 }
}
