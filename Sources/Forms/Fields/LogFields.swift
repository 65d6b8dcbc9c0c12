package import Vocabulary

/// Logging options: one switch for each event of SMTP-Accept, as the original had thirteen.
package enum LogField {
    package static let switches: [Field] = LogSwitch.allCases.map { event in
        let label = Self.label(event)
        return Field(
            Self.key(event), .logging, Localized("Log of SMTP-Accept: \(label.english)", "SMTP-Accept のログ: \(label.japanese)"),
            help: Localized("Writes a line for each such event.", "発生するたびにログに 1 行書き込みます。"), .flag, default: .flag(true))
    }

    package static let retention = Field(
        "log-days", .logging, Localized("Days that logs are kept", "ログの保存日数"),
        help: Localized("Older files are removed. 0: never.", "これより古いログファイルは削除されます。0 は削除しません。"), .integer(0...3650), default: .integer(30),
        unit: .count)

    package static let all: [Field] = switches + [retention]

    package static func key(_ event: LogSwitch) -> FieldKey { FieldKey("log-smtp-\(event.rawValue)") }

    private static func label(_ event: LogSwitch) -> Localized {
        switch event {
        case .opened: Localized("connection opened", "接続の開始")
        case .refusedAtConnect: Localized("connection refused", "接続の拒否")
        case .helo: Localized("HELO and EHLO", "HELO と EHLO")
        case .tls: Localized("TLS started", "TLS の開始")
        case .auth: Localized("login", "認証")
        case .mail: Localized("sender", "送信者")
        case .recipientAccepted: Localized("recipient accepted", "受信者の受け入れ")
        case .recipientRefused: Localized("recipient refused", "受信者の拒否")
        case .relayRefused: Localized("relay refused", "リレーの拒否")
        case .messageAccepted: Localized("message accepted", "メッセージの受け入れ")
        case .messageRefused: Localized("message refused", "メッセージの拒否")
        case .specialCommand: Localized("QSND, ETRN, VRFY, EXPN", "QSND、ETRN、VRFY、EXPN")
        case .closed: Localized("connection closed", "接続の終了")
        }
    }
}
