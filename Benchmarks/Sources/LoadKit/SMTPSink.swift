import CLinux
import Glibc

/// A server that answers every SMTP command at once and keeps nothing: shows what the client can do at most.
package final class SMTPSink {
    private let reactor: Reactor
    private let listener: SinkListener
    package let port: UInt16

    package init() throws {
        let (descriptor, port) = try Socket.listen()
        self.port = port
        self.reactor = try Reactor()
        self.listener = try SinkListener(descriptor, self.reactor)
    }

    /// Serves until the flag is set; looks at it several times a second.
    package func run(while going: () -> Bool) throws {
        while going() { _ = try self.reactor.run(until: monotonicNow() + 100_000_000) { false } }
    }
}

private final class SinkListener: Source {
    override func readable() {
        while true {
            let descriptor = accept_nonblocking(self.descriptor)
            guard descriptor >= 0 else { return }
            try? Socket.set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
            guard let session = try? SinkSession(descriptor, self.reactor) else { continue }
            session.greet()
        }
    }
}

private final class SinkSession: Connection {
    private var inData = false
    private var line: [UInt8] = []
    /// How much of CRLF "." CRLF has been seen in DATA.
    private var matched = 2

    func greet() { self.send("220 sink ESMTP\r\n".utf8) }

    override func ended(_ reason: String) { self.close() }

    override func received(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        var replies: [UInt8] = []
        while !rest.isEmpty {
            if self.inData { self.skipData(&rest, &replies) } else { self.command(&rest, &replies) }
        }
        if !replies.isEmpty { self.send(replies) }
    }

    private func command(_ rest: inout Slice<UnsafeRawBufferPointer>, _ replies: inout [UInt8]) {
        guard let end = rest.firstIndex(of: 10) else {
            self.line.append(contentsOf: rest)
            rest = rest[rest.endIndex...]
            return
        }
        self.line.append(contentsOf: rest[..<end])
        rest = rest[(end + 1)...]
        let isData = self.line.first == UInt8(ascii: "D")
        let isQuit = self.line.first == UInt8(ascii: "Q")
        self.line.removeAll(keepingCapacity: true)
        if isData {
            self.inData = true
            self.matched = 2
        }
        replies.append(contentsOf: (isData ? "354 go\r\n" : isQuit ? "221 bye\r\n" : "250 ok\r\n").utf8)
    }

    /// Only line feeds are looked at one by one, found by memchr.
    private func skipData(_ rest: inout Slice<UnsafeRawBufferPointer>, _ replies: inout [UInt8]) {
        let pattern: [UInt8] = [13, 10, 46, 13, 10]
        var index = rest.startIndex
        let base = rest.base
        while index < rest.endIndex {
            if self.matched == 0, let start = base.baseAddress {
                guard let found = memchr(start + index, 13, rest.endIndex - index) else { index = rest.endIndex; break }
                index = UnsafeRawPointer(found) - start
            }
            let byte = base[index]
            index += 1
            self.matched = byte == pattern[self.matched] ? self.matched + 1 : (byte == 13 ? 1 : 0)
            guard self.matched == pattern.count else { continue }
            self.inData = false
            replies.append(contentsOf: "250 ok\r\n".utf8)
            break
        }
        rest = rest[index...]
    }
}
