internal import Directory
internal import Vocabulary
internal import WebPages

/// The last logins of one account by all services, and those that were refused.
enum LoginTable {
    static func add(_ logins: [LoginRecord], to body: inout HTML, _ request: WebRequest, _ host: WebHost) {
        body.add(.h2, [], Words.title.text(request.language))
        body.add(.p, [.class("advice")], Words.about.text(request.language))
        body.add(self.table(Words.accepted, logins.filter { $0.refusal == nil }, request, host))
        body.add(self.table(Words.refused, logins.filter { $0.refusal != nil }, request, host))
    }

    private static func table(_ caption: Localized, _ logins: [LoginRecord], _ request: WebRequest, _ host: WebHost) -> HTML {
        let language = request.language
        let isRefused = logins.contains { $0.refusal != nil }
        var columns: [DataTable.Column] = [
            .init(Words.last, headsRow: true), .init(Words.service), .init(Words.from), .init(Words.method), .init(Words.security),
            .init(Words.count, isNumber: true), .init(Words.first),
        ]
        if isRefused { columns.insert(.init(Words.reason), at: 1) }
        var table = DataTable(caption, columns)
        table.empty = Words.nothing(caption)
        table.rows = logins.map { login in
            var cells = [
                HTML(text: WebTime.text(login.last, host)), HTML(text: login.serviceLabel.text(language)), HTML(text: login.client),
                HTML.build { $0.foreign(login.methodLabel.text(language)) }, HTML(text: login.hasTLS ? "TLS" : Words.clear.text(language)),
                HTML(text: "\(login.count)"), HTML(text: WebTime.text(login.first, host)),
            ]
            if let reason = login.refusalLabel { cells.insert(HTML(text: reason.text(language)), at: 1) }
            return cells
        }
        return table.html(language)
    }

    private enum Words {
        static let title = Localized(en: "Last logins", ja: "最近のログイン")
        static let about = Localized(
            en:
                "By all services. Logins of one service from one place by the same means are one line.",
            ja: "すべてのサービスのログインです。同じサービス、接続元、方法のログインは 1 行にまとめて表示します。")
        static let accepted = Localized(en: "Last logins", ja: "最近のログイン")
        static let refused = Localized(en: "Refused logins", ja: "拒否されたログイン")
        static let last = Localized(en: "Last", ja: "最後の日時")
        static let first = Localized(en: "First", ja: "最初の日時")
        static let service = Localized(en: "Service", ja: "サービス")
        static let from = Localized(en: "From", ja: "接続元")
        static let method = Localized(en: "With", ja: "方法")
        static let security = Localized(en: "Connection", ja: "暗号化")
        static let clear = Localized(en: "not encrypted", ja: "なし")
        static let count = Localized(en: "Number", ja: "回数")
        static let reason = Localized(en: "Why", ja: "理由")
        static func nothing(_ caption: Localized) -> Localized {
            Localized(en: "\(caption.english): none.", ja: "\(caption.japanese): ありません。")
        }
    }
}
