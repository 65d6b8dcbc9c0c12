internal import Directory
internal import Forms
internal import NetKit
internal import Vocabulary
internal import WebPages

/// The state of each thing that a new server needs, with what is to be done about it.
struct Checklist {
    enum State: Sendable {
        case good, bad, open
        /// Nobody has looked.
        case unknown
        /// There is nothing to do.
        case nothing
    }

    /// A record as it goes into a zone.
    struct Record: Sendable, Hashable {
        let name: String
        let type: String
        let value: String
        var line: String { "\(self.name). IN \(self.type) \(self.value)" }
    }

    struct Item: Sendable {
        let key: String
        let title: Localized
        let state: State
        let text: Localized
        var records: [Record] = []
        var found: [String] = []
        var link: (link: Link, label: Localized)?
    }

    let configuration: Configuration
    let postmasters: Int
    /// Besides the Postmaster.
    let accounts: Int
    let certificate: WebCertificate?
    let own: [IPAddress]
    let dns: DNSFacts?

    private var host: String { self.configuration.hostName }
    private var domain: String { self.configuration.value(RoutingField.mainDomain).text ?? self.host }

    var items: [Item] {
        [
            self.domainItem, self.exchange, self.address, self.reverse, self.senderPolicy, self.signatures, self.reports,
            self.transportPolicy,
            self.certificateItem, self.relay, self.firstAccount, self.backup,
        ]
    }

    // MARK: names

    private var domainItem: Item {
        let form = ConfigurationForms.mailRouting
        return Item(
            key: "domain", title: Localized(en: "Domain", ja: "ドメイン"), state: self.host.contains(".") ? .good : .bad,
            text: Localized(
                en: "This host is \(self.host), for mail of \(self.domain).", ja: "ホスト名は \(self.host)、ドメイン名は \(self.domain) です。"),
            link: (form.link, form.title))
    }

    /// The manual's diagnosis: without an MX record that leads here mail can be sent and none comes.
    private var exchange: Item {
        let record = Record(name: self.domain, type: "MX", value: "10 \(self.host).")
        let title = Localized(en: "MX record of the domain", ja: "ドメインの MX レコード")
        guard let result = self.dns?.exchanges else { return Self.unasked("mx", title, [record]) }
        switch result {
        case .success(let hosts) where hosts.contains(self.host):
            return Item(
                key: "mx", title: title, state: .good,
                text: Localized(en: "Mail for the domain comes to this host.", ja: "ドメイン宛のメールはこのホストに届きます。"),
                found: hosts)
        case .success(let hosts):
            return Item(
                key: "mx", title: title, state: .bad, text: Self.sendsOnly(Localized(en: "leads to other hosts", ja: "別のホストを指しています")),
                records: [record],
                found: hosts)
        case .failure(.noName), .failure(.noRecords):
            return Item(
                key: "mx", title: title, state: .bad, text: Self.sendsOnly(Localized(en: "is missing", ja: "ありません")), records: [record])
        case .failure: return Self.unanswered("mx", title, [record])
        }
    }

    private static func sendsOnly(_ why: Localized) -> Localized {
        Localized(
            en:
                "This server can send mail but not receive it from others: the MX record \(why.english). Ask whoever keeps the domain's DNS to enter the record below.",
            ja: "メールの送信はできますが、受信ができない状態です。MX レコードが\(why.japanese)。ドメインの DNS の管理者に、下のレコードの登録を依頼してください。")
    }

    private var address: Item {
        let title = Localized(en: "Address of the host", ja: "ホスト名の A/AAAA レコード")
        let records = self.own.map { Record(name: self.host, type: $0.isIPv6 ? "AAAA" : "A", value: "\($0)") }
        guard let result = self.dns?.addresses else { return Self.unasked("a", title, records) }
        switch result {
        case .success(let found):
            let isHere = self.own.isEmpty || found.contains { self.own.contains($0) }
            return Item(
                key: "a", title: title, state: isHere ? .good : .open,
                text: isHere
                    ? Localized(en: "The host's name leads to an address.", ja: "ホスト名から IP アドレスが得られます。")
                    : Localized(
                        en:
                            "The name leads to an address that this computer does not have itself. That is right behind a router that translates addresses, and wrong otherwise.",
                        ja: "このコンピュータ自身にない IP アドレスを指しています。アドレス変換を行うルータの内側にある場合は正しい状態です。"),
                records: isHere ? [] : records, found: found.map(\.description))
        case .failure(.noName), .failure(.noRecords):
            return Item(
                key: "a", title: title, state: .bad,
                text: Localized(
                    en: "The name has no address: nobody finds this host.", ja: "ホスト名の IP アドレスが登録されていません。他のホストからこのホストに接続できません。"),
                records: records)
        case .failure: return Self.unanswered("a", title, records)
        }
    }

