internal import Forms
internal import Policy
internal import Vocabulary

/// The part of a report that people read, in the family's manner: what happened, a paragraph for each kind of error, then the recipients,
/// then where to complain.
struct ReportText {
    let report: DeliveryReport
    let hostName: String
    let postmaster: Address
    let queueDays: Int64
    let original: ReturnedPart
    let hasHeader: Bool
    var words = SiteWords()

    func lines(_ language: Language) -> [String] {
        let own = self.report.gravest == .failed ? self.site(self.words.reportOpening, language) : nil
        var lines = (own ?? [self.opening.text(language)]) + [""]
        for action in [DeliveryReport.Action.failed, .delayed, .delivered, .relayed, .expanded] {
            let recipients = self.report.recipients.filter { $0.action == action }
            guard !recipients.isEmpty else { continue }
            lines += action == .failed ? self.failed(recipients, language) : self.block(self.words(action), recipients, language)
        }
        lines += self.about(language)
        lines += self.site(self.words.reportClosing, language) ?? self.closing(language)
        return lines
    }

    private func site(_ words: [Language: String], _ language: Language) -> [String]? {
        SiteText.lines(words[language], [MessageTextField.host: self.hostName, MessageTextField.postmaster: "\(self.postmaster)"])
    }

    static func subject(_ action: DeliveryReport.Action, _ language: Language) -> String {
        switch (action, language) {
        case (.failed, .english): "Mail System Error - Returned Mail"
        case (.failed, .japanese): "Mail System Error - Returned Mail (配信できなかったメールをお返しします)"
        case (.delayed, .english): "Mail System Warning - Delayed Mail"
        case (.delayed, .japanese): "Mail System Warning - Delayed Mail (メールの配信が遅れています)"
        case (_, .english): "Mail System Notice - Delivered Mail"
        case (_, .japanese): "Mail System Notice - Delivered Mail (メールを配信しました)"
        }
    }

    private var opening: Localized {
        switch self.report.gravest {
        case .failed:
            Localized(en: "This Message was undeliverable due to the following reason:", ja: "次の理由により、メールを配信できませんでした。")
        case .delayed:
            Localized(
                en: "This is a warning only. You do not need to send your message again.", ja: "これは警告です。メールを送信し直す必要はありません。")
        case .delivered, .relayed, .expanded:
            Localized(en: "This is the notification of delivery that you asked for.", ja: "ご指定のあった配信通知です。")
        }
    }

    private func words(_ action: DeliveryReport.Action) -> Localized {
        switch action {
        case .failed: Localized(en: "", ja: "")
        case .delayed:
            Localized(
                en: "Your message could not yet be delivered to the following recipients. This server goes on trying.",
                ja: "次の受信者には、まだメールを配信できていません。引き続き配信を試みます。")
        case .delivered: Localized(en: "Your message was delivered to the following recipients:", ja: "次の受信者にメールを配信しました。")
        case .relayed:
            Localized(
                en: "Your message for the following recipients was handed to a host that sends no notifications of delivery:",
                ja: "次の受信者宛のメールを、配信通知を送信しないホストに転送しました。")
        case .expanded:
            Localized(
                en: "Your message was delivered to the following addresses, which send it on to several others:",
                ja: "メールは次のアドレスに配信され、複数のアドレスに転送されます。")
        }
    }

    // MARK: Failures, by class

    private func failed(_ recipients: [DeliveryReport.Recipient], _ language: Language) -> [String] {
        var lines: [String] = []
        for failureClass in FailureClass.allCases {
            let some = recipients.filter { ($0.failureClass ?? $0.failure?.failureClass ?? .refused) == failureClass }
            if !some.isEmpty { lines += self.block(self.paragraph(failureClass), some, language) }
        }
        return lines
    }

    private func block(_ paragraph: Localized, _ recipients: [DeliveryReport.Recipient], _ language: Language) -> [String] {
        Self.wrapped(paragraph.text(language), language) + [""] + recipients.flatMap { self.entry($0, language) } + [""]
    }

    /// What the family shows of a recipient: one line where that says all, else `Recipient:` and `Reason:`.
    private func entry(_ recipient: DeliveryReport.Recipient, _ language: Language) -> [String] {
        let address = SafeText.line("<\(recipient.recipient.address)>", limit: 400)
        guard let failure = recipient.failure else { return ["    \(address)"] }
        if recipient.action == .failed, failure.replyText == nil {
            switch recipient.failureClass ?? failure.failureClass {
            case .hostNotFound: return ["    Host \(self.host(recipient)) not found", "    Recipient: \(address)"]
            case .overQuota: return ["    User quota exceeded: SMTP \(address)"]
            case .unknownUser: return ["    SMTP \(address)"]
            default: break
            }
        }
        var lines = ["    Recipient: \(address)"]
        if let host = recipient.remoteHost ?? failure.remoteHost { lines.append("    Host:      \(SafeText.host(host))") }
        lines.append("    Reason:    \(SafeText.line(failure.replyText ?? failure.words.text(language)))")
        if let until = recipient.willRetryUntil, recipient.action == .delayed { lines.append("    Until:     \(ReportFields.date(until))") }
        return lines
    }

