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

    package static let all: [Field] = [trustAnchor, unsignedDomains]
}