    private var reverse: Item {
        let title = Localized(en: "Names of the addresses (PTR)", ja: "逆引き (PTR レコード)")
        let records = self.own.map { Record(name: $0.reverseName, type: "PTR", value: "\(self.host).") }
        guard !self.own.isEmpty else {
            return Item(
                key: "ptr", title: title, state: .unknown,
                text: Localized(
                    en:
                        "This computer has no public address of its own. The address that the world sees needs the name \(self.host): whoever gave it to you enters it.",
                    ja: "このコンピュータには公開された IP アドレスがありません。外部から見える IP アドレスの逆引きに \(self.host) を登録するよう、接続事業者に依頼してください。"))
        }
        guard let dns = self.dns else { return Self.unasked("ptr", title, records) }
        let wrong = self.own.filter { address in
            if case .success(let names)? = dns.reverse[address] { return !names.contains(self.host) }
            return true
        }
        return Item(
            key: "ptr", title: title, state: wrong.isEmpty ? .good : .bad,
            text: wrong.isEmpty
                ? Localized(en: "Each address has the host's name.", ja: "IP アドレスの逆引きはホスト名と一致しています。")
                : Localized(
                    en: "Many hosts refuse mail from an address without a name. Whoever gave you the address enters it.",
                    ja: "逆引きのない IP アドレスからのメールは、多くのホストで拒否されます。接続事業者に登録を依頼してください。"),
            records: records.filter { record in wrong.contains { $0.reverseName == record.name } })
    }

    // MARK: who may send

    private var senderPolicy: Item {
        let title = Localized(en: "Who may send for the domain (SPF)", ja: "送信を許可するホスト (SPF)")
        let record = Record(name: self.domain, type: "TXT", value: "\"v=spf1 mx -all\"")
        guard let result = self.dns?.policy else { return Self.unasked("spf", title, [record]) }
        if case .failure(let failure) = result, failure != .noName, failure != .noRecords { return Self.unanswered("spf", title, [record]) }
        let found = ((try? result.get()) ?? []).filter { $0 == "v=spf1" || $0.hasPrefix("v=spf1 ") }
        switch found.count {
        case 1:
            return Item(
                key: "spf", title: title, state: .good,
                text: Localized(en: "There is a record; see that it names this host.", ja: "登録されています。このホストが含まれていることを確認してください。"),
                found: found)
        case 0:
            return Item(
                key: "spf", title: title, state: .open,
                text: Localized(
                    en: "Without it anybody may send in the domain's name, and large providers refuse your mail.",
                    ja: "登録されていないと、大手のプロバイダでメールが拒否されることがあります。"), records: [record])
        default:
            // [RFC7208-4.5]
            return Item(
                key: "spf", title: title, state: .bad,
                text: Localized(en: "There are two records: then none counts. Keep one.", ja: "2 つ以上登録されているため、どちらも無効です。1 つにしてください。"),
                found: found)
        }
    }

    private var signatures: Item {
        Item(
            key: "dkim", title: Localized(en: "Signatures (DKIM)", ja: "電子署名 (DKIM)"), state: .nothing,
            text: Localized(
                en: "This version does not sign messages, so there is no record to enter.", ja: "このバージョンはメールに署名しないため、登録するレコードはありません。"))
    }

    private var reports: Item {
        let title = Localized(en: "What others do with forged mail (DMARC)", ja: "なりすましメールの扱い (DMARC)")
        let record = Record(name: "_dmarc.\(self.domain)", type: "TXT", value: "\"v=DMARC1; p=none; rua=mailto:postmaster@\(self.domain)\"")
        guard let result = self.dns?.reports else { return Self.unasked("dmarc", title, [record]) }
        if case .failure(let failure) = result, failure != .noName, failure != .noRecords {
            return Self.unanswered("dmarc", title, [record])
        }
        let found = ((try? result.get()) ?? []).filter { $0.hasPrefix("v=DMARC1") }
        return Item(
            key: "dmarc", title: title, state: found.count == 1 ? .good : .open,
            text: found.count == 1
                ? Localized(en: "There is a record.", ja: "登録されています。")
                : Localized(
                    en: "Begin with the record below, which only has reports sent to the postmaster.",
                    ja: "まず、ポストマスタに報告を送るだけの下のレコードを登録してください。"),
            records: found.count == 1 ? [] : [record], found: found)
    }

