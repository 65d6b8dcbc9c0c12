internal import Directory
internal import Forms
internal import SASL
internal import Vocabulary
internal import WebPages

/// The forms on which somebody says who he is.
enum LoginPages {
    /// What was on its way when a login came between.
    struct Errand {
        /// Where to go after the login.
        var next: Link?
        /// What was submitted, sealed.
        var carried: String?

        init(next: Link? = nil, carried: String? = nil) {
            self.next = next
            self.carried = carried
        }

        init(_ request: WebRequest) {
            self.next = request.form.last("next").flatMap(Link.init(untrusted:)) ?? request.query["next"].flatMap(Link.init(untrusted:))
            self.carried = request.form.last("carried").flatMap { $0.isEmpty ? nil : $0 }
        }

        func write(to form: inout HTML) {
            if let next = self.next { form.hidden("next", next.text) }
            if let carried = self.carried { form.hidden("carried", carried) }
        }
    }

    static func authentication(
        _ request: WebRequest, _ host: WebHost, _ errand: Errand, login: String = "", notice: Notice? = nil, status: Int = 200
    ) -> WebReply {
        var request = request
        request.session = nil
        var page = request.page(Words.authentication, host)
        page.notices = [notice].compactMap { $0 } + self.warnings(request, host)
        if errand.carried != nil { page.notices.insert(Notice(.warning, Words.kept), at: 0) }
        let token = LoginToken.make(host)
        let language = request.language
        page.usesPasskeys = PasskeyPlace(request) != nil
        page.body = HTML.build { body in
            body.add(.form, [.post, .action("/login"), .class("login")]) { form in
                form.hidden(Page.csrfName, token.form)
                errand.write(to: &form)
                self.input(&form, "login", Words.address.text(language), .text, .username, value: login)
                self.input(&form, "password", Words.password.text(language), .password, .currentPassword)
                form.add(.p, [.class("buttons")]) { $0.add(.button, [.type(.submit)], Words.authenticate.text(language)) }
            }
            PasskeyLogin.offer(&body, token, errand, request, host)
            if AccountDirectoryPage.isOpen(request, host) {
                body.add(.p, [.class("actions")]) { $0.link("/directory", Words.directory.text(language)) }
            }
        }
        var reply = WebReply.page(page, status: status)
        reply.setCookie(LoginToken.cookie(token.cookie, request))
        return reply
    }

    /// Nobody should type a password into a page that everybody on the way can read. (Must-have 150.)
    private static func warnings(_ request: WebRequest, _ host: WebHost) -> [Notice] {
        guard !request.isTLS else { return [] }
        let port = host.certificate() == nil ? nil : host.ports().first(where: \.isTLS)?.port
        guard let port else { return [Notice(.warning, Words.noTLS)] }
        let name = request.host.isEmpty ? host.directory.configuration.hostName : request.host
        let place = "https://\(name)\(port == 443 ? "" : ":\(port)")/"
        return [
            Notice(
                .warning,
                Localized(
                    en: Words.noTLS.english + " Use \(place) instead.", ja: Words.noTLS.japanese + " 代わりに \(place) を使用してください。"))
        ]
    }

    /// The code of the person's device, once the password was right. `step` is sealed: who he is.
    static func code(_ request: WebRequest, _ host: WebHost, _ errand: Errand, step: String, notice: Notice? = nil) -> WebReply {
        var page = request.page(Words.code, host)
        page.notices = [notice].compactMap { $0 }
        let token = LoginToken.make(host)
        let known = SecondStep(step, request, host)
        let takesCodes = known?.factor?.takesCodes ?? true
        page.usesPasskeys = !(known?.passkeys.isEmpty ?? true)
        page.body = HTML.build { body in
            if let known { PasskeyLogin.offerStep(&body, known, token, errand, request, host) }
            body.add(.form, [.post, .action("/login/code"), .class("login")]) { form in
                form.hidden(Page.csrfName, token.form)
                form.hidden("step", step)
                errand.write(to: &form)
                let label = takesCodes ? Words.codeLabel : Words.recoveryLabel
                self.input(&form, "code", label.text(request.language), .text, takesCodes ? .oneTimeCode : .off)
                form.add(.p, [.class("buttons")]) { $0.add(.button, [.type(.submit)], Words.authenticate.text(request.language)) }
            }
            let advice = takesCodes ? Words.codeAdvice : Words.recoveryAdvice
            body.add(.p, [.class("advice")], advice.text(request.language))
        }
        var reply = WebReply.page(page)
        reply.setCookie(LoginToken.cookie(token.cookie, request))
        return reply
    }

