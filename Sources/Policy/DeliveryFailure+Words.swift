package import Vocabulary

// A failure as people and programs read it. What another host wrote is in here as it came: whoever puts it into a field makes it safe.
extension DeliveryFailure {
    /// The SMTP reply as one text, where the other host gave one: `550 5.1.1 No such user`.
    package var replyText: String? {
        switch self.cause {
        case .reply(let reply, _), .loginFailed(let reply?): Self.text(reply)
        case .routeLogin(let fault): fault.reply.map(Self.text)
        default: nil
        }
    }

    private static let said = "the other host said: "

    /// The reply that the English words of a failure tell; nil where they tell none.
    package static func reply(inWords words: String) -> Reply? {
        guard words.hasPrefix(Self.said) else { return nil }
        let parts = words.dropFirst(Self.said.count).split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard let first = parts.first, let code = UInt16(first), (200...599).contains(code) else { return nil }
        let numbers = parts.dropFirst().first?.split(separator: ".", omittingEmptySubsequences: false).map { UInt16($0) } ?? []
        if numbers.count == 3, let digit = numbers[0], let subject = numbers[1], let detail = numbers[2], digit == code / 100 {
            return Reply(code, EnhancedStatus(UInt8(truncatingIfNeeded: digit), subject, detail), parts.count > 2 ? String(parts[2]) : "")
        }
        return Reply(code, nil, parts.dropFirst().joined(separator: " "))
    }

    static func text(_ reply: Reply) -> String {
        let status = reply.status.map { "\($0) " } ?? ""
        return "\(reply.code) \(status)\(reply.text)"
    }

    /// Module whose error it is, in front of the error's name in our own diagnostic codes.
    package var module: String {
        switch self.cause {
        case .unknownHere, .overQuota, .local: "Mailbox-Deliver"
        case .program: "Program-Deliver"
        default: "SMTP-Deliver"
        }
    }

    /// `SMTP-Deliver:QueuedTooLong`, for the class under which the failure is handled.
    package func diagnosticName(as failureClass: FailureClass) -> String { "\(self.module):\(failureClass.diagnosticName)" }

    /// Why, in a sentence without a full stop: for reports, notices and the queue list.
    package var words: Localized {
        switch self.cause {
        case .reply(let reply, _): Localized(en: "\(Self.said)\(Self.text(reply))", ja: "送信先ホストの応答: \(Self.text(reply))")
        case .noSuchDomain: Localized(en: "the domain does not exist", ja: "ドメインが存在しません")
        case .noMailHost: Localized(en: "the domain has no mail host", ja: "ドメインにメールホストがありません")
        case .nullMX: Localized(en: "the domain takes no mail", ja: "ドメインはメールを受け取りません")
        case .dnsFailed: Localized(en: "name service (DNS) gives no answer", ja: "DNS から応答がありません")
        case .mxLoop:
            Localized(en: "MX loop: name service (DNS) leads back to this host", ja: "MX ループ: DNS の MX レコードがこのホストを指しています")
        case .unreachable(let why): Localized(en: "no connection to the host: \(why)", ja: "ホストに接続できません: \(why)")
        case .connectionLost(let stage):
            Localized(en: "the connection ended (\(stage.rawValue))", ja: "接続が途中で切れました (\(stage.rawValue))")
        case .tlsRequired(let why): Localized(en: "no secure connection: \(why)", ja: "安全な接続を確立できません: \(why)")
        case .loginFailed(let reply):
            Localized(
                en: "login refused\(reply.map { ": \(Self.text($0))" } ?? "")",
                ja: "ログインが拒否されました\(reply.map { ": \(Self.text($0))" } ?? "")")
        case .routeLogin(let fault): fault.words
        default: self.wordsAboutMessage
        }
    }

    private var wordsAboutMessage: Localized {
        switch self.cause {
        case .tooManyHops: Localized(en: "too many hops: the message goes round in a circle", ja: "最大ホップ数を超えました。メールが循環しています")
        case .tooLarge(let limit):
            Localized(en: "larger than the \(limit) bytes that the host takes", ja: "ホストが受け取る最大サイズ \(limit) バイトを超えています")
        case .needsEightBit: Localized(en: "the host takes no 8-bit text", ja: "ホストが 8 ビットのテキストを受け取りません")
        case .needsInternational: Localized(en: "the host takes no international addresses", ja: "ホストが国際化メールアドレスを受け取りません")
        case .needsRequireTLS:
            Localized(en: "no host offers REQUIRETLS, as the message demands", ja: "メッセージが求める REQUIRETLS に対応するホストがありません")
        case .needsEncryption(let gap): Self.words(of: gap)
        case .badAddress(let why): Localized(en: "the address cannot be used: \(why)", ja: "アドレスを処理できません: \(why)")
        case .unknownHere: Localized(en: "no such address here", ja: "このアドレスは存在しません")
        case .overQuota: Localized(en: "the mailbox is full", ja: "メールボックスの容量を超えています")
        case .program(let status, _, let text):
            Localized(
                en: "the program ended with status \(status)\(text.isEmpty ? "" : ": \(text)")",
                ja: "プログラムがステータス \(status) で終了しました\(text.isEmpty ? "" : ": \(text)")")
        case .local: Localized(en: "a trouble of this server", ja: "このサーバの障害")
        case .returnedByHand(let last):
            Localized(
                en: "returned by the postmaster\(last.isEmpty ? "" : "; the last trouble: \(last)")",
                ja: "Postmaster が返送しました\(last.isEmpty ? "" : "（最後の障害: \(last)）")")
        default: Localized(en: "failed", ja: "失敗")
        }
    }

    private static func words(of gap: TLSGap) -> Localized {
        switch gap {
        case .noTLS:
            Localized(en: "REQUIRETLS: the host offers no encryption (STARTTLS)", ja: "REQUIRETLS: ホストが暗号化 (STARTTLS) に対応していません")
        case .handshake: Localized(en: "REQUIRETLS: encryption with the host fails", ja: "REQUIRETLS: ホストとの暗号化に失敗しました")
        case .certificate:
            Localized(en: "REQUIRETLS: the certificate of the host proves nothing", ja: "REQUIRETLS: ホストの証明書では本物と確認できません")
        case .name:
            Localized(
                en: "REQUIRETLS: neither DNSSEC nor MTA-STS vouches for the name of the host",
                ja: "REQUIRETLS: ホストの名前が DNSSEC でも MTA-STS でも保証されていません")
        }
    }
}
