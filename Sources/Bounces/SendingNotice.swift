package import Vocabulary

/// What the postmaster reads when the server has stopped an account from sending.
package enum SendingNotice {
    package static func subject(_ account: Address) -> Localized {
        Localized(en: "Mail System Notification - Sending suspended: \(account)", ja: "メールシステム通知 - 送信を停止しました: \(account)")
    }

    /// - Parameter evidence: one sentence.
    package static func lines(_ account: Address, _ evidence: Localized, _ language: Language) -> [String] {
        let before = [
            Localized(
                en:
                    "The account \(account) may send no more mail until you release it. It can still be read, and mail for it still arrives.",
                ja: "アカウント \(account) からの送信を停止しました。解除するまで送信できません。メールの受信と参照はできます。"),
            evidence,
            Localized(
                en:
                    "Perhaps somebody else has its password. Ask its owner; if so, give it a new password first. What it has sent already and still waits goes on being sent: look at it, and hold what is not honest.",
                ja: "パスワードが第三者に知られている可能性があります。所有者に確認し、その場合は先にパスワードを変更してください。すでに受け付けた送信待ちのメールはそのまま送信されます。内容を確認し、不審なものは保留してください。"),
        ]
        let commands = [
            "    postoffice queue list --sender \(account)", "    postoffice queue hold --sender \(account)",
            "    postoffice account set \(account) --password-stdin",
            "    postoffice account release \(account)",
        ]
        return before.flatMap { ReportText.wrapped($0.text(language), language) + [""] } + commands
    }
}