    /// For somebody who has logged in as himself, and wants something that only the postmaster may.
    static func rise(
        _ request: WebRequest, _ host: WebHost, _ errand: Errand, notice: Notice? = nil, status: Int = 200
    ) -> WebReply {
        var page = request.page(Words.rise, host)
        page.notices = [notice].compactMap { $0 }
        if errand.carried != nil { page.notices.insert(Notice(.warning, Words.kept), at: 0) }
        page.body = HTML.build { body in
            body.add(.form, [.post, .action("/rise"), .class("login")]) { form in
                form.hidden(Page.csrfName, request.session?.formToken ?? "")
                errand.write(to: &form)
                self.input(&form, "password", Words.postmasterPassword.text(request.language), .password, .currentPassword)
                form.add(.p, [.class("buttons")]) { $0.add(.button, [.type(.submit)], Words.authenticate.text(request.language)) }
            }
            body.add(.p, [.class("advice")], Words.riseAdvice.text(request.language))
        }
        return .page(page, status: status)
    }

    private static func input(
        _ form: inout HTML, _ name: String, _ label: String, _ type: InputType, _ filling: Autocomplete, value: String = ""
    ) {
        form.add(.div, [.class("field")]) { row in
            row.add(.label, [.for("f-\(name)")], label)
            row.add(.input, [.type(type), .name(name), .id("f-\(name)"), .value(value), .autocomplete(filling), .maxlength(1000)])
        }
    }

    /// Why a login was refused, in words that do not tell a stranger which accounts exist.
    static func refusal(_ refusal: AuthRefusal, _ request: WebRequest) -> Notice {
        Notice(.failure, Words.refusal(refusal, client: "\(request.client)", isTLS: request.isTLS))
    }

    enum Words {
        static let authentication = Localized(en: "Authentication", ja: "認証")
        static let address = Localized(en: "E-mail address", ja: "E-mail アドレス")
        static let password = Localized(en: "Password of the mail account/POP3", ja: "メールアカウント/POP3 のパスワード")
        static let authenticate = Localized(en: "Authenticate", ja: "認証")
        static let directory = Localized(en: "Mail Account Directory", ja: "メールアカウントディレクトリ")
        static let noTLS = Localized(
            en: "This connection is not encrypted: what is typed here can be read on the way.",
            ja: "この接続は暗号化されていません。入力した内容は通信の途中で読み取られるおそれがあります。")
        static let kept = Localized(
            en: "The login had run out. What was submitted is kept: authenticate again, and it goes on.",
            ja: "アクセストークンの有効期間が切れました。送信した内容は保存されています。もう一度認証すると処理を続けます。")
        static let notKept = Localized(
            en: "The login had run out, and what was submitted is too large to be kept: authenticate, then submit it again.",
            ja: "アクセストークンの有効期間が切れました。送信した内容は大きすぎるため保存できませんでした。認証してから、もう一度送信してください。")
        static let ended = Localized(
            en: "This login was ended, and nothing was done with what was submitted: authenticate, then submit it again.",
            ja: "このログインは終了しているため、送信した内容は実行されませんでした。認証してから、もう一度送信してください。")
        static let other = Localized(
            en: "What was submitted before belongs to another login and was not carried out.", ja: "前に送信された内容は別のログインのものなので、実行されませんでした。")
        static let code = Localized(en: "Authentication: code", ja: "認証コード")
        static let codeLabel = Localized(en: "Code of your device", ja: "認証アプリに表示されたコード")
        static let codeAdvice = Localized(
            en: "Without the device: type one of the recovery codes; each is good once.",
            ja: "機器が手元にないときは、リカバリコードを入力してください。1 つのコードは 1 回だけ使えます。")
        static let recoveryLabel = Localized(en: "Recovery code", ja: "リカバリコード")
        static let recoveryAdvice = Localized(
            en: "Without any of your passkeys: type one of the recovery codes; each is good once.",
            ja: "パスキーを使えないときは、リカバリコードを入力してください。1 つのコードは 1 回だけ使えます。")
        static let wrongCode = Localized(en: "This code is wrong or was used already.", ja: "コードが正しくないか、既に使用されています。")
        static let manyCodes = Localized(
            en: "Too many wrong codes; wait ten minutes.", ja: "コードの誤りが続きました。10 分待ってからやり直してください。")
        static let rise = Localized(en: "Postmaster", ja: "ポストマスタ")
        static let postmasterPassword = Localized(en: "Password of the Postmaster", ja: "ポストマスタのパスワード")
        static let riseAdvice = Localized(
            en: "Few people should have this password: whoever knows it can read and change everything here.",
            ja: "このパスワードを知る人は、すべての設定を参照、変更できます。ポストマスタの人数はできるだけ少なくしてください。")
        static let notPrivileged = Localized(
            en: "This page is for postmasters. A postmaster can give you that privilege on your Account Data form.",
            ja: "このページはポストマスタ専用です。ポストマスタの権限は、他のポストマスタがアカウント情報フォームで設定します。")
        static let outOfDate = Localized(
            en: "This form is not of the present login. Open the page anew and submit it again.",
            ja: "このフォームは現在のログインのものではありません。ページを開き直して、もう一度送信してください。")
        static let busy = Localized(en: "Not possible now; try again later.", ja: "現在処理できません。しばらくしてからやり直してください。")

