internal import Directory
internal import Forms
internal import Vocabulary
internal import WebPages

/// Who did what, when, from where; and the keys of the API.
enum AuditPages {
    static let routes: [WebRoute] = [
        WebRoute(.get, "/audit", .postmaster) { request, host in Self.audit(request, host) },
        WebRoute(.get, "/tokens", .postmaster) { request, host in Self.tokens(request, host, [], nil) },
        WebRoute(.post, "/tokens", .postmaster) { request, host in Self.add(request, host) },
        WebRoute(.post, "/tokens/{id}/delete", .postmaster) { request, host in Self.delete(request, host) },
    ]

    static let auditTitle = Localized(en: "Audit log", ja: "操作の記録")
    static let tokensTitle = Localized(en: "Keys of the API", ja: "API のキー")
    private static let rows = 50
    /// Changes of one action that are shown. Those that are more are an import's, which has thousands of one kind: the first few tell which.
    private static let mostChanges = 20
    private static let fewChanges = 4

    private static func audit(_ request: WebRequest, _ host: WebHost) -> WebReply {
        var page = request.page(self.auditTitle, host)
        let text = String((request.query["text"] ?? "").prefix(200))
        let before = request.query["before"].flatMap { Int64($0) } ?? .max
        let found: (records: [AuditRecord], next: Int64?)
        do { found = try host.directory.audit(AuditQuery(text: text.isEmpty ? nil : text), before: before, limit: self.rows) } catch {
            return ErrorPages.page(error.message, 503, request, host)
        }
        let pairs = text.isEmpty ? [] : [("text", text)]
        page.body = HTML.build { out in
            out.add(.form, [.get, .action("/audit"), .role(.search), .class("filter")]) { form in
                form.add(.p) { line in
                    line.add(.label, [.for("text")], request.say("Name, address, action or value", "名前、アドレス、操作、または値"))
                    line.add(.input, [.id("text"), .name("text"), .type(.search), .maxlength(200), .value(text)])
                    line.add(.button, [.type(.submit)], PageWords.search.text(request.language))
                }
            }
            out.add(self.table(found.records, request, host).html(request.language))
            out.add(
                Pager(
                    first: before == .max ? nil : Link(["audit"], query: pairs),
                    next: found.next.map { Link(["audit"], query: pairs + [("before", "\($0)")]) }
                ).html(request.language))
        }
        return .page(page)
    }

    private static func table(_ records: [AuditRecord], _ request: WebRequest, _ host: WebHost) -> DataTable {
        var table = DataTable(
            self.auditTitle,
            [
                .init(Localized(en: "Time", ja: "日時"), headsRow: true), .init(Localized(en: "Who", ja: "操作者")),
                .init(Localized(en: "From", ja: "接続元")), .init(Localized(en: "What", ja: "操作")),
                .init(Localized(en: "Before and after", ja: "変更前と変更後")),
            ])
        table.hidesCaption = true
        table.rows = records.map { record in
            [
                HTML(text: host.time(record.time)), HTML.build { $0.foreign(record.actor.name) },
                HTML.build { cell in
                    cell.text(record.actor.interface + " ")
                    cell.foreign(record.actor.origin)
                }, HTML.build { $0.foreign(record.action) },
                HTML.build { cell in
                    guard !record.changes.isEmpty else { return }
                    let shown = record.changes.count > self.mostChanges ? self.fewChanges : record.changes.count
                    cell.add(.ul, [.class("changes")]) { list in
                        for change in record.changes.prefix(shown) { list.add(.li) { self.write(change, &$0, request) } }
                        let more = record.changes.count - shown
                        if more > 0 {
                            list.add(
                                .li, [],
                                request.say(
                                    "and \(Chart.grouped(more)) more; `postoffice audit` tells them all",
                                    "ほか \(Chart.grouped(more)) 件（postoffice audit ですべて表示できます）"))
                        }
                    }
                },
            ]
        }
        return table
    }

    private static func write(_ change: AuditRecord.Change, _ item: inout HTML, _ request: WebRequest) {
        if let whose = change.address ?? change.account.map({ "\($0)" }) {
            item.foreign(whose)
            item.text(" ")
        }
        item.add(.strong) { $0.foreign(change.field) }
        if change.old == nil, change.new == nil { return item.text(request.say(": changed (not told)", ": 変更（値は記録しません）")) }
        item.text(": ")
        if let old = change.old { item.foreign(old) }
        item.text(" → ")
        if let new = change.new { item.foreign(new) }
    }

    // MARK: Keys

    /// - Parameter made: a key that was made just now, shown this once.
    private static func tokens(
        _ request: WebRequest, _ host: WebHost, _ notices: [Notice], _ made: String?, problem: (field: String, text: Localized)? = nil
    ) -> WebReply {
        var page = request.page(self.tokensTitle, host)
        page.notices = notices
        let tokens: [TokenDetails]
        do { tokens = try host.directory.tokens() } catch { return ErrorPages.page(error.message, 503, request, host) }
        page.body = HTML.build { out in
            if let made {
                out.add(.p, [], request.say("The key, shown this once:", "新しいキー（一度だけ表示されます）:"))
                out.add(.pre, [.id("made")], made)
                out.add(.p) { $0.add(.button, [.type(.button), .data(.copy, "made"), .hidden], request.say("Copy", "コピー")) }
            }
            self.list(&out, tokens, page.csrfToken, request, host)
            self.form(&out, page.csrfToken, problem, request)
        }
        return .page(page, status: problem == nil ? 200 : 422)
    }

