internal import Vocabulary

/// System security, licensing and end-user options.
package enum SecurityField {
    package static let passwordLength = Field(
        "password-minimum-length", .systemSecurity, Localized("Shortest password", "パスワードの最小文字数"),
        help: Localized("For passwords set from now on.", "これから設定するパスワードに適用されます。"), .integer(6...128), default: .integer(6), unit: .count)

    package static let plaintextLogins = Field(
        "plaintext-login-networks", .systemSecurity, Localized("Networks for logins without TLS", "TLS なしのログインを許可するネットワーク"),
        help: Localized(
            "Without TLS a password can be read on the way. It is taken from this host itself and from these networks only.",
            "TLS を使わないと、パスワードは途中で読み取られるおそれがあります。このホスト自身と、ここで指定したネットワークからだけ許可されます。"),
        .networks(maximum: 1000))

    package static let listsSCRAM = Field(
        "list-scram", .systemSecurity, Localized("Offer SCRAM-SHA-256 under TLS", "TLS でも SCRAM-SHA-256 を案内する"),
        help: Localized(
            "Clients may always use it; this names it beside PLAIN and LOGIN. Programs built on Cyrus SASL (Postfix, mbsync) then choose it and fail, for they refuse so safe a verifier.",
            "SCRAM-SHA-256 はいつでも使えますが、ここで「はい」にすると PLAIN、LOGIN と並べて案内します。Cyrus SASL を使うプログラム (Postfix、mbsync など) はこれを選び、強い検証値を拒否して失敗します。"),
        .flag, default: .flag(false))

    package static let bareNewlines = Field(
        "bare-newline-networks", .systemSecurity, Localized("Networks whose messages may have LF line ends", "改行が LF だけのメッセージを許可するネットワーク"),
        help: Localized(
            "For old devices and programs: an LF alone in their messages is made a CRLF. From everybody else such a message is refused, because mail can be smuggled in that way.",
            "古い機器やプログラムのための設定です。メッセージ中の LF だけの改行を CRLF に直して受け付けます。それ以外からのものは、メールの偽装に使われるおそれがあるため拒否します。"),
        .networks(maximum: 1000))

    package static let smtpAccess = access("smtp", "SMTP")
    package static let lmtpAccess = Field(
        "lmtp-access", .systemSecurity, Localized("Hosts that may hand over mail by LMTP", "LMTP でメールを渡せるホスト"),
        help: Localized(
            "Addresses, networks, host names and *.domain, for LMTP listeners of the start file. Such hosts are trusted: no limits of strangers hold for them. Empty: this computer only.",
            "設定ファイルの LMTP リスナーに接続できるアドレス、ネットワーク、ホスト名、*.ドメインです。これらのホストには外部からの接続に対する制限が適用されません。空欄の場合はこのコンピュータだけです。"),
        .accessList(maximum: 1000))
    package static let submissionAccess = access("submission", "Submission", "メール送信")
    package static let pop3Access = access("pop3", "POP3")
    package static let imapAccess = access("imap", "IMAP4")
    package static let webAccess = access("web", "Web", "Web")
    package static let webTokenLife = Field(
        "web-token-life", .systemSecurity, Localized("Life of a web login", "アクセストークンの有効期間"),
        help: Localized(
            "A login on the web ends when nothing was done for so long; each request renews it. What was typed into a form meanwhile is kept over the next login.",
            "Web にログインした後、この時間何も操作しないと認証が切れます。操作するたびに更新されます。切れた後に送信したフォームの内容は、もう一度認証すると引き継がれます。"),
        .duration(60...86_400), default: .integer(300), unit: .seconds)
    package static let fingerAccess = access("finger", "Finger", "フィンガー")
    package static let passwordAccess = access("password", "Password server", "パスワードサーバ")

    package static let showsVersion = Field(
        "show-version", .systemSecurity,
        Localized("Show the version in greetings and Received fields", "グリーティングと Received フィールドにバージョンを表示する"),
        help: Localized("Off: strangers see the product's name alone.", "「いいえ」にすると製品名だけを表示します。"), .flag, default: .flag(true))

    package static let seats = Field(
        "seat-limit", .systemSecurity, Localized("Most accounts", "登録ユーザ数の上限"),
        help: Localized(
            "No further general account can be added above it. Empty: no limit. 10 with an end in 30 days is a trial.",
            "これを超えて一般アカウントを追加できません。空欄の場合は無制限です。"),
        .integer(1...100_000_000), unit: .count)

    package static let seatsUntil = Field(
        "seat-limit-end", .systemSecurity, Localized("Last day of the seats", "使用期限"),
        help: Localized(
            "After it accounts are neither added nor changed, but for passwords, states and deletion; mail flows on. Empty: no end.",
            "この日を過ぎると、パスワードと状態の変更および削除を除き、アカウントの追加と変更ができません。メールの配信は続きます。空欄の場合は期限がありません。"),
        .date)

    package static let domainSeats = Field(
        "domain-seats", .systemSecurity, Localized("Most accounts by domain", "登録ユーザ数の上限（ドメイン別）"),
        help: Localized(
            "[domain:accounts] or [domain:accounts:last day]: for general accounts whose primary address is there. `postoffice seats` shows and sets them.",
            "[ドメイン:登録ユーザ数] または [ドメイン:登録ユーザ数:使用期限] の形で指定します。メイン E-mail アドレスがそのドメインにある一般アカウントに適用されます。postoffice seats で表示と設定ができます。"),
        .table(
            Table(
                [
                    Table.Column("domain", Localized("domain", "ドメイン"), .domain),
                    Table.Column("seats", Localized("accounts", "登録ユーザ数"), .integer),
                    Table.Column("end", Localized("last day", "使用期限"), .date, isOptional: true),
                ], separator: ":", maximumRows: 1_000_000)))

    package static let language = Field(
        "system-language", .systemSecurity, Localized("Language", "言語"),
        help: Localized("Of messages to people whose own language is not known.", "利用者の言語がわからないときに使う言語です。"),
        .choice([Choice("en", "English", "英語"), Choice("ja", "Japanese", "日本語")]), default: .text("en"))

    package static let userPassword = option("change-password", Localized("change their password", "パスワードの変更"))
    package static let userDelivery = option("delivery-methods", Localized("change their delivery methods", "配信方法の変更"))
    package static let userVacation = option("vacation", Localized("write a vacation message", "不在通知の設定"))
    package static let userFinger = option("finger", Localized("change their finger information", "フィンガー情報の変更"))
    package static let userDirectory = option("directory", Localized("change their directory information", "ディレクトリ情報の変更"))
    package static let userAddresses = option("view-addresses", Localized("see their addresses", "E-mail アドレスの表示"))
    package static let userRestrictions = option("view-access-restrictions", Localized("see their access restrictions", "アクセス制限の表示"))
    package static let userAppPasswords = option("app-passwords", Localized("make app passwords", "アプリパスワードの作成"))
    package static let userSecondFactor = option("second-factor", Localized("use a second factor", "二段階認証の設定"))
    package static let userAccountDirectory = option(
        "view-account-directory", Localized("see the mail account directory", "メールアカウントディレクトリの表示"))

    package static let webHostNames = Field(
        "web-host-names", .systemSecurity, Localized("Further names of the web pages", "Web ページのその他のホスト名"),
        help: Localized(
            "The pages answer to the host name, the domain, local mail domains, all names below these, and IP addresses. Put down here under what other names people reach them.",
            "Web ページは、ホスト名、ドメイン名、ローカルメールドメイン、それらの下の名前、IP アドレスで利用できます。それ以外の名前で利用する場合に指定します。"),
        .domains(maximum: 100))

    package static let directoryForAll = Field(
        "account-directory-for-all", .systemSecurity,
        Localized("Mail Account Directory without login", "ログインなしでメールアカウントディレクトリを公開する"),
        help: Localized(
            "What accounts publish can be looked up by everybody who reaches the pages. Otherwise only after logging in.",
            "「はい」の場合、Web ページを利用できるすべての人が、公開された情報を検索できます。「いいえ」の場合はログインが必要です。"),
        .flag, default: .flag(true))

    package static let all: [Field] = [
        passwordLength, plaintextLogins, listsSCRAM, bareNewlines, smtpAccess, submissionAccess, lmtpAccess, pop3Access, imapAccess,
        webAccess, webTokenLife, webHostNames, directoryForAll, fingerAccess, passwordAccess, showsVersion, seats, seatsUntil, domainSeats,
        language, userPassword,
        userDelivery,
        userVacation,
        userFinger, userDirectory,
        userAddresses, userRestrictions, userAccountDirectory, userAppPasswords, userSecondFactor,
    ]

    private static func access(_ name: String, _ english: String, _ japanese: String? = nil) -> Field {
        Field(
            FieldKey("\(name)-access"), .systemSecurity, Localized("\(english) access domains", "\(japanese ?? english) のアクセスドメインリスト"),
            help: Localized(
                "Addresses, networks and hosts that may connect; others are refused before anything else. Empty: everybody.",
                "接続を許可する IP アドレス、ネットワーク、ホストです。それ以外の接続は最初に拒否されます。空欄の場合は誰でも接続できます。"),
            .accessList(maximum: 10_000))
    }

    private static func option(_ name: String, _ what: Localized) -> Field {
        Field(
            FieldKey("users-may-\(name)"), .endUserOptions, Localized("Users may \(what.english)", "ユーザに許可する: \(what.japanese)"),
            help: Localized("Off: the menu entry is hidden from users.", "「いいえ」にすると、ユーザのメニューに表示されません。"), .flag, default: .flag(true))
    }
}
