internal import Vocabulary

/// Words for what `postoffice status --json` says.
package enum StatusLabels {
    /// The name itself where it has no word here.
    static func label(_ name: String) -> Localized { self.labels[name] ?? Localized(en: name, ja: name) }

    package static func isKnown(_ name: String) -> Bool { self.labels[name] != nil }

    private static let labels: [String: Localized] = [
        "version": Localized(en: "Version", ja: "バージョン"), "configuration": Localized(en: "Start file", ja: "起動ファイル"),
        "running": Localized(en: "Running", ja: "動作中"), "processes": Localized(en: "Processes", ja: "プロセス"),
        "directories": Localized(en: "Directories", ja: "ディレクトリ"), "ports": Localized(en: "Ports", ja: "ポート"),
        "certificates": Localized(en: "Certificates", ja: "証明書"), "counts": Localized(en: "Now", ja: "現在"),
        "queue": Localized(en: "Queue", ja: "キュー"), "deliver": Localized(en: "Helper for UNIX delivery", ja: "UNIX 配信のヘルパー"),
        "dispatcher": Localized(en: "Dispatcher", ja: "ディスパッチャ"), "mta": Localized(en: "Mail server (mta)", ja: "メールサーバ (mta)"),
        "connections": Localized(en: "Connections", ja: "接続数"),
        "harvesters": Localized(en: "Shut out for asking for addresses that do not exist", ja: "存在しないアドレスの探索により拒否中の接続元"),
        "guessers": Localized(en: "Shut out for failed logins", ja: "認証の失敗により拒否中の接続元"),
        "unwritten-events": Localized(en: "Log lines that could not be written", ja: "書き込めなかったログの行"),
        "deferred": Localized(en: "Deferred", ja: "配信待ち（遅延）"), "oldest": Localized(en: "Oldest", ja: "最も古いもの"),
        "held": Localized(en: "Held", ja: "保留"), "held-for-reach": Localized(en: "Held: for other hosts", ja: "保留（他ホスト宛）"),
        "resting": Localized(en: "Next hops that are left alone for now", ja: "配信を休止中の配信先"),
        "faults": Localized(en: "Faults", ja: "障害"), "name": Localized(en: "Name", ja: "名前"), "path": Localized(en: "Path", ja: "パス"),
        "free": Localized(en: "Free", ja: "空き容量"), "total": Localized(en: "Total", ja: "全容量"),
        "service": Localized(en: "Service", ja: "サービス"), "address": Localized(en: "Address", ja: "アドレス"),
        "port": Localized(en: "Port", ja: "ポート"), "tls": Localized(en: "TLS from the start", ja: "最初から TLS"),
        "listening": Localized(en: "Listening", ja: "待ち受け中"), "program": Localized(en: "Programs", ja: "プログラム"),
        "spool": Localized(en: "Spool directory", ja: "スプールディレクトリ"),
        "mailbox": Localized(en: "Mailbox directory", ja: "メールボックスディレクトリ"),
        "file": Localized(en: "File", ja: "ファイル"), "names": Localized(en: "Names", ja: "名前"),
        "issuer": Localized(en: "Issuer", ja: "発行者"), "fingerprint": Localized(en: "Fingerprint (SHA-256)", ja: "フィンガープリント (SHA-256)"),
        "notAfter": Localized(en: "Valid until", ja: "有効期限"), "selfSigned": Localized(en: "Self-signed", ja: "自己署名"),
    ]
}
