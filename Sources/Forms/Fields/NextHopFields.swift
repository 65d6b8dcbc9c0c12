internal import Vocabulary

/// What holds for single next hops: the login at a smarthost, and where our connections come from.
package enum NextHopField {
    /// How sure a connection must be before a password goes over it, strictest first.
    package static let securities = ["verified", "encrypted", "clear"]

    package static let logins = Field(
        "route-logins", .mailRouting, Localized("Logins at next hosts (smarthosts)", "ログインが必要な転送先（スマートホスト）"),
        help: Localized(
            "[host:port user] or [host:port user security], for hosts that the mail routing table names. The password is kept apart and never shown: `postoffice route-login set`. Security: verified (TLS with a certificate for that host, the default), encrypted (TLS, whatever the certificate) or clear.",
            "[ホスト:ポート ユーザ] または [ホスト:ポート ユーザ 安全性] の形で、メールルーティングテーブルのホストについて指定します。パスワードは別に保管され、表示されません（postoffice route-login set で設定します）。安全性は verified（そのホストの証明書を確認した TLS、既定値）、encrypted（証明書を確認しない TLS）、clear（暗号化なしでも可）。"
        ),
        .table(
            Table(
                [
                    Table.Column("host", Localized("host", "ホスト"), .nextHost(takesAll: false)),
                    Table.Column("user", Localized("user", "ユーザ"), .text),
                    Table.Column(
                        "security", Localized("security (verified, encrypted or clear)", "安全性 (verified、encrypted、clear)"),
                        .word(securities), isOptional: true),
                ], separator: " ", maximumRows: 1000)))

    package static let sources = Field(
        "source-addresses", .network, Localized("Addresses that mail is sent from", "送信に使う IP アドレス"),
        help: Localized(
            "[* address] for all connections to other hosts, [host address] or [host:port address] for those to one host or domain; an IPv4 and an IPv6 address for each. It must be an address of this computer. Empty: the system chooses.",
            "他のホストへの接続に使う、このコンピュータの IP アドレスです。[* アドレス] はすべての接続、[ホスト アドレス] や [ホスト:ポート アドレス] は特定のホストまたはドメインへの接続に使われます。IPv4 と IPv6 を 1 つずつ指定できます。空欄の場合は OS が選択します。"
        ),
        .table(
            Table(
                [
                    Table.Column("host", Localized("host", "ホスト"), .nextHost(takesAll: true)),
                    Table.Column("address", Localized("IP address", "IP アドレス"), .ipAddress),
                ], separator: " ", maximumRows: 10_000)))

    package static let all: [Field] = [logins, sources]
}
