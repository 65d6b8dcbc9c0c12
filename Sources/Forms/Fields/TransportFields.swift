internal import Vocabulary

/// How the server finds other hosts, and how sure it makes of them.
package enum TransportField {
    package static let trustAnchor = Field(
        "dnssec-trust-anchor", .network, Localized("File with the keys of the DNS root", "DNSSEC トラストアンカーのファイル"),
        help: Localized(
            "DNS answers for deliveries are validated from these keys. Empty: the system's (dns-root-data), else those built in. none: nothing is validated, and there is no DANE.",
            "配信に使う DNS の応答をこの鍵で検証します。空欄の場合はシステムのもの (dns-root-data)、なければ内蔵のものを使います。none を指定すると検証せず、DANE も使いません。"),
        .text(maximum: 1000))

    package static let unsignedDomains = Field(
        "dnssec-unsigned-domains", .network, Localized("Domains of your own network without DNSSEC", "DNSSEC を使わない内部ドメイン"),
        help: Localized(
            "Domains that only your own name servers know, and do not sign. Names such as lan, local, corp and internal need not be listed.",
            "内部の DNS サーバだけが知っている、署名のないドメインです。lan、local、corp、internal などは指定する必要がありません。"),
        .domains(maximum: 1000))

    package static let dane = Field(
        "dane", .network, Localized("Hold hosts to their TLSA records (DANE)", "DANE (TLSA レコード) で配信先を検証する"),
        help: Localized(
            "Where DNSSEC vouches for a host's TLSA records, its certificate must match, or mail to it waits.",
            "DNSSEC で保護された TLSA レコードがある場合、証明書が一致しないホストへの配信を保留します。"), .flag, default: .flag(true))

    package static let sts = Field(
        "mta-sts", .network, Localized("Hold hosts to the policy of their domain (MTA-STS)", "MTA-STS ポリシーで配信先を検証する"),
        help: Localized(
            "Where a domain publishes such a policy, mail goes only to hosts that it names and that prove who they are.",
            "ドメインがポリシーを公開している場合、ポリシーにあり証明書の正しいホストにだけ配信します。"), .flag, default: .flag(true))

    package static let patience = Field(
        "tls-downgrade-patience", .network, Localized("Wait for TLS that a domain had before", "TLS が使えなくなったドメインを待つ時間"),
        help: Localized(
            "Mail to a domain that could do TLS waits so long when TLS is gone: somebody may be in between. Then it goes in clear. 0: it goes at once.",
            "以前 TLS を使えたドメインで TLS が使えないときは、途中で妨害されているおそれがあるため、この時間だけ配信を待ちます。0 の場合は待たずに暗号化なしで配信します。"),
        .duration(0...(30 * 86_400)), default: .integer(2 * 86_400), unit: .seconds)

    package static let reports = Field(
        "tls-reports", .network, Localized("Report to domains how TLS with them went (TLS-RPT)", "TLS の結果をドメインに報告する (TLS-RPT)"),
        help: Localized(
            "Once a day, to domains that ask for it in DNS.", "DNS で希望しているドメインに、1 日 1 回報告を送信します。"), .flag, default: .flag(true))

    package static let authorities = Field(
        "trusted-authorities-file", .network, Localized("File with further authorities", "追加する認証局のファイル"),
        help: Localized(
            "PEM certificates of authorities that are trusted beside the system's, for MTA-STS and its like. After a change of the file itself: postoffice reload.",
            "MTA-STS などでシステムの認証局に加えて信頼する認証局の証明書 (PEM) です。ファイルの中身を変更したときは postoffice reload を実行してください。"),
        .text(maximum: 1000))

    package static let all: [Field] = [trustAnchor, unsignedDomains, dane, sts, patience, reports, authorities]
}
