internal import Vocabulary

/// Local delivery information, automatic reply and finger information of an account.
package enum DeliveryField {
    package static let mailboxDelivery = Field(
        "pop3-delivery", .account, mail: "POP3-Delivery", Localized("POP3/IMAP4 delivery", "POP3/IMAP4 配信"),
        help: Localized("Mail goes into the mailbox here, to be read by POP3 and IMAP4.", "このホストのメールボックスに配信します。POP3 や IMAP4 で参照できます。"),
        .flag, default: .flag(true), viewers: .owner, editors: .owner)

    package static let loginName = Field(
        "login-name", .account, mail: "POP3-Login-Name", Localized("POP3 login name", "POP3 ログイン名"),
        help: Localized(
            "Name for logins of mail programs. Empty: the part of the primary address before the @, or the whole address where that is taken.",
            "メールプログラムからログインするときの名前です。空欄の場合は、メイン E-mail アドレスの @ より前の部分（既に使われているときはアドレス全体）になります。"),
        .loginName, checks: [.uniqueLoginName], viewers: .owner)

    package static let quota = Field(
        "quota", .account, mail: "Maximum-POP3-Mailbox-Size", Localized("Maximum mailbox size", "最大メールボックスサイズ"),
        help: Localized(
            "Over all mailboxes of the account. 0 is no limit. Empty: the domain's value, else the system's.",
            "アカウントの全メールボックスの合計です。0 は無制限、空欄の場合はドメインの値（なければシステムの値）に従います。"),
        .bytes(0...(1 << 50)), unit: .bytes, viewers: .owner)

    package static let mailboxSize = Field(
        "mailbox-size", .account, mail: "Current-POP3-Mailbox-Size", Localized("Current mailbox size", "現在のメールボックスサイズ"),
        help: Localized("What the mailboxes hold now.", "現在メールボックスにあるメールの合計サイズです。"),
        .bytes(0...(1 << 50)), unit: .bytes, viewers: .owner, editors: .system)

    package static let services = Field(
        "services", .account, mail: "Services", Localized("Services allowed", "使用できるサービス"),
        help: Localized("What this account may log in to. Empty: everything.", "このアカウントでログインできるサービスです。空欄の場合はすべて使用できます。"),
        .words([
            Choice("pop3", "POP3", "POP3"), Choice("imap", "IMAP4", "IMAP4"), Choice("submission", "Sending mail", "メール送信"),
            Choice("web", "Web forms", "Web フォーム"),
            Choice("password", "Password server", "パスワードサーバ"), Choice("ldap", "LDAP", "LDAP"),
            Choice("sieve", "Filter scripts", "フィルタスクリプト"),
        ]), viewers: .owner)

    package static let forwarding = Field(
        "forwarding-addresses", .account, mail: "Forwarding-Addresses", Localized("Forward to", "転送先"),
        help: Localized("Mail is sent on to each of these, beside any other delivery.", "メールを転送する E-mail アドレスです（複数指定可）。他の配信方法と同時に使用できます。"),
        .addresses(maximum: 1000), viewers: .owner, editors: .owner)

    package static let maildropDelivery = Field(
        "unix-delivery", .account, mail: "UNIX-Delivery", Localized("UNIX delivery", "UNIX 配信"),
        help: Localized(
            "Mail is appended to the UNIX maildrop of the user named below. Switching does not move mail that is there.",
            "下記のユーザの UNIX メールドロップファイルに配信します。切り替えても既存のメールは移動しません。"),
        .flag, default: .flag(false), viewers: .owner, editors: .owner)

    package static let maildropUser = Field(
        "unix-user", .account, mail: "UNIX-Login-Name", Localized("UNIX user", "UNIX ログイン名"),
        help: Localized("Owner of the maildrop. Empty: the login name.", "メールドロップファイルのオーナーです。空欄の場合は POP3 ログイン名と同じです。"), .text(maximum: 64))

    package static let programDelivery = Field(
        "program-delivery", .account, mail: "Program-Delivery", Localized("Program delivery", "プログラム配信"),
        help: Localized("Mail is handed to the programs below.", "下記のプログラムにメールを渡します。"), .flag, default: .flag(false), viewers: .owner)

    package static let programAccount = Field(
        "program-account", .account, mail: "NT-Account-for-Program", Localized("User for programs", "プログラムを実行するユーザ"),
        help: Localized("Account of the operating system as which the programs run.", "プログラムを実行する OS のアカウントです。"), .text(maximum: 64))

    package static let programs = Field(
        "programs-to-run", .account, mail: "Programs-to-Run", Localized("Programs to run", "実行するプログラム"),
        help: Localized(
            "One command line a row; the postmaster must have allowed the program.", "1 行に 1 つのコマンドラインを指定します。ポストマスタが許可したプログラムだけを使用できます。"),
        .paragraph(maximum: 4000), viewers: .owner)

    package static let mayChooseDelivery = Field(
        "may-choose-delivery", .account, mail: "User-May-Choose-Delivery",
        Localized("The user may choose the delivery method", "配信方法の変更をユーザに許可する"),
        help: Localized("Lets the owner change delivery on the Personal Account Information form.", "個人アカウント情報フォームで配信方法を変更できるようにします。"),
        .flag, default: .flag(true), viewers: .owner)

    package static let autoReply = Field(
        "auto-reply", .account, mail: "Auto-Reply", Localized("Automatic reply", "自動応答"),
        help: Localized(
            "Vacation answers each sender once in a while, where the mail names an address of this account; reply answers always; echo answers with the message itself. Lists, bulk mail and automatic mail get no answer.",
            "vacation はこのアカウントのアドレスが宛先にあるメールの送信者に一定期間に 1 回だけ、reply は毎回、echo は元のメールを付けて応答します。メーリングリスト、一括送信メール、自動送信メールには応答しません。"),
        .choice([
            Choice("off", "off", "応答しない"), Choice("vacation", "vacation", "不在通知"), Choice("reply", "reply", "応答"),
            Choice("echo", "echo", "エコー"),
        ]),
        default: .text("off"), viewers: .owner, editors: .owner)

    package static let autoReplyText = Field(
        "auto-reply-text", .account, mail: "Auto-Reply-Message", Localized("Text of the automatic reply", "自動応答メッセージ"),
        help: Localized(
            "What senders read. Empty: the text of this site, or a sentence of ours, in the language of this account.",
            "送信者に返すメッセージです。空欄の場合は、このアカウントの言語の定型文を返します。"),
        .paragraph(maximum: 20_000), viewers: .owner, editors: .owner)

    package static let autoReplySubject = Field(
        "auto-reply-subject", .account, mail: "Auto-Reply-Subject", Localized("Subject of the automatic reply", "自動応答の件名"),
        help: Localized("Empty: Auto: and the subject of the mail that is answered.", "空欄の場合は「Auto: 」と元のメールの件名になります。"),
        .text(maximum: 200), viewers: .owner, editors: .owner)

    package static let autoReplyInterval = Field(
        "auto-reply-interval", .account, mail: "Auto-Reply-Interval",
        Localized("Vacation: the same sender is answered again after", "不在通知: 同じ送信者に再び応答するまでの期間"),
        help: Localized("From 1 day to 1 year.", "1 日から 1 年まで指定できます。"), .duration(86_400...(366 * 86_400)),
        default: .integer(7 * 86_400), unit: .seconds, viewers: .owner, editors: .owner)

    package static let autoReplyFrom = Field(
        "auto-reply-from", .account, mail: "Auto-Reply-First-Day", Localized("Automatic reply from", "自動応答の開始日"),
        help: Localized("First day of the reply. Empty: at once.", "自動応答を始める日です。空欄の場合はすぐに始めます。"), .date, viewers: .owner, editors: .owner)

    package static let autoReplyUntil = Field(
        "auto-reply-until", .account, mail: "Auto-Reply-Last-Day", Localized("Automatic reply until", "自動応答の終了日"),
        help: Localized("Last day of the reply. Empty: until switched off.", "自動応答の最後の日です。空欄の場合は停止するまで続けます。"), .date, viewers: .owner,
        editors: .owner)

    package static let finger = Field(
        "finger-information", .account, mail: "Finger-Information", Localized("Finger information", "フィンガー情報"),
        help: Localized(
            "Free text that finger shows to everybody, once the account is published (directory-entry-published).",
            "アカウントを公開 (directory-entry-published) している場合に、フィンガーで誰にでも表示される情報です。"), .paragraph(maximum: 4000),
        viewers: .everybody, editors: .owner)

    package static let all: [Field] = [
        mailboxDelivery, loginName, quota, mailboxSize, services, forwarding, maildropDelivery, maildropUser, programDelivery,
        programAccount, programs,
        mayChooseDelivery, autoReply, autoReplyText, autoReplySubject, autoReplyInterval, autoReplyFrom, autoReplyUntil, finger,
    ]
}

/// Account security parameters.
package enum AccountSecurityField {
    package static let access = Field(
        "access-restrictions", .accountSecurity, mail: "Access-Domains", Localized("Access restrictions", "アクセス制限"),
        help: Localized(
            "Addresses, networks and hosts from which this account may be used for reading and sending mail; checked before the password. Empty: from everywhere.",
            "このアカウントのメールを利用できる IP アドレス、ネットワーク、ホストです。パスワードより先にチェックされます。空欄の場合はどこからでも利用できます。"),
        .accessList(maximum: 1000), viewers: .owner)

    package static let webAccess = Field(
        "web-access-restrictions", .accountSecurity, mail: "Web-Access-Domains", Localized("Web access restrictions", "Web アクセス制限"),
        help: Localized("The same for the web forms.", "Web フォームを利用できる IP アドレス、ネットワーク、ホストです。空欄の場合はどこからでも利用できます。"),
        .accessList(maximum: 1000), viewers: .owner)

    package static let all: [Field] = [access, webAccess]
}
