internal import Directory
internal import Forms
internal import Vocabulary
internal import WebPages

/// Installation Wrap-Up: the first account with postmaster privilege. Shown until there is one.
enum WrapUp {
    static let path = "/wrap-up"
    static let link: Link = "/wrap-up"
    static let title = Localized(en: "Installation Wrap-Up", ja: "Installation Wrap-Up")
    static let routes = [
        WebRoute(.get, "/wrap-up", .postmaster) { request, host in
            Self.isMissing(host) ? .page(Self.page(nil, request, host)) : .page(Self.done(request, host))
        },
        WebRoute(.post, "/wrap-up", .postmaster) { request, host in Self.submit(request, host) },
    ]

    /// Nobody is on the Postmaster's Delivery list yet.
    static func isMissing(_ host: WebHost) -> Bool { host.directory.snapshot.postmasters.isEmpty }

    static let notice = Notice(
        .warning,
        Localized(
            en: "Nobody is postmaster yet: mail for the postmaster waits until the last step of the installation is done.",
            ja: "メール管理者がまだ設定されていません。ポストマスタ宛のメールは、インストールの最終ステップが完了するまで保留されます。"),
        link: (link, title))

    private static let fields: [Field] = [
        AccountField.realName, AccountField.password, AccountField.addresses, DeliveryField.mailboxDelivery, DeliveryField.loginName,
        DeliveryField.forwarding, AccountSecurityField.access, AccountSecurityField.webAccess,
    ]

    // MARK: the form

    private static func page(_ reading: FormReading?, _ request: WebRequest, _ host: WebHost) -> Page {
        var view = FormView(action: Self.link, csrfToken: request.session?.formToken ?? "", Self.sections)
        if let reading { view.apply(reading) }
        var page = request.page(Self.title, host, path: [])
        page.menu = []
        page.body = HTML.build { out in
            out.add(.h2, [], Self.heading.text(request.language))
            for text in Self.introduction { out.add(.p, [], text.text(request.language)) }
            out.add(view.html(request.language))
        }
        return page
    }

    private static let heading = Localized(en: "The last step of the installation!", ja: "あと一歩で設置が終わります")
    private static let introduction = [
        Localized(
            en:
                "The mail server is running already and can receive mail at any time. In this last step you name the person who is responsible for the mail system.",
            ja: "サーバは動作しており、メールの受信も始まっています。最後に、このメールシステムを管理する人を決めてください。"),
        Localized(
            en:
                "Submitting the form makes a personal mail account with postmaster privilege. Its owner can then add accounts and change the system's settings.",
            ja: "送信すると、ポストマスタ権限を持つ個人のアカウントが 1 つ作られます。その人は、すぐにアカウントの追加や設定の変更ができます。"),
        Localized(
            en:
                "Note: everything you enter here can easily be changed later, and more administrators can be added. If you do not know what to enter, open the help beside the field.",
            ja: "注: どの項目も後から変更でき、管理者を増やすこともできます。迷ったときは、項目の横のヘルプを開いてください。"),
    ]

    private static var sections: [FormView.Section] {
        var name = FieldEntry(AccountField.realName, .none, label: Localized(en: "Administrator's real name", ja: "メール管理者の実名"))
        name.isRequired = true
        var password = FieldEntry(AccountField.password, .none)
        password.isRequired = true
        return [
            FormView.Section(
                title: Localized(en: "The first administrator", ja: "初期メール管理者の設定"),
                advice: [
                    Localized(
                        en: "The password is this person's own: another one than the postmaster's, and than that of the operating system.",
                        ja: "この人だけが使うパスワードです。ポストマスタのパスワードとも OS のパスワードとも別のものにしてください。")
                ], [name, password]),
            FormView.Section(
                title: Localized(en: "E-mail addresses", ja: "E-mail アドレス情報"),
                advice: [
                    Localized(
                        en:
                            "Every address whose mail goes to this person. The first one is the primary address and is put into all mail sent.",
                        ja: "この人に届くべきアドレスを全部書いてください。1 行目がメイン E-mail アドレスになり、送信するメールにはいつもこのアドレスが入ります。")
                ], [FieldEntry(AccountField.addresses, .none)]),
            FormView.Section(
                title: Localized(en: "Local delivery", ja: "ローカル配信情報"),
                advice: [
                    Localized(
                        en:
                            "One or several. With POP3/IMAP4 delivery give the login name too: usually the part of the address before the @.",
                        ja:
                            "届いたメールをどうするかを選びます（両方でもかまいません）。POP3/IMAP4 配信を選ぶときは、ログイン名も必要です。ふつうはアドレスの @ より前と同じ名前にします。"
                    )
                ],
                [
                    FieldEntry(DeliveryField.mailboxDelivery, .none), FieldEntry(DeliveryField.loginName, .none),
                    FieldEntry(DeliveryField.forwarding, .none),
                ]),
            FormView.Section(
                title: Localized(en: "Access restrictions", ja: "アクセス制限"),
                [FieldEntry(AccountSecurityField.access, .none), FieldEntry(AccountSecurityField.webAccess, .none)]),
        ]
    }

