internal import Directory
internal import Forms
internal import Policy
internal import Vocabulary
internal import WebPages

/// The menu of the system configuration, and its forms.
enum ConfigurationPages {
    static let routes: [WebRoute] =
        [
            WebRoute(.get, "/configuration", .postmaster) { request, host in Self.menu(request, host) },
            WebRoute(.get, "/configuration/{form}", .postmaster) { request, host in
                guard let form = Self.form(request) else { return ErrorPages.notFound(request, host) }
                return .page(Self.page(form, nil, request, host))
            },
            WebRoute(.post, "/configuration/{form}", .postmaster) { request, host in
                guard let form = Self.form(request) else { return ErrorPages.notFound(request, host) }
                return Self.submit(form, request, host)
            },
        ] + HistoryPage.routes + ConfigurationFilePage.routes + RouteLoginPage.routes + CertificatePages.routes + FilterTrialPage.routes
        + InformationPage.routes
        + BroadcastPage.routes

    static let title = Localized(en: "System configuration", ja: "システムコンフィグレーション")
    static let path: [(label: Localized, link: Link)] = [(title, "/configuration")]

    private static func form(_ request: WebRequest) -> ConfigurationForm? { request.parameters["form"].flatMap(ConfigurationForms.named) }

    private static func menu(_ request: WebRequest, _ host: WebHost) -> WebReply {
        var page = request.page(Self.title, host, path: [])
        var entries = ConfigurationForms.all.map { ($0.title, $0.about, $0.link) }
        // Where the manual has it: after the security of the system.
        entries.insert((CertificatePages.title, CertificatePages.about, CertificatePages.link), at: min(5, entries.count))
        entries.append((HistoryPage.title, HistoryPage.about, HistoryPage.link))
        entries.append((ConfigurationFilePage.title, ConfigurationFilePage.about, ConfigurationFilePage.link))
        page.body = MenuPages.tiles(entries, request.language)
        return .page(page)
    }

    // MARK: one form

    /// The form with what holds now, or with what was typed.
    static func page(
        _ form: ConfigurationForm, _ reading: FormReading?, _ request: WebRequest, _ host: WebHost, withBelow: Bool = true
    ) -> Page {
        let values = host.directory.configuration.values
        var view = FormView(
            action: form.link, csrfToken: request.session?.formToken ?? "",
            form.sections.map { section in
                FormView.Section(
                    title: section.title, advice: section.advice,
                    section.fields.map { field in FormWork.entry(field, values[field.key] ?? .none) })
            })
        view.hidden = [(FormWork.stampName, FormWork.stamp(form.fields, values))]
        if let reading { view.apply(reading) }
        var page = request.page(form.title, host, path: Self.path)
        page.notices += form.advice(host)
        page.body = view.html(request.language)
        if withBelow, let below = form.below { page.body.add(below(request, host)) }
        return page
    }

    /// A list that shuts out who submits it could not be mended on a page any more.
    private static func shutsOut(_ request: WebRequest, _ values: [FieldKey: FieldValue]) -> FieldProblem? {
        let field = SecurityField.webAccess
        guard let list = values[field.key]?.list, !list.isEmpty,
            AccessList(lines: list).match(request.client, request.hostName) == .no
        else { return nil }
        return field.problem(Self.shutsOut(request))
    }

    static func shutsOut(_ request: WebRequest) -> Localized {
        let client = "\(request.client)"
        return Localized(
            en: "would shut out this browser (\(client)); add its address or network",
            ja: "この設定では、現在使用しているホスト (\(client)) からも利用できなくなります。そのアドレスまたはネットワークを追加してください")
    }

    static func submit(_ form: ConfigurationForm, _ request: WebRequest, _ host: WebHost) -> WebReply {
        let posted = request.form
        let fields = form.fields
        let now = host.directory.configuration.values
        var reading = FormReading(posted, fields)
        let values = FormWork.differing(reading, fields, from: now)
        if reading.isRight { for problem in host.directory.problems(configuring: values) { reading.add(problem) } }
        if let problem = Self.shutsOut(request, values) { reading.add(problem) }
        guard reading.isRight else { return .page(Self.page(form, reading, request, host), status: 422) }
        if let stamp = posted.last(FormWork.stampName), stamp != FormWork.stamp(fields, now), !values.isEmpty {
            var page = Self.page(form, reading, request, host)
            page.notices.append(FormWork.changedMeanwhile(values, fields, from: now, request.language))
            return .page(page, status: 409)
        }
        guard !values.isEmpty else {
            var page = Self.page(form, nil, request, host)
            page.notices.append(Notice(.done, Localized(en: "Nothing was different; nothing was changed.", ja: "変更はありません。")))
            return .page(page)
        }
        let result = host.perform(request.command("config form", options: ["set": FormWork.pairs(values, fields)]))
        guard result.isDone else {
            let notices = FormWork.place(result, fields, request.language, &reading)
            var page = Self.page(form, reading, request, host)
            page.notices += notices
            return .page(page, status: 422)
        }
        request.audit(host, "configuration changed", form.name, FormWork.changes(values, fields, from: now))
        var page = Self.page(form, nil, request, host)
        page.notices += result.notices(Localized(en: "The changes are in force.", ja: "変更を保存しました。"))
        return .page(page)
    }
}
