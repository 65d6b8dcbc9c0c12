internal import Bytes
internal import MIME
internal import NIOCore
package import Policy
package import Vocabulary

/// Writes delivery status notifications: multipart/report with a text for people, the status for programs, and the original or its
/// header. [RFC6522-3] [RFC3464-2] [RFC6533-4]
package struct ReportComposer: Sendable {
    /// This host's name: Reporting-MTA, and domain of the Message-ID.
    package var hostName: String
    /// Whom the reader may ask, and from whom the report comes.
    package var postmaster: Address
    /// Languages of the text, one below the other: the reader's own where it is known, else the system's and English.
    package var languages: [Language]
    package var responses: ErrorResponses
    /// After so many seconds messages are given up: for the text.
    package var queueTime: Int64
    package var words: SiteWords

    package init(
        hostName: String, postmaster: Address, languages: [Language], responses: ErrorResponses = ErrorResponses(),
        queueTime: Int64 = QueuePolicy().giveUpAfter, words: SiteWords = SiteWords()
    ) {
        self.hostName = hostName
        self.postmaster = postmaster
        self.languages = languages.isEmpty ? [.english] : languages
        self.responses = responses
        self.queueTime = queueTime
        self.words = words
    }

    /// nil when the message had no sender, so that nobody may get a report. [RFC5321-4.5.5]
    /// - Parameters:
    ///   - original: the beginning of the message that is reported on; nil when it cannot be read, which stops no report.
    ///   - now: seconds since 1970.
    ///   - random: at least 32 unpredictable bytes, for the boundary and the Message-ID.
    package func compose(_ report: DeliveryReport, original: OriginalBeginning?, now: Int64, random: [UInt8]) -> ComposedReport? {
        guard let sender = report.envelope.sender, !report.recipients.isEmpty else { return nil }
        // A sender beyond ASCII can be reached by SMTPUTF8 only; for all others the report is ASCII as far as it is ours. [RFC6533-4.5]
        let isGlobal = sender.isInternationalized
        let part = self.returnedPart(report, original, isGlobal)
        let messageID = MessageIDMaker.make(now: now, random: Array(random.dropFirst(16)), host: self.hostName)
        var writer = MailWriter(random: random[...])
        self.writeHeader(report, sender, original, messageID, now, &writer)
        let text = ReportText(
            report: report, hostName: self.hostName, postmaster: self.postmaster, queueDays: max(self.queueTime / 86_400, 1),
            original: part, hasHeader: original != nil, words: self.words)
        writer.text(Array(self.languages.map(text.lines).joined(separator: ["", "----------", ""])), description: "Notification")
        let fields = ReportFields(report: report, hostName: self.hostName, isGlobal: isGlobal)
        Self.writeStatus(fields, &writer)
        let hasEightBit = Self.writeOriginal(part, original, report.envelope, isGlobal: isGlobal, &writer)
        var envelope = Envelope(sender: nil, recipients: [Envelope.Recipient(sender, notify: .never)])
        envelope.isInternationalized = isGlobal
        envelope.isEightBit = isGlobal || hasEightBit
        // The report tells of the message, and must be protected like it. [RFC8689-5]
        envelope.requiresTLS = report.envelope.requiresTLS
        return ComposedReport(envelope: envelope, messageID: messageID, head: writer.out, original: part, tail: writer.end)
    }

    // MARK: Parts

    /// Only failures bring the message back, and only where neither sender nor size speak against it. [RFC3461-4.3] [RFC3461-6.2]
    private func returnedPart(_ report: DeliveryReport, _ original: OriginalBeginning?, _ isGlobal: Bool) -> ReturnedPart {
        let isWanted = report.envelope.dsnReturn.map { $0 == .full } ?? self.responses.returnsWhole
        // As if RET=HDRS had been said. [RFC8689-5]
        guard !report.envelope.requiresTLS else { return .nothing }
        guard original != nil, report.gravest == .failed, isWanted, report.size <= self.responses.wholeLimit else { return .nothing }
        return report.envelope.isInternationalized && !isGlobal ? .wholeInBase64 : .whole
    }

    private func writeHeader(
        _ report: DeliveryReport, _ sender: Address, _ original: OriginalBeginning?, _ messageID: String, _ now: Int64,
        _ writer: inout MailWriter
    ) {
        let language = self.languages.first ?? .english
        writer.line("Date: \(CivilTime(unixSeconds: now).rfc5322)")
        writer.line("From: Mail Administrator <\(self.postmaster)>")
        writer.line("To: <\(sender)>")
        writer.field("Subject", ReportText.subject(report.gravest, language))
        writer.line("Message-ID: \(messageID)")
        if let id = original?.messageID { writer.line("References: \(id)") }
        writer.line("Auto-Submitted: auto-replied")
        writer.multipart("report", "report-type=delivery-status")
    }

    private static func writeStatus(_ fields: ReportFields, _ writer: inout MailWriter) {
        let type = fields.isGlobal ? "message/global-delivery-status" : "message/delivery-status"
        var lines = ["Content-Type: \(type)", "Content-Description: Delivery report"]
        if fields.isGlobal { lines.insert("Content-Transfer-Encoding: 8bit", at: 1) }
        writer.part(lines)
        writer.out.writeString(fields.text())
    }

    /// True when the part has octets beyond ASCII, so that the report needs 8BITMIME.
    static func writeOriginal(
        _ part: ReturnedPart, _ original: OriginalBeginning?, _ envelope: Envelope, isGlobal: Bool, _ writer: inout MailWriter,
        description: String = "Undelivered message"
    ) -> Bool {
        guard let original else { return false }
        let isInternational = envelope.isInternationalized
        switch part {
        case .nothing: return Self.writeHeaderPart(original, isInternational, isGlobal, &writer)
        case .wholeInBase64:
            writer.part(["Content-Type: message/global", "Content-Transfer-Encoding: base64", "Content-Description: \(description)"])
            return false
        case .whole:
            // message/rfc822 knows no other encoding than 7bit and 8bit. [RFC2046-5.2.1]
            let hasEightBit = envelope.isEightBit || original.hasEightBit || isInternational
            writer.part([
                "Content-Type: message/\(isInternational ? "global" : "rfc822")",
                "Content-Transfer-Encoding: \(hasEightBit ? "8bit" : "7bit")", "Content-Description: \(description)",
            ])
            return hasEightBit
        }
    }

    private static func writeHeaderPart(
        _ original: OriginalBeginning, _ isInternational: Bool, _ isGlobal: Bool, _ writer: inout MailWriter
    ) -> Bool {
        let type = isInternational ? "message/global-headers" : "text/rfc822-headers"
        let hasEightBit = original.hasEightBitHeader
        let encoding = !hasEightBit ? "7bit" : isGlobal ? "8bit" : isInternational ? "base64" : "quoted-printable"
        writer.part(["Content-Type: \(type)", "Content-Transfer-Encoding: \(encoding)", "Content-Description: Message header"])
        switch encoding {
        case "base64": writer.base64(Array(original.header.readableBytesView)[...])
        case "quoted-printable": QuotedPrintable.encode(original.header, to: &writer.out)
        default: writer.out.writeImmutableBuffer(original.header)
        }
        return encoding == "8bit"
    }
}
