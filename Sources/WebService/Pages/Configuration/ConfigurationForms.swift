internal import Directory
internal import Forms
internal import Vocabulary
internal import WebPages

/// The forms of the system configuration, in the order of their menu. The first five stand as the original's manual names them.
enum ConfigurationForms {
    static func named(_ name: String) -> ConfigurationForm? { self.all.first { $0.name == name } }

    static let all: [ConfigurationForm] = [
        channelAliases, mailRouting, mailBlocking, relayRestrictions, systemSecurity, localDomains, filters, errorResponses, endUserOptions,
        defaultMessages, queue, limits, storage, network, logging, finger, programs, seats,
    ]

    /// Fields that have a form of their own although they belong to a larger one in the table.
    private static let placed: [Field] = [
        RoutingField.channelAliases, RoutingField.localMailDomains, ProgramField.allowed, ProgramField.time, ProgramField.memory,
        SecurityField.seats, SecurityField.seatsUntil, SecurityField.domainSeats,
    ]

    static let channelAliases = ConfigurationForm(
        "channel-aliases", Localized(en: "SMTP channel aliases", ja: "SMTP チャネルエイリアス"),
        Localized(en: "Mail for one address goes to another.", ja: "あるアドレス宛のメールを別のアドレスに転送します。"),
        first: [ConfigurationForm.Section([RoutingField.channelAliases])])

    static let localDomains = ConfigurationForm(
        "local-domains", Localized(en: "Local mail domains", ja: "ローカルメールドメイン"),
        Localized(en: "Domains whose mail ends at this host.", ja: "このホストが最終的な配信先になるドメインです。"),
        first: [ConfigurationForm.Section([RoutingField.localMailDomains])])

    static let mailRouting = ConfigurationForm(
        "mail-routing", Localized(en: "Mail routing options", ja: "メールルーティングオプションの設定"),
        Localized(en: "Host name, local addresses, routes to other hosts.", ja: "ホスト名、ローカルメールアドレス、メールルーティングテーブルを設定します。"),
        first: [
            ConfigurationForm.Section(
                Localized(en: "This host", ja: "このホスト"), [RoutingField.hostName, RoutingField.mainDomain, RoutingField.completionDomain]),
            ConfigurationForm.Section(
                Localized(en: "Local mail addresses", ja: "ローカルメールアドレス設定"),
                [RoutingField.checksRecipients, RoutingField.detailSeparator, RoutingField.reservedNames, RoutingField.inquiries]),
            ConfigurationForm.Section(
                Localized(en: "Routes", ja: "ルーティング"),
                advice: [
                    Localized(
                        en: "The first row that matches decides. A route changes the next host only, never an address.",
                        ja: "最初に一致した行が使われます。次に送信するホストだけが変わり、アドレスは変わりません。")
                ], [RoutingField.mailRoutingTable, NextHopField.logins, RoutingField.queueUsers]),
        ], rest: [.mailRouting], restTitle: Localized(en: "Further options", ja: "その他のオプション"), without: placed,
        below: { request, host in RouteLoginPage.form(request, host) })

    static let mailBlocking = ConfigurationForm(
        "mail-blocking", Localized(en: "Mail blocking options", ja: "メールブロッキングオプション"),
        Localized(en: "From whom nothing is taken, and how much from one.", ja: "受信を拒否する相手と、1 つの相手からの受信量を設定します。"), rest: [.mailBlocking])

    static let relayRestrictions = ConfigurationForm(
        "relay-restrictions", Localized(en: "Mail relay restrictions", ja: "メールリレーの制限"),
        Localized(en: "Who may send through this host to others.", ja: "このホストを経由して他のホストに送信できる利用者を設定します。"),
        first: [
            ConfigurationForm.Section(
                Localized(en: "Addresses that invite relaying", ja: "リレーを促すアドレスについての対応"),
                advice: [
                    Localized(
                        en: "Recipients whose part before the @ has one of these signs are refused as irregular. Keep all four ticked.",
                        ja: "宛先の @ より前にこれらの文字があるメールを、中継を狙ったものとして断ります。4 つともオンのままにしてください。")
                ],
                [RoutingField.refusesPercent, RoutingField.refusesExclamation, RoutingField.refusesQuotes, RoutingField.refusesAt])
        ], rest: [.relayRestrictions], restTitle: Localized(en: "Who may relay", ja: "リレーを許可する範囲"), advice: Self.relayAdvice)

    /// A host with accounts knows its recipients; one that only passes mail on does not, and needs other settings against spam (must-have 158).
    @Sendable static func relayAdvice(_ host: WebHost) -> [Notice] {
        let snapshot = host.directory.snapshot
        let hasAccounts = snapshot.accountCount > 1
        guard !hasAccounts else {
            return [
                Notice(
                    .advice,
                    Localized(
                        en:
                            "Against mail for addresses that nobody has: leave “Accept mail only after checking that the recipient exists” on.",
                        ja: "だれも持っていないアドレス宛の迷惑メールには、受信者の有無を先に確認する設定が効きます。「はい」のままにしてください。"),
                    link: (Self.mailRouting.link, Self.mailRouting.title))
            ]
        }
        return [
            Notice(
                .advice,
                Localized(
                    en:
                        "This host has no accounts, so it cannot know by itself which recipients exist. If it passes mail on for other hosts, name their domains below and have their recipients checked: by asking the next host, or by the list.",
                    ja:
                        "このホストにはアカウントが登録されていないため、受信者の存在を自分では確認できません。リレー用のホストとして使用する場合は、下の「受け付けて転送するドメイン」にドメインを指定し、「転送するドメインの受信者の確認」で転送先への問い合わせまたはリストによる確認を選択してください。"
                ))
        ]
    }

