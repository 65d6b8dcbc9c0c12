/// A message that can be made again from its number, so that every byte can be checked without being remembered.
package struct Sample: Hashable, Sendable {
    package let number: Int
    package let seed: UInt64
    /// Size of the body in bytes, header included; at least 128.
    package let size: Int
    /// Mailboxes (small numbers) it goes to, in order.
    package let recipients: [Int]
    /// Whether it also asks for an entry in the queue.
    package var isQueued: Bool { self.number % 5 == 0 }

    package init(number: Int, seed: UInt64, size: Int, recipients: [Int]) {
        self.number = number
        self.seed = seed
        self.size = max(size, 128)
        self.recipients = recipients
    }

    /// The body: a header with the number, then lines of noise; now and then a line that looks like what a store writes itself.
    package func body() -> [UInt8] {
        var random = SeededRandom(self.seed, UInt64(self.number))
        var bytes: [UInt8] = []
        bytes.reserveCapacity(self.size + 80)
        bytes += Array("Message-Number: \(self.number)\r\nSubject: sample\r\n\r\n".utf8)
        while bytes.count < self.size - 2 {
            let room = self.size - 2 - bytes.count
            var line: [UInt8] = []
            var word = random.next()
            // A full line would leave room for one octet, which could only be half of a CRLF.
            for index in 0..<(room == 71 ? 69 : min(70, room)) {
                if index % 8 == 0 { word = random.next() }
                line.append(UInt8(33 + (word & 63)))
                word >>= 8
            }
            bytes += line
            if bytes.count < self.size - 2 { bytes += [13, 10] }
        }
        return Array(bytes.prefix(self.size - 2)) + [13, 10]
    }

    /// What is put before the body for one recipient.
    package func prefix(for recipient: Int) -> [UInt8] {
        Array("Delivered-To: account-\(recipient)@example.test\r\nX-Sample: \(self.number)\r\n".utf8)
    }

    /// The message as `recipient` must read it.
    package func message(for recipient: Int) -> [UInt8] { self.prefix(for: recipient) + self.body() }

    /// The number that a stored message claims to have, from the prefix.
    package static func number(in message: [UInt8]) -> Int? {
        let marker = Array("X-Sample: ".utf8)
        guard let start = message.prefix(400).indices.first(where: { message[$0...].starts(with: marker) }) else { return nil }
        let digits = message[(start + marker.count)...].prefix { $0 >= 48 && $0 <= 57 }
        return Int(String(decoding: digits, as: UTF8.self))
    }
}
