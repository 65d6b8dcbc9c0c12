internal import Forms
package import Vocabulary

/// What the owner of an account reads when a postmaster has undone how he logs in: whoever persuaded the postmaster may have been somebody else.
package enum SecurityNotice: Sendable, Hashable {
    case secondFactorOff
    /// The names that their owner gave them.
    case appPasswordsRevoked([String])
    case passkeysRemoved([String])

    /// Names that are told; the others are counted.
    private static let most = 20

    package var subject: Localized {
        switch self {
        case .secondFactorOff:
            Localized(en: "The second factor of your account was switched off", ja: "アカウントの二段階認証が無効になりました")
        case .appPasswordsRevoked:
            Localized(en: "App passwords of your account were revoked", ja: "アプリパスワードが取り消されました")
        case .passkeysRemoved:
            Localized(en: "Passkeys of your account were removed", ja: "パスキーが削除されました")
        }
    }

    /// - Parameter time: as people read it.
    package func lines(owner: Address, hostName: String, postmaster: Address, time: String, _ language: Language) -> [String] {
        let words = [
            self.what(owner, hostName, time), self.consequence,
            Localized(
                en:
                    "If you did not ask for this, somebody may have done so in your name: change your password now, and write to the postmaster: <\(postmaster)>",
                ja: "心当たりがない場合は、第三者が本人を装って依頼した可能性があります。すぐにパスワードを変更し、ポストマスタ <\(postmaster)> に連絡してください。"),
        ]
        return words.flatMap { ReportText.wrapped($0.text(language), language) + [""] }.dropLast()
    }

    private func what(_ owner: Address, _ hostName: String, _ time: String) -> Localized {
        switch self {
        case .secondFactorOff:
            Localized(
                en: "The postmaster has switched off the second factor of the account \(owner) on \(hostName) (\(time)).",
                ja: "ポストマスタが \(hostName) のアカウント \(owner) の二段階認証を無効にしました (\(time))。")
        case .appPasswordsRevoked(let labels):
            Localized(
                en: "The postmaster has revoked app passwords of the account \(owner) on \(hostName) (\(time)): \(Self.names(labels))",
                ja: "ポストマスタが \(hostName) のアカウント \(owner) のアプリパスワードを取り消しました (\(time)): \(Self.names(labels))")
        case .passkeysRemoved(let labels):
            Localized(
                en: "The postmaster has removed passkeys of the account \(owner) on \(hostName) (\(time)): \(Self.names(labels))",
                ja: "ポストマスタが \(hostName) のアカウント \(owner) のパスキーを削除しました (\(time)): \(Self.names(labels))")
        }
    }

    private var consequence: Localized {
        switch self {
        case .secondFactorOff:
            Localized(
                en:
                    "The password alone is enough to log in on the web from now on, and logins that were there have ended. The recovery codes are worth nothing any more. You can switch the second factor on again on the web.",
                ja: "以後、Web にはパスワードだけでログインできます。それまでの Web のログインは終了し、リカバリコードは使用できません。二段階認証は Web で再度有効にできます。")
        case .appPasswordsRevoked:
            Localized(
                en: "Devices and programs that used them cannot log in any more. You can make new ones on the web.",
                ja: "それを使用していた機器やプログラムはログインできません。新しいアプリパスワードは Web で作成できます。")
        case .passkeysRemoved:
            Localized(
                en:
                    "Nobody can log in on the web with them any more. Where it was the last one and no codes are asked for, the password alone is enough from now on. You can make new ones on the web.",
                ja: "それを使って Web にログインすることはできません。最後のパスキーで、認証コードも使用していない場合は、以後パスワードだけでログインできます。新しいパスキーは Web で作成できます。")
        }
    }

    private static func names(_ labels: [String]) -> String {
        let shown = labels.prefix(Self.most).map { Shown.text($0) }.joined(separator: ", ")
        return labels.count > Self.most ? "\(shown), … (\(labels.count))" : shown
    }
}
