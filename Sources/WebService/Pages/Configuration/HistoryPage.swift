internal import Bytes
internal import Directory
internal import Forms
internal import Vocabulary
internal import WebPages

/// What was changed in the configuration, by whom, and the way back to an earlier state, which shows first what it would change.
enum HistoryPage {
    static let title = Localized(en: "History of the configuration", ja: "設定の履歴")
    static let about = Localized(en: "Who changed what, and the way back.", ja: "変更の内容と変更した管理者を表示し、以前の設定に戻すことができます。")
    static let link: Link = "/configuration/history"
    private static let pageSize = 30
    static let routes = [
        WebRoute(.get, "/configuration/history", .postmaster) { request, host in .page(Self.page(request, host)) },
        WebRoute(.get, "/configuration/history/{revision}", .postmaster) { request, host in Self.confirm(request, host) },
        WebRoute(.post, "/configuration/history/{revision}", .postmaster) { request, host in Self.goBack(request, host) },
    ]

    private static func page(_ request: WebRequest, _ host: WebHost) -> Page {
        let language = request.language
        let before = request.query["before"].flatMap { $0.utf8.count < 19 ? Int64($0) : nil } ?? .max
        let revisions = (try? host.directory.history(before: before, limit: Self.pageSize)) ?? []
        var table = DataTable(
            Self.title,
            [
                DataTable.Column(Localized(en: "Revision", ja: "リビジョン"), headsRow: true), DataTable.Column(Localized(en: "Time", ja: "日時")),
                DataTable.Column(Localized(en: "By", ja: "変更者")), DataTable.Column(Localized(en: "Changes", ja: "変更内容")),
                DataTable.Column(Localized(en: "Way back", ja: "復元")),
            ])
        table.rows = revisions.map { revision in
            [
                HTML(text: "\(revision.id)"), HTML(text: CivilTime(unixSeconds: revision.time).rfc3339),
                HTML.build {
                    $0.foreign("\(revision.actor.name), \(revision.actor.interface)\(revision.note.isEmpty ? "" : " (\(revision.note))")")
                },
                HTML.build { cell in for change in revision.changes { Self.change(change, &cell, language) } },
                HTML.build { $0.link(Link(["configuration", "history", "\(revision.id)"]), Self.back.text(language)) },
            ]
        }
        var page = request.page(Self.title, host, path: ConfigurationPages.path)
        page.body = table.html(language)
        var pager = Pager()
        if before != .max { pager.first = Self.link }
        if revisions.count == Self.pageSize, let last = revisions.last { pager.next = Self.link.adding([("before", "\(last.id)")]) }
        page.body.add(pager.html(language))
        return page
    }

    private static let back = Localized(en: "Back to the state after this", ja: "この時点に戻す")

    /// Long values are cut: the whole of it is in `postoffice config history`.
    private static func change(_ change: Revision.Change, _ cell: inout HTML, _ language: Language) {
        guard let field = FieldTable.configuration(named: change.field.text) else { return }
        func shown(_ value: FieldValue) -> String {
            let text = field.shown(value, language)
            return text.utf8.count > 300 ? text.prefix(300) + "…" : text
        }
        cell.add(.p) { line in
            line.add(.strong, [], field.label.text(language))
            line.text(": ")
            line.foreign(shown(change.old))
            line.text(" → ")
            line.foreign(shown(change.new))
        }
    }

    private static func confirm(_ request: WebRequest, _ host: WebHost) -> WebReply {
        let number = request.parameters["revision"] ?? ""
        let result = host.perform(request.command("config rollback", [number], options: ["dry-run": []]))
        var page = request.page(Self.back, host, path: ConfigurationPages.path + [(Self.title, Self.link)])
        page.notices += result.notices(Localized(en: "This would change:", ja: "次のように変更されます:"))
        guard result.isDone else { return .page(page, status: 422) }
        page.body = HTML.build { out in
            Parts.button(&out, Link(["configuration", "history", number]), Self.back, request, isDangerous: true)
        }
        return .page(page)
    }

    private static func goBack(_ request: WebRequest, _ host: WebHost) -> WebReply {
        let number = request.parameters["revision"] ?? ""
        let result = host.perform(request.command("config rollback", [number]))
        if result.isDone { request.audit(host, "configuration rolled back", number) }
        var page = Self.page(request, host)
        page.notices += result.notices()
        return .page(page, status: result.isDone ? 200 : 422)
    }
}
