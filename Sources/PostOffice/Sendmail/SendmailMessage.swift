import Bounces
package import Bytes
import MIME
import NIOCore
import Vocabulary

/// A message as a program wrote it to `sendmail`, made ready for the server.
package struct SendmailMessage: Sendable, Equatable {
    /// With CRLF line ends.
    package private(set) var bytes: [UInt8]
    /// Of the fields To, Cc and Bcc, or of their Resent- forms where there are some.
    package private(set) var headerRecipients: [String] = []
    package private(set) var hasFrom = false

    /// Octets at most; more than any server takes.
    package static let longest = 512 << 20

    /// - Parameters:
    ///   - input: all of it, or up to the line with a dot alone.
    ///   - endsAtDot: such a line ends the message.
    package init(_ input: [UInt8], endsAtDot: Bool) {
        var text = Self.withoutEnvelopeLine(input[...])
        if endsAtDot { text = Self.upToDot(text) }
        var fixer = LineEndFixer()
        var out = fixer.fix(ByteBuffer(bytes: text))
        var end = fixer.finish()
        out.writeBuffer(&end)
        (self.headerRecipients, self.hasFrom) = Self.look(out)
        self.bytes = Self.withoutBcc(out)
    }

    /// `From user date`, as mailboxes have it, is no field.
    private static func withoutEnvelopeLine(_ input: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard input.starts(with: Array("From ".utf8)), let end = input.firstIndex(of: .lf) else { return input }
        return input[(end + 1)...]
    }

    private static func upToDot(_ input: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var start = input.startIndex
        while start < input.endIndex {
            let end = input[start...].firstIndex(of: .lf) ?? input.endIndex
            let line = input[start..<end]
            if line.elementsEqual([UInt8(ascii: ".")]) || line.elementsEqual([UInt8(ascii: "."), .cr]) { return input[..<start] }
            start = end < input.endIndex ? end + 1 : end
        }
        return input
    }

    private static func look(_ message: ByteBuffer) -> (recipients: [String], hasFrom: Bool) {
        var plain: [String] = []
        var resent: [String] = []
        var hasFrom = false
        var reader = HeaderReader(message)
        while let field = reader.next() {
            let body = message.readableBytesView[field.bodyStart..<field.end]
            if ["To", "Cc", "Bcc"].contains(where: { message.isField(field, named: $0) }) {
                plain += AddressListReader.addresses(in: body)
            } else if ["Resent-To", "Resent-Cc", "Resent-Bcc"].contains(where: { message.isField(field, named: $0) }) {
                resent += AddressListReader.addresses(in: body)
            } else if message.isField(field, named: "From") {
                hasFrom = true
            }
        }
        return (resent.isEmpty ? plain : resent, hasFrom)
    }

    /// Nobody sees who else got it in secret. [RFC5322-3.6.3]
    private static func withoutBcc(_ message: ByteBuffer) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(message.readableBytes)
        let view = message.readableBytesView
        var done = view.startIndex
        var reader = HeaderReader(message)
        while let field = reader.next() {
            guard message.isField(field, named: "Bcc") || message.isField(field, named: "Resent-Bcc") else { continue }
            out += view[done..<field.start]
            done = field.end
        }
        out += view[done...]
        return out
    }

    // MARK: What a mail server does not take

    /// What no message may have, by the rule of the server. [RFC5321-4.5.3.1.6]
    package var fault: DotDecoder.Fault? {
        var decoder = DotDecoder(unstuffs: false, maximumLine: SMTPLimits().textLine)
        var (input, out) = (ByteBuffer(bytes: self.bytes), ByteBuffer())
        decoder.decode(&input, into: &out, keeps: false)
        return decoder.fault
    }

    /// Text of programs, such as the output of a cron job, may have lines of any length: it is written as quoted-printable, which every reader puts
    /// together again. What has parts, or an encoding of its own, stays as it is. [RFC2045-6.7]
    package mutating func encodeLongLines() {
        guard self.fault == .longLine else { return }
        let message = ByteBuffer(bytes: self.bytes)
        var reader = HeaderReader(message)
        var out = ByteBuffer()
        var (hasVersion, hasType) = (false, false)
        while let field = reader.next() {
            let value = String(decoding: message.unfolded(field), as: UTF8.self).filter { !$0.isWhitespace }.lowercased()
            if message.isField(field, named: "MIME-Version") { hasVersion = true }
            if message.isField(field, named: "Content-Type") {
                guard value.hasPrefix("text/") else { return }
                hasType = true
            }
            if message.isField(field, named: "Content-Transfer-Encoding") {
                guard ["7bit", "8bit", "binary"].contains(value) else { return }
                continue
            }
            out.writeBytes(message.readableBytesView[field.start..<field.end])
        }
        let start: Int
        switch reader.end {
        case .blankLine(let bodyStart)?, .noField(let bodyStart)?: start = bodyStart
        case .incomplete?, .tooManyFields?, nil: return
        }
        let body = ByteBuffer(bytes: self.bytes[start...])
        let charset = String(validating: body.readableBytesView, as: UTF8.self) == nil ? "unknown-8bit" : "utf-8"
        if !hasVersion { out.writeStaticString("MIME-Version: 1.0\r\n") }
        if !hasType { out.writeString("Content-Type: text/plain; charset=\(charset)\r\n") }
        out.writeStaticString("Content-Transfer-Encoding: quoted-printable\r\n\r\n")
        QuotedPrintable.encode(body, to: &out)
        let plain = self.bytes
        self.bytes = Array(out.readableBytesView)
        // A line of the header stays too long.
        if self.fault != nil { self.bytes = plain }
    }

    /// Puts a From field on top. `name` is what people call the user.
    package mutating func addFrom(_ address: String, name: String) {
        let safe = name.unicodeScalars.filter { $0.value >= 0x20 && $0 != "\"" && $0 != "\\" && $0.value != 0x7F }
        let phrase = String(String.UnicodeScalarView(safe))
        let text = phrase.isEmpty ? "From: <\(address)>\r\n" : "From: \"\(phrase)\" <\(address)>\r\n"
        self.bytes = Array(text.utf8) + self.bytes
        self.hasFrom = true
    }
}
