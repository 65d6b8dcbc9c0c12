internal import Bytes
internal import Counters
internal import MessageStore
internal import Vocabulary
internal import WebPages

/// How the server does: the numbers of this moment, and charts of the last hour, day or month.
enum DashboardPages {
    static let routes: [WebRoute] = [
        WebRoute(.get, "/dashboard", .postmaster) { request, host in Self.page(request, host) },
        WebRoute(.get, "/status", .postmaster) { request, host in StatusPage.page(request, host) },
    ]

    static let title = Localized(en: "Dashboard", ja: "稼働状況")
    private static let spans: [(span: Span, label: Localized)] = [
        (.hour, Localized(en: "last hour", ja: "過去 1 時間")), (.day, Localized(en: "last day", ja: "過去 1 日")),
        (.month, Localized(en: "last month", ja: "過去 1 か月")),
    ]

    private static func page(_ request: WebRequest, _ host: WebHost) -> WebReply {
        var page = request.page(self.title, host)
        let span = request.query["span"].flatMap(Span.init(rawValue:)) ?? .hour
        guard let counters = host.watch?.counters, let series = try? counters.series(span) else {
            page.notices = [
                Notice(
                    .warning,
                    Localized(
                        en: "Nothing is counted: counters.db in the spool cannot be used. The log says why.",
                        ja: "統計を記録できません。スプールの counters.db を使用できない状態です。理由はログで確認してください。"))
            ]
            return .page(page)
        }
        if let failure = counters.failure {
            page.notices = [
                Notice(
                    .warning,
                    Localized(
                        en:
                            "The counters cannot be written (\(failure)): make room on the disk of the spool, or what is counted is lost at the next restart.",
                        ja: "統計を書き込めません（\(failure)）。スプールのディスクに空きを作ってください。このまま再起動すると統計の一部が失われます。"))
            ]
        }
        page.body = HTML.build { out in
            out.add(.nav, [.class("tabs"), .aria(.label, request.say("Time", "期間"))]) { nav in
                for (other, label) in self.spans {
                    let current: [Attribute] = other == span ? [.aria(.current, "page")] : []
                    nav.link(Link(["dashboard"], query: [("span", other.rawValue)]), current, label.text(request.language))
                }
            }
            // Fetched again by the script while somebody looks; without it the page is as of its loading.
            out.add(.div, [.id("live"), .data(.live, "\(Link(["dashboard"], query: [("span", span.rawValue)]).text) 15")]) { part in
                self.numbers(&part, series, span, request, host)
                for chart in Charts(series, span, request, host).all { part.add(chart.html(request.language)) }
            }
        }
        return .page(page)
    }

    /// What matters at this moment, and the sums of the span.
    private static func numbers(_ out: inout HTML, _ series: Series, _ span: Span, _ request: WebRequest, _ host: WebHost) {
        let sum = series.sum
        let label = self.spans.first { $0.span == span }?.label ?? self.title
        var table = DataTable(
            label,
            [.init(Localized(en: "What", ja: "項目"), headsRow: true), .init(Localized(en: "How many", ja: "値"), isNumber: true)])
        func row(_ english: String, _ japanese: String, _ value: String, _ link: Link? = nil) {
            let name = request.say(english, japanese)
            table.rows.append([link.map { link in HTML.build { $0.link(link, name) } } ?? HTML(text: name), HTML(text: value)])
        }
        let newest = series.points.last { $0.tally?[.connections] != nil }?.tally
        if let census = host.watch?.census() {
            row("Entries in the queue now", "現在のキュー内のメール", Amounts.count(Int64(census.all.all)), "/queue")
            row("Deferred now", "現在の再送待ち", Amounts.count(Int64(census.all.deferred)), "/deferred")
        }
        row("Messages accepted", "受信したメール", Amounts.count(sum[.messagesIn]), "/trail")
        row("Bytes accepted", "受信量", Amounts.bytes(sum[.bytesIn]))
        row("Delivered to mailboxes here", "メールボックスへの配信", Amounts.count(sum[.deliveredLocal]))
        row("Delivered to other hosts", "他のホストへの配信", Amounts.count(sum[.deliveredRemote]))
        row("Returned to senders", "送信者に返送", Amounts.count(sum[.returned]))
        row("Logins", "ログイン", Amounts.count(sum[.logins]))
        row("Failed logins", "失敗したログイン", Amounts.count(sum[.loginsFailed] &+ sum[.loginsShutOut] &+ sum[.loginsNotAllowed]))
        row("Connections refused at once", "拒否した接続", Amounts.count(sum[.connectionsRefused]))
        if let open = newest?[.connections] { row("Connections open", "現在の接続", Amounts.count(open)) }
        if let free = newest?[.spoolFree] { row("Free on the disk of the spool", "スプールのディスクの空き", Amounts.bytes(free), "/status") }
        if let free = newest?[.mailboxFree] { row("Free on the disk of the mailboxes", "メールボックスのディスクの空き", Amounts.bytes(free), "/status") }
        for (english, japanese, isLocal) in [
            ("Time to a mailbox here (half, 95 %)", "メールボックスまでの時間（50 %、95 %）", true),
            ("Time to another host (half, 95 %)", "他のホストまでの時間（50 %、95 %）", false),
        ] {
            let latency = Latency(sum, isLocal: isLocal)
            guard let half = latency.percentile(0.5), let most = latency.percentile(0.95) else { continue }
            row(english, japanese, "\(self.bound(half, request.language)), \(self.bound(most, request.language))")
        }
        out.add(table.html(request.language))
    }

