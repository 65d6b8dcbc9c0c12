package import Vocabulary

// The next hop in words, for `postoffice route`.
extension RouteTable {
    /// Which row decides, and where the mail goes by it.
    package func step(for domain: String) -> RoutingStep {
        let hop = self.hop(for: domain)
        let words = hop.words
        guard let route = self.route(for: domain) else {
            return RoutingStep(.route, "no row of the mail routing table: \(words.english)", "メールルーティングテーブルに該当なし: \(words.japanese)")
        }
        return RoutingStep(
            .route, decides: true, "mail routing table \(route): \(words.english)", "メールルーティングテーブル \(route): \(words.japanese)")
    }
}

extension NextHop {
    package var words: Localized {
        switch self {
        case .domain(let name, let port) where name.hasPrefix("["):
            Localized(en: "the host of that address\(Self.behind(port))", ja: "そのアドレスのホスト\(Self.behind(port))")
        case .domain(let name, let port):
            Localized(en: "the mail exchangers (MX) of \(name)\(Self.behind(port))", ja: "\(name) の MX\(Self.behind(port))")
        case .host(let name, let port):
            Localized(en: "the host \(name), by its MX\(Self.behind(port))", ja: "ホスト \(name)（MX に従う）\(Self.behind(port))")
        case .exactly(let name, let port):
            Localized(en: "exactly the host \(name)\(Self.behind(port))", ja: "ホスト \(name)（直接）\(Self.behind(port))")
        case .address(let address, let port):
            Localized(en: "the host at \(address)\(Self.behind(port))", ja: "\(address) のホスト\(Self.behind(port))")
        case .lmtp(.socket(let path), _):
            Localized(en: "the LMTP server at the socket \(path)", ja: "ソケット \(path) の LMTP サーバ")
        case .lmtp(let host, let port):
            Localized(en: "the LMTP server at \(host), port \(port)", ja: "\(host) のポート \(port) の LMTP サーバ")
        case .hold: Localized(en: "held until released", ja: "解放されるまで保留")
        }
    }

    private static func behind(_ port: Int) -> String { port == self.smtpPort ? "" : ", port \(port)" }
}
