internal import Database
internal import Directory
internal import Forms
internal import MessageStore
internal import SASL
internal import Vocabulary
internal import WebPages

/// Pages of the owner of an account.
enum OwnPages {
    static let routes =
        [
            WebRoute(.get, "/own", .owner) { request, host in Self.menu(request, host) },
            WebRoute(.get, "/own/account", .owner) { request, host in Self.show(.mail, request, host) },
            WebRoute(.post, "/own/account", .owner) { request, host in Self.change(.mail, request, host) },
            WebRoute(.get, "/own/directory", .owner) { request, host in Self.show(.directory, request, host) },
            WebRoute(.post, "/own/directory", .owner, bodyLimit: 2 << 20) { request, host in Self.change(.directory, request, host) },
            WebRoute(.get, "/own/password", .owner) { request, host in Self.passwordPage(request, host) },
            WebRoute(.post, "/own/password", .owner) { request, host in Self.changePassword(request, host) },
        ] + OwnAppPasswords.routes + OwnSecondFactor.routes + OwnPasskeys.routes

    enum Form {
        case mail, directory

        var sections: [OwnSection] { self == .mail ? OwnSection.mail : OwnSection.directory }
        var title: Localized { self == .mail ? Words.account : Words.directory }
        var link: Link { self == .mail ? "/own/account" : "/own/directory" }
    }

    static func menu(_ request: WebRequest, _ host: WebHost) -> WebReply {
        var page = request.page(Words.menu, host)
        page.body = MenuPages.tiles(OwnMenu.items(request, host).dropFirst().map { ($0.label, $0.about, $0.link) }, request.language)
        return .page(page)
    }

    // MARK: Personal Account Information

    private static func show(
        _ form: Form, _ request: WebRequest, _ host: WebHost, reading: FormReading? = nil, notices: [Notice] = [], status: Int = 200
    ) -> WebReply {
        guard let details = self.details(request, host) else { return self.unavailable(request, host) }
        let shown = form.sections.filter { $0.isShown(host) }
        guard !shown.isEmpty else { return self.notOffered(request, host) }
        let size = shown.contains { $0.fields.contains(DeliveryField.mailboxSize) } ? self.size(details.id, host) : nil
        var view = FormView(
            action: form.link, csrfToken: request.session?.formToken ?? "", shown.map { $0.view(details, host, size: size) })
        if let reading { view.apply(reading) }
        var page = self.page(form.title, request, host)
        page.notices += notices
        page.body = view.html(request.language)
        return .page(page, status: status)
    }

    private static func change(_ form: Form, _ request: WebRequest, _ host: WebHost) -> WebReply {
        guard let details = self.details(request, host), let session = request.session else { return self.unavailable(request, host) }
        let fields = form.sections.filter { $0.isEditable(details, host) }.flatMap(\.fields)
        guard !fields.isEmpty else { return self.notOffered(request, host) }
        var reading = FormReading(request.form, fields)
        guard reading.isRight else { return self.show(form, request, host, reading: reading, status: 422) }
        let changed = FormWork.differing(reading, fields, from: details.values)
        guard !changed.isEmpty else {
            return self.show(form, request, host, notices: [Notice(.done, Words.nothing)])
        }
        do throws(DirectoryError) {
            try host.directory.changeAccount(
                session.account, AccountInput(values: changed), by: Actor(name: session.address, interface: "web"))
        } catch {
            for problem in error.problems { reading.add(problem) }
            let places = Set(fields.map(\.key))
            let isPlaced = !error.problems.isEmpty && error.problems.allSatisfy { places.contains($0.field) }
            return self.show(form, request, host, reading: reading, notices: isPlaced ? [] : [Notice(.failure, error.message)], status: 422)
        }
        self.record("account-changed", request, host, [("fields", changed.keys.map(\.text).sorted().joined(separator: " "))])
        return self.show(form, request, host, notices: [Notice(.done, Words.changed)])
    }

    // MARK: Password

    private static func passwordPage(
        _ request: WebRequest, _ host: WebHost, problem: (field: String, text: Localized)? = nil, notice: Notice? = nil, status: Int = 200
    ) -> WebReply {
        guard OwnMenu.allows(SecurityField.userPassword, host) else { return self.notOffered(request, host) }
        var page = self.page(Words.password, request, host)
        page.notices += [notice].compactMap { $0 }
        let language = request.language
        page.body = HTML.build { body in
            body.add(.form, [.post, .action("/own/password"), .class("login")]) { form in
                form.hidden(Page.csrfName, request.session?.formToken ?? "")
                self.userName(&form, request)
                for (name, label, filling) in [
                    ("old", Words.oldPassword, Autocomplete.currentPassword), ("new", Words.newPassword, .newPassword),
                    ("again", Words.again, .newPassword),
                ] { Parts.password(&form, name, label, filling, problem: problem?.field == name ? problem?.text : nil, language) }
                Parts.buttons(&form, language)
            }
        }
        return .page(page, status: status)
    }

