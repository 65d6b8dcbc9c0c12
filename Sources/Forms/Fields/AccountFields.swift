internal import Vocabulary

/// Fields of the account form. The first of these were on the original's e-mail form, whose names they keep.
package enum AccountField {
    package static let realName = Field(
        "real-name", .account, mail: "User's-Real-Name", Localized("Real name", "実名"),
        help: Localized(
            "The person's or role's name, as in Jane G. Doe. Put into From fields and the greeting.",
            "ユーザの実名です（Jane G. Doe など）。From フィールドとグリーティングメッセージに使われます。"),
        .text(maximum: 200), viewers: .owner)

    package static let password = Field(
        "password", .account, mail: "Mail-Account-Password", Localized("Mail account/POP3 password", "メールアカウント/POP3 のパスワード"),
        help: Localized(
            "At least 6 characters (the system security form may ask for more), no blank at either end. Use another one than the postmaster's and the operating system's.",
            "6 文字以上です（システムセキュリティフォームでより長くできます）。先頭と末尾に空白は使用できません。ポストマスタや OS のパスワードとは違うものにしてください。"),
        .password, editors: .owner)

    package static let type = Field(
        "type", .account, mail: "Account-Type", Localized("Account type", "アカウントの種類"),
        help: Localized(
            "General accounts are persons'; administrative ones manage the server; reserved ones keep a name from being given away.",
            "一般アカウントは利用者のもの、管理アカウントはサーバを管理するもの、予約アカウントは名前を確保しておくためのものです。"),
        .choice([
            Choice("general", "General", "一般アカウント"), Choice("administrative", "Administrative", "管理アカウント"),
            Choice("reserved", "Reserved", "予約アカウント"),
        ]), default: .text("general"))

    package static let state = Field(
        "state", .account, mail: "Account-State", Localized("State", "アカウントの状態"),
        help: Localized(
            "Locked: nobody can log in, mail still comes in. Expired: nobody can log in and mail is refused.",
            "ロック: ログインできませんが、メールは届きます。期限切れ: ログインできず、メールも拒否されます。"),
        .choice([Choice("active", "Active", "有効"), Choice("locked", "Locked", "ロック"), Choice("expired", "Expired", "期限切れ")]),
        default: .text("active"))

    package static let expiryDate = Field(
        "expiry-date", .account, mail: "Expiry-Date", Localized("Last day", "有効期限"),
        help: Localized("The account is expired from the day after on. Empty: it has no end.", "この日の翌日からアカウントは期限切れになります。空欄の場合は期限がありません。"),
        .date, viewers: .owner)

    package static let useOSPassword = Field(
        "use-os-password", .account, mail: "Use-NT-Logon-Password", Localized("Use the operating system's password", "OS のパスワードを使用する"),
        help: Localized(
            "Logins are checked against the operating system's account instead of the password above, which is kept but not used.",
            "上のパスワードの代わりに OS のアカウントのパスワードで認証します。上のパスワードは保存されますが使用されません。"),
        .flag, default: .flag(false))

    package static let osUser = Field(
        "os-user", .account, mail: "NT-Username", Localized("Operating system's user name", "OS のユーザ名"),
        help: Localized(
            "The account of the operating system whose password is used. Usually the same as the login name.",
            "パスワードを使用する OS のアカウント名です。通常は POP3 ログイン名と同じです。"),
        .text(maximum: 64))

    package static let addresses = Field(
        "addresses", .account, mail: "Internet-Addresses", Localized("E-mail addresses", "E-mail アドレス"),
        help: Localized(
            "Every address whose mail comes to this account, in any domain; *@domain takes all that has no account there. The first is the primary address, which goes into all mail sent.",
            "このアカウントに配信される E-mail アドレスをすべて指定します（複数指定可）。*@domain は、そのドメインで該当アカウントのないメールをすべて受け取ります。最初のアドレスがメイン E-mail アドレスで、送信するメールにはいつもこれが入ります。"
        ),
        .addresses(maximum: 1000), checks: [.required, .uniqueAddress], viewers: .owner)

    package static let fromRewrite = Field(
        "from-address-rewrite", .account, mail: "From-Address-Rewrite", Localized("From address rewrite", "From アドレス書き換え"),
        help: Localized(
            "How From is written in mail this account sends: quoted is \"Real Name\" <primary@domain>, comment is primary@domain (Real Name); the envelope has the primary address too. none leaves it, and refuses addresses that are not this account's.",
            "送信メールの From の書き換え方法です。quoted は \"実名\" <メインアドレス>、comment はメインアドレス (実名) とし、エンベロープの送信者もメインアドレスにします。none は書き換えず、このアカウントのものでないアドレスを拒否します。"
        ),
        .choice([
            Choice("quoted", "\"Real Name\" <address> (quoted)", "\"実名\" <アドレス> (quoted)"),
            Choice("comment", "address (Real Name) (comment)", "アドレス (実名) (comment)"), Choice("none", "none", "書き換えない"),
        ]),
        default: .text("quoted"))

    package static let postmasterPrivilege = Field(
        "postmaster-privilege", .account, mail: "Postmaster-Privilege", Localized("Postmaster privilege", "ポストマスタ権限"),
        help: Localized(
            "Puts the primary address on the Delivery list of the Postmaster account, or takes it off: whoever is there gets the postmaster's mail and may log in as Postmaster. Keep them few.",
            "メイン E-mail アドレスを Postmaster アカウントの転送先に追加または削除します。転送先の利用者はポストマスタ宛のメールを受け取り、Postmaster としてログインできます。人数は少なくしてください。"),
        .flag, default: .flag(false), viewers: .owner)

    package static let grantedSenders = Field(
        "granted-senders", .account, mail: "Granted-Sender-Addresses", Localized("Further sender addresses", "使用できる送信者アドレス"),
        help: Localized(
            "Addresses this account may send from although they are not its own; *@domain stands for a whole domain. They show in From where that is not rewritten.",
            "このアカウントのもの以外で、送信者として使用できるアドレスです。*@domain はドメイン全体を表します。From アドレス書き換えが none の場合に From にも使用できます。"),
        .addresses(maximum: 1000))

    package static let sending = Field(
        "sending", .account, mail: "Sending", Localized("Sending mail", "メールの送信"),
        help: Localized(
            "Suspended: this account can read mail and gets it, but sends none. The server sets this itself when an account suddenly sends far more than it ever did; `postoffice account release` lets it send again.",
            "停止中: メールの受信と参照はできますが、送信はできません。送信量が急に増えたアカウントはサーバが自動的に停止します。postoffice account release で解除できます。"),
        .choice([Choice("allowed", "Allowed", "許可"), Choice("suspended", "Suspended", "停止中")]), default: .text("allowed"), viewers: .owner)

    package static let messageRate = rate(
        "message-rate", "Message-Rate", Localized("Messages an hour", "1 時間のメッセージ数の上限"), "user-message-rate")
    package static let recipientRate = rate(
        "recipient-rate", "Recipient-Rate", Localized("Recipients at other hosts an hour", "1 時間の外部受信者数の上限"), "user-recipient-rate")

    private static func rate(_ key: FieldKey, _ mail: String, _ label: Localized, _ system: String) -> Field {
        Field(
            key, .account, mail: mail, label,
            help: Localized(
                "What is more is put off with 450. 0: no limit. Empty: the system's (\(system)).",
                "超えた分は 450 で後回しにします。0 は無制限、空欄の場合はシステムの値 (\(system)) に従います。"),
            .integer(0...10_000_000), unit: .count)
    }

    package static let language = Field(
        "language", .account, mail: "Language", Localized("Language", "言語"),
        help: Localized(
            "Language of forms and notices sent to this account. Empty: the system's.", "このアカウントに送るフォームや通知の言語です。空欄の場合はシステムの設定に従います。"),
        .choice([Choice("en", "English", "英語"), Choice("ja", "Japanese", "日本語")]), viewers: .owner, editors: .owner)

    package static let note = Field(
        "note", .account, mail: "Postmaster-Note", Localized("Postmaster's note", "ポストマスタのメモ"),
        help: Localized("For the postmaster only.", "ポストマスタだけが見ることができます。"), .paragraph(maximum: 2000))

    package static let all: [Field] = [
        realName, password, type, state, expiryDate, useOSPassword, osUser, addresses, fromRewrite, postmasterPrivilege, grantedSenders,
        sending, messageRate, recipientRate, language, note,
    ]
}
