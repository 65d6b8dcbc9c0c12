internal import Bytes
internal import Forms
internal import Vocabulary
internal import WebPages

/// What the filters would do with a message, without doing it: with the rules in force, or with those typed.
enum FilterTrialPage {
    private static let path: Link = "/configuration/filters/try"
    private static let title = Localized(en: "Try the filters", ja: "フィルタを試す")
    static let routes = [
        WebRoute(.get, "/configuration/filters/try", .postmaster) { request, host in .page(Self.page(request, host)) },
        WebRoute(.post, "/configuration/filters/try", .postmaster) { request, host in Self.perform(request, host) },
    ]

    private static func page(_ request: WebRequest, _ host: WebHost, problems: [String: Localized] = [:]) -> Page {
        let form = ConfigurationForms.filters
        var page = request.page(Self.title, host, path: ConfigurationPages.path + [(form.title, form.link)])
        page.body = Self.form(request, host, problems: problems)
        return page
    }

    static func form(_ request: WebRequest, _ host: WebHost, problems: [String: Localized] = [:]) -> HTML {
        let language = request.language
        let posted = request.form
        return HTML.build { out in
            if request.path != Self.path.text { out.add(.h2, [], Self.title.text(language)) }
            out.add(.form, [.post, .action(Self.path), .novalidate]) { form in
                form.hidden(Page.csrfName, request.session?.formToken ?? "")
                Parts.line(&form, "from", Localized(en: "Sender", ja: "送信者"), posted.last("from") ?? "", language)
                Parts.line(&form, "to", Localized(en: "Recipient", ja: "受信者"), posted.last("to") ?? "", language)
                Parts.area(
                    &form, "message", Localized(en: "Message with its header", ja: "ヘッダを含むメッセージ"), posted.last("message") ?? "", rows: 8,
                    problem: problems["message"], language)
                Parts.area(
                    &form, "rules", Localized(en: "Rules to try", ja: "試す規則"),
                    posted.last("rules") ?? host.directory.configuration.value(FilterField.rules).text ?? "", rows: 6,
                    problem: problems["rules"], language)
                Parts.buttons(&form, language, submit: Self.title)
            }
        }
    }

    private static func perform(_ request: WebRequest, _ host: WebHost) -> WebReply {
        let posted = request.form
        var options: [String: [String]] = ["rules": [posted.last("rules") ?? ""]]
        if let from = posted.last("from"), !from.isEmpty { options["from"] = [from] }
        if let to = posted.last("to"), !to.isEmpty { options["to"] = [to] }
        let message = posted.last("message") ?? ""
        guard message.utf8.contains(where: { $0 > 0x20 }) else {
            let problem = Localized(en: "Put in a message to try.", ja: "試すメッセージを入力してください。")
            return .page(Self.page(request, host, problems: ["message": problem]), status: 422)
        }
        let result = host.perform(request.command("filter test", options: options, input: Base64.encode(Array(message.utf8))))
        // Addresses are taken as they are, so that rules are what can be wrong.
        guard result.isDone else { return .page(Self.page(request, host, problems: ["rules": result.problem]), status: 422) }
        var page = Self.page(request, host)
        page.notices += result.notices(Localized(en: "This would happen:", ja: "次のように処理されます:"))
        return .page(page)
    }
}