    static let systemSecurity = ConfigurationForm(
        "system-security", Localized(en: "System security", ja: "システムセキュリティ"),
        Localized(en: "Passwords, and from where each service may be used.", ja: "パスワードの規則と、各サービスを利用できるホストを設定します。"),
        rest: [.systemSecurity],
        without: placed, advice: Self.fewPostmasters)

    /// Must-have 151.
    @Sendable static func fewPostmasters(_ host: WebHost) -> [Notice] {
        let count = host.directory.snapshot.postmasters.count
        guard count > 3 else { return [] }
        return [
            Notice(
                .advice,
                Localized(
                    en:
                        "There are \(count) postmasters. Each of them can change everything here and read the postmaster's mail: keep them few.",
                    ja: "ポストマスタが \(count) 人います。ポストマスタはすべての設定を変更でき、ポストマスタ宛のメールを受け取ります。人数は少なくしてください。"))
        ]
    }

    static let filters = ConfigurationForm(
        "filters", Localized(en: "SMTP filters", ja: "SMTP フィルタ"),
        Localized(en: "Rules over headers and bodies, with a trial.", ja: "ヘッダと本文についての規則を設定し、試すことができます。"), rest: [.filters],
        below: { request, host in FilterTrialPage.form(request, host) })

    static let errorResponses = ConfigurationForm(
        "error-responses", Localized(en: "Error response parameters", ja: "エラー応答パラメータ"),
        Localized(en: "What happens to mail that cannot be delivered.", ja: "配信できないメールの処理方法を設定します。"),
        first: ErrorField.rows.map { row in ConfigurationForm.Section(Self.heading(row), [row.action, row.notice, row.people]) },
        rest: [.errorResponses], restTitle: Localized(en: "All errors", ja: "共通"))

    /// What stands in front of the colon in the labels of a class of errors.
    private static func heading(_ row: ErrorField.Row) -> Localized {
        func start(_ text: String) -> String { String(text.prefix { $0 != ":" }) }
        return Localized(en: start(row.action.label.english), ja: start(row.action.label.japanese))
    }

    static let endUserOptions = ConfigurationForm(
        "end-user-options", Localized(en: "End-user options", ja: "エンドユーザオプション"),
        Localized(en: "What users may do and see of their own accounts.", ja: "ユーザが自分のアカウントについて変更、表示できる項目を設定します。"), rest: [.endUserOptions])

    static let defaultMessages = ConfigurationForm(
        "default-messages", Localized(en: "Default messages", ja: "メッセージの定型文"),
        Localized(en: "What greetings, reports, warnings and replies say.", ja: "グリーティング、エラーメール、警告、自動応答の文を設定します。"),
        first: MessageTextField.pairs.map { ConfigurationForm.Section([$0.english, $0.japanese]) }, rest: [.defaultMessages],
        restTitle: Localized(en: "Automatic replies", ja: "自動応答"))

    static let queue = ConfigurationForm(
        "queue", Localized(en: "Queue", ja: "キューの設定"),
        Localized(en: "How long mail waits, and how often it is tried.", ja: "メールの再送間隔と保存期間を設定します。"), rest: [.queue])

    static let limits = ConfigurationForm(
        "limits", Localized(en: "Performance and limits", ja: "パフォーマンスと制限"),
        Localized(en: "Sizes, counts, times and connections.", ja: "サイズ、件数、時間、接続数の上限を設定します。"), rest: [.limits, .smtp, .pop3],
        without: placed)

    static let storage = ConfigurationForm(
        "storage", Localized(en: "Mailboxes and disk", ja: "メールボックスとディスク"),
        Localized(en: "Sizes of mailboxes, and what happens when one is full.", ja: "メールボックスの最大サイズと、超過した場合の処理を設定します。"), rest: [.storage])

    static let network = ConfigurationForm(
        "network", Localized(en: "Name servers and delivery to other hosts", ja: "NameServer と他のホストへの配信"),
        Localized(en: "DNS, DANE, MTA-STS, sending addresses.", ja: "DNS、DANE、MTA-STS、送信元アドレスを設定します。"), rest: [.network])

    static let logging = ConfigurationForm(
        "logging", Localized(en: "Logging options", ja: "ログオプション"),
        Localized(en: "What is written to the log, and for how long it stays.", ja: "ログに記録する内容と保存日数を設定します。"), rest: [.logging])

    static let finger = ConfigurationForm(
        "finger", Localized(en: "Finger", ja: "フィンガー"),
        Localized(en: "What finger tells.", ja: "フィンガーで表示する内容を設定します。"), rest: [.finger])

    static let programs = ConfigurationForm(
        "programs", Localized(en: "Program delivery", ja: "プログラム配信"),
        Localized(en: "Programs that mail may be handed to.", ja: "メールを渡すことができるプログラムを設定します。"),
        first: [ConfigurationForm.Section([ProgramField.allowed, ProgramField.time, ProgramField.memory])],
        advice: { host in
            host.directory.systemDelivery.reason(.programs).map { [Notice(.warning, $0)] } ?? []
        })

    static let seats = ConfigurationForm(
        "seats", Localized(en: "Seats", ja: "登録ユーザ数"),
        Localized(en: "How many accounts there may be.", ja: "登録できるユーザ数を設定します。"),
        first: [ConfigurationForm.Section([SecurityField.seats, SecurityField.seatsUntil, SecurityField.domainSeats])])
}
