internal import Bytes
internal import Forms
internal import MIME
package import NIOCore
package import Vocabulary

/// Writes automatic replies. [RFC3834-3]
package struct AutoReplyComposer: Sendable {
    /// This host's name: domain of the Message-ID.
    package var hostName: String
    /// Whose reply it is.
    package var address: Address
    package var name: String
    package var mode: AutoReply.Mode
    /// Empty: `Auto: ` and the original's.
    package var subject: String
    /// Empty: the site's.
    package var text: String
    /// Of this site, with `{name}` and `{address}` for the owner's. Empty: a sentence of ours.
    package var siteText: String
    package var language: Language

    package init(
        hostName: String, address: Address, name: String, mode: AutoReply.Mode, subject: String = "", text: String = "",
        siteText: String = "",
        language: Language
    ) {
        self.hostName = hostName
        self.address = address
        self.name = name
        self.mode = mode
        self.subject = subject
        self.text = text
        self.siteText = siteText
        self.language = language
    }

    /// The message that is answered.
    package struct Original: Sendable {
        package var envelope: Envelope
        /// The whole message, or the beginning of one too long to go back.
        package var bytes: ByteBuffer
        package var isWhole: Bool

        package init(envelope: Envelope, bytes: ByteBuffer, isWhole: Bool) {
            self.envelope = envelope
            self.bytes = bytes
            self.isWhole = isWhole
        }
    }

    private static let longestSubject = 200
    private static let mostReferences = 20

    /// - Parameters:
    ///   - now: seconds since 1970; `offset` in minutes east of UTC.
    ///   - random: at least 32 unpredictable bytes.
    package func compose(_ original: Original, to sender: Address, now: Int64, offset: Int, random: [UInt8]) -> (Envelope, ByteBuffer) {
        var writer = MailWriter(random: random[...])
        writer.line("Date: \(CivilTime(unixSeconds: now, offsetMinutes: offset).rfc5322)")
        writer.out.writeString(FromField.written("From", self.address, name: self.name))
        writer.line("To: <\(sender)>")
        let header = Header(original.bytes)
        writer.field("Subject", self.subjectLine(header.subject))
        let id = MessageIDMaker.make(now: now, random: Array(random.dropFirst(16)), host: self.hostName)
        writer.line("Message-ID: <\(AutoReply.identifierMark)\(id.dropFirst())")
        if let last = header.references.last {
            writer.line("In-Reply-To: \(last)")
            writer.out.writeString(SafeText.folded("References", header.references.suffix(Self.mostReferences).joined(separator: " ")))
        }
        writer.line("Auto-Submitted: auto-replied")  // [RFC3834-3.1.7]
        // For those who answer by themselves and do not know the field before. [RFC3834-3.1.8]
        writer.line("Precedence: bulk")
        writer.line("X-Auto-Response-Suppress: All")
        var envelope = Envelope(sender: nil, recipients: [Envelope.Recipient(sender, notify: .never)])  // [RFC3834-3.3]
        envelope.isInternationalized = sender.isInternationalized || self.address.isInternationalized
        envelope.isEightBit = envelope.isInternationalized
        envelope.requiresTLS = original.envelope.requiresTLS
        guard self.mode == .echo else {
            writer.single(self.lines)
            return (envelope, writer.out)
        }
        writer.multipart("mixed")
        writer.text(self.lines, description: "Reply")
        if self.attach(original, &writer) { envelope.isEightBit = true }
        var end = writer.end
        writer.out.writeBuffer(&end)
        return (envelope, writer.out)
    }

    /// True when octets beyond ASCII came in.
    private func attach(_ original: Original, _ writer: inout MailWriter) -> Bool {
        let beginning = OriginalBeginning(original.bytes)
        // Secret from the network, as it was asked for: no content goes back. [RFC8689-5]
        let goesWhole = original.isWhole && !original.envelope.requiresTLS
        let isGlobal = original.envelope.isInternationalized
        let hasEightBit = ReportComposer.writeOriginal(
            goesWhole ? .whole : .nothing, beginning, original.envelope, isGlobal: isGlobal, &writer, description: "Your message")
        if goesWhole { writer.out.writeImmutableBuffer(original.bytes) }
        return hasEightBit || (goesWhole && beginning.hasEightBit)
    }

    // MARK: Words

    private func subjectLine(_ original: String) -> String {
        if !self.subject.isEmpty { return SafeText.line(self.subject, limit: Self.longestSubject * 4) }
        // Not once more for each answer. [RFC3834-3.1.5]
        let plain = SafeText.line(original, limit: Self.longestSubject)
        return plain.asciiLowercased.hasPrefix("auto: ") ? plain : "Auto: \(plain)"
    }

    private var lines: [String] {
        let text = self.text.isEmpty ? self.standardText : self.text
        // Whatever kind of line end it was written with; nothing that steers a terminal.
        return text.split(omittingEmptySubsequences: false) { $0.isNewline }.map { SafeText.text(String($0)) }
    }

    private var standardText: String {
        let name = self.name.isEmpty ? "\(self.address)" : self.name
        guard self.siteText.isEmpty else { return self.filled(name) }
        let words =
            switch self.mode {
            case .vacation:
                Localized(
                    en:
                        "I am away at the moment. Your message has arrived, and I will read it when I am back.\n\n\(name)\n\n(This is an automatic reply. You get it once, however often you write.)",
                    ja: "ただいま不在にしております。メールは届いており、戻り次第拝見します。\n\n\(name)\n\n(このメールは自動応答です。続けてお送りいただいても、しばらくの間は再び応答しません。)")
            case .reply:
                Localized(
                    en: "Your message to \(self.address) has arrived.\n\n\(name)\n\n(This is an automatic reply.)",
                    ja: "\(self.address) 宛のメールを受け取りました。\n\n\(name)\n\n(このメールは自動応答です。)")
            case .echo:
                Localized(
                    en: "Your message to \(self.address) has arrived here as you see it below.\n\n\(name)\n\n(This is an automatic reply.)",
                    ja: "\(self.address) 宛のメールを受け取りました。届いたメールを以下に添付します。\n\n\(name)\n\n(このメールは自動応答です。)")
            }
        return words.text(self.language)
    }

    /// The site's text with the owner's name and address. What stands in a name is not looked at again.
    private func filled(_ name: String) -> String {
        SiteText.filled(self.siteText, [ReplyTextField.name: name, ReplyTextField.address: "\(self.address)"])
    }

    // MARK: The original

    private struct Header {
        var subject = ""
        /// With angle brackets; the message's own is the last.
        var references: [String] = []

        init(_ bytes: ByteBuffer) {
            var reader = HeaderReader(bytes)
            var own: String?
            while let field = reader.next() {
                if bytes.isField(field, named: "Subject"), self.subject.isEmpty { self.subject = HeaderText.decode(bytes.unfolded(field)) }
                if bytes.isField(field, named: "References") { self.references = Self.identifiers(bytes.unfolded(field)) }
                if bytes.isField(field, named: "Message-ID") { own = Self.identifiers(bytes.unfolded(field)).last }
            }
            // Without an own identifier there is nothing to refer to. [RFC5322-3.6.4]
            self.references = own.map { self.references.filter { $0 != own } + [$0] } ?? []
        }

        /// Only what can stand in such a field again.
        private static func identifiers(_ body: [UInt8]) -> [String] {
            MessageIdentifiers.all(in: body).filter { id in
                id.utf8.count <= 250 && id.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            }.map { "<\($0)>" }
        }
    }
}
