package import Bytes
package import NIOCore
package import Vocabulary

/// What a submission server may repair in a user's message: a missing Date, Message-ID and From, and the domain of bare local parts in
/// address fields; never a Sender [RFC6409-8]. Of an account it sees to it, too, that From says who sends (`SubmissionAuthor`).
package struct SubmissionFixer: Sendable {
    /// For addresses without domain; nil leaves them.
    package var completionDomain: String?
    /// When Date is missing.
    package var date: CivilTime
    /// When Message-ID is missing: with its angle brackets.
    package var messageID: String
    /// When From is missing.
    package var from: Address
    /// The account that sends; nil leaves From as it is.
    package var author: SubmissionAuthor?

    package init(completionDomain: String?, date: CivilTime, messageID: String, from: Address) {
        self.completionDomain = completionDomain
        self.date = date
        self.messageID = messageID
        self.from = from
    }

    package enum Failure: Error, Hashable, Sendable {
        /// The header is longer than what was given.
        case headerTooLong
        case tooManyFields
        /// From, or Sender, names an address that the account may not use.
        case foreignAuthor
        /// From is not understood.
        case unreadableAuthor
        /// More than one From field. [RFC5322-3.6]
        case severalAuthors
    }

    /// Octets of the message that something else takes the place of.
    struct Edit: Sendable {
        var range: Range<Int>
        var text: String
    }

    /// - Parameter message: the whole message, or its beginning with all of the header.
    /// - Returns: the same bytes, with what was missing put in.
    package func fixed(_ message: ByteBuffer, isWhole: Bool) throws(Failure) -> ByteBuffer {
        var reader = HeaderReader(message)
        var seen = Seen()
        var authors = SubmissionAuthor.Fields()
        var edits: [Edit] = []
        while let field = reader.next() {
            seen.note(field, message)
            if self.author != nil { authors.note(field, message) }
            guard let domain = self.completionDomain, Self.isAddressField(field, message) else { continue }
            edits += Self.places(field, message, domain).map { Edit(range: $0..<$0, text: "@\(domain)") }
        }
        var hasBlankLine = true
        switch reader.end {
        case .blankLine: break
        case .noField: hasBlankLine = false
        case .incomplete, .none:
            guard isWhole else { throw .headerTooLong }
            // A message of nothing but a header, or of one unfinished line: it ends with a line end, and the header with an empty line.
            var ended = message
            ended.writeStaticString("\r\n")
            return try self.fixed(ended, isWhole: true)
        case .tooManyFields: throw .tooManyFields
        }
        if let author = self.author {
            let rewriting = try author.edits(authors, message, completing: self.completionDomain)
            edits.removeAll { edit in rewriting.contains { $0.range.contains(edit.range.lowerBound) } }
            edits = (edits + rewriting).sorted { $0.range.lowerBound < $1.range.lowerBound }
        }
        let missing = self.missingFields(seen)
        guard !missing.isEmpty || !edits.isEmpty || !hasBlankLine else { return message }
        var out = ByteBuffer()
        out.reserveCapacity(message.readableBytes + missing.utf8.count + edits.reduce(2) { $0 + $1.text.utf8.count })
        out.writeString(missing)
        if case .noField(let bodyStart) = reader.end { edits.append(Edit(range: bodyStart..<bodyStart, text: "\r\n")) }
        Self.copy(message, with: edits, to: &out)
        return out
    }

    private func missingFields(_ seen: Seen) -> String {
        var text = ""
        if !seen.hasDate { text += "Date: \(self.date.rfc5322)\r\n" }
        if !seen.hasFrom { text += self.author?.missingField(or: self.from) ?? "From: <\(self.from)>\r\n" }
        if !seen.hasMessageID { text += "Message-ID: \(self.messageID)\r\n" }
        return text
    }

    private struct Seen {
        var hasDate = false
        var hasFrom = false
        var hasMessageID = false

        mutating func note(_ field: HeaderField, _ message: ByteBuffer) {
            if message.isField(field, named: "Date") { self.hasDate = true }
            if message.isField(field, named: "From") { self.hasFrom = true }
            if message.isField(field, named: "Message-ID") { self.hasMessageID = true }
        }
    }

    private static let addressFields: [StaticString] = [
        "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Resent-From", "Resent-Sender", "Resent-Reply-To", "Resent-To", "Resent-Cc",
        "Resent-Bcc",
    ]

    private static func isAddressField(_ field: HeaderField, _ message: ByteBuffer) -> Bool {
        self.addressFields.contains { message.isField(field, named: $0) }
    }

    /// Where the domain goes, as offsets of the message; none where a line would become too long for SMTP.
    private static func places(_ field: HeaderField, _ message: ByteBuffer, _ domain: String) -> [Int] {
        message.withUnsafeReadableBytes { bytes in
            guard field.bodyStart <= field.end, field.end <= bytes.count else { return [] }
            let body = UnsafeRawBufferPointer(rebasing: bytes[field.bodyStart..<field.end])
            guard let found = AddressFieldCompleter.places(in: body), !found.isEmpty else { return [] }
            let places = found.map { $0 + field.bodyStart }
            return self.linesStayShort(bytes, field, places, growth: domain.utf8.count + 1) ? places : []
        }
    }

    /// True when no line of the field exceeds 998 octets with `growth` octets more at each place. [RFC5322-2.1.1]
    private static func linesStayShort(_ bytes: UnsafeRawBufferPointer, _ field: HeaderField, _ places: [Int], growth: Int) -> Bool {
        var start = field.start
        var rest = places[...]
        while start < field.end, let newline = bytes.firstOffset(of: .lf, from: start, to: field.end) {
            let inLine = rest.prefix { $0 <= newline }.count
            guard newline - start + inLine * growth <= 999 else { return false }
            rest = rest.dropFirst(inLine)
            start = newline + 1
        }
        return true
    }

    private static func copy(_ message: ByteBuffer, with edits: [Edit], to out: inout ByteBuffer) {
        message.withUnsafeReadableBytes { bytes in
            var done = 0
            for edit in edits where edit.range.lowerBound >= done && edit.range.upperBound <= bytes.count {
                out.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[done..<edit.range.lowerBound]))
                out.writeString(edit.text)
                done = edit.range.upperBound
            }
            out.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[done...]))
        }
    }
}
