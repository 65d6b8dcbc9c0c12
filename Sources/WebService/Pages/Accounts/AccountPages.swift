internal import Database
internal import Directory
internal import Forms
internal import MessageStore
internal import Policy
internal import Vocabulary
internal import WebPages

/// Account Management: adding, looking, changing, deleting.
enum AccountPages {
    static let routes: [WebRoute] =
        [
            WebRoute(.get, "/accounts", .postmaster) { request, host in .page(AccountListView.page(request, host)) },
            WebRoute(.get, "/accounts/new", .postmaster) { request, host in .page(Self.new(nil, request, host)) },
            WebRoute(.post, "/accounts/new", .postmaster) { request, host in Self.add(request, host) },
            WebRoute(.get, "/accounts/default", .postmaster) { request, host in .page(Self.template(nil, request, host)) },
            WebRoute(.post, "/accounts/default", .postmaster) { request, host in Self.changeTemplate(request, host) },
            WebRoute(.get, "/accounts/{id}", .postmaster) { request, host in
                guard let details = Self.details(request, host) else { return Self.gone(request, host) }
                return .page(Self.edit(details, Self.usage(details.id, host), nil, request, host))
            },
            WebRoute(.post, "/accounts/{id}", .postmaster) { request, host in
                guard let details = Self.details(request, host) else { return Self.gone(request, host) }
                return Self.change(details, Self.usage(details.id, host), request, host)
            },
            WebRoute(.post, "/accounts/{id}/release", .postmaster) { request, host in Self.release(request, host) },
            WebRoute(.get, "/accounts/{id}/delete", .postmaster) { request, host in Self.confirmDeletion(request, host) },
            WebRoute(.post, "/accounts/{id}/delete", .postmaster) { request, host in Self.delete(request, host) },
        ] + AccountImportPage.routes + AccountSecurityPage.routes

    static let title = Localized(en: "Account management", ja: "アカウント管理")
    static let path: [(label: Localized, link: Link)] = [(title, "/accounts")]
    static let form = Localized(en: "Account data", ja: "アカウントデータ")

    static func link(_ id: AccountID, _ more: String...) -> Link { Link(["accounts", "\(id.rawValue)"] + more) }

    // MARK: finding

    static func details(_ request: WebRequest, _ host: WebHost) -> AccountDetails? {
        guard let text = request.parameters["id"], text.utf8.count < 19, let number = Int64(text) else { return nil }
        return try? host.directory.details(AccountID(rawValue: number))
    }

    /// The store counts the account's mail on its own threads; this one waits.
    private static func usage(_ id: AccountID, _ host: WebHost) -> AccountUsage? {
        guard let store = host.store else { return nil }
        let answer = Monitor<Result<AccountUsage, StoreError>?>(nil)
        store.usage(of: id) { result in
            answer.withLock { $0 = result }
            answer.signal()
        }
        return answer.wait(until: { $0 != nil }, then: { try? $0?.get() })
    }

    static func gone(_ request: WebRequest, _ host: WebHost) -> WebReply {
        var page = request.page(Self.title, host, path: Self.path)
        page.notices.append(
            Notice(
                .failure, Localized(en: "There is no such account (any more).", ja: "そのアカウントはありません。"),
                link: (Link(["accounts"]), Self.title)))
        return .page(page, status: 404)
    }

    // MARK: adding

    /// Empty, with what the default account says.
    private static func new(_ reading: FormReading?, _ request: WebRequest, _ host: WebHost) -> Page {
        var view = AccountForm(.new, host).view("/accounts/new", request)
        if let reading { view.apply(reading) }
        var page = request.page(Localized(en: "Add an account", ja: "アカウントの追加"), host, path: Self.path)
        page.body = view.html(request.language)
        return page
    }

