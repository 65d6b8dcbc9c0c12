internal import Vocabulary

/// Limits and timeouts of SMTP, POP3, IMAP4 and the store. The ranges are what is safe; inside them the postmaster decides.
package enum LimitField {
    package static let messageSize = Field(
        "message-size-limit", .limits, Localized("Maximum message size", "最大メッセージサイズ"),
        help: Localized("Larger messages are refused.", "これより大きいメッセージは拒否されます。"), .bytes((64 << 10)...(4 << 30)),
        default: .integer(50 << 20), unit: .bytes)

    package static let recipients = count(
        "recipient-limit", Localized("Recipients a message", "1 通の受信者数の上限"), 100...100_000, 1000)
    package static let hops = count("hop-limit", Localized("Hops before a message counts as looping", "最大ホップ数"), 10...200, 30)
    package static let smtpErrors = count(
        "smtp-error-limit", Localized("Wrong SMTP commands a session", "SMTP セッションのエラー数の上限"), 3...1000, 10)
    package static let authFailures = count("login-failure-limit", Localized("Failed logins a session", "1 セッションのログイン失敗数の上限"), 1...100, 3)
    package static let refusedRecipients = count(
        "refused-recipient-limit", Localized("Refused recipients a session", "1 セッションの拒否受信者数の上限"), 5...10_000, 50)
    package static let transactions = count(
        "transaction-limit", Localized("Messages a session", "1 セッションのメッセージ数の上限"), 1...1_000_000, 10_000)

    package static let smtpCommandTimeout = time(
        "smtp-command-timeout", Localized("Waiting for an SMTP command", "SMTP コマンドのタイムアウト"), 10...3600, 300)
    package static let smtpDataTimeout = time(
        "smtp-data-timeout", Localized("Waiting for a block of a message", "メッセージ受信のタイムアウト"), 10...3600, 180)
    package static let smtpSessionTimeout = time(
        "smtp-session-timeout", Localized("A whole SMTP session", "SMTP セッションの制限時間"), 60...86_400, 7200)
    package static let pop3Timeout = time("pop3-timeout", Localized("Inactivity in POP3", "POP3 のタイムアウト"), 600...86_400, 600)
    package static let pop3LoginTimeout = time(
        "pop3-login-timeout", Localized("Waiting for a POP3 login", "POP3 ログインのタイムアウト"), 10...600, 60)
    package static let pop3LoginDelay = time(
        "pop3-login-delay", Localized("Between two POP3 logins of an account", "POP3 ログインの最小間隔"), 0...86_400, 0)
    package static let imapTimeout = time("imap-timeout", Localized("Inactivity in IMAP4", "IMAP4 のタイムアウト"), 1800...86_400, 1800)
    package static let imapLoginTimeout = time(
        "imap-login-timeout", Localized("Waiting for an IMAP4 login", "IMAP4 ログインのタイムアウト"), 10...600, 60)

    package static let smtpConnections = count(
        "smtp-connection-limit", Localized("Incoming SMTP connections", "SMTP 受信の最大接続数"), 1...100_000, 10_000)
    package static let outgoingConnections = count(
        "smtp-outgoing-connection-limit", Localized("Outgoing SMTP connections", "SMTP 送信の最大接続数"), 1...10_000, 100)
    package static let pop3Connections = count("pop3-connection-limit", Localized("POP3 connections", "POP3 の最大接続数"), 1...100_000, 10_000)
    package static let imapConnections = count(
        "imap-connection-limit", Localized("IMAP4 connections", "IMAP4 の最大接続数"), 1...1_000_000, 20_000)
    package static let imapSessionsPerAccount = count(
        "imap-session-limit", Localized("IMAP4 sessions of one account", "1 つのアカウントの IMAP4 最大セッション数"), 1...10_000, 100)
    package static let connectionsPerAddress = count(
        "connections-per-address", Localized("Connections from one address", "1 つの IP アドレスからの最大接続数"), 1...100_000, 100)
    package static let connectionRate = count(
        "connection-rate", Localized("New connections a minute from one address", "1 つの IP アドレスからの 1 分間の接続数の上限"), 1...1_000_000, 6000)
    package static let unknownRecipients = count(
        "unknown-recipient-budget", Localized("Unknown recipients from one address in ten minutes", "1 つの IP アドレスからの不明な受信者数の上限（10 分間）"),
        5...100_000, 100)
    package static let blockTime = time("block-time", Localized("How long a peer is shut out", "接続を拒否する時間"), 10...86_400, 600)
    package static let loginFailureBudget = count(
        "login-failure-budget", Localized("Failed logins from one address in ten minutes", "1 つの IP アドレスからのログイン失敗数の上限（10 分間）"), 3...10_000,
        30)

    package static let accountLoginFailureBudget = count(
        "account-login-failure-budget",
        Localized("Failed logins of one account in ten minutes", "1 つのアカウントへのログイン失敗数の上限（10 分間）"), 10...100_000, 100)

    package static let defaultQuota = Field(
        "default-quota", .storage, Localized("Maximum mailbox size of accounts without their own", "最大メールボックスサイズ（システム全体）"),
        help: Localized("Holds where neither account nor domain says a size. 0 is no limit.", "アカウントとドメインに指定がない場合の値です。0 は無制限です。"),
        .bytes(0...(1 << 50)), default: .integer(0), unit: .bytes)

    package static let domainQuotas = Field(
        "domain-quotas", .storage, Localized("Maximum mailbox size by domain", "最大メールボックスサイズ（ドメイン別）"),
        help: Localized(
            "[domain:size], for accounts whose primary address is there and which have no size of their own.",
            "[ドメイン:サイズ] の形で指定します。メイン E-mail アドレスがそのドメインにあり、個別の指定がないアカウントに適用されます。"),
        .table(
            Table(
                [Table.Column("domain", Localized("domain", "ドメイン"), .domain), Table.Column("quota", Localized("size", "サイズ"), .bytes)],
                separator: ":",
                maximumRows: 1_000_000)))

    package static let quotaWarning = Field(
        "quota-warning", .storage, Localized("Warn the owner of a mailbox from", "メールボックスの使用量を所有者に警告する割合"),
        help: Localized(
            "Per cent of the maximum size. The owner gets one message, and another one only after the mailbox was below it. 0: never.",
            "最大サイズに対する割合 (%) です。所有者に 1 回メールで知らせ、いったん下回るまで再び知らせません。0 の場合は知らせません。"),
        .integer(0...99), default: .integer(90))

    package static let overQuota = Field(
        "over-quota-reply", .storage, Localized("Mail for full mailboxes", "最大サイズに達したメールボックス宛のメール"),
        help: Localized(
            "later answers 452: senders keep the mail and try again. refuse answers 552: it goes back at once. later-then-refuse is 452, and 552 once the mailbox has been full for over-quota-grace.",
            "later は 452 で応答し、送信元は後で再送します。refuse は 552 で応答し、直ちに送信者に戻ります。later-then-refuse は、over-quota-grace の期間を過ぎるまで 452、その後は 552 で応答します。"
        ),
        .choice([
            Choice("later", "later (452)", "後で再送 (452)"), Choice("refuse", "refuse (552)", "拒否 (552)"),
            Choice("later-then-refuse", "later, then refuse", "再送の後に拒否"),
        ]), default: .text("later-then-refuse"))

    package static let overQuotaGrace = Field(
        "over-quota-grace", .storage, Localized("Full mailboxes refuse mail after", "最大サイズに達したメールボックスが拒否するまでの期間"),
        help: Localized("For over-quota-reply later-then-refuse.", "over-quota-reply が later-then-refuse の場合に使われます。"),
        .duration(3600...(366 * 86_400)), default: .integer(7 * 86_400), unit: .seconds)

    package static let minimumFree = Field(
        "minimum-free-disk", .storage, Localized("Minimum free disk space", "最小ディスク空き容量"),
        help: Localized("Below it no mail is accepted; senders try again later.", "空き容量がこれを下回るとメールを受け取りません。送信元は後で再送します。"),
        .bytes((16 << 20)...(1 << 44)), default: .integer(256 << 20), unit: .bytes)

    package static let all: [Field] = [
        messageSize, recipients, hops, smtpErrors, authFailures, refusedRecipients, transactions, smtpCommandTimeout, smtpDataTimeout,
        smtpSessionTimeout,
        pop3Timeout, pop3LoginTimeout, pop3LoginDelay, imapTimeout, imapLoginTimeout, smtpConnections, outgoingConnections, pop3Connections,
        imapConnections, imapSessionsPerAccount, connectionsPerAddress,
        connectionRate,
        unknownRecipients,
        blockTime, loginFailureBudget, accountLoginFailureBudget, defaultQuota, domainQuotas, quotaWarning, overQuota, overQuotaGrace,
        minimumFree,
    ]

    private static func count(_ key: FieldKey, _ label: Localized, _ range: ClosedRange<Int64>, _ standard: Int64) -> Field {
        Field(
            key, .limits, label,
            help: Localized("From \(range.lowerBound) to \(range.upperBound).", "\(range.lowerBound) から \(range.upperBound) まで指定できます。"),
            .integer(range), default: .integer(standard), unit: .count)
    }

    private static func time(_ key: FieldKey, _ label: Localized, _ range: ClosedRange<Int64>, _ standard: Int64) -> Field {
        let least = Notation.duration(range.lowerBound)
        let most = Notation.duration(range.upperBound)
        return Field(
            key, .limits, label, help: Localized("From \(least) to \(most).", "\(least) から \(most) まで指定できます。"), .duration(range),
            default: .integer(standard), unit: .seconds)
    }
}
