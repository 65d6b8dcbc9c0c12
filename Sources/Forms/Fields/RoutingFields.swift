internal import Vocabulary

/// Mail routing options and mail relay restrictions.
package enum RoutingField {
    package static let hostName = Field(
        "host-name", .mailRouting, Localized("Host name", "ホスト名"),
        help: Localized("Full name of this host. Its mail is always local.", "このホストの完全なホスト名です。このホスト宛のメールは常にローカルメールとして扱われます。"),
        .domain, checks: [.required])

    package static let mainDomain = Field(
        "domain", .mailRouting, Localized("Domain", "ドメイン名"),
        help: Localized("The site's domain, without host name.", "ホスト名を含まないドメイン名です。"), .domain, checks: [.required])

    package static let localMailDomains = Field(
        "local-mail-domains", .mailRouting, Localized("Local mail domains", "ローカルメールドメイン"),
        help: Localized(
            "Domains whose mail ends here: an address that nothing here has is answered with an error and never sent on. The host name itself need not be listed.",
            "このホストがメールの最終的な配信先になるドメインです。該当するアカウントやチャネルエイリアスがない場合は送信元にエラーを返し、転送しません。ホスト名自身の指定は不要です。"),
        .domains(maximum: 1_000_000))

    package static let completionDomain = Field(
        "address-completion-domain", .mailRouting, Localized("Address completion domain", "アドレス補完ドメイン"),
        help: Localized("Put behind addresses without a domain. Empty: the domain.", "ドメインのないアドレスに補うドメインです。空欄の場合はドメイン名を使います。"), .domain)

    package static let mailRoutingTable = Field(
        "mail-routing-table", .mailRouting, Localized("Mail routing table", "メールルーティングテーブル"),
        help: Localized(
            "[pattern:host] or [pattern:host:port], first match wins. Pattern: *, *.domain or domain. Host: * for the recipient's own MX, a host name, a name or address in brackets for exactly that host, or hold. lmtp:host:port or lmtp:/path of a socket hands over by LMTP.",
            "[パターン:ホスト] または [パターン:ホスト:ポート] の形で指定します。最初に一致した行が使われます。パターンは *、*.domain、domain。ホストは *（受信者のドメインの MX）、ホスト名、[ホスト名] または [IP アドレス]（そのホストに直接）、hold（保留）。lmtp:ホスト:ポート または lmtp:/ソケットのパス は LMTP で渡します。"
        ),
        .table(
            Table(
                [
                    Table.Column("pattern", Localized("pattern", "パターン"), .routePattern),
                    Table.Column("host", Localized("host", "ホスト"), .routeHost),
                    Table.Column("port", Localized("port", "ポート"), .port, isOptional: true),
                ], separator: ":", maximumRows: 100_000)))

    package static let channelAliases = Field(
        "smtp-channel-aliases", .mailRouting, mail: "SMTP-Aliases", Localized("SMTP channel aliases", "SMTP チャネルエイリアス"),
        help: Localized(
            "[<incoming> <outgoing>]: mail for the first address goes to the second.",
            "[<受信アドレス> <送信アドレス>] の形で指定します。最初のアドレス宛のメールを 2 番目のアドレスに転送します。"),
        .table(
            Table(
                [
                    Table.Column("in", Localized("<incoming>", "<受信アドレス>"), .address),
                    Table.Column("out", Localized("<outgoing>", "<送信アドレス>"), .address),
                ], separator: " ", maximumRows: 1_000_000)), checks: [.uniqueAddress])

    package static let checksRecipients = Field(
        "check-recipients", .mailRouting,
        Localized("Accept mail only after checking that the recipient exists", "受信者がローカルメールアドレス内に存在するかを確認してからメールを受け取る"),
        help: Localized(
            "Unknown local recipients are refused at once. Leave this on. A host without accounts knows no recipients: name the domains that it passes on in relay-domains there.",
            "存在しないローカルメールアドレス宛のメールを受け取らずに拒否します。「はい」を推奨します。アカウントのないホストでは受信者を確認できないため、転送するドメインを relay-domains に指定してください。"),
        .flag, default: .flag(true))

    package static let detailSeparator = Field(
        "detail-separator", .mailRouting, Localized("Separator of sub-addresses", "サブアドレスの区切り文字"),
        help: Localized(
            "jane+lists@domain reaches jane@domain. Write none to switch this off.",
            "jane+lists@domain 宛のメールを jane@domain に配信します。使用しない場合は none を指定します。"),
        .choice([Choice("+", "+", "+"), Choice("-", "-", "-"), Choice("=", "=", "="), Choice("none", "none", "使用しない")]), default: .text("+")
    )

    package static let greetingMail = Field(
        "greeting-mail", .mailRouting, Localized("Send a greeting message to new accounts", "新規アカウントにグリーティングメッセージを送信する"),
        help: Localized("Welcomes the new user and explains the account.", "新規ユーザを歓迎し、アカウントの使用方法を説明するメッセージです。"), .flag, default: .flag(true)
    )

    package static let queueUsers = Field(
        "queue-release-users", .mailRouting, Localized("Users who fetch the mail of a domain", "ドメインのメールを取り寄せるユーザ"),
        help: Localized(
            "[<user> domain]: after logging in this user may release what waits for the domain by QSND or ETRN from any address, and it is sent to that address. Hosts that routes or MX lead to need no entry.",
            "[<ユーザ> ドメイン] の形で指定します。このユーザはログインした後、どのアドレスからでも QSND や ETRN でドメイン宛の保留中のメールを取り寄せることができ、メールはそのアドレスに送信されます。ルーティングや MX が示すホストの指定は不要です。"
        ),
        .table(
            Table(
                [
                    Table.Column("user", Localized("<user>", "<ユーザ>"), .address),
                    Table.Column("domain", Localized("domain", "ドメイン"), .domain),
                ], separator: " ", maximumRows: 10_000)))

    package static let reservedNames = Field(
        "reserved-names", .mailRouting, Localized("Names that lead to the postmaster", "ポストマスタに配信する名前"),
        help: Localized(
            "In every local domain mail for these names goes to the postmaster, until an account or alias there has the name. Write none to switch this off.",
            "すべてのローカルメールドメインで、この名前のアカウントやエイリアスがない場合に、メールをポストマスタに配信します。使用しない場合は none を指定します。"),
        .words(Self.wellKnownNames.map { Choice($0, $0, $0) } + [Choice("none", "none", "使用しない")]),
        default: .list(["abuse", "noc", "security", "hostmaster", "webmaster", "www", "usenet", "news", "uucp", "ftp", "mailer-daemon"]))

    /// [RFC2142-2] [RFC2142-4] [RFC2142-5]
    private static let wellKnownNames = [
        "abuse", "noc", "security", "hostmaster", "webmaster", "www", "usenet", "news", "uucp", "ftp", "mailer-daemon", "info", "marketing",
        "sales", "support",
    ]

    package static let inquiries = Field(
        "postmaster-inquiry-addresses", .mailRouting, Localized("Who answers inquiries to the postmaster", "ポストマスタ宛の問い合わせの担当者"),
        help: Localized(
            "Mail for the postmaster goes to these instead of the Delivery list of the Postmaster account. They may not operate the settings; notification and action messages still go to those who may.",
            "ポストマスタ宛のメールを、Postmaster アカウントの転送先の代わりに、このアドレスに配信します。担当者は設定を操作できません。通知メッセージとアクションメッセージは、設定を操作できる人に送信されます。"),
        .addresses(maximum: 100))

    package static let nameServers = Field(
        "name-servers", .network, Localized("Name servers", "NameServer (DNS サーバ)"),
        help: Localized(
            "IP addresses of the DNS servers to ask. Empty: those of the operating system.", "DNS サーバの IP アドレスです（複数指定可）。空欄の場合は OS の設定に従います。"
        ), .servers(maximum: 16))

    package static let refusesPercent = refusal("%", "percent", "パーセント")
    package static let refusesExclamation = refusal("!", "exclamation", "エクスクラメーションマーク")
    package static let refusesQuotes = refusal("' \"", "quotes", "シングルクォート、ダブルクォート")
    package static let refusesAt = refusal("@", "at", "アットマーク")

    package static let all: [Field] = [
        hostName, mainDomain, localMailDomains, completionDomain, mailRoutingTable, channelAliases, checksRecipients, detailSeparator,
        greetingMail, queueUsers, reservedNames, inquiries, nameServers,
        refusesPercent, refusesExclamation, refusesQuotes, refusesAt,
    ]

    private static func refusal(_ character: String, _ name: String, _ japanese: String) -> Field {
        Field(
            FieldKey("refuse-\(name)"), .relayRestrictions,
            Localized("Refuse recipients with \(character)", "\(character) (\(japanese)) が含まれたら受け取りを拒否する"),
            help: Localized(
                "Refuses a recipient whose part before the @ has \(character), unless an account here has exactly that address.",
                "送信先メールアドレスのローカルパート（@ より前）に \(character) が含まれる場合、該当するアカウントがない限り受け取りを拒否します。"),
            .flag, default: .flag(true))
    }
}