    private var transportPolicy: Item {
        Item(
            key: "mta-sts", title: Localized(en: "Encryption required of others (MTA-STS)", ja: "受信時の暗号化の要求 (MTA-STS)"), state: .nothing,
            text: Localized(
                en: "This version holds to the policies of others and publishes none of its own, so there is no record to enter.",
                ja: "このバージョンは他のドメインのポリシーに従いますが、自分のポリシーは公開しないため、登録するレコードはありません。"))
    }

    // MARK: this server

    private var certificateItem: Item {
        let link = (CertificatePages.link, CertificatePages.title)
        let title = Localized(en: "Certificate", ja: "証明書")
        guard let certificate else {
            return Item(
                key: "certificate", title: title, state: .bad,
                text: Localized(en: "There is none: passwords and mail cross the net in clear.", ja: "証明書がありません。パスワードとメールは暗号化されません。"),
                link: link)
        }
        let names = certificate.names.joined(separator: ", ")
        return Item(
            key: "certificate", title: title, state: certificate.isSelfSigned ? .open : .good,
            text: certificate.isSelfSigned
                ? Localized(
                    en: "It signed itself (\(names)): programs warn of it. Request one from an authority.",
                    ja: "自己署名証明書です（\(names)）。メールソフトやブラウザで警告が表示されます。認証局の証明書を設定してください。")
                : Localized(en: "Issued by an authority, for \(names).", ja: "認証局が発行した証明書です（\(names)）。"), link: link)
    }

    private var relay: Item {
        let form = ConfigurationForms.relayRestrictions
        let networks = self.configuration.value(RelayField.networks).list
        let switches = [RoutingField.refusesPercent, RoutingField.refusesExclamation, RoutingField.refusesQuotes, RoutingField.refusesAt]
        let isOn = switches.allSatisfy { self.configuration.value($0).flag == true }
        let isClosed = networks.isEmpty && isOn
        return Item(
            key: "relay", title: Localized(en: "Relay closed", ja: "不正リレー対策"), state: isClosed ? .good : .open,
            text: isClosed
                ? Localized(en: "Only users who log in send to other hosts.", ja: "ログインしたユーザだけが他のホストに送信できます。")
                : Localized(
                    en: isOn
                        ? "These networks may send everywhere without logging in: see that they are your own."
                        : "Not all four switches against addresses that invite relaying are on.",
                    ja: isOn ? "次のネットワークからはログインなしで送信できます。自分のネットワークであることを確認してください。" : "リレーを促すアドレスについての対応の 4 項目のうち、オフになっているものがあります。"),
            found: networks, link: (form.link, form.title))
    }

    private var firstAccount: Item {
        let isThere = self.postmasters > 0
        return Item(
            key: "account", title: Localized(en: "First account", ja: "最初のアカウント"), state: isThere ? .good : .bad,
            text: isThere
                ? Localized(
                    en: "\(self.accounts) accounts; \(self.postmasters) get the postmaster's mail.",
                    ja: "アカウント数 \(self.accounts)、ポストマスタ \(self.postmasters) 人です。")
                : Localized(en: "Nobody gets the postmaster's mail yet.", ja: "ポストマスタ宛のメールを受け取る利用者がいません。"),
            link: isThere ? (Link(["accounts"]), AccountPages.title) : (WrapUp.link, WrapUp.title))
    }

    private var backup: Item {
        Item(
            key: "backup", title: Localized(en: "Backup", ja: "バックアップ"), state: .open,
            text: Localized(
                en:
                    "Not seen from here. Stop the server, copy spool and mailbox directories (Configuration information names them), start it again; try to restore a copy elsewhere.",
                ja: "この画面では確認できません。サーバを停止し、スプールディレクトリとメールボックスディレクトリ（コンフィグレーション情報で確認できます）をコピーしてから起動してください。別の場所で復元できることも確認してください。"),
            link: (Link(["information"]), Localized(en: "Configuration information", ja: "ライセンス/コンフィグレーション情報")))
    }

    private static func unasked(_ key: String, _ title: Localized, _ records: [Record]) -> Item {
        Item(key: key, title: title, state: .unknown, text: Localized(en: "Not checked yet.", ja: "まだ確認していません。"), records: records)
    }

    private static func unanswered(_ key: String, _ title: Localized, _ records: [Record]) -> Item {
        Item(
            key: key, title: title, state: .unknown,
            text: Localized(en: "The name servers did not answer; try again.", ja: "NameServer から応答がありません。やり直してください。"), records: records)
    }
}
