import Delivery
import Policy
import Vocabulary

/// The queue as a person reads it. What an entry keeps of a reason is English, because it is written long before anybody asks: sentences of
/// ours are told in the reader's language, what another host said stays as it came.
enum QueueWords {
    static func state(isHeld: Bool, due: String, _ language: Language) -> String {
        isHeld ? Localized(en: "held", ja: "保留").text(language) : due
    }

    /// Names of the facts of `queue show`; programs read `--json`.
    static func name(_ fact: String, _ language: Language) -> String { language == .japanese ? self.names[fact] ?? fact : fact }

    static func reason(_ stored: String, _ language: Language) -> String {
        guard language == .japanese else { return stored }
        if let whole = self.sentences[stored] { return whole }
        for (english, japanese) in self.beginnings where stored.hasPrefix(english) { return japanese + stored.dropFirst(english.count) }
        return stored
    }

    private static let names = [
        "id": "番号", "trace": "ID", "from": "送信者", "to": "宛先", "channel": "チャネル", "destination": "経路", "size": "サイズ", "accepted": "受付日時",
        "next attempt": "次の送信", "held": "保留", "being delivered": "配信中", "attempts": "送信回数", "reason": "理由",
    ]

    private static let sentences: [String: String] = {
        var known = [
            RemoteSettings.staysHereWords: "このサーバは自分のコンピュータにだけ送信します（outbound-reach）",
            "waits until its route is released": "経路が解放されるまで待っています", "held by the postmaster": "ポストマスタが保留しました",
            "held by a filter": "フィルタが保留しました", "postmaster-has-no-delivery-list": "ポストマスタの配信先が設定されていません",
        ]
        for cause in QueueWords.plain {
            let words = DeliveryFailure(cause).words
            known[words.english] = words.japanese
        }
        return known
    }()

    /// Causes whose words are always the same.
    private static let plain: [DeliveryFailure.Cause] =
        [
            .noSuchDomain, .noMailHost, .nullMX, .dnsFailed, .mxLoop, .tooManyHops, .needsEightBit, .needsInternational, .needsRequireTLS,
            .unknownHere, .overQuota, .loginFailed(nil),
        ] + DeliveryFailure.TLSGap.allCases.map { .needsEncryption($0) }

    private static let beginnings = [
        ("the other host said: ", "送信先ホストの応答: "), ("no connection to the host: ", "ホストに接続できません: "),
        ("no secure connection: ", "安全な接続を確立できません: "), ("login refused: ", "ログインが拒否されました: "),
        ("the connection ended", "接続が途中で切れました"), ("the address cannot be used: ", "アドレスを処理できません: "),
        ("the message cannot be read: ", "メッセージを読めません: "), ("the program ended with status ", "プログラムの終了ステータス: "),
    ]
}
