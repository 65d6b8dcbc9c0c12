internal import Directory
internal import Policy
internal import Synchronization
internal import Vocabulary

/// Lets programs in that show a key, and slows down those that guess or ask without end.
package final class APIGate: Sendable {
    private struct Window {
        var begun: Int64
        var count: Int
    }
    private struct State {
        var failures: [PeerBlock: Window] = [:]
        var requests: [Int64: Window] = [:]
    }

    /// Wrong keys of one peer, and requests with one key, in a minute.
    package static let failuresPerMinute = 10
    package static let requestsPerMinute = 1200
    private static let mostPeers = 10_000

    private let state = Mutex(State())

    package init() {}

    enum Verdict {
        case pass(TokenDetails)
        case refused(Int, Localized)
    }

    /// Whether the request shows a key that opens what needs `scope`; any key that is known, where that is nil.
    func verdict(_ request: WebRequest, _ scope: TokenScope?, _ host: WebHost) -> Verdict {
        let now = host.now()
        guard request.isTLS || request.client.isLoopback else { return .refused(403, APIWords.needsTLS) }
        let peer = PeerBlock(request.client)
        guard self.isWithin(peer, now) else { return .refused(429, APIWords.slower) }
        guard let text = Self.key(request) else { return .refused(401, APIWords.noKey) }
        guard let token = host.directory.token(text) else {
            self.failed(peer, now)
            host.events.record(
                TrailEvent(
                    .webServer, "login-refused", trace: request.trace,
                    [("reason", "wrong-password"), ("peer", "\(request.client)"), ("mechanism", "key")]),
                switchedBy: nil)
            return .refused(401, APIWords.wrongKey)
        }
        guard self.takes(token.id, now) else { return .refused(429, APIWords.slower) }
        if let scope, !token.allows(scope) { return .refused(403, APIWords.notAllowed(scope)) }
        return .pass(token)
    }

    /// In the header field alone: what stands in a URL is logged by proxies. [RFC6750-2.1]
    private static func key(_ request: WebRequest) -> String? {
        guard let value = request.header("authorization") else { return nil }
        let words = value.split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
        return String(words[1]).filter { $0 != " " }
    }

    private func isWithin(_ peer: PeerBlock, _ now: Int64) -> Bool {
        self.state.withLock { state in
            guard let window = state.failures[peer], now >= window.begun, now - window.begun < 60 else { return true }
            return window.count < Self.failuresPerMinute
        }
    }

    private func failed(_ peer: PeerBlock, _ now: Int64) {
        self.state.withLock { state in
            // Bounded: who comes from ten thousand networks gets a fresh count.
            if state.failures.count >= Self.mostPeers { state.failures = [:] }
            Self.count(&state.failures[peer, default: Window(begun: now, count: 0)], now)
        }
    }

    private func takes(_ token: Int64, _ now: Int64) -> Bool {
        self.state.withLock { state in
            Self.count(&state.requests[token, default: Window(begun: now, count: 0)], now)
            return state.requests[token].map { $0.count <= Self.requestsPerMinute } ?? true
        }
    }

    private static func count(_ window: inout Window, _ now: Int64) {
        if now < window.begun || now - window.begun >= 60 { window = Window(begun: now, count: 0) }
        window.count += 1
    }
}

enum APIWords {
    static let needsTLS = Localized(
        en: "keys are taken over HTTPS only, or from this computer; use https://",
        ja: "キーは HTTPS（またはこのコンピュータから）でのみ使用できます。https:// を使用してください")
    static let noKey = Localized(
        en: "show a key: Authorization: Bearer KEY; `postoffice token add` makes one",
        ja: "キーが必要です（Authorization: Bearer キー）。postoffice token add で作成できます")
    static let wrongKey = Localized(
        en: "this key opens nothing: it is wrong, deleted, or its last day is over", ja: "このキーは使用できません（誤り、削除済み、または期限切れです）")
    static let slower = Localized(en: "too many requests; wait a minute", ja: "要求が多すぎます。1 分ほど待ってください")
    static let unreadable = Localized(en: "the body is no JSON object", ja: "本文が JSON オブジェクトではありません")
    static let noResource = Localized(en: "there is no such thing", ja: "該当するものはありません")

    static func notAllowed(_ scope: TokenScope) -> Localized {
        scope == .all
            ? Localized(
                en: "this key is not for that: it needs the scope all", ja: "このキーでは実行できません。スコープ all が必要です")
            : Localized(
                en: "this key is not for that: it needs the scope \(scope.rawValue) or all",
                ja: "このキーでは実行できません。スコープ \(scope.rawValue) か all が必要です")
    }
}
