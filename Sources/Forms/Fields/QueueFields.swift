internal import Vocabulary

/// How long mail for other hosts waits, and how often it is tried.
package enum QueueField {
    package static let retryTimes = Field(
        "retry-times", .queue, Localized("Time to the next attempt", "再送間隔"),
        help: Localized(
            "[time] after the first, second, … attempt that failed; the last one repeats. Different times, ascending.",
            "[時間] の形で、1 回目、2 回目、… の配信に失敗してから次の配信までの時間を順に指定します。最後の値が繰り返し使われます。"),
        .table(Table([Table.Column("delay", Localized("time", "時間"), .duration)], separator: ":", maximumRows: 20)),
        default: .rows([["300"], ["900"], ["1800"], ["3600"], ["7200"], ["14400"]]), unit: .seconds)

    package static let warnAfter = Field(
        "delay-warning", .queue, Localized("Warn the sender after", "送信元に遅延を通知するまでの時間"),
        help: Localized(
            "The sender is told once that the message still waits. 0: never.", "メールがまだ配信されていないことを送信元に 1 回通知します。0 の場合は通知しません。"),
        .duration(0...(30 * 86_400)), default: .integer(86_400), unit: .seconds)

    package static let keepFor = Field(
        "queue-time", .queue, Localized("Return messages after", "キューの保存期間"),
        help: Localized(
            "A message that could not be delivered for so long is handled as Too long in the queue.",
            "この期間内に配信できなかったメールは「キューの保存期間の超過」として処理します。"),
        .duration(3600...(60 * 86_400)), default: .integer(5 * 86_400), unit: .seconds)

    package static let keepReportsFor = Field(
        "report-queue-time", .queue, Localized("Keep reports for", "エラーメールの保存期間"),
        help: Localized("The same for reports, which have no sender.", "送信元のないエラーメールの保存期間です。"), .duration(3600...(60 * 86_400)),
        default: .integer(2 * 86_400), unit: .seconds)

    package static let forwardRewrite = Field(
        "forward-sender-rewrite", .queue, Localized("Sender of forwarded mail", "転送メールの送信者"),
        help: Localized(
            "auto puts an address of this server (SRS) in place of a stranger's when mail is sent on to another host, so that checks of the sender (SPF) hold there; never leaves it.",
            "auto は、外部の送信者のメールを他のホストに転送するときに送信者をこのサーバのアドレス (SRS) に置き換え、転送先の送信者確認 (SPF) に失敗しないようにします。never は置き換えません。"),
        .choice([
            Choice("auto", "automatic (auto)", "自動 (auto)"), Choice("always", "always", "常に書き換える (always)"),
            Choice("never", "never", "書き換えない (never)"),
        ]),
        default: .text("auto"))

    package static let reach = Field(
        "outbound-reach", .queue, Localized("Hosts that mail is sent to", "メールを送信する範囲"),
        help: Localized(
            "this-host sends to addresses of this computer only (127.0.0.0/8, ::1) and holds mail for all others in the queue: for trying the server out. `postoffice queue release` sends held mail after a change to anywhere.",
            "this-host はこのコンピュータのアドレス (127.0.0.0/8、::1) だけに送信し、それ以外宛のメールをキューに保留します（試用のための値です）。anywhere に変更したあと postoffice queue release で送信できます。"
        ),
        .choice([
            Choice("anywhere", "anywhere", "すべてのホスト (anywhere)"), Choice("this-host", "this host only (this-host)", "このホストのみ (this-host)"),
        ]), default: .text("anywhere"))

    package static let all: [Field] = [retryTimes, warnAfter, keepFor, keepReportsFor, forwardRewrite, reach]
}