        static func refusal(_ refusal: AuthRefusal, client: String, isTLS: Bool) -> Localized {
            switch refusal {
            case .badCredentials:
                Localized(en: "The e-mail address or the password is wrong.", ja: "E-mail アドレスまたはパスワードが正しくありません。")
            case .notFromHere where !isTLS:
                Localized(
                    en: "Passwords are not taken without TLS from \(client). Use the https address of this page.",
                    ja: "\(client) からは TLS なしのログインはできません。https のアドレスを使用してください。")
            case .notFromHere:
                Localized(
                    en: "This account may not be used from \(client). The postmaster decides about that with its web access restrictions.",
                    ja: "このアカウントは \(client) からは利用できません。利用できるホストは、ポストマスタがアカウントの Web アクセス制限で設定します。")
            case .locked: Localized(en: "This account is locked; ask the postmaster.", ja: "このアカウントはロックされています。ポストマスタに問い合わせてください。")
            case .expired: Localized(en: "This account has expired; ask the postmaster.", ja: "このアカウントは使用期限を過ぎています。ポストマスタに問い合わせてください。")
            case .serviceOff:
                Localized(
                    en: "This account or password may not be used for the web; ask the postmaster.",
                    ja: "このアカウントまたはパスワードでは Web フォームを利用できません。ポストマスタに問い合わせてください。")
            case .tooManyFailures:
                Localized(en: "Too many failed logins; wait ten minutes.", ja: "ログインの失敗が続きました。10 分待ってからやり直してください。")
            case .unavailable: self.busy
            }
        }
    }
}

/// Keeps other sites from submitting a form of a stranger: the field has to match a cookie that only our pages set.
enum LoginToken {
    static func make(_ host: WebHost) -> (cookie: String, form: String) {
        let chance = Base64URL.encode(host.random(18))
        return (chance, host.sessions?.keys.mac(.login, chance) ?? "")
    }

    static func isGood(_ request: WebRequest, _ host: WebHost) -> Bool {
        guard let cookie = self.value(request), let field = request.form.last(Page.csrfName) else { return false }
        return host.sessions?.keys.isMAC(field, .login, cookie) ?? false
    }

    static func cookie(_ value: String, _ request: WebRequest) -> String {
        "\(self.name(request))=\(value); Path=/; HttpOnly; SameSite=Strict\(request.isTLS ? "; Secure" : "")"
    }

    /// What this browser alone has.
    static func value(_ request: WebRequest) -> String? { request.cookie(self.name(request)) }

    private static func name(_ request: WebRequest) -> String { request.isTLS ? "__Host-login" : "login" }
}
