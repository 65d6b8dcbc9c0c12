internal import Bytes
internal import MIME
package import NIOCore
package import Vocabulary

/// Writes the mail that the server sends to people here in its own name or the postmaster's: greetings, announcements, warnings. One text; without
/// sender, so that nothing comes back.
package struct HouseMessage: Sendable {
    /// This host's name: domain of the Message-ID.
    package var hostName: String
    package var from: (address: Address, name: String)
    /// Whom the header names; the envelope is the caller's.
    package var to: [Address] = []
    /// In place of addresses, where there are too many to name: a group without members.
    package var audience = "undisclosed recipients"
    package var replyTo: Address?
    package var subject: String
    package var lines: [String]

    package init(hostName: String, from: (address: Address, name: String), subject: String, lines: [String]) {
        self.hostName = hostName
        self.from = from
        self.subject = subject
        self.lines = lines
    }

    /// - Parameters:
    ///   - now: seconds since 1970; `offset` in minutes east of UTC.
    ///   - random: at least 32 unpredictable bytes.
    package func compose(now: Int64, offset: Int, random: [UInt8]) -> ByteBuffer {
        var writer = MailWriter(random: random[...])
        writer.line("Date: \(CivilTime(unixSeconds: now, offsetMinutes: offset).rfc5322)")
        self.write("From", self.from.address, &writer)
        if let replyTo { self.write("Reply-To", replyTo, &writer) }
        let to = self.to.isEmpty ? "\(self.audience):;" : self.to.prefix(50).map { "<\($0)>" }.joined(separator: ",\r\n ")
        writer.line("To: \(to)")
        writer.field("Subject", SafeText.line(self.subject))
        writer.line("Message-ID: \(MessageIDMaker.make(now: now, random: Array(random.dropFirst(16)), host: self.hostName))")
        writer.line("Auto-Submitted: auto-generated")
        writer.single(self.lines.map { SafeText.text($0) })
        return writer.out
    }

    /// `Account-Manager <…>` as it always stood; what is not made of plain words goes in quotes or encoded.
    private func write(_ field: String, _ address: Address, _ writer: inout MailWriter) {
        let isPlain =
            self.from.name.utf8.allSatisfy { $0 < 0x80 && (Address.isAtomText($0) || $0 == .space) } && !self.from.name.contains("=?")
        let isPlainPhrase = isPlain && !self.from.name.isEmpty
        writer.out.writeString(
            isPlainPhrase
                ? "\(field): \(self.from.name) <\(address)>\r\n" : FromField.written(field, address, name: self.from.name))
    }
}

extension MailWriter {
    /// The rest of a message of one text: as it is where it is ASCII, else UTF-8 in base64, so that every host takes it.
    mutating func single(_ lines: [String]) {
        let text = lines.joined(separator: "\r\n") + "\r\n"
        let isPlain = text.utf8.allSatisfy { $0 < 0x80 } && lines.allSatisfy { $0.utf8.count <= 998 }
        self.line("MIME-Version: 1.0")
        self.line("Content-Type: text/plain; charset=\(isPlain ? "us-ascii" : "utf-8")")
        self.line("Content-Transfer-Encoding: \(isPlain ? "7bit" : "base64")")
        self.line("")
        if isPlain { self.out.writeString(text) } else { self.base64(Array(text.utf8)[...]) }
    }
}
