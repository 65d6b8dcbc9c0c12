internal import Bytes
internal import Policy
internal import Vocabulary

/// The part of a report that programs read. [RFC3464-2]
struct ReportFields {
    let report: DeliveryReport
    let hostName: String
    /// UTF-8 may stand in it: message/global-delivery-status. [RFC6533-4.1]
    let isGlobal: Bool

    // RFC 3464 2.1: delivery-status-content = per-message-fields 1*( CRLF per-recipient-fields )
    func text() -> String {
        var out = self.messageFields()
        for recipient in self.report.recipients { out += "\r\n" + self.recipientFields(recipient) }
        return out
    }

    private func messageFields() -> String {
        var out = ""
        // Decoded, case kept; never where the message came without. [RFC3461-6.3]
        if let id = self.report.envelope.envelopeID.flatMap(Xtext.decode), !id.isEmpty { out += "Original-Envelope-Id: \(id)\r\n" }
        out += "Reporting-MTA: dns; \(SafeText.host(self.hostName))\r\n"
        if let from = self.report.receivedFrom { out += "Received-From-MTA: dns; \(SafeText.host(from))\r\n" }
        return out + "Arrival-Date: \(Self.date(self.report.arrivedAt))\r\n"
    }

    private func recipientFields(_ recipient: DeliveryReport.Recipient) -> String {
        var out = ""
        if let original = recipient.recipient.originalRecipient { out += self.originalRecipient(original) }
        out += "Final-Recipient: \(self.address(recipient.recipient.address))\r\n"
        out += "Action: \(recipient.action.rawValue)\r\n"
        out += "Status: \(Self.status(recipient))\r\n"
        if let host = recipient.remoteHost ?? recipient.failure?.remoteHost { out += "Remote-MTA: dns; \(SafeText.host(host))\r\n" }
        out += self.diagnostic(recipient)
        if let time = recipient.lastAttempt { out += "Last-Attempt-Date: \(Self.date(time))\r\n" }
        if let trace = self.report.trace { out += "Final-Log-ID: \(SafeText.ascii("\(trace)", limit: 100))\r\n" }
        if let time = recipient.willRetryUntil, recipient.action == .delayed { out += "Will-Retry-Until: \(Self.date(time))\r\n" }
        return out
    }

    private func address(_ address: Address) -> String {
        let text = SafeText.line(address.description, limit: 500)
        guard address.isInternationalized else { return "rfc822; \(text)" }
        return "utf-8; \(self.isGlobal ? text : self.encoded(text))"
    }

    // RFC 3461 4.2: original-recipient-address = addr-type ";" xtext
    private func originalRecipient(_ text: String) -> String {
        guard let semicolon = text.firstIndex(of: ";") else { return "" }
        let type = SafeText.ascii(String(text[..<semicolon]), limit: 40)
        let encoded = String(text[text.index(after: semicolon)...])
        if type.asciiLowercased == "utf-8", let address = Xtext.decodeUnitext(encoded) {
            return "Original-Recipient: utf-8; \(self.isGlobal ? SafeText.line(address, limit: 500) : self.encoded(address))\r\n"
        }
        return "Original-Recipient: \(type); \(SafeText.ascii(Xtext.decode(encoded) ?? encoded, limit: 500))\r\n"
    }

    /// In ASCII an address grows up to threefold; what no address can be is cut off, so that the line stays one. [RFC5322-2.1.1]
    private func encoded(_ address: String) -> String { SafeText.ascii(Xtext.unitext(address), limit: 900) }

    private func diagnostic(_ recipient: DeliveryReport.Recipient) -> String {
        guard let failure = recipient.failure, recipient.action == .failed || recipient.action == .delayed else { return "" }
        if let reply = failure.replyText {
            // The text of a reply is i-default; UTF-8 only where the part allows it. [RFC6533-4.1]
            return SafeText.folded("Diagnostic-Code", "smtp; \(self.isGlobal ? SafeText.line(reply) : SafeText.ascii(reply))")
        }
        let name = failure.diagnosticName(as: recipient.failureClass ?? failure.failureClass)
        return SafeText.folded("Diagnostic-Code", "x-post-office; \(name) (\(SafeText.comment(failure.words.english)))")
    }

    /// The first digit says what the action says: failures are 4 or 5, successes 2.
    private static func status(_ recipient: DeliveryReport.Recipient) -> EnhancedStatus {
        let given = recipient.status
        let (subject, detail) = (min(given.subject, 999), min(given.detail, 999))
        switch recipient.action {
        case .failed: return EnhancedStatus(given.classDigit == 4 ? 4 : 5, subject, detail)
        case .delayed: return EnhancedStatus(4, subject, detail)
        case .delivered, .relayed, .expanded: return EnhancedStatus(2, subject, detail)
        }
    }

    static func date(_ time: Int64) -> String { CivilTime(unixSeconds: time).rfc5322 }
}

extension SafeText {
    /// For a comment in parentheses.
    static func comment(_ text: String) -> String {
        String(self.ascii(text).map { $0 == "(" || $0 == ")" || $0 == "\\" ? "'" : $0 })
    }
}
