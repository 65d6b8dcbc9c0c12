internal import Vocabulary

/// Mail relay restrictions: who may send through this host to others. The four switches of refused characters are with the routing fields.
package enum RelayField {
    package static let logins = Field(
        "relay-logins", .relayRestrictions, Localized("Users who may send to other hosts", "他のホストへの送信を許可するユーザ"),
        help: Localized(
            "Of those who log in: all, those listed, or none. Mail for addresses of this host is always taken.",
            "ログインしたユーザのうち、すべて、指定したユーザだけ、またはなし。このホスト宛のメールは常に受け付けます。"),
        .choice([Choice("all", "all", "すべて"), Choice("listed", "listed", "指定したユーザ"), Choice("none", "none", "なし")]),
        default: .text("all"))

    package static let users = Field(
        "relay-users", .relayRestrictions, Localized("Listed users", "指定したユーザ"),
        help: Localized(
            "First addresses of accounts: jane@example.net, example.net, *.example.net or jane@. Used where the users are those listed.",
            "アカウントのメイン E-mail アドレスです。jane@example.net、example.net、*.example.net、jane@ の形で指定します。"),
        .mailPatterns(maximum: 100_000))

    package static let networks = Field(
        "relay-networks", .relayRestrictions,
        Localized("Hosts and networks that may relay without logging in", "ログインなしでリレーを許可するホストとネットワーク"),
        help: Localized(
            "Addresses and networks of your own, for machines that cannot log in. Whoever sits there can send to everywhere in your name.",
            "ログインできない機器のための、自分のアドレスとネットワークを指定します。ここに含まれるホストはどこへでも送信できます。"),
        .networks(maximum: 10_000))

    package static let deniedNetworks = Field(
        "relay-denied-networks", .relayRestrictions,
        Localized("Hosts and networks that may not relay without logging in", "ログインなしのリレーを禁止するホストとネットワーク"),
        help: Localized(
            "Taken out of the networks above and of POP before SMTP.", "上のネットワークと POP before SMTP の対象から除きます。"),
        .networks(maximum: 10_000))

    package static let popBeforeSMTP = Field(
        "pop-before-smtp", .relayRestrictions, Localized("POP before SMTP", "POP before SMTP"),
        help: Localized(
            "How long an address may relay after a POP3 or IMAP4 login. 0: never. For old mail programs only: everybody behind the same address may then send too.",
            "POP3 や IMAP4 でログインした IP アドレスからのリレーを許可する時間です。0 の場合は許可しません。古いメールソフトのための設定で、同じアドレスの他の利用者も送信できるようになります。"
        ),
        .duration(0...3600), default: .integer(0), unit: .seconds)

    package static let recipientDomains = Field(
        "relay-domains", .relayRestrictions, Localized("Domains that mail is taken for and passed on to", "受け付けて転送するドメイン"),
        help: Localized(
            "Domains of other hosts (a backup or a firewall in front of them): mail for them is taken from everybody. domain or *.domain.",
            "他のホストのドメイン（バックアップやファイアウォールの場合）宛のメールを誰からでも受け付けます。domain または *.domain の形で指定します。"),
        .domainPatterns(maximum: 100_000))

    package static let recipientCheck = Field(
        "relay-recipient-check", .relayRestrictions, Localized("Check recipients of domains that are passed on", "転送するドメインの受信者の確認"),
        help: Localized(
            "How the recipients of relay-domains are known, so that mail for unknown ones is refused and not returned later to a sender who may be forged. ask: the next host is asked (MAIL and RCPT, no message), and its answers are remembered; list: relay-recipients; none: all are taken.",
            "relay-domains の受信者を確認し、存在しない受信者宛のメールを受け取らずに拒否します。ask は転送先のホストに問い合わせ（MAIL と RCPT だけを送ります）、結果を記憶します。list は relay-recipients を使います。none は確認せずすべて受け付けます。"
        ),
        .choice([
            Choice("ask", "ask the next host", "転送先に問い合わせる"), Choice("list", "by the list", "リストを使う"), Choice("none", "none", "確認しない"),
        ]),
        default: .text("ask"))

    package static let recipients = Field(
        "relay-recipients", .relayRestrictions, Localized("Recipients in domains that are passed on", "転送するドメインの受信者"),
        help: Localized(
            "Used with relay-recipient-check list: jane@example.net, example.net for all of a domain, *.example.net, or jane@ in every domain.",
            "relay-recipient-check が list のとき、jane@example.net、example.net（ドメイン全体）、*.example.net、jane@ の形で指定します。"),
        .mailPatterns(maximum: 1_000_000))

    package static let recipientsUnknown = Field(
        "relay-recipients-unchecked", .relayRestrictions,
        Localized("When the next host cannot be asked", "転送先に問い合わせできないとき"),
        help: Localized(
            "accept: mail waits in the queue until that host is back, as a backup MX is for; later: the sender is told to try again (450).",
            "accept はメールを受け付け、転送先が復旧するまでキューで待機します（バックアップ MX の動作）。later は送信元に再送を求めます (450)。"),
        .choice([Choice("accept", "accept", "受け付ける"), Choice("later", "later", "再送を求める")]), default: .text("accept"))

    package static let senderDomains = Field(
        "relay-sender-domains", .relayRestrictions, Localized("Sender domains that may relay", "リレーを許可する送信者のドメイン"),
        help: Localized(
            "Narrows the rules above: who may relay may do so with senders of these domains only. It lets nobody relay. Empty: any sender.",
            "上の規則を絞り込みます。リレーを許可された場合でも、送信者がこれらのドメインの場合だけ許可します。空欄の場合は制限しません。"),
        .domainPatterns(maximum: 10_000))

    package static let all: [Field] = [
        logins, users, networks, deniedNetworks, popBeforeSMTP, recipientDomains, recipientCheck, recipients,
        recipientsUnknown, senderDomains,
    ]
}