    private static func list(_ out: inout HTML, _ tokens: [TokenDetails], _ csrf: String, _ request: WebRequest, _ host: WebHost) {
        var table = DataTable(
            self.tokensTitle,
            [
                .init(Localized(en: "Name", ja: "名前"), headsRow: true), .init(Localized(en: "For", ja: "用途")),
                .init(Localized(en: "Made", ja: "作成")), .init(Localized(en: "Last day", ja: "有効期限")),
                .init(Localized(en: "Last used", ja: "最終使用")), .init(Localized(en: "Action", ja: "操作")),
            ])
        table.hidesCaption = true
        table.empty = Localized(en: "There are no keys.", ja: "キーはありません。")
        table.rows = tokens.map { token in
            [
                HTML.build { $0.foreign(token.label) }, HTML(text: token.scopeNames.joined(separator: ", ")),
                HTML.build { cell in
                    cell.text(host.time(token.created) + " ")
                    cell.foreign(token.createdBy)
                }, HTML(text: token.lastDay ?? ""), HTML(text: token.lastUsed.map { host.time($0) } ?? ""),
                HTML.build { cell in
                    cell.add(.form, [.post, .action(Link(["tokens", "\(token.id)", "delete"]))]) { form in
                        form.hidden(Page.csrfName, csrf)
                        form.add(.button, [.type(.submit), .class("quiet")], request.say("Delete", "削除"))
                    }
                },
            ]
        }
        out.add(table.html(request.language))
    }

    private static let scopeWords: [TokenScope: Localized] = [
        .read: Localized(en: "read: look at everything that is no secret", ja: "read: 秘密でない情報の閲覧"),
        .accounts: Localized(en: "accounts: add, change, delete", ja: "accounts: アカウントの作成、変更、削除"),
        .queue: Localized(en: "queue: every action of the queue", ja: "queue: キューの操作"),
        .configuration: Localized(en: "configuration: settings, certificates, filters", ja: "configuration: 設定、証明書、フィルタ"),
        .all: Localized(en: "all: whatever a postmaster may do", ja: "all: ポストマスタのすべての操作"),
    ]

    private static func form(
        _ out: inout HTML, _ csrf: String, _ problem: (field: String, text: Localized)?, _ request: WebRequest
    ) {
        let language = request.language
        // What was typed stays while something is wrong.
        let typed = problem == nil ? PostedForm() : request.form
        func wrong(_ field: String) -> Localized? { problem?.field == field ? problem?.text : nil }
        out.add(.h2, [], request.say("Make a key", "キーの作成"))
        out.add(.form, [.post, .action("/tokens"), .novalidate]) { form in
            form.hidden(Page.csrfName, csrf)
            Parts.line(&form, "label", Localized(en: "Name", ja: "名前"), typed.last("label") ?? "", problem: wrong("label"), language)
            let scopes = TokenScope.allCases.map { scope in
                (name: scope.rawValue, label: self.scopeWords[scope] ?? Localized(en: scope.rawValue, ja: scope.rawValue))
            }
            Parts.ticks(
                &form, "scope", Localized(en: "What it may be used for", ja: "用途"), scopes, on: typed.all("scope"),
                problem: wrong("scope"), language)
            Parts.date(
                &form, "until", Localized(en: "Last day (empty: no end)", ja: "有効期限の日（空欄: 無期限）"), typed.last("until") ?? "",
                problem: wrong("until"), language)
            Parts.buttons(&form, language)
        }
    }

    private static func add(_ request: WebRequest, _ host: WebHost) -> WebReply {
        request.auditNote.isTold = true  // by the directory, with the key's name and scopes
        let scopes = Set(request.form.all("scope").compactMap(TokenScope.init(rawValue:)))
        let until = request.form.last("until").flatMap { $0.isEmpty ? nil : $0 }
        do throws(DirectoryError) {
            let made = try host.directory.addToken(
                label: request.form.last("label") ?? "", scopes: scopes, lastDay: until, by: request.actor(host))
            return self.tokens(request, host, [Notice(.done, Localized(en: "The key was made.", ja: "キーを作成しました。"))], made.text)
        } catch {
            guard error.kind == .conflict || error.kind == .invalid else {
                return self.tokens(request, host, [Notice(.failure, error.message)], nil)
            }
            return self.tokens(request, host, [], nil, problem: (self.wrongField(request, scopes, error.kind), error.message))
        }
    }

    /// The directory looks at name, scopes and day in this order, and at names that there are last.
    private static func wrongField(_ request: WebRequest, _ scopes: Set<TokenScope>, _ kind: DirectoryError.Kind) -> String {
        let label = request.form.last("label") ?? ""
        if label.allSatisfy(\.isWhitespace) || label.count > 80 { return "label" }
        if scopes.isEmpty { return "scope" }
        return kind == .invalid ? "until" : "label"
    }

    private static func delete(_ request: WebRequest, _ host: WebHost) -> WebReply {
        request.auditNote.isTold = true
        do {
            let isGone =
                try request.parameters["id"].flatMap { Int64($0) }.map { try host.directory.deleteToken($0, by: request.actor(host)) }
                ?? false
            let text =
                isGone
                ? Localized(en: "The key opens nothing any more.", ja: "キーを無効にしました。")
                : Localized(en: "There is no such key.", ja: "そのキーはありません。")
            return self.tokens(request, host, [Notice(isGone ? .done : .failure, text)], nil)
        } catch {
            let message = (error as? DirectoryError)?.message ?? Localized(en: "The key was not deleted.", ja: "キーを削除できませんでした。")
            return self.tokens(request, host, [Notice(.failure, message)], nil)
        }
    }
}
