internal import SASL
internal import Vocabulary

/// Sentences of the password server, behind 200 and 500.
enum PasswordPhrase {
    static let sendPassword = Localized(en: "Please send your password now", ja: "パスワードを送信してください")
    static let sendNewPassword = Localized(en: "Please send your new password now", ja: "新しいパスワードを送信してください")
    static let changed = Localized(en: "Password changed, thank you", ja: "パスワードを変更しました")
    static let farewell = Localized(en: "Bye", ja: "接続を終了します")
    static let unknown = Localized(
        en: "Unknown command; send user, pass, newpass or quit", ja: "不明なコマンドです。user、pass、newpass、quit を使用できます")
    static let tooLong = Localized(en: "Line too long", ja: "行が長すぎます")
    static let userFirst = Localized(en: "Send user with your login name first", ja: "最初に user でログイン名を送信してください")
    static let loginFirst = Localized(en: "Send user and pass first", ja: "最初に user と pass を送信してください")
    static let alreadyLoggedIn = Localized(
        en: "You have logged in already; send newpass or quit", ja: "既にログインしています。newpass か quit を送信してください")
    static let needsTLS = Localized(
        en: "Passwords are taken without TLS from this computer only", ja: "TLS を使わない接続は、このコンピュータからだけ許可されます")
    static let loginFailed = Localized(en: "The name or the old password is wrong", ja: "ログイン名または古いパスワードが違います")

    static func text(of refusal: AuthRefusal) -> Localized {
        switch refusal {
        case .badCredentials: self.loginFailed
        case .notFromHere: Localized(en: "Logins are not allowed from this address", ja: "このアドレスからのログインは許可されていません")
        case .locked: Localized(en: "The account is locked; ask the postmaster", ja: "アカウントがロックされています。ポストマスタに問い合わせてください")
        case .expired: Localized(en: "The account has expired; ask the postmaster", ja: "アカウントの有効期限が切れています。ポストマスタに問い合わせてください")
        case .serviceOff:
            Localized(
                en: "This account or app password may not change passwords", ja: "このアカウントまたはアプリパスワードでは、パスワードを変更できません")
        case .tooManyFailures: Localized(en: "Too many failed logins; try again later", ja: "ログインの失敗が多すぎます。しばらくしてからやり直してください")
        case .unavailable: Localized(en: "Not possible now; try again later", ja: "現在使用できません。しばらくしてからやり直してください")
        }
    }
}
