internal import Forms
internal import MessageStore
internal import Vocabulary
internal import WebPages

/// All queued mail, with a filter and with what can be done with all that fits.
enum QueuePages {
    static let routes: [WebRoute] = [
        WebRoute(.get, "/queue", .postmaster) { request, host in Self.list(request, host, QueueFilter { request.query[$0] }) },
        WebRoute(.post, "/queue/all", .postmaster) { request, host in QueueActions.all(request, host) },
        WebRoute(.get, "/queue/{id}", .postmaster) { request, host in
            guard let id = request.parameters["id"].flatMap({ Int64($0) }) else { return ErrorPages.notFound(request, host) }
            return QueueEntryPage.page(id, request, host, [])
        },
        WebRoute(.post, "/queue/{id}", .postmaster) { request, host in QueueActions.one(request, host) },
        WebRoute(.get, "/deferred", .postmaster) { request, host in DeferredPage.page(request, host) },
    ]

    private static let rows = 50

    static func list(_ request: WebRequest, _ host: WebHost, _ filter: QueueFilter, notices: [Notice] = []) -> WebReply {
        guard let store = host.store else { return ErrorPages.page(QueueWords.unreadable, 503, request, host) }
        var page = request.page(QueueWords.title, host)
        page.notices = notices
        let now = host.now()
        let found: QueuePage
        do {
            found = try store.queuePage(
                filter.query, after: request.query["after"].flatMap(QueuePlace.init(text:)), limit: self.rows, now: now)
        } catch {
            return ErrorPages.page(QueueWords.unreadable, 503, request, host)
        }
        page.body = HTML.build { out in
            self.counts(&out, request, host)
            out.add(filter.html(request))
            out.add(self.table(found.entries, request, host, now).html(request.language))
            if found.entries.isEmpty, found.next != nil {
                out.add(
                    .p, [.class("advice")],
                    request.say(
                        "Nothing among the \(found.examined) entries looked at so far; go on with Next.",
                        "これまでに調べた \(found.examined) 件には該当するものがありません。［次へ］で続きを検索できます。"))
            }
            let isFirst = request.query["after"] == nil
            out.add(
                Pager(
                    first: isFirst ? nil : Link(["queue"], query: filter.pairs),
                    next: found.next.map { Link(["queue"], query: filter.pairs + [("after", $0.text)]) }
                ).html(request.language))
            if !found.entries.isEmpty || found.next != nil { self.bulk(&out, filter, page.csrfToken, request) }
        }
        return .page(page)
    }

    /// How much there is, and of when the count is.
    private static func counts(_ out: inout HTML, _ request: WebRequest, _ host: WebHost) {
        guard let census = host.watch?.census() else { return }
        let all = census.all
        let numbers = [all.all, all.due, all.deferred, all.held].map { Chart.grouped($0) }
        out.add(
            .p, [.class("summary-line")],
            request.say(
                "\(numbers[0]) entries at \(host.time(census.time)): \(numbers[1]) waiting for their turn, \(numbers[2]) deferred, \(numbers[3]) held; \(Amounts.bytes(census.bytes)).",
                "\(host.time(census.time)) 現在 \(numbers[0]) 件: 送信待ち \(numbers[1]) 件、再送待ち \(numbers[2]) 件、保留 \(numbers[3]) 件、合計 \(Amounts.bytes(census.bytes))"
            ))
    }

    static func table(_ entries: [StoredQueueEntry], _ request: WebRequest, _ host: WebHost, _ now: Int64) -> DataTable {
        let underWay = host.watch?.underWay() ?? []
        var table = DataTable(
            QueueWords.title,
            [
                .init(Localized(en: "Number", ja: "番号"), headsRow: true), .init(Localized(en: "Accepted", ja: "受付日時")),
                .init(Localized(en: "Size", ja: "サイズ"), isNumber: true), .init(Localized(en: "Sender", ja: "送信者")),
                .init(Localized(en: "Recipient", ja: "宛先")), .init(Localized(en: "Next attempt", ja: "次の送信")),
                .init(Localized(en: "Reason", ja: "理由")),
            ])
        table.hidesCaption = true
        table.empty = Localized(en: "No entry fits.", ja: "該当するメールはありません。")
        table.rows = entries.map { entry in
            [
                HTML.build { $0.link(Link(["queue", "\(entry.id)"]), "\(entry.id)") }, HTML(text: host.time(entry.acceptedAt)),
                HTML(text: Amounts.bytes(entry.bodySize)),
                HTML.build { cell in cell.foreign(entry.envelope.sender.map { "\($0)" } ?? "<>") },
                HTML.build { cell in cell.foreign("\(entry.draft.recipient.address)") },
                HTML(text: self.state(entry, underWay.contains(entry.id), request, host, now)),
                HTML.build { cell in cell.foreign(self.reason(entry, request, host)) },
            ]
        }
        return table
    }

    static func state(_ entry: StoredQueueEntry, _ isUnderWay: Bool, _ request: WebRequest, _ host: WebHost, _ now: Int64) -> String {
        if isUnderWay { return request.say("being delivered", "配信中") }
        switch QueueQuery.state(of: entry, now: now) {
        case .held: return request.say("held", "保留")
        case .due: return request.say("due", "送信待ち")
        case .deferred: return host.time(entry.draft.due)
        }
    }

    static func reason(_ entry: StoredQueueEntry, _ request: WebRequest, _ host: WebHost) -> String {
        host.watch?.reason(entry.reason, request.language) ?? entry.reason
    }

    private static func bulk(_ out: inout HTML, _ filter: QueueFilter, _ token: String, _ request: WebRequest) {
        out.add(.form, [.post, .action("/queue/all")]) { form in
            form.hidden(Page.csrfName, token)
            for (name, value) in filter.pairs { form.hidden(name, value) }
            form.add(.fieldset) { set in
                set.add(.legend, [], request.say("With all that fit this filter", "この条件に該当するすべてのメール"))
                set.add(.p, [.class("buttons")]) { line in
                    for action in QueueAction.allCases where action != .redirect {
                        line.add(
                            .button, [.type(.submit), .name("action"), .value(action.rawValue), .class("quiet")],
                            action.label.text(request.language))
                    }
                }
            }
        }
    }
}