    /// Tells the keeper of passwords in a browser whose password the form is about; shown to nobody.
    static func userName(_ form: inout HTML, _ request: WebRequest) {
        let address = request.session?.address ?? ""
        form.add(.input, [.type(.text), .name("username"), .value(address), .autocomplete(.username), .readonly, .hidden])
    }

    private static func changePassword(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard OwnMenu.allows(SecurityField.userPassword, host) else { return self.notOffered(request, host) }
        guard let session = request.session else { return self.unavailable(request, host) }
        // The old one is asked: guessing it here is bound like any guessing of codes.
        guard host.guesses.mayTry(session.account, at: host.now()) else {
            return self.passwordPage(request, host, problem: ("old", Words.manyGuesses), status: 429)
        }
        let (old, new) = (Secret(request.form.last("old") ?? ""), Secret(request.form.last("new") ?? ""))
        guard new == Secret(request.form.last("again") ?? "") else {
            return self.passwordPage(request, host, problem: ("again", Words.different), status: 422)
        }
        do throws(DirectoryError) {
            guard try host.directory.isPassword(old, of: session.account) else {
                host.guesses.failed(session.account, at: host.now())
                return self.passwordPage(request, host, problem: ("old", Words.wrongOld), status: 422)
            }
            try host.directory.changeOwnPassword(session.account, from: old, to: new, by: Actor(name: session.address, interface: "web"))
            host.sessions?.passwordChanged(in: session.id)
            // Whoever knew the old one is out.
            try host.sessions?.endOthers(of: session.account, but: session.id)
        } catch {
            return self.passwordPage(request, host, problem: ("new", error.message), status: 422)
        }
        self.record("password-changed", request, host, [])
        return self.passwordPage(request, host, notice: Notice(.done, Words.passwordChanged))
    }

    // MARK: Parts

    static func page(_ title: Localized, _ request: WebRequest, _ host: WebHost) -> Page {
        request.page(title, host, path: [(Words.menu, "/own")])
    }

    static func details(_ request: WebRequest, _ host: WebHost) -> AccountDetails? {
        guard let session = request.session else { return nil }
        return (try? host.directory.details(session.account)) ?? nil
    }

    static func unavailable(_ request: WebRequest, _ host: WebHost) -> WebReply {
        ErrorPages.page(LoginPages.Words.busy, 503, request, host)
    }

    static func notOffered(_ request: WebRequest, _ host: WebHost) -> WebReply { ErrorPages.page(Words.notOffered, 403, request, host) }

    static func record(_ event: String, _ request: WebRequest, _ host: WebHost, _ facts: [(key: String, value: String)]) {
        let all = [("account", request.session?.address ?? ""), ("peer", "\(request.client)")] + facts
        host.events.record(TrailEvent(.webServer, event, trace: request.trace, all), switchedBy: nil)
    }

    private static func size(_ account: AccountID, _ host: WebHost) -> Int64? {
        guard let store = host.store else { return nil }
        let answer = Monitor<Result<AccountUsage, StoreError>?>(nil)
        store.usage(of: account) { result in
            answer.withLock { $0 = result }
            answer.signal()
        }
        let result = answer.wait(until: { $0 != nil }, then: { $0 })
        return (try? result?.get())?.bytes
    }

    enum Words {
        static let menu = Localized(en: "Account management menu", ja: "アカウント管理メニュー")
        static let account = Localized(en: "Personal account information", ja: "個人アカウント情報")
        static let directory = Localized(en: "Finger and directory information", ja: "フィンガー情報とディレクトリ情報")
        static let password = Localized(en: "Password", ja: "パスワード")
        static let appPasswords = Localized(en: "App passwords", ja: "アプリパスワード")
        static let secondFactor = Localized(en: "Second factor", ja: "二段階認証")
        static let sessions = Localized(en: "Logins", ja: "ログイン")
        static let oldPassword = Localized(en: "Present password", ja: "現在のパスワード")
        static let newPassword = Localized(en: "New password", ja: "新しいパスワード")
        static let again = Localized(en: "New password, once more", ja: "新しいパスワード（確認）")
        static let different = Localized(
            en: "The two new passwords are not the same; type both again.", ja: "2 つの新しいパスワードが一致しません。両方とも入力し直してください。")
        static let wrongOld = Localized(en: "The present password is wrong.", ja: "現在のパスワードが正しくありません。")
        static let manyGuesses = Localized(en: "Too many wrong entries; wait ten minutes.", ja: "誤りが続きました。10 分待ってからやり直してください。")
        static let passwordChanged = Localized(
            en: "The password has been changed. All other web logins of this account have ended.",
            ja: "パスワードを変更しました。このアカウントの他の Web ログインはすべて終了しました。")
        static let changed = Localized(en: "The changes are stored and in force.", ja: "変更を保存しました。すぐに有効になります。")
        static let nothing = Localized(en: "Nothing was changed.", ja: "変更はありません。")
        static let notOffered = Localized(
            en: "The postmaster has not opened this page to users; ask the postmaster.", ja: "このページは利用が許可されていません。ポストマスタに問い合わせてください。")
    }
}