    private func host(_ recipient: DeliveryReport.Recipient) -> String { SafeText.host(recipient.recipient.address.domain) }

    private func paragraph(_ failureClass: FailureClass) -> Localized {
        switch failureClass {
        case .unknownUser:
            Localized(
                en:
                    "The following destination addresses were unknown. Please check how they are spelled; if there is a mistake, send your message again to the right address.",
                ja: "次の宛先アドレスは存在しません。アドレスに誤りがないか確認し、誤りがあった場合は正しいアドレスに送信し直してください。")
        case .badAddress:
            Localized(
                en: "The following addresses cannot be processed, because their form is wrong or the other host does not allow it.",
                ja: "次のアドレスは、形式が正しくないため処理できません。")
        case .hostNotFound:
            Localized(
                en:
                    "The destination host of the following recipients was not found. Please check how the part of the address behind the @ is spelled. If it is right, the name service of that site may be out of order; try again later.",
                ja: "次の受信者の送信先ホストが見つかりません。アドレスの @ より後ろに誤りがないか確認してください。正しい場合は、送信先の DNS に問題がある可能性がありますので、しばらくしてから送信し直してください。")
        case .mxLoop:
            Localized(
                en:
                    "MX loop: name service (DNS) says that this server takes the mail of the following recipients, and this server does not hold their domain for its own. The postmaster of the domain has to correct its MX records, or this server's local mail domains.",
                ja: "MX ループ: 次の受信者のドメインの MX レコードはこのサーバを指していますが、このサーバのローカルメールドメインに登録されていません。MX レコードまたはローカルメールドメインの設定を修正する必要があります。")
        default: self.laterParagraph(failureClass)
        }
    }

    private func laterParagraph(_ failureClass: FailureClass) -> Localized {
        switch failureClass {
        case .tooManyHops:
            Localized(
                en: "Your message passed more hosts than a message may pass. It probably goes round in a circle.",
                ja: "メールが経由したホストの数が上限を超えました。メールが循環している可能性があります。")
        case .queueTimeOver:
            Localized(
                en:
                    "Your message was not delivered within \(self.queueDays) days. This server tried many times and now gives up. The last attempt ended as follows.",
                ja: "\(self.queueDays) 日以内にメールを配信できなかったため、配信を中止しました。最後の配信の結果は次のとおりです。")
        case .tooLarge:
            Localized(
                en: "Your message is too large for the following recipients. Its size is \(Notation.rounded(self.report.size)).",
                ja: "メールのサイズ (\(Notation.rounded(self.report.size))) が、次の受信者のホストの上限を超えています。")
        case .overQuota:
            Localized(
                en:
                    "The mailboxes of the following recipients have reached their maximum size and take no mail until they have been tidied up.",
                ja: "次の受信者のメールボックスは最大サイズに達しているため、メールを受け取ることができません。")
        case .programFailed:
            Localized(
                en: "The program that takes the mail of the following recipients failed.", ja: "次の受信者宛のメールを受け取るプログラムがエラーになりました。")
        default:
            Localized(
                en:
                    "Each of the following recipients was refused by the mail server of the destination, for the reason that stands beside it.",
                ja: "次の受信者は、送信先のメールサーバに拒否されました。理由は次のとおりです。")
        }
    }

    // MARK: The end

    private func about(_ language: Language) -> [String] {
        let arrived = ReportFields.date(self.report.arrivedAt)
        let trace = self.report.trace.map { ", id \($0)" } ?? ""
        let date = Localized(
            en: "The message was received by \(self.hostName) on \(arrived)\(trace).",
            ja: "このメールは \(self.hostName) が \(arrived) に受け取りました\(trace)。"
        )
        let attached: Localized? =
            switch self.original {
            case .whole, .wholeInBase64: Localized(en: "Your message is attached below.", ja: "元のメールを添付します。")
            case .nothing:
                self.hasHeader ? Localized(en: "The header of your message is attached below.", ja: "元のメールのヘッダを添付します。") : nil
            }
        return Self.wrapped(date.text(language), language) + (attached.map { [$0.text(language)] } ?? []) + [""]
    }

    private func closing(_ language: Language) -> [String] {
        switch language {
        case .english: ["Please reply to <\(self.postmaster)>", "if you feel this message to be in error."]
        case .japanese: ["この通知に誤りがあると思われる場合は、<\(self.postmaster)> までお知らせください。"]
        }
    }

    /// English at 72 characters; Japanese a sentence a line, since it has no blanks to break at.
    static func wrapped(_ text: String, _ language: Language) -> [String] {
        guard language == .english else {
            return text.split(separator: "。", omittingEmptySubsequences: true).map { "\($0)。" }
        }
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.utf8.count + 1 + word.utf8.count > 72 {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? "\(word)" : " \(word)"
        }
        return line.isEmpty ? lines : lines + [line]
    }
}
