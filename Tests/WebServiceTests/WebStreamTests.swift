import Database
import MailTesting
import NIOCore
import Testing
import WebService

/// Bodies that are made while they are read: what happens when nothing is said, or nothing taken.
@Suite(.serialized) struct WebStreamTests {
    @Test("who waits for a stream that says nothing hears a sign of life, and then what there is")
    func signs() throws {
        var limits = HTTPLimits()
        limits.sign = .milliseconds(50)
        let server = try WebServer(limits)
        defer { server.stop() }
        let peer = try LineConnection(port: server.port)
        try peer.send(line: "GET /quiet HTTP/1.1\r\nHost: localhost\r\n")
        while case let line = try peer.line(), !line.isEmpty {}
        var pieces: [String] = []
        while let size = Int(try peer.line(), radix: 16), size > 0 {
            pieces.append(String(decoding: try peer.bytes(size + 2).dropLast(2), as: UTF8.self))
            if pieces.count == 4 { server.letGo() }
        }
        #expect(pieces.first == "a" && pieces.last?.hasSuffix("b") == true)
        #expect(pieces.count > 4 && pieces.joined().filter { $0 != "\n" } == "ab", "\(pieces)")
    }

    @Test("a client that takes nothing for too long is given up: the work goes on, its words are thrown away")
    func patience() async throws {
        let isDone = Monitor(false)
        let stream = WebStream(patience: 50) { write in
            // Twice as much as may wait; behind the first wait in vain none waits any more.
            for _ in 0..<8 { write([UInt8](repeating: 7, count: 64 << 10)) }
            isDone.withLock { $0 = true }
        }
        stream.run()
        #expect(isDone.withLock { $0 })
        await #expect(throws: WebStream.Abandoned.self) { _ = try await stream.next() }
    }

    @Test("a connection that is gone wakes the work that waits for it")
    func abandoned() async throws {
        let stream = WebStream { write in for _ in 0..<8 { write([UInt8](repeating: 7, count: 64 << 10)) } }
        let work = Task.detached { stream.run() }
        #expect(try await !stream.next().isEmpty)
        stream.abandon()
        await work.value
        await #expect(throws: WebStream.Abandoned.self) { _ = try await stream.next() }
    }
}
