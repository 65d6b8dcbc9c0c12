internal import Directory
internal import Forms
internal import Vocabulary
internal import WebPages

/// The list of accounts: by type and initial letter, with a search; 50 a page.
enum AccountListView {
    private static let pageSize = 50

    static func page(_ request: WebRequest, _ host: WebHost) -> Page {
        let language = request.language
        let kind = AccountKind(rawValue: request.query["type"] ?? "") ?? .general
        let initial = request.query["initial"].flatMap(AccountInitial.init(label:))
        let search = String((request.query["search"] ?? "").prefix(200))
        let start = request.query["start"].flatMap { $0.utf8.count < 10 ? Int($0) : nil } ?? 0
        let found = host.directory.list(kind, initial: initial, search: search, start: start, limit: Self.pageSize)
        var page = request.page(AccountPages.title, host, path: [])
        page.body = HTML.build { out in
            out.add(.p, [.class("buttons")]) { line in
                for (label, link) in Self.actions { line.link(link, [.class("button")], label.text(language)) }
            }
            Self.kinds(&out, kind, language)
            Self.letters(&out, kind, initial, found.initials, language)
            Self.searchForm(&out, kind, search, language)
            out.add(Self.table(found, kind, language).html(language))
            out.add(Self.pager(found, kind, initial, search).html(language))
        }
        return page
    }

    private static let actions: [(Localized, Link)] = [
        (Localized(en: "Add an account", ja: "アカウントの追加"), "/accounts/new"),
        (Localized(en: "Add many", ja: "一括追加"), "/accounts/import"),
        (Localized(en: "Default account", ja: "デフォルトアカウント"), "/accounts/default"),
        (ConfigurationForms.localDomains.title, ConfigurationForms.localDomains.link),
    ]

    private static func label(_ kind: AccountKind) -> Localized {
        guard case .choice(let choices) = AccountField.type.type, let choice = choices.first(where: { $0.name == kind.rawValue }) else {
            return AccountField.type.label
        }
        return kind == .general
            ? Localized(en: "General accounts", ja: choice.label.japanese)
            : Localized(en: "\(choice.label.english) accounts", ja: choice.label.japanese)
    }

    private static func link(_ kind: AccountKind, _ initial: AccountInitial?, _ search: String = "", start: Int = 0) -> Link {
        var query = [("type", kind.rawValue)]
        if let initial { query.append(("initial", initial.label)) }
        if !search.isEmpty { query.append(("search", search)) }
        if start > 0 { query.append(("start", "\(start)")) }
        return Link(["accounts"], query: query)
    }

    private static func kinds(_ out: inout HTML, _ current: AccountKind, _ language: Language) {
        out.add(.nav, [.class("letters"), .aria(.label, AccountField.type.label.text(language))]) { nav in
            for kind in AccountKind.allCases {
                nav.link(Self.link(kind, nil), kind == current ? [.aria(.current, "true")] : [], Self.label(kind).text(language))
            }
        }
    }

    private static func letters(
        _ out: inout HTML, _ kind: AccountKind, _ current: AccountInitial?, _ counts: [AccountInitial: Int], _ language: Language
    ) {
        guard counts.count > 1 || current != nil else { return }
        let label = Localized(en: "Initial letter", ja: "頭文字")
        out.add(.nav, [.class("letters"), .aria(.label, label.text(language))]) { nav in
            nav.link(Self.link(kind, nil), current == nil ? [.aria(.current, "true")] : [], Localized(en: "All", ja: "すべて").text(language))
            for initial in AccountInitial.all {
                guard let count = counts[initial] else { continue }
                nav.link(
                    Self.link(kind, initial), [.title("\(count)")] + (initial == current ? [.aria(.current, "true")] : []), initial.label)
            }
        }
    }

    private static func searchForm(_ out: inout HTML, _ kind: AccountKind, _ search: String, _ language: Language) {
        out.add(.form, [.get, .action("/accounts"), .class("search"), .role(.search)]) { form in
            form.hidden("type", kind.rawValue)
            form.add(.div) { box in
                box.add(.label, [.for("search")], Localized(en: "Name, address or login name", ja: "名前、アドレス、ログイン名").text(language))
                box.add(.input, [.type(.search), .id("search"), .name("search"), .value(search)])
            }
            form.add(.button, [.type(.submit)], PageWords.search.text(language))
        }
    }

    private static func table(_ found: AccountListPage, _ kind: AccountKind, _ language: Language) -> DataTable {
        var table = DataTable(
            Self.label(kind),
            [
                DataTable.Column(AccountField.realName.label, headsRow: true), DataTable.Column(AccountField.addresses.label),
                DataTable.Column(DeliveryField.loginName.label), DataTable.Column(AccountField.state.label),
            ])
        table.empty = Localized(en: "No account is found.", ja: "該当するアカウントはありません。")
        table.rows = found.lines.map { line in
            let name = line.name.isEmpty ? line.address : line.name
            return [
                HTML.build { cell in cell.add(.a, [.href(AccountPages.link(line.id))]) { $0.foreign(name) } },
                HTML.build { $0.foreign(line.address) }, HTML.build { $0.foreign(line.login) }, Self.state(line, language),
            ]
        }
        return table
    }

    private static func state(_ line: AccountLine, _ language: Language) -> HTML {
        let words: [Localized] =
            (line.isLocked ? [Localized(en: "locked", ja: "ロック")] : []) + (line.isExpired ? [Localized(en: "expired", ja: "期限切れ")] : [])
            + (line.isSuspended ? [Localized(en: "may not send", ja: "送信停止中")] : [])
        return HTML(text: words.map { $0.text(language) }.joined(separator: ", "))
    }

    private static func pager(_ found: AccountListPage, _ kind: AccountKind, _ initial: AccountInitial?, _ search: String) -> Pager {
        let end = found.start + found.lines.count
        guard found.total > 0 else { return Pager() }
        var pager = Pager(
            summary: Localized(
                en: "\(Chart.grouped(found.start + 1))-\(Chart.grouped(end)) of \(Chart.grouped(found.total))",
                ja: "\(Chart.grouped(found.total)) 件中 \(Chart.grouped(found.start + 1))-\(Chart.grouped(end)) 件"))
        if found.start > 0 {
            pager.first = Self.link(kind, initial, search)
            pager.previous = Self.link(kind, initial, search, start: max(0, found.start - Self.pageSize))
        }
        if end < found.total { pager.next = Self.link(kind, initial, search, start: end) }
        return pager
    }
}
