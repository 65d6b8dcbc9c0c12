/// One SMTP connection that sends a message at a time and waits for each answer.
package final class SMTPProbe: BlockingConnection {
    package override init(_ server: Endpoint, source: Int? = nil, tls: Bool = false) throws {
        try super.init(server, source: source, tls: tls)
        try self.expect("220")
        try self.say("EHLO probe.example")
    }

    /// - Returns: monotonic nanoseconds when the 250 was read.
    package func deliver(to recipient: String, _ text: String) throws -> Int64 {
        try self.say("MAIL FROM:<probe@client.example>")
        try self.say("RCPT TO:<\(recipient)>")
        try self.say("DATA", answer: "354")
        try self.send(Array((text + "\r\n.\r\n").utf8))
        try self.expect("250")
        return monotonicNow()
    }

    private func say(_ line: String, answer: String = "250") throws {
        try self.send(Array((line + "\r\n").utf8))
        try self.expect(answer)
    }

    private func expect(_ code: String) throws {
        while true {
            let line = String(decoding: try self.physicalLine(), as: UTF8.self)
            guard line.hasPrefix(code) else { throw BenchError(line) }
            if !line.hasPrefix(code + "-") { return }
        }
    }
}
