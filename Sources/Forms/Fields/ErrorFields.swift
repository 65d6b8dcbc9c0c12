internal import Vocabulary

/// Error response parameters: for each class of error what happens to the message, what the postmaster is told, and who that is.
package enum ErrorField {
    /// One class of error: the three fields that belong together.
    package struct Row: Sendable {
        /// As in `Policy.FailureClass`.
        package let name: String
        package let action: Field
        package let notice: Field
        package let people: Field

        init(_ name: String, _ english: String, _ japanese: String, notice standard: String = "none") {
            self.name = name
            self.action = Field(
                FieldKey("error-\(name)-action"), .errorResponses, Localized("\(english): message is", "\(japanese): メールの処理"),
                help: Localized(
                    "return sends it back to its sender. hold keeps it and asks the postmaster with an action message, which must be answered.",
                    "return は送信元に返送します。hold はメールを保留し、ポストマスタにアクションメッセージを送って処理を問い合わせます。"),
                .choice([Choice("return", "returned to the sender", "送信元に返送する"), Choice("hold", "held for action", "保留して処理を問い合わせる")]),
                default: .text("return"))
            self.notice = Field(
                FieldKey("error-\(name)-notice"), .errorResponses,
                Localized("\(english): notification message", "\(japanese): 通知メッセージ"),
                help: Localized(
                    "What the postmaster gets when the message is returned: nothing, its header, or the whole message. Action messages are sent anyway; none sends them without the message.",
                    "返送したときにポストマスタに送る内容です。none は送信しません。headers はヘッダ、whole はメール全体を付けます。アクションメッセージは none でも（元のメールを付けずに）送信されます。"),
                Self.notice, default: .text(standard))
            self.people = Field(
                FieldKey("error-\(name)-notify"), .errorResponses, Localized("\(english): notify", "\(japanese): 通知先"),
                help: Localized(
                    "Who gets notification and action messages. Empty: the postmaster.", "通知メッセージとアクションメッセージの送信先です。空欄の場合はポストマスタに送信します。"),
                .addresses(maximum: 20))
        }

        static let notice = FieldType.choice([
            Choice("none", "none", "送信しない"), Choice("headers", "with the header", "ヘッダを付ける"),
            Choice("whole", "with the whole message", "メール全体を付ける"),
        ])
    }

    package static let unknownUser = Row("unknown-user", "Unknown user", "ユーザが存在しない")
    package static let badAddress = Row("bad-address", "Unprocessable address", "処理できないアドレス")
    package static let hostNotFound = Row("host-not-found", "Host not found", "ホストが見つからない")
    package static let mxLoop = Row("mx-loop", "MX loop", "MX ループ", notice: "headers")
    package static let tooManyHops = Row("too-many-hops", "Too many hops", "最大ホップ数の超過", notice: "headers")
    package static let refused = Row("refused", "Refused by the other host", "送信先ホストによる拒否")
    package static let queueTimeOver = Row("queue-time-over", "Too long in the queue", "キューの保存期間の超過")
    package static let tooLarge = Row("too-large", "Message too large", "メッセージサイズの超過")
    package static let overQuota = Row("over-quota", "Mailbox full", "メールボックスサイズの超過")
    package static let programFailed = Row("program-failed", "Program failed", "プログラム配信の失敗", notice: "headers")

    package static let rows: [Row] = [
        unknownUser, badAddress, hostNotFound, mxLoop, tooManyHops, refused, queueTimeOver, tooLarge, overQuota, programFailed,
    ]

    package static let returnedContent = Field(
        "returned-content", .errorResponses, Localized("Returned messages hold", "返送するメールの内容"),
        help: Localized(
            "Where the sender did not ask for one or the other (RET).", "送信元の指定 (RET) がない場合に、元のメールのどの部分を返送するかを指定します。"),
        .choice([Choice("headers", "the header", "ヘッダ"), Choice("whole", "the whole message", "メール全体")]), default: .text("whole"))

    package static let returnedSize = Field(
        "returned-size-limit", .errorResponses, Localized("Largest message returned whole", "全体を返送するメールの最大サイズ"),
        help: Localized("Of larger ones the header is returned.", "これより大きいメールはヘッダだけを返送します。"), .bytes(0...(1 << 30)),
        default: .integer(1 << 20), unit: .bytes)

    package static let doubleBounce = Field(
        "double-bounce-notice", .errorResponses,
        Localized("Reports that cannot be delivered: notification message", "配信できないエラーメール: 通知メッセージ"),
        help: Localized(
            "A report has no sender: when it cannot be delivered it is deleted, and the postmaster may be told.",
            "エラーメールには送信元がないため、配信できない場合は削除されます。その際にポストマスタに送る内容です。"),
        Row.notice, default: .text("headers"))

    package static let all: [Field] = rows.flatMap { [$0.action, $0.notice, $0.people] } + [returnedContent, returnedSize, doubleBounce]
}
