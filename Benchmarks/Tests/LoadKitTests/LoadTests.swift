import Glibc
import LoadKit
import Testing

@Suite(.serialized) struct LoadTests {
    /// Runs `body` with a sink that serves on another thread.
    private func withSink(_ body: (UInt16) throws -> Void) throws {
        let sink = try SinkThread()
        defer { sink.stop() }
        try body(sink.port)
    }

    @Test(arguments: [(1, 1, 1024, false), (10, 20, 1024, true), (3, 5, 1 << 20, false), (7, 3, 100 << 10, true)])
    func everyMessageIsAnswered(_ sessions: Int, _ messages: Int, _ size: Int, _ pipelining: Bool) throws {
        try self.withSink { port in
            var load = SMTPLoad(
                server: Endpoint(port: port), sessions: sessions, messagesPerSession: messages, size: size,
                recipients: ["a@example.test", "b@example.test"])
            load.pipelining = pipelining
            load.recipientsPerMessage = 5
            load.sources = 3
            let result = try load.run()
            #expect(result.accepted == sessions * messages)
            #expect(result.failed == 0 && result.firstFailure == nil)
            #expect(result.afterData.count == result.accepted && result.transaction.count == result.accepted)
        }
    }

    @Test func aServerThatIsNotThereIsReported() throws {
        let (descriptor, port) = try Socket.listen()
        close(descriptor)
        let load = SMTPLoad(server: Endpoint(port: port), sessions: 2, messagesPerSession: 3, size: 1024, recipients: ["a@example.test"])
        let result = try load.run()
        #expect(result.accepted == 0 && result.failed == 6 && result.firstFailure != nil)
    }
}

@Suite struct PieceTests {
    @Test(arguments: [400, 401, 1024, 10 << 10, (10 << 10) + 1, 1 << 20])
    func messagesHaveTheSizeAskedFor(_ size: Int) throws {
        let text = try MessageText(size: size, run: 7)
        let head = text.head(session: 1, message: 2)
        let tail = UnsafeRawBufferPointer(start: text.tail.base, count: text.tail.count)
        #expect(head.count + tail.count - 3 == size)
        #expect(Array(tail.suffix(5)) == Array("\r\n.\r\n".utf8))
        let lines = String(decoding: head + Array(tail), as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.utf8.count <= 78 && ($0 == "." || !$0.hasPrefix(".")) })
        #expect(text.head(session: 1, message: 3) != head)
    }

    @Test func percentilesAreNearestRank() {
        var latencies = Latencies()
        for value in (1...100).shuffled() { latencies.record(nanoseconds: Int64(value) * 1_000_000) }
        #expect(latencies.summary() == LatencySummary(p50: 50, p90: 90, p99: 99, maximum: 100))
        #expect(Latencies().summary() == LatencySummary(p50: 0, p90: 0, p99: 0, maximum: 0))
    }

    @Test func smtpRepliesMayBeCutAnywhere() {
        let wire = Array("220 hello\r\n250-one\r\n250-SIZE 10\r\n250 last\r\n354\r\n550 5.1.1 no\r\n".utf8)
        for cut in 0...wire.count {
            var scanner = ReplyScanner()
            var codes: [Int] = []
            var texts = ""
            for part in [wire[..<cut], wire[cut...]] where !part.isEmpty {
                Array(part).withUnsafeBytes {
                    scanner.scan($0) {
                        codes.append($0)
                        texts += $1
                        return true
                    }
                }
            }
            #expect(codes == [220, 250, 354, 550])
            #expect(texts.contains("5.1.1 no"))
        }
    }

    @Test func popRepliesMayBeCutAnywhere() {
        let wire = Array("+OK 2 30\r\nab\r\n..\r\n.\rx\r\n.\r\n+OK empty\r\n.\r\n-ERR none\r\n".utf8)
        for first in 0...wire.count {
            for second in first...wire.count {
                var scanner = POP3ReplyScanner()
                scanner.expectMultiline = true
                var seen: [String] = []
                for part in [wire[..<first], wire[first..<second], wire[second...]] {
                    Array(part).withUnsafeBytes { bytes in
                        var rest = bytes
                        while let reply = scanner.next(&rest) { seen.append(reply.firstLine) }
                        #expect(rest.isEmpty)
                    }
                }
                #expect(seen == ["+OK 2 30", "+OK empty", "-ERR none"])
            }
        }
    }
}
