internal import Directory
internal import Vocabulary
internal import WebPages

/// Who is logged in on the web: one's own logins, and for the postmaster everybody's.
enum SessionPages {
    static let routes = [
        WebRoute(.get, "/own/sessions", .owner) { request, host in Self.show(request, host, isAll: false) },
        WebRoute(.post, "/own/sessions/{id}/end", .owner) { request, host in Self.end(request, host, isAll: false) },
        WebRoute(.post, "/own/sessions/end-others", .owner) { request, host in Self.endOthers(request, host) },
        WebRoute(.get, "/sessions", .postmaster) { request, host in Self.show(request, host, isAll: true) },
        WebRoute(.post, "/sessions/{id}/end", .postmaster) { request, host in Self.end(request, host, isAll: true) },
    ]

    private static func show(_ request: WebRequest, _ host: WebHost, isAll: Bool, notices: [Notice] = []) -> WebReply {
        guard let session = request.session, let sessions = host.sessions else { return OwnPages.unavailable(request, host) }
        let rows: [WebSessionRow]
        let logins: [LoginRecord]
        do throws(DirectoryError) {
            rows = try host.directory.webSessions(of: isAll ? nil : session.account, limit: isAll ? 500 : 50)
            logins = isAll ? [] : try host.directory.logins(of: session.account)
        } catch {
            return OwnPages.unavailable(request, host)
        }
        var page =
            isAll ? request.page(OwnPages.Words.sessions, host, path: []) : OwnPages.page(OwnPages.Words.sessions, request, host)
        page.notices += notices
        let language = request.language
        page.body = HTML.build { body in
            let live = rows.filter { sessions.isLive($0) }
            body.add(self.table(Words.now, live, request, host, isAll: isAll).html(language))
            if !isAll, live.count > 1 { Parts.button(&body, "/own/sessions/end-others", Words.endOthers, request) }
            body.add(
                self.table(Words.before, rows.filter { !sessions.isLive($0) }, request, host, isAll: isAll, isOver: true).html(language))
            if !isAll { LoginTable.add(logins, to: &body, request, host) }
        }
        return .page(page)
    }

    private static func table(
        _ caption: Localized, _ rows: [WebSessionRow], _ request: WebRequest, _ host: WebHost, isAll: Bool, isOver: Bool = false
    ) -> DataTable {
        var columns: [DataTable.Column] = [
            .init(Words.began, headsRow: true), .init(Words.used), .init(Words.from), .init(Words.browser), .init(Words.rights),
        ]
        if isAll { columns.insert(.init(Words.account), at: 1) }
        if !isOver { columns.append(.init(Words.action)) }
        var table = DataTable(caption, columns)
        table.rows = rows.map { row in
            var cells = [
                HTML(text: WebTime.text(row.started, host)), HTML(text: WebTime.text(row.lastUsed, host)), HTML(text: row.client),
                HTML.build { $0.foreign(row.agent) },
                HTML(text: row.isPostmaster ? LoginPages.Words.rise.text(request.language) : ""),
            ]
            if isAll {
                let address = host.directory.snapshot.author(row.account).map { "\($0.address)" } ?? "\(row.account)"
                cells.insert(HTML.build { $0.foreign(address) }, at: 1)
            }
            if !isOver { cells.append(self.action(row, request, isAll: isAll)) }
            return cells
        }
        return table
    }

    private static func action(_ row: WebSessionRow, _ request: WebRequest, isAll: Bool) -> HTML {
        if row.id == request.session?.id { return HTML(text: Words.this.text(request.language)) }
        let path = isAll ? ["sessions", "\(row.id)", "end"] : ["own", "sessions", "\(row.id)", "end"]
        return HTML.build { Parts.button(&$0, Link(path), Words.end, request) }
    }

    private static func end(_ request: WebRequest, _ host: WebHost, isAll: Bool) -> WebReply {
        guard let session = request.session, let id = request.parameters["id"].flatMap(Int64.init), let sessions = host.sessions else {
            return ErrorPages.notFound(request, host)
        }
        do throws(DirectoryError) {
            let rows = try host.directory.webSessions(of: isAll ? nil : session.account, limit: 100_000)
            guard let row = rows.first(where: { $0.id == id }) else { return ErrorPages.notFound(request, host) }
            try sessions.end(id)
            OwnPages.record("session-ended", request, host, [("session", "\(id)")])
            let address = host.directory.snapshot.author(row.account).map { "\($0.address)" } ?? "\(row.account)"
            if isAll { request.auditNote.note("ended a web login", address) }
            return self.show(request, host, isAll: isAll, notices: [Notice(.done, Words.ended)])
        } catch {
            return OwnPages.unavailable(request, host)
        }
    }

    private static func endOthers(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard let session = request.session, let sessions = host.sessions else { return OwnPages.unavailable(request, host) }
        do throws(DirectoryError) {
            try sessions.endOthers(of: session.account, but: session.id)
        } catch {
            return OwnPages.unavailable(request, host)
        }
        return self.show(request, host, isAll: false, notices: [Notice(.done, Words.ended)])
    }

    private enum Words {
        static let now = Localized(en: "Logged in now", ja: "ログイン中")
        static let before = Localized(en: "Earlier logins (90 days)", ja: "以前のログイン（90 日間）")
        static let account = Localized(en: "Account", ja: "アカウント")
        static let began = Localized(en: "Since", ja: "開始")
        static let used = Localized(en: "Last request", ja: "最後の操作")
        static let from = Localized(en: "From", ja: "接続元")
        static let browser = Localized(en: "Browser", ja: "ブラウザ")
        static let rights = Localized(en: "As", ja: "権限")
        static let action = Localized(en: "Action", ja: "操作")
        static let this = Localized(en: "this one", ja: "この画面")
        static let end = Localized(en: "End", ja: "終了")
        static let endOthers = Localized(en: "End all others", ja: "他のログインをすべて終了")
        static let ended = Localized(en: "Ended; whoever used it has to log in again.", ja: "ログインを終了しました。続けるには再度認証が必要です。")
    }
}
