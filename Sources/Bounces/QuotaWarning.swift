internal import Forms
package import Vocabulary

/// What the owner of a mailbox reads when it is nearly full.
package enum QuotaWarning {
    package static func subject(used: Int64, quota: Int64) -> Localized {
        let percent = Self.percent(used, quota)
        return Localized(en: "Your mailbox is \(percent) % full", ja: "メールボックスの使用量が \(percent) % になりました")
    }

    /// - Parameters:
    ///   - grace: seconds until mail for a full mailbox is refused; 0 refuses at once, nil never.
    ///   - site: the site's own words; empty: ours.
    package static func lines(
        used: Int64, quota: Int64, grace: Int64?, owner: (name: String, address: Address), postmaster: Address, site: String = "",
        _ language: Language
    ) -> [String] {
        let (has, most) = (Notation.rounded(used), Notation.rounded(quota))
        let values = [
            MessageTextField.name: owner.name.isEmpty ? "\(owner.address)" : owner.name, MessageTextField.address: "\(owner.address)",
            MessageTextField.used: has, MessageTextField.quota: most, MessageTextField.percent: "\(Self.percent(used, quota))",
            MessageTextField.postmaster: "\(postmaster)",
        ]
        if let own = SiteText.lines(site, values) { return own }
        let when: Localized =
            switch grace {
            case nil: Localized(en: "When it is full, mail for you waits with its senders.", ja: "最大サイズに達すると、あなた宛のメールは送信元で待機します。")
            case 0: Localized(en: "When it is full, mail for you goes back to its senders.", ja: "最大サイズに達すると、あなた宛のメールは送信者に戻ります。")
            case let grace?:
                Localized(
                    en: "When it is full, mail for you waits with its senders; after \(Notation.duration(grace)) it goes back to them.",
                    ja: "最大サイズに達すると、あなた宛のメールは送信元で待機し、\(Notation.duration(grace)) を過ぎると送信者に戻ります。")
            }
        let words = [
            Localized(
                en: "Your mailbox holds \(has) of at most \(most) (\(Self.percent(used, quota)) %).",
                ja: "あなたのメールボックスの使用量は \(has) です。最大サイズは \(most) です (\(Self.percent(used, quota)) %)。"),
            when,
            Localized(
                en: "Please delete what you do not need any more, in your mail program, also from the trash folder.",
                ja: "不要なメールをメールプログラムで削除してください。ごみ箱フォルダも空にしてください。"),
            Localized(
                en: "If you need more room, please ask the postmaster: <\(postmaster)>",
                ja: "容量の追加については、ポストマスタ <\(postmaster)> にお問い合わせください。"),
        ]
        return words.flatMap { ReportText.wrapped($0.text(language), language) + [""] }.dropLast()
    }

    private static func percent(_ used: Int64, _ quota: Int64) -> Int { quota > 0 ? Int(Double(used) / Double(quota) * 100) : 0 }
}
