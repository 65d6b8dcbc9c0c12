/// Messages of an exact size, as sent in DATA: a short part that differs from message to message, and a long shared one.
package struct MessageText {
    /// Header and body without the unique part, then the CRLF "." CRLF that ends DATA.
    package let tail: SharedBytes
    private let run: UInt32

    /// - Parameter size: bytes of the message as stored (without the final dot line); at least `minimumSize`.
    package init(size: Int, run: UInt32) throws {
        guard size >= Self.minimumSize else { throw BenchError("a message has at least \(Self.minimumSize) bytes") }
        self.run = run
        var bytes = Array(Self.fixedHeader.utf8)
        Self.appendLines(size - Self.headLength - bytes.count, to: &bytes)
        bytes.append(contentsOf: Array(".\r\n".utf8))
        self.tail = SharedBytes(bytes)
    }

    static let minimumSize = 400
    private static let fixedHeader = """
        From: Load Client <load@client.example>\r
        To: Reader <reader@example.test>\r
        Subject: a message of the benchmark\r
        Date: Thu, 01 Jan 2026 00:00:00 +0000\r
        MIME-Version: 1.0\r
        Content-Type: text/plain; charset=us-ascii\r
        \r

        """
    private static let headLength = 47

    /// The line that makes a message unique, always `headLength` bytes.
    package func head(session: Int, message: Int) -> [UInt8] {
        var line = Array("Message-ID: <".utf8)
        Self.append(UInt32(truncatingIfNeeded: session), to: &line)
        Self.append(UInt32(truncatingIfNeeded: message), to: &line)
        Self.append(self.run, to: &line)
        line.append(contentsOf: Array("@client>\r\n".utf8))
        return line
    }

    private static func append(_ number: UInt32, to line: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        for shift in stride(from: 28, through: 0, by: -4) { line.append(digits[Int((number >> UInt32(shift)) & 15)]) }
    }

    /// Exactly `count` bytes of lines of at most 78 bytes, CRLF included; none begins with a dot.
    private static func appendLines(_ count: Int, to bytes: inout [UInt8]) {
        var state: UInt32 = 12345
        var left = count
        while left > 0 {
            // Never leave a rest too short for a line of its own.
            let length = left <= 78 ? left : (left - 78 < 3 ? left - 3 : 78)
            for _ in 0..<(length - 2) {
                state = state &* 1_664_525 &+ 1_013_904_223
                bytes.append(UInt8(ascii: "a") + UInt8((state >> 24) % 26))
            }
            bytes.append(contentsOf: [13, 10])
            left -= length
        }
    }
}
