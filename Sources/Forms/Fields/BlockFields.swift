internal import Vocabulary

/// Mail blocking: from whom nothing is taken.
package enum BlockField {
    package static let hosts = Field(
        "blocked-hosts", .mailBlocking, Localized("Blocked hosts and networks", "拒否するホストとネットワーク"),
        help: Localized(
            "Addresses, networks, host names and *.domain. Their connections for mail are closed at once.",
            "IP アドレス、ネットワーク、ホスト名、*.domain を指定します。これらからのメール用の接続は直ちに切断します。"),
        .accessList(maximum: 100_000))

    package static let senders = Field(
        "blocked-senders", .mailBlocking, Localized("Blocked senders", "拒否する送信者"),
        help: Localized(
            "jane@example.net, example.net, *.example.net, or jane@ for that user name in every domain. Not asked of users who have logged in.",
            "jane@example.net、example.net、*.example.net、または jane@（すべてのドメインのユーザ名）を指定します。ログインしたユーザには適用しません。"),
        .mailPatterns(maximum: 100_000))

    package static let helloNames = Field(
        "blocked-helo-names", .mailBlocking, Localized("Blocked HELO names", "拒否する HELO の名前"),
        help: Localized(
            "Names that a client may not give itself: name or *.domain. Not asked of submission ports.",
            "クライアントが名乗る名前を name または *.domain の形で指定します。メール送信用ポートには適用しません。"),
        .domainPatterns(maximum: 10_000))

    package static let exceptions = Field(
        "blocking-exceptions", .mailBlocking, Localized("Hosts and networks that are never blocked", "拒否しないホストとネットワーク"),
        help: Localized(
            "Taken out of everything above, and of the limits of unknown recipients, of failed logins and of messages an hour. For many people "
                + "behind one address, such as a school.",
            "上のすべての項目と、不明な受信者数、ログインの失敗数、1 時間のメッセージ数の上限の対象から除きます。学校など、1 つの IP アドレスを多数の人が使う場合に指定します。"),
        .accessList(maximum: 10_000))

    package static let clientRate = rate(
        "client-message-rate", Localized("Messages an hour from one address", "1 つの IP アドレスからの 1 時間のメッセージ数の上限"))
    package static let networkRate = rate(
        "network-message-rate", Localized("Messages an hour from one network", "1 つのネットワークからの 1 時間のメッセージ数の上限"))
    package static let userRate = rate(
        "user-recipient-rate", Localized("Recipients at other hosts an hour of one user", "1 ユーザの 1 時間の外部受信者数の上限"))

    package static let userMessageRate = rate(
        "user-message-rate", Localized("Messages an hour of one user", "1 ユーザの 1 時間のメッセージ数の上限"))

    package static let anomalyFloor = Field(
        "sending-anomaly-floor", .mailBlocking,
        Localized("Sending that is far above an account's own peak, from", "通常より著しく多い送信とみなす最小の受信者数"),
        help: Localized(
            "An account that names more recipients at other hosts in an hour than this, and than three times its own peak of the last 30 days, may send no more until the postmaster releases it. 0: never.",
            "1 時間の外部受信者数がこの値を超え、かつ過去 30 日間のそのアカウント自身の最大値の 3 倍を超えると、ポストマスタが解除するまで送信を停止します。0 の場合は停止しません。"),
        .integer(0...10_000_000), default: .integer(1000), unit: .count)

    package static let refusalFloor = Field(
        "sending-refusal-floor", .mailBlocking,
        Localized("Refused recipients that stop an account, from", "受信者の拒否による送信停止とみなす最小の数"),
        help: Localized(
            "An account half of whose recipients are refused, so many of them within 10 minutes, may send no more until the postmaster releases it. 0: never.",
            "10 分間に受信者の半数以上が拒否され、その数がこの値に達すると、ポストマスタが解除するまで送信を停止します。0 の場合は停止しません。"),
        .integer(0...10_000_000), default: .integer(50), unit: .count)

    package static let all: [Field] = [
        hosts, senders, helloNames, exceptions, clientRate, networkRate, userRate, userMessageRate, anomalyFloor, refusalFloor,
    ]

    private static func rate(_ key: FieldKey, _ label: Localized) -> Field {
        Field(
            key, .mailBlocking, label,
            help: Localized(
                "What is more is put off with 450. 0: no limit. Users who have logged in count as users, not as addresses.",
                "超えた分は 450 で後回しにします。0 は無制限です。ログインしたユーザはアドレスではなくユーザとして数えます。"),
            .integer(0...10_000_000), default: .integer(0), unit: .count)
    }
}
