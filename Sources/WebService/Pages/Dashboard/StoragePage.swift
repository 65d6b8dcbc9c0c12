internal import Directory
internal import MessageStore
internal import Vocabulary
internal import WebPages

/// Storage by account, the largest first.
enum StoragePage {
    static let routes: [WebRoute] = [WebRoute(.get, "/storage", .postmaster) { request, host in Self.page(request, host) }]

    static let title = Localized(en: "Storage by account", ja: "アカウントごとの使用量")
    private static let rows = 100

    private static func page(_ request: WebRequest, _ host: WebHost) -> WebReply {
        var page = request.page(self.title, host)
        guard let holdings = host.watch?.holdings() else {
            page.notices = [
                Notice(.advice, Localized(en: "Being counted; look again in a moment.", ja: "集計中です。しばらくしてから再度表示してください。"))
            ]
            return .page(page)
        }
        let start = request.query["from"].flatMap { Int($0) }.map { min(max(0, $0), holdings.accounts.count) } ?? 0
        let part = holdings.accounts.dropFirst(start).prefix(self.rows)
        var table = DataTable(
            self.title,
            [
                .init(Localized(en: "Account", ja: "アカウント"), headsRow: true), .init(Localized(en: "Used", ja: "使用量"), isNumber: true),
                .init(Localized(en: "Of its quota", ja: "上限に対する割合"), isNumber: true),
                .init(Localized(en: "Messages", ja: "メール数"), isNumber: true),
            ])
        table.hidesCaption = true
        let snapshot = host.directory.snapshot
        table.rows = part.map { held in
            let recipient = snapshot.recipient(held.account)
            let name = recipient.map { "\($0.primary)" } ?? request.say("account \(held.account)", "アカウント \(held.account)")
            let share = recipient?.quota.flatMap { $0 > 0 ? "\(Int(clamping: held.bytes / max(1, $0 / 100))) %" : nil } ?? ""
            return [
                HTML.build { $0.foreign(name) }, HTML(text: Amounts.bytes(held.bytes)), HTML(text: share),
                HTML(text: Amounts.count(held.messages)),
            ]
        }
        page.body = HTML.build { out in
            out.add(
                .p, [.class("summary-line")],
                request.say(
                    "\(Chart.grouped(holdings.accounts.count)) accounts hold \(Amounts.bytes(holdings.bytes)) in \(Amounts.count(holdings.messages)) messages at \(host.time(holdings.time)).",
                    "\(host.time(holdings.time)) 現在: \(Chart.grouped(holdings.accounts.count)) アカウント、合計 \(Amounts.bytes(holdings.bytes))、\(Amounts.count(holdings.messages)) 通"
                ))
            out.add(table.html(request.language))
            let end = start + part.count
            out.add(
                Pager(
                    first: start > 0 ? "/storage" : nil,
                    previous: start > 0 ? Link(["storage"], query: [("from", "\(max(0, start - self.rows))")]) : nil,
                    next: end < holdings.accounts.count ? Link(["storage"], query: [("from", "\(end)")]) : nil
                ).html(request.language))
        }
        return .page(page)
    }
}
