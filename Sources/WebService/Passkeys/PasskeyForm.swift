internal import Vocabulary
internal import WebPages

/// The forms that the script of passkeys fills: hidden until it has found that the browser can do it.
enum PasskeyForm {
    static func make(_ body: inout HTML, _ options: String, _ action: Link, _ request: WebRequest, hidden: [(String, String)]) {
        self.form(&body, options, action, Words.make, ["client-data", "attestation"], request) { form in
            form.hidden(Page.csrfName, request.session?.formToken ?? "")
            for (name, value) in hidden { form.hidden(name, value) }
        }
    }

    static func prove(
        _ body: inout HTML, _ options: String, _ action: Link, _ label: Localized, _ request: WebRequest, _ content: (inout HTML) -> Void
    ) {
        self.form(
            &body, options, action, label, ["credential", "client-data", "device-data", "signature", "user-handle"], request, content)
    }

    private static func form(
        _ body: inout HTML, _ options: String, _ action: Link, _ label: Localized, _ fields: [String], _ request: WebRequest,
        _ content: (inout HTML) -> Void
    ) {
        let language = request.language
        body.add(.form, [.post, .action(action), .data(.passkey, options), .class("login"), .hidden]) { form in
            content(&form)
            for field in fields { form.hidden(field, "") }
            form.add(.p, [.class("buttons")]) { $0.add(.button, [.type(.submit)], label.text(language)) }
            for (word, text) in [("failed", Words.failed), ("known", Words.known)] {
                form.add(.p, [.class("problem"), .role(.alert), .data(.word, word), .hidden], text.text(language))
            }
        }
    }

    /// Stands where the form does not come up.
    static func advice(_ body: inout HTML, _ text: Localized, _ request: WebRequest) {
        body.add(.p, [.class("advice"), .data(.word, "none")], text.text(request.language))
    }

    enum Words {
        static let make = Localized(en: "Make the passkey", ja: "パスキーを作成")
        static let logIn = Localized(en: "Log in with a passkey", ja: "パスキーでログイン")
        static let step = Localized(en: "Use a passkey", ja: "パスキーを使う")
        static let failed = Localized(
            en: "The browser gave no passkey: nothing was chosen, it took too long, or the device has none for this server. Try again.",
            ja: "ブラウザからパスキーが得られませんでした。選択されなかったか、時間が過ぎたか、このサーバ用のパスキーが機器にありません。もう一度実行してください。")
        static let known = Localized(
            en: "This device has a passkey of your account for this server already.", ja: "この機器には、このサーバ用のパスキーが既に登録されています。")
        static let needsScript = Localized(
            en: "Passkeys need a browser that has them, with JavaScript allowed for this page.",
            ja: "パスキーを使うには、パスキーに対応したブラウザで、このページの JavaScript を許可してください。")
        static let refused = Localized(
            en:
                "This passkey was not taken: it is not known here (any more), or it took longer than five minutes. Try again, or log in with the password.",
            ja: "このパスキーは使用できません。登録されていないか、削除されたか、5 分の制限時間を過ぎています。もう一度実行するか、パスワードでログインしてください。")
        static let refusedStep = Localized(
            en:
                "This passkey was not taken: it is not of this account (any more), or it took longer than five minutes. Try again, or type a code.",
            ja: "このパスキーは使用できません。このアカウントのものでないか、削除されたか、5 分の制限時間を過ぎています。もう一度実行するか、コードを入力してください。")
        static let elsewhere = Localized(en: "Your passkeys are for other addresses of this server: ", ja: "登録済みのパスキーは、このサーバの次のアドレスで使えます: ")
    }
}
