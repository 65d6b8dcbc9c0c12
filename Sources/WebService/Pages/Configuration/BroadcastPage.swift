internal import Vocabulary
internal import WebPages

/// One message to all accounts, or to those of a domain; asks once more with the number of people before it goes.
enum BroadcastPage {
    private static let title = Localized(en: "Broadcast", ja: "全ユーザへの通知")
    private static let path: Link = "/broadcast"
    static let routes = [
        WebRoute(.get, "/broadcast", .postmaster) { request, host in .page(Self.page(request, host)) },
        WebRoute(.post, "/broadcast", .postmaster) { request, host in Self.submit(request, host) },
    ]

    private static func page(_ request: WebRequest, _ host: WebHost, problems: [String: Localized] = [:], isSent: Bool = false) -> Page {
        let language = request.language
        let posted = isSent ? PostedForm() : request.form
        var page = request.page(Self.title, host, path: [])
        page.body = HTML.build { out in
            out.add(
                .p, [],
                Localized(
                    en: "The message comes from the postmaster and goes to every account with a mailbox or another delivery here.",
                    ja: "ポストマスタからのメールとして、このホストのすべてのアカウントに送信します。"
                ).text(language))
            out.add(.form, [.post, .action(Self.path), .novalidate, .data(.warn, "1")]) { form in
                form.hidden(Page.csrfName, request.session?.formToken ?? "")
                Parts.line(
                    &form, "domain", Localized(en: "Only accounts of this domain (empty: all)", ja: "このドメインのアカウントだけ（空欄の場合はすべて）"),
                    posted.last("domain") ?? "", problem: problems["domain"], language)
                Parts.line(
                    &form, "subject", Localized(en: "Subject", ja: "件名"), posted.last("subject") ?? "", problem: problems["subject"],
                    language)
                Parts.area(
                    &form, "text", Localized(en: "Text", ja: "本文"), posted.last("text") ?? "", rows: 10, problem: problems["text"], language
                )
                Parts.buttons(&form, language)
            }
        }
        return page
    }

    private static func submit(_ request: WebRequest, _ host: WebHost) -> WebReply {
        let posted = request.form
        let subject = posted.last("subject") ?? ""
        let text = posted.last("text") ?? ""
        var problems: [String: Localized] = [:]
        if subject.allSatisfy(\.isWhitespace) { problems["subject"] = Localized(en: "A subject is needed.", ja: "件名を入力してください。") }
        if subject.utf8.count > 200 || subject.contains(where: \.isNewline) {
            problems["subject"] = Localized(en: "Too long; at most 200 octets on one line.", ja: "長すぎます。1 行 200 バイト以内で入力してください。")
        }
        if text.allSatisfy(\.isWhitespace) { problems["text"] = Localized(en: "A text is needed.", ja: "本文を入力してください。") }
        guard problems.isEmpty else { return .page(Self.page(request, host, problems: problems), status: 422) }
        var options = ["subject": [subject]]
        if let domain = posted.last("domain"), !domain.isEmpty { options["domain"] = [domain] }
        guard let count = posted.last("count") else { return Self.confirm(options, text, request, host) }
        options["count"] = [count]
        let result = host.perform(request.command("broadcast", options: options, input: text))
        if result.isDone { request.audit(host, "broadcast sent", subject) }
        var page = Self.page(request, host, isSent: result.isDone)
        page.notices += result.notices()
        return .page(page, status: result.isDone ? 200 : 422)
    }

    private static func confirm(_ options: [String: [String]], _ text: String, _ request: WebRequest, _ host: WebHost) -> WebReply {
        var preview = options
        preview["preview"] = []
        let result = host.perform(request.command("broadcast", options: preview, input: text))
        guard result.isDone else {
            // With a text and a subject that are right, the domain is what can be wrong.
            let isPlaced = options["domain"] != nil
            var page = Self.page(request, host, problems: isPlaced ? ["domain": result.problem] : [:])
            if !isPlaced { page.notices += result.notices() }
            return .page(page, status: 422)
        }
        // `17 accounts would get it`: what is sent later must be to as many.
        let count = String(result.lines.joined().prefix { $0.isNumber })
        var page = request.page(Self.title, host, path: [(Self.title, Self.path)])
        page.notices += result.notices()
        page.body = HTML.build { out in
            out.add(.h2, [], options["subject"]?.first ?? "")
            out.add(.pre, [], text)
            let hidden = [
                ("subject", options["subject"]?.first ?? ""), ("text", text), ("domain", options["domain"]?.first ?? ""), ("count", count),
            ]
            Parts.button(&out, Self.path, Localized(en: "Send it now", ja: "送信する"), request, hidden: hidden)
        }
        return .page(page)
    }
}
