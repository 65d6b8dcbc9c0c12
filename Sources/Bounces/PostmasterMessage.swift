internal import Bytes
internal import MIME
internal import NIOCore
package import Policy
package import Vocabulary

/// Writes the two kinds of mail that the postmaster gets about errors: notifications, which only inform, and action messages, forms that
/// must be answered while the message waits. Both have no sender, so that they cannot come back, and go to people of this site alone.
package struct PostmasterMessage: Sendable {
    package var hostName: String
    package var postmaster: Address
    package var language: Language
    /// Where a form that was filled in goes to.
    package var formsAddress: Address

    package init(hostName: String, postmaster: Address, language: Language, formsAddress: Address) {
        self.hostName = hostName
        self.postmaster = postmaster
        self.language = language
        self.formsAddress = formsAddress
    }

    /// The message that an error is about.
    package struct Subject: Sendable {
        package var envelope: Envelope
        /// Those recipients that it is about.
        package var recipients: [Address]
        package var arrivedAt: Int64
        package var trace: TraceID?
        package var size: Int64

        package init(envelope: Envelope, recipients: [Address], arrivedAt: Int64, trace: TraceID?, size: Int64) {
            self.envelope = envelope
            self.recipients = recipients
            self.arrivedAt = arrivedAt
            self.trace = trace
            self.size = size
        }
    }

    /// What became of the message about which a notification tells.
    package enum Outcome: Sendable, Hashable {
        case returned
        /// It was a report itself, or its sender must not be told. [RFC3461-5.2]
        case dropped
    }

    /// A notification: something went wrong and was dealt with.
    /// - Parameters:
    ///   - people: to whom; empty is the postmaster.
    ///   - notice: how much of the message goes with it; `none` writes nothing and gives nil.
    ///   - random: at least 32 unpredictable bytes.
    package func notification(
        _ subject: Subject, _ failure: DeliveryFailure, as failureClass: FailureClass, _ outcome: Outcome, notice: ErrorResponse.Notice,
        people: [Address], original: OriginalBeginning?, now: Int64, random: [UInt8]
    ) -> ComposedReport? {
        guard notice != .none else { return nil }
        let title = Localized(
            en: "Mail System Notification - \(failureClass.label.english)", ja: "メールシステム通知 - \(failureClass.label.japanese)")
        let opening: Localized =
            switch outcome {
            case .returned:
                Localized(
                    en: "For your information: the following message could not be delivered and was returned to its sender.",
                    ja: "次のメールを配信できなかったため、送信元に返送しました（お知らせのみで、対応は不要です）。")
            case .dropped:
                Localized(
                    en:
                        "For your information: the following message could not be delivered, and its sender cannot or must not be told. It was deleted.",
                    ja: "次のメールを配信できず、送信元にも返送できないため、削除しました（お知らせのみで、対応は不要です）。")
            }
        let lines =
            ReportText.wrapped(opening.text(self.language), self.language) + [""] + self.facts(subject, failure.reasonText, failureClass)
        return self.message(
            title, lines, replyTo: nil, people, part: notice == .whole ? .whole : .nothing, subject, original, now: now, random: random)
    }

    /// An action message: the form about a message that is held.
    /// - Parameter secret: of `ActionSecret`.
    package func action(
        _ subject: Subject, _ held: HeldCase, entry: QueueID, secret: String, notice: ErrorResponse.Notice, people: [Address],
        original: OriginalBeginning?, now: Int64, random: [UInt8]
    ) -> ComposedReport {
        let title = Localized(
            en: "Form: Undeliverable Mail - \(held.failureClass.label.english)",
            ja: "Form: Undeliverable Mail - \(held.failureClass.label.japanese)")
        let opening = Localized(
            en:
                "The following message could not be delivered. It is held until you say what is to become of it: answer this message and fill in the brackets, or use the web form, or the command 'postoffice queue'.",
            ja: "次のメールを配信できませんでした。処理が指定されるまで保留します。このメールの [ ] の中に記入して返信するか、Web フォームまたは postoffice queue コマンドで処理を指定してください。")
        let lines =
            ReportText.wrapped(opening.text(self.language), self.language) + [""] + self.facts(subject, held.reason, held.failureClass)
            + self.form(entry, secret)
        return self.message(
            title, lines, replyTo: self.formsAddress, people, part: notice == .whole ? .whole : .nothing, subject, original, now: now,
            random: random)
    }

    /// What became of a form that somebody sent.
    /// - Parameter lines: what is to be said, in both languages.
    package func reply(to person: Address, _ lines: [Localized], now: Int64, random: [UInt8]) -> ComposedReport {
        let messageID = MessageIDMaker.make(now: now, random: Array(random.dropFirst(16)), host: self.hostName)
        var writer = MailWriter(random: random[...])
        writer.line("Date: \(CivilTime(unixSeconds: now).rfc5322)")
        writer.line("From: Configuration-Manager <\(self.formsAddress)>")
        writer.line("To: <\(person)>")
        writer.field("Subject", Localized(en: "Re: Form: Undeliverable Mail", ja: "Re: Form: Undeliverable Mail").text(self.language))
        writer.line("Message-ID: \(messageID)")
        writer.line("Auto-Submitted: auto-replied")
        writer.multipart("mixed")
        writer.text(lines.flatMap { ReportText.wrapped($0.text(self.language), self.language) }, description: "Notification")
        var envelope = Envelope(sender: nil, recipients: [Envelope.Recipient(person, notify: .never)])
        envelope.isInternationalized = person.isInternationalized
        envelope.isEightBit = envelope.isInternationalized
        return ComposedReport(envelope: envelope, messageID: messageID, head: writer.out, original: .nothing, tail: writer.end)
    }

    // MARK: Text

    private func facts(_ subject: Subject, _ reason: String, _ failureClass: FailureClass) -> [String] {
        let names = [
            Localized(en: "Sender:    ", ja: "送信者: "), Localized(en: "Recipient: ", ja: "受信者: "), Localized(en: "Error:     ", ja: "エラー: "),
            Localized(en: "Reason:    ", ja: "理由: "), Localized(en: "Received:  ", ja: "受信日時: "),
            Localized(en: "Trail:     ", ja: "追跡 ID: "),
            Localized(en: "Size:      ", ja: "サイズ: "),
        ].map { $0.text(self.language) }
        var lines = ["    \(names[0])\(SafeText.line("<\(subject.envelope.sender?.description ?? "")>", limit: 400))"]
        // A message to thousands is told by its first hundred recipients.
        lines += subject.recipients.prefix(100).map { "    \(names[1])\(SafeText.line("<\($0)>", limit: 400))" }
        if subject.recipients.count > 100 { lines.append("    (+ \(subject.recipients.count - 100))") }
        lines.append("    \(names[2])\(failureClass.label.text(self.language))")
        lines.append("    \(names[3])\(SafeText.line(reason))")
        lines.append("    \(names[4])\(ReportFields.date(subject.arrivedAt))")
        if let trace = subject.trace { lines.append("    \(names[5])\(trace)") }
        return lines + ["    \(names[6])\(subject.size)", ""]
    }

    private func form(_ entry: QueueID, _ secret: String) -> [String] {
        let hints = Localized(
            en: "(return, redirect, retry or delete)", ja: "(return = 返送、redirect = 他のアドレスに転送、retry = 再送、delete = 削除)")
        return [
            "\(ActionForm.entryField): [\(entry)]", "\(ActionForm.secretField): [\(secret)]",
            "\(ActionForm.actionField): [] \(hints.text(self.language))", "\(ActionForm.redirectField): []", "",
        ]
    }

    // MARK: Message

    private func message(
        _ title: Localized, _ lines: [String], replyTo: Address?, _ people: [Address], part: ReturnedPart, _ subject: Subject,
        _ original: OriginalBeginning?, now: Int64, random: [UInt8]
    ) -> ComposedReport {
        let recipients = people.isEmpty ? [self.postmaster] : people
        let messageID = MessageIDMaker.make(now: now, random: Array(random.dropFirst(16)), host: self.hostName)
        var writer = MailWriter(random: random[...])
        writer.line("Date: \(CivilTime(unixSeconds: now).rfc5322)")
        writer.line("From: Mail Administrator <\(self.postmaster)>")
        writer.line("To: \(recipients.prefix(50).map { "<\($0)>" }.joined(separator: ",\r\n "))")
        if let replyTo { writer.line("Reply-To: Configuration-Manager <\(replyTo)>") }
        writer.field("Subject", title.text(self.language))
        writer.line("Message-ID: \(messageID)")
        writer.line("Auto-Submitted: auto-generated")
        writer.multipart("mixed")
        writer.text(lines, description: "Notification")
        let isInternational = subject.envelope.isInternationalized
        let isPart = original == nil ? .nothing : part == .whole && isInternational ? ReturnedPart.wholeInBase64 : part
        let hasEightBit = ReportComposer.writeOriginal(isPart, original, subject.envelope, isGlobal: false, &writer)
        var envelope = Envelope(sender: nil, recipients: recipients.map { Envelope.Recipient($0, notify: .never) })
        envelope.isInternationalized = recipients.contains(where: \.isInternationalized)
        envelope.isEightBit = hasEightBit || envelope.isInternationalized
        return ComposedReport(envelope: envelope, messageID: messageID, head: writer.out, original: isPart, tail: writer.end)
    }
}

extension DeliveryFailure {
    /// The other host's own words where it said some.
    var reasonText: String { self.replyText ?? self.words.english }
}
