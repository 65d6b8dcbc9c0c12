internal import MessageStore
internal import Vocabulary
internal import WebPages

/// Status of Deferred Mail: what waits for another attempt, by next hop, and why.
enum DeferredPage {
    private static let hops = 100
    /// Counted at most, for each next hop: more is shown as more.
    private static let counted = 1000

    static func page(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard let store = host.store else { return ErrorPages.page(QueueWords.unreadable, 503, request, host) }
        var page = request.page(QueueWords.deferred, host)
        page.path = [(QueueWords.title, "/queue")]
        let now = host.now()
        let first = request.query["after"] ?? ""
        let found: [QueueHop]
        do { found = try store.deferredHops(after: first, now: now, hops: self.hops, counting: self.counted) } catch {
            return ErrorPages.page(QueueWords.unreadable, 503, request, host)
        }
        let resting = Dictionary((host.watch?.resting() ?? []).map { ($0.name, $0.until) }, uniquingKeysWith: { max($0, $1) })
        page.body = HTML.build { out in
            if let census = host.watch?.census() {
                let oldest = census.oldest.map { Amounts.duration(max(0, now - $0), request.language) } ?? "-"
                out.add(
                    .p, [.class("summary-line")],
                    request.say(
                        "\(Chart.grouped(census.all.deferred)) entries wait for another attempt; the oldest message of the queue has waited for \(oldest).",
                        "再送待ち \(Chart.grouped(census.all.deferred)) 件。最も古いメールの待ち時間: \(oldest)"))
            }
            out.add(self.table(found, resting, request, host).html(request.language))
            let next = found.count == self.hops ? found.last.map { Link(["deferred"], query: [("after", $0.name)]) } : nil
            out.add(Pager(first: first.isEmpty ? nil : "/deferred", next: next).html(request.language))
        }
        return .page(page)
    }

    private static func table(_ hops: [QueueHop], _ resting: [String: Int64], _ request: WebRequest, _ host: WebHost) -> DataTable {
        var table = DataTable(
            QueueWords.deferred,
            [
                .init(Localized(en: "Next hop", ja: "経路"), headsRow: true), .init(Localized(en: "Entries", ja: "件数"), isNumber: true),
                .init(Localized(en: "Next attempt", ja: "次の送信")), .init(Localized(en: "Reason of the first", ja: "理由（先頭のメール）")),
                .init(Localized(en: "The hop rests until", ja: "接続の再開")),
            ])
        table.hidesCaption = true
        table.empty = Localized(en: "Nothing is deferred.", ja: "再送待ちのメールはありません。")
        table.rows = hops.map { hop in
            let count = hop.count >= self.counted ? "\(Chart.grouped(self.counted))+" : "\(hop.count)"
            return [
                HTML.build { cell in
                    cell.add(.a, [.href(Link(["queue"], query: [("state", "deferred"), ("route", hop.name)]))]) {
                        $0.foreign(hop.name.isEmpty ? request.say("(this host)", "（このホスト）") : hop.name)
                    }
                }, HTML(text: count), HTML(text: host.time(hop.first.draft.due)),
                HTML.build { $0.foreign(QueuePages.reason(hop.first, request, host)) },
                HTML(text: resting[hop.name].map { host.time($0) } ?? ""),
            ]
        }
        return table
    }
}
