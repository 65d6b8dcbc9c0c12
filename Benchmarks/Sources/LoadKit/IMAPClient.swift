import Glibc

/// One IMAP connection that waits for each answer. Sends whole commands, literals without waiting (LITERAL+), and reads past literals in
/// answers, so that a message that looks like an answer is none.
package final class IMAPClient {
    private let descriptor: CInt
    private var buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0
    private var number = 0
    /// Octets received, all included.
    package private(set) var received = 0

    package init(_ server: Endpoint, source: Int? = nil) throws {
        self.descriptor = try Socket.connect(to: server, source: source, blocking: true)
        self.buffer = .allocate(byteCount: 1 << 20, alignment: 64)
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        _ = try self.line()
    }

    deinit {
        Glibc.close(self.descriptor)
        self.buffer.deallocate()
    }

    package func login(_ user: String, _ password: String) throws { try self.run("LOGIN \(user) \(password)") }

    /// Runs one command; answers how many octets came back.
    @discardableResult
    package func run(_ command: String, literal: [UInt8]? = nil) throws -> Int {
        let before = self.received
        try self.begin(command, literal: literal)
        try self.finish()
        return self.received - before
    }

    /// Sends without waiting; each needs a `finish` of its own.
    package func begin(_ command: String, literal: [UInt8]? = nil) throws {
        self.number += 1
        var bytes = Array("t\(self.number) \(command)".utf8)
        if let literal {
            bytes += Array(" {\(literal.count)+}\r\n".utf8)
            bytes += literal
        }
        bytes += [13, 10]
        try self.send(bytes)
    }

    /// Reads up to the next tagged answer, which must be OK.
    package func finish() throws {
        while true {
            let text = try self.line()
            guard text.first == UInt8(ascii: "t") else { continue }
            guard let space = text.firstIndex(of: 32), text[(space + 1)...].starts(with: "OK".utf8) else {
                throw BenchError(String(decoding: text, as: UTF8.self))
            }
            return
        }
    }

    /// Sends IDLE and waits for the go-ahead.
    package func idle() throws {
        try self.begin("IDLE")
        while try self.line().first != UInt8(ascii: "+") {}
    }

    /// The next untagged line, as text; literals are left out.
    package func next() throws -> String { String(decoding: try self.line(), as: UTF8.self) }

    private func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(self.descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw BenchError.system("send") }
            sent += count
        }
    }

    /// One logical line: physical lines joined over their literals, whose octets are thrown away.
    private func line() throws -> [UInt8] {
        var out: [UInt8] = []
        while true {
            let piece = try self.physicalLine()
            out += piece
            guard piece.last == UInt8(ascii: "}"), let open = piece.lastIndex(of: UInt8(ascii: "{")),
                let length = Int(String(decoding: piece[(open + 1)..<(piece.count - 1)], as: UTF8.self))
            else { return out }
            try self.skip(length)
        }
    }

    private func physicalLine() throws -> [UInt8] {
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

    private func skip(_ count: Int) throws {
        var left = count
        while left > 0 {
            if self.start == self.end { try self.fill() }
            let taken = min(left, self.end - self.start)
            self.start += taken
            left -= taken
        }
    }

    private func fill() throws {
        if self.start == self.end { (self.start, self.end) = (0, 0) }
        if self.end == self.buffer.count {
            guard self.start > 0, let base = self.buffer.baseAddress else { throw BenchError("a line of the answer is too long") }
            memmove(base, base + self.start, self.end - self.start)
            (self.start, self.end) = (0, self.end - self.start)
        }
        let count = recv(self.descriptor, self.buffer.baseAddress.map { $0 + self.end }, self.buffer.count - self.end, 0)
        guard count > 0 else { throw count == 0 ? BenchError("closed by the server") : BenchError.system("recv") }
        self.end += count
        self.received += count
    }
}