    // MARK: submitting

    private static func submit(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard Self.isMissing(host) else { return .page(Self.done(request, host)) }
        var reading = FormReading(request.form, Self.fields)
        Self.check(&reading, host)
        guard reading.isRight else { return .page(Self.page(reading, request, host), status: 422) }
        var values = FormWork.differing(reading, Self.fields, from: [:])
        let addresses = reading.values[AccountField.addresses.key]?.list ?? []
        values[AccountField.addresses.key] = nil
        values[AccountField.type.key] = .text("administrative")
        values[AccountField.postmasterPrivilege.key] = .flag(true)
        let fields = Self.fields + [AccountField.type, AccountField.postmasterPrivilege]
        let result = host.perform(
            request.command(
                "account add", AccountField.addresses.written(.list(addresses)), options: ["set": FormWork.pairs(values, fields)],
                input: reading.values[AccountField.password.key]?.text))
        guard result.isDone else {
            let notices = FormWork.place(result, Self.fields, request.language, &reading)
            var page = Self.page(reading, request, host)
            page.notices += notices
            return .page(page, status: 422)
        }
        request.audit(host, "wrap-up", addresses.first ?? "", FormWork.changes(values, fields, from: [:]))
        var page = Self.done(request, host)
        page.notices += result.notices()
        return .page(page)
    }

    /// What this form asks for beyond the fields' own checks.
    private static func check(_ reading: inout FormReading, _ host: WebHost) {
        let missing = Localized(en: "a value is needed", ja: "値を指定してください")
        for field in [AccountField.realName, AccountField.password, AccountField.addresses]
        where (reading.values[field.key] ?? .none).isNone && reading.problem(field.key) == nil {
            reading.add(field.problem(missing))
        }
        // Mail for the postmaster would go to whoever has that domain.
        let addresses = reading.values[AccountField.addresses.key]?.list ?? []
        let snapshot = host.directory.snapshot
        let isReached = addresses.contains { address in
            guard let at = address.lastIndex(of: "@") else { return true }
            return snapshot.isLocal(Substring(address[address.index(after: at)...].lowercased()))
        }
        if !addresses.isEmpty, !isReached, reading.problem(AccountField.addresses.key) == nil {
            let domain = snapshot.configuration.routing.mainDomain
            reading.add(
                AccountField.addresses.problem(
                    Localized(
                        en: "one must be in a local mail domain of this server, such as name@\(domain)",
                        ja: "このサーバのローカルメールドメインのアドレスが必要です（例: name@\(domain)）")))
        }
        let isTicked = reading.values[DeliveryField.mailboxDelivery.key]?.flag == true
        if isTicked, (reading.values[DeliveryField.loginName.key] ?? .none).isNone, reading.problem(DeliveryField.loginName.key) == nil {
            reading.add(
                DeliveryField.loginName.problem(
                    Localized(en: "is needed while POP3/IMAP4 delivery is ticked", ja: "POP3/IMAP4 配信を選ぶときは必要です")))
        }
    }

    private static func done(_ request: WebRequest, _ host: WebHost) -> Page {
        var page = request.page(Self.title, host, path: [])
        page.menu = []
        page.body = HTML.build { out in
            out.add(
                .p, [],
                Localized(
                    en: "The installation is complete. More administrators can be added at any time; keep them few.",
                    ja: "設置が終わりました。管理者はいつでも追加できますが、少人数にとどめてください。"
                ).text(request.language))
            out.add(.p) { line in
                line.link("/menu", [.class("button")], Localized(en: "Main mail server menu", ja: "メインメールサーバメニュー").text(request.language))
            }
        }
        return page
    }
}
