internal import Directory
internal import Forms
internal import Vocabulary
internal import WebPages

/// The account management menu: what the owner of an account may do himself. The postmaster switches the entries one by one.
enum OwnMenu {
    struct Item {
        let label: Localized
        let about: Localized
        let link: Link
    }

    static func allows(_ option: Field, _ host: WebHost) -> Bool { host.directory.configuration.value(option).flag ?? true }

    static func items(_ request: WebRequest, _ host: WebHost) -> [Item] {
        var items = [Item(label: OwnPages.Words.menu, about: Localized(en: "Everything at a glance.", ja: "メニューの一覧です。"), link: "/own")]
        func add(_ isThere: Bool, _ label: Localized, _ about: Localized, _ link: Link) {
            if isThere { items.append(Item(label: label, about: about, link: link)) }
        }
        let may: (Field) -> Bool = { Self.allows($0, host) }
        add(
            may(SecurityField.userPassword), OwnPages.Words.password,
            Localized(en: "Change the password of the mail account.", ja: "メールアカウントのパスワードを変更します。"), "/own/password")
        add(
            !OwnSection.mail.filter { $0.isShown(host) }.isEmpty, OwnPages.Words.account,
            Localized(en: "Delivery, vacation message, addresses.", ja: "配信方法、不在通知、E-mail アドレスです。"), "/own/account")
        add(
            !OwnSection.directory.filter { $0.isShown(host) }.isEmpty, OwnPages.Words.directory,
            Localized(en: "What others may know of you.", ja: "他の人に公開する情報です。"), "/own/directory")
        add(
            may(SecurityField.userAppPasswords), OwnPages.Words.appPasswords,
            Localized(en: "Passwords for single devices and programs.", ja: "機器やプログラムごとのパスワードです。"), "/own/app-passwords")
        add(
            may(SecurityField.userSecondFactor), OwnPages.Words.secondFactor,
            Localized(en: "A code of your telephone beside the password.", ja: "パスワードに加えて認証アプリのコードを使用します。"), "/own/second-factor")
        add(
            may(SecurityField.userSecondFactor), OwnPasskeys.title,
            Localized(
                en: "A key of your telephone or computer, beside the password or in its place.",
                ja: "電話やコンピュータに保管した鍵でログインします。"), "/own/passkeys")
        add(
            true, OwnPages.Words.sessions,
            Localized(
                en: "Where you are logged in, and last logins by all services.", ja: "ログイン中の端末と、すべてのサービスの最近のログインです。"),
            "/own/sessions")
        add(
            may(SecurityField.userAccountDirectory), LoginPages.Words.directory,
            Localized(en: "Look up other people.", ja: "他の人のアドレスを調べます。"), "/directory")
        add(
            LoginActions.mayRise(request, host), LoginPages.Words.rise,
            Localized(en: "Administer this server.", ja: "このサーバを管理します。"), "/rise")
        return items
    }
}