    private static func bound(_ seconds: Int64, _ language: Language) -> String {
        seconds == .max ? "> " + Amounts.duration(Latency.bounds.last ?? 0, language) : "≤ " + Amounts.duration(seconds, language)
    }
}

/// The charts of the dashboard.
struct Charts {
    private let series: Series
    private let times: [String]
    private let language: Language
    private let pointsOfARow: Int

    init(_ series: Series, _ span: Span, _ request: WebRequest, _ host: WebHost) {
        self.series = series
        self.language = request.language
        // Rows of five minutes, two hours, three days.
        self.pointsOfARow = span == .hour ? 5 : 12
        self.times = series.points.map { point in
            let text = host.time(point.start.unixSeconds)
            // An hour and a day need no date, a month no seconds.
            return span == .month ? String(text.dropFirst(5).prefix(11)) : String(text.dropFirst(11).prefix(5))
        }
    }

    var all: [Chart] {
        var charts = [
            self.counted(
                Localized(en: "Messages in and out", ja: "メールの受信と配信"), .line,
                [
                    (Localized(en: "accepted", ja: "受信"), [.messagesIn]),
                    (Localized(en: "delivered here", ja: "このホストで配信"), [.deliveredLocal]),
                    (Localized(en: "delivered elsewhere", ja: "他のホストへ配信"), [.deliveredRemote]),
                    (Localized(en: "deferred", ja: "再送待ち"), [.deferredRemote, .deferredLocal]),
                ]),
            self.counted(
                Localized(en: "Refused, by reason", ja: "拒否の理由"), .stacked,
                [
                    (Localized(en: "unknown recipients", ja: "不明な宛先"), [.refusedUnknown]),
                    (Localized(en: "relaying", ja: "中継"), [.refusedRelay]),
                    (Localized(en: "other recipients", ja: "その他の宛先"), [.refusedRecipient]),
                    (Localized(en: "messages", ja: "メール"), [.messagesRefused]),
                    (Localized(en: "connections", ja: "接続"), [.connectionsRefused]),
                    (Localized(en: "logins", ja: "ログイン"), [.loginsFailed, .loginsShutOut, .loginsNotAllowed]),
                ]),
            self.counted(
                Localized(en: "Connections, by service", ja: "サービスごとの接続"), .stacked,
                [
                    (Localized(en: "SMTP", ja: "SMTP"), [.connectionsSMTP, .connectionsLMTP]),
                    (Localized(en: "submission", ja: "メール送信 (submission)"), [.connectionsSubmission]),
                    (Localized(en: "POP3", ja: "POP3"), [.connectionsPOP3]), (Localized(en: "IMAP4", ja: "IMAP4"), [.connectionsIMAP]),
                    (Localized(en: "web", ja: "Web"), [.connectionsWeb]),
                    (Localized(en: "others", ja: "その他"), [.connectionsFinger, .connectionsPassword]),
                ]),
            self.looked(
                Localized(en: "Queue", ja: "キュー"),
                [
                    (Localized(en: "entries", ja: "件数"), .queueEntries), (Localized(en: "deferred", ja: "再送待ち"), .queueDeferred),
                    (Localized(en: "held", ja: "保留"), .queueHeld),
                ], Chart.plain),
        ]
        let language = self.language
        charts.append(
            self.looked(
                Localized(en: "Age of the oldest message that waits", ja: "最も古い待機中のメールの経過時間"),
                [(Localized(en: "age", ja: "経過時間"), .queueAge)], { Amounts.duration(Int64($0), language) }))
        charts.append(self.latency)
        charts.append(
            self.looked(
                Localized(en: "Free disk space", ja: "ディスクの空き"),
                [
                    (Localized(en: "spool", ja: "スプール"), .spoolFree), (Localized(en: "mailboxes", ja: "メールボックス"), .mailboxFree),
                ], { Amounts.bytes(Int64($0)) }))
        return charts.map { chart in
            var chart = chart
            chart.pointsOfARow = self.pointsOfARow
            return chart
        }
    }

    private func counted(_ title: Localized, _ kind: Chart.Kind, _ lines: [(Localized, [Counter])]) -> Chart {
        Chart(
            title, kind, times: self.times,
            series: lines.map { label, counters in
                Chart.Series(
                    label, self.series.points.map { point in point.tally.map { tally in counters.reduce(0) { $0 + Double(tally[$1]) } } })
            })
    }

    private func looked(_ title: Localized, _ lines: [(Localized, Gauge)], _ format: @escaping @Sendable (Double) -> String) -> Chart {
        var chart = Chart(
            title, .line, times: self.times,
            series: lines.map { label, gauge in Chart.Series(label, self.series.points.map { $0.tally?[gauge].map { Double($0) } }) })
        chart.format = format
        chart.rowTells = .highest
        return chart
    }

    /// Below which nineteen of twenty are.
    private var latency: Chart {
        let language = self.language
        func values(_ isLocal: Bool) -> [Double?] {
            self.series.points.map { point in
                point.tally.flatMap { Latency($0, isLocal: isLocal).percentile(0.95) }.map { Double(min($0, 2 * 86_400)) }
            }
        }
        var chart = Chart(
            Localized(en: "Time of delivery that 95 % stay below", ja: "配信にかかった時間（95 % がこれ以下）"), .line, times: self.times,
            series: [
                Chart.Series(Localized(en: "to a mailbox here", ja: "メールボックスまで"), values(true)),
                Chart.Series(Localized(en: "to another host", ja: "他のホストまで"), values(false)),
            ])
        chart.format = { Amounts.duration(Int64($0), language) }
        chart.rowTells = .highest
        return chart
    }
}