    private static func add(_ request: WebRequest, _ host: WebHost) -> WebReply {
        let form = AccountForm(.new, host)
        var reading = FormReading(request.form, form.fields)
        guard reading.isRight else { return .page(Self.new(reading, request, host), status: 422) }
        var values = FormWork.differing(reading, form.fields, from: form.values)
        let addresses = reading.values[AccountField.addresses.key]?.list ?? []
        guard !addresses.isEmpty else {
            reading.add(AccountField.addresses.problem(Localized(en: "a value is needed", ja: "値を指定してください")))
            return .page(Self.new(reading, request, host), status: 422)
        }
        values[AccountField.addresses.key] = nil
        let result = host.perform(
            request.command(
                "account add", AccountField.addresses.written(.list(addresses)), options: ["set": FormWork.pairs(values, form.fields)],
                input: reading.values[AccountField.password.key]?.text))
        guard result.isDone else {
            let notices = FormWork.place(result, form.fields, request.language, &reading)
            var page = Self.new(reading, request, host)
            page.notices += notices
            return .page(page, status: 422)
        }
        values[AccountField.addresses.key] = .list(addresses)
        request.audit(host, "account added", addresses.first ?? "", FormWork.changes(values, form.fields, from: [:]))
        // The form comes back empty for the next one, with the result above it.
        var page = Self.new(nil, request, host)
        page.notices += result.notices()
        if let address = addresses.first, let id = host.directory.find(address) {
            page.notices.append(
                Notice(
                    .advice, Localized(en: "\(address) can be looked at and changed:", ja: "\(address) の表示と変更:"),
                    link: (Self.link(id), Self.form)))
        }
        return .page(page)
    }

    // MARK: changing

    private static func edit(
        _ details: AccountDetails, _ usage: AccountUsage?, _ reading: FormReading?, _ request: WebRequest, _ host: WebHost
    ) -> Page {
        var view = AccountForm(.account(details, usage: usage), host).view(Self.link(details.id), request)
        if let reading { view.apply(reading) }
        var page = request.page(Localized(en: "Account data", ja: "アカウントデータ"), host, path: Self.path)
        page.body = HTML.build { out in
            out.add(.p) { line in
                line.add(.strong) { $0.foreign(details.primary) }
                line.text(" ")
                line.link(Self.link(details.id, "security"), [.class("button quiet")], AccountSecurityPage.title.text(request.language))
                line.text(" ")
                line.link(Self.link(details.id, "delete"), [.class("button quiet")], Self.deletion.text(request.language))
            }
            if host.directory.snapshot.isSuspended(details.id) {
                Parts.button(&out, Self.link(details.id, "release"), Self.releasing, request)
            }
            out.add(view.html(request.language))
        }
        return page
    }

    private static let releasing = Localized(en: "Let this account send again", ja: "送信停止を解除")

    private static func release(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard let details = Self.details(request, host) else { return Self.gone(request, host) }
        let result = host.perform(request.command("account release", [details.login]))
        if result.isDone { request.audit(host, "account released", details.primary) }
        let fresh = (try? host.directory.details(details.id)) ?? details
        var page = Self.edit(fresh, Self.usage(details.id, host), nil, request, host)
        page.notices += result.notices()
        return .page(page, status: result.isDone ? 200 : 422)
    }

    private static let deletion = Localized(en: "Delete this account", ja: "アカウント削除")

    private static func change(_ details: AccountDetails, _ usage: AccountUsage?, _ request: WebRequest, _ host: WebHost) -> WebReply {
        let posted = request.form
        let form = AccountForm(.account(details, usage: usage), host)
        var reading = FormReading(posted, form.fields)
        let values = FormWork.differing(reading, form.fields, from: form.values)
        if let problem = Self.shutsOut(details, values, request) { reading.add(problem) }
        guard reading.isRight else { return .page(Self.edit(details, usage, reading, request, host), status: 422) }
        let password = reading.values[AccountField.password.key]?.text
        if let stamp = posted.last(FormWork.stampName), stamp != FormWork.stamp(form.fields, form.values), !values.isEmpty {
            var page = Self.edit(details, usage, reading, request, host)
            page.notices.append(FormWork.changedMeanwhile(values, form.fields, from: form.values, request.language))
            return .page(page, status: 409)
        }
        guard !values.isEmpty || password != nil else {
            var page = Self.edit(details, usage, nil, request, host)
            page.notices.append(Notice(.done, Localized(en: "Nothing was different; nothing was changed.", ja: "変更はありません。")))
            return .page(page)
        }
        let result = host.perform(
            request.command("account set", [details.login], options: ["set": FormWork.pairs(values, form.fields)], input: password))
        guard result.isDone else {
            let notices = FormWork.place(result, form.fields, request.language, &reading)
            var page = Self.edit(details, usage, reading, request, host)
            page.notices += notices
            return .page(page, status: 422)
        }
        var changes = FormWork.changes(values, form.fields, from: form.values)
        if password != nil { changes.append(AuditEntry.Change(key: AccountField.password.key.text, before: "", after: "(set)")) }
        request.audit(host, "account changed", details.primary, changes)
        let fresh = (try? host.directory.details(details.id)) ?? details
        var page = Self.edit(fresh, usage, nil, request, host)
        page.notices += result.notices()
        return .page(page)
    }

    /// Who administers from here must be able to mend it from here. (By command every list can be set.)
    private static func shutsOut(
        _ details: AccountDetails, _ values: [FieldKey: FieldValue], _ request: WebRequest
    ) -> FieldProblem? {
        let field = AccountSecurityField.webAccess
        guard details.id == request.session?.account || details.value(AccountField.type).text == "administrative",
            let list = values[field.key]?.list, !list.isEmpty, AccessList(lines: list).match(request.client, request.hostName) == .no
        else { return nil }
        return field.problem(ConfigurationPages.shutsOut(request))
    }

    // MARK: the default account

    private static func template(_ reading: FormReading?, _ request: WebRequest, _ host: WebHost) -> Page {
        var view = AccountForm(.template, host).view("/accounts/default", request)
        if let reading { view.apply(reading) }
        var page = request.page(Localized(en: "Default account", ja: "デフォルトアカウント"), host, path: Self.path)
        page.notices.append(
            Notice(
                .advice,
                Localized(
                    en: "New accounts begin with these values, in whatever way they are added. Accounts that are there stay as they are.",
                    ja: "新しいアカウントは、追加の方法にかかわらず、この値から始まります。既存のアカウントは変わりません。")))
        page.body = view.html(request.language)
        return page
    }

    private static func changeTemplate(_ request: WebRequest, _ host: WebHost) -> WebReply {
        let form = AccountForm(.template, host)
        var reading = FormReading(request.form, form.fields)
        guard reading.isRight else { return .page(Self.template(reading, request, host), status: 422) }
        let values = FormWork.differing(reading, form.fields, from: form.values)
        guard !values.isEmpty else { return .page(Self.template(nil, request, host)) }
        let result = host.perform(request.command("account default set", options: ["set": FormWork.pairs(values, form.fields)]))
        guard result.isDone else {
            let notices = FormWork.place(result, form.fields, request.language, &reading)
            var page = Self.template(reading, request, host)
            page.notices += notices
            return .page(page, status: 422)
        }
        request.audit(host, "default account changed", "", FormWork.changes(values, form.fields, from: form.values))
        var page = Self.template(nil, request, host)
        page.notices += result.notices()
        return .page(page)
    }

    // MARK: deleting

    private static func confirmDeletion(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard let details = Self.details(request, host) else { return Self.gone(request, host) }
        let preview = host.perform(request.command("account delete", [details.login], options: ["preview": []]))
        var page = request.page(Self.deletion, host, path: Self.path + [(Self.form, Self.link(details.id))])
        guard preview.isDone else {
            page.notices += preview.notices()
            return .page(page, status: 422)
        }
        page.body = HTML.build { out in
            out.add(.p) { $0.add(.strong) { $0.foreign(details.primary) } }
            for line in WebCommandResult.split(preview.lines) { out.add(.p, [], line) }
            Parts.button(
                &out, Self.link(details.id, "delete"), Self.deletion, request, hidden: [("address", details.primary)], isDangerous: true)
            out.add(.p) { $0.link(Self.link(details.id), PageWords.cancel.text(request.language)) }
        }
        return .page(page)
    }

    private static func delete(_ request: WebRequest, _ host: WebHost) -> WebReply {
        // The address that was shown with the question must still be this account's.
        guard let details = Self.details(request, host), request.form.last("address") == details.primary else {
            return Self.gone(request, host)
        }
        let result = host.perform(request.command("account delete", [details.login]))
        if result.isDone { request.audit(host, "account deleted", details.primary) }
        var page = AccountListView.page(request, host)
        page.notices += result.notices()
        return .page(page, status: result.isDone ? 200 : 422)
    }
}
