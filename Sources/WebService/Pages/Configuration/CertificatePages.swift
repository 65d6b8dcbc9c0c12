internal import Vocabulary
internal import WebPages

/// [SSL 機能の設定]: the four functions of the original's page.
enum CertificatePages {
    static let link: Link = "/configuration/ssl"
    static let title = Localized(en: "SSL functions", ja: "SSL 機能の設定")
    static let about = Localized(
        en: "Certificates: make, request, show, install.", ja: "証明書の生成、要求、表示、設定を行います。SSL は証明書がある場合にだけ使用できます。")
    static let routes = [
        WebRoute(.get, "/configuration/ssl", .postmaster) { request, host in .page(Self.page(request, host)) },
        WebRoute(.post, "/configuration/ssl/self-signed", .postmaster) { request, host in
            Self.perform("cert self-signed", Self.names(request), nil, "self-signed certificate made", request, host)
        },
        WebRoute(.post, "/configuration/ssl/request", .postmaster) { request, host in Self.request(request, host) },
        WebRoute(.post, "/configuration/ssl/install", .postmaster) { request, host in Self.install(request, host) },
    ]

    private static func page(_ request: WebRequest, _ host: WebHost, csr: String? = nil, problems: [String: Localized] = [:]) -> Page {
        let language = request.language
        var page = request.page(Self.title, host, path: ConfigurationPages.path)
        if host.certificate() == nil {
            page.notices.append(
                Notice(
                    .warning,
                    Localized(
                        en: "There is no certificate: nothing works under SSL before function 1 or 4 was used.",
                        ja: "証明書がありません。「1. 証明書の生成」または「4. CA 発行の証明書の設定」を行うまで、SSL は使用できません。")))
        }
        page.body = HTML.build { out in
            Self.selfSigned(&out, request, problems["names"])
            Self.requestForm(&out, request, csr, problems)
            out.add(.h2, [], Localized(en: "3. Certificates in use", ja: "3. 証明書の表示").text(language))
            let lines = WebCommandResult.split(host.perform(request.command("cert show")).lines)
            if lines.isEmpty {
                out.add(.p, [.class("empty")], PageWords.none.text(language))
            } else {
                out.add(.pre, [], lines.joined(separator: "\n"))
            }
            Self.installForm(&out, request, problems)
        }
        return page
    }

    // MARK: the parts of the page

    private static let namesLabel = Localized(
        en: "Host names, one a line (empty: this host and its domain)", ja: "ホスト名（1 行に 1 つ。空欄の場合はこのホストとドメイン）")

    private static func selfSigned(_ out: inout HTML, _ request: WebRequest, _ problem: Localized?) {
        let language = request.language
        out.add(.h2, [], Localized(en: "1. Make a certificate", ja: "1. 証明書の生成").text(language))
        out.add(
            .p, [],
            Localized(
                en:
                    "A new key and a certificate that it signed itself. Programs warn of it until it is trusted by hand; it replaces the one in use.",
                ja: "新しい鍵と自己署名証明書を作成し、使用中の証明書と置き換えます。メールソフトやブラウザでは、信頼する設定をするまで警告が表示されます。"
            ).text(language))
        out.add(.form, [.post, .action("/configuration/ssl/self-signed"), .novalidate]) { form in
            form.hidden(Page.csrfName, request.session?.formToken ?? "")
            let typed = problem == nil ? "" : request.form.last("names") ?? ""
            Parts.area(&form, "names", Self.namesLabel, typed, rows: 2, problem: problem, language)
            Parts.buttons(&form, language, submit: Localized(en: "Make", ja: "生成"))
        }
    }

    private static func requestForm(_ out: inout HTML, _ request: WebRequest, _ csr: String?, _ problems: [String: Localized]) {
        let language = request.language
        out.add(.h2, [], Localized(en: "2. Request a certificate from an authority", ja: "2. 証明書要求 (CSR) の作成").text(language))
        out.add(
            .p, [],
            Localized(
                en: "The request goes to the authority; the key stays here and waits for its certificate (function 4).",
                ja: "作成した CSR を認証局 (CA) に提出します。秘密鍵はこのホストに保存され、証明書が届いたら 4. で設定します。"
            ).text(language))
        if let csr {
            out.add(.pre, [.id("csr"), .tabindex(0)], csr)
            out.add(
                .button, [.type(.button), .class("quiet"), .data(.copy, "csr"), .hidden], Localized(en: "Copy", ja: "コピー").text(language))
        }
        out.add(.form, [.post, .action("/configuration/ssl/request"), .novalidate]) { form in
            form.hidden(Page.csrfName, request.session?.formToken ?? "")
            let problem = problems["request-names"]
            let typed = problem == nil ? PostedForm() : request.form
            Parts.area(
                &form, "request-names", Self.namesLabel, typed.last("request-names") ?? "", rows: 2, problem: problem, language)
            Parts.line(
                &form, "organization", Localized(en: "Organization (may be empty)", ja: "組織名（省略可）"), typed.last("organization") ?? "",
                language)
            Parts.buttons(&form, language, submit: Localized(en: "Make the request", ja: "作成"))
        }
    }

    private static func installForm(_ out: inout HTML, _ request: WebRequest, _ problems: [String: Localized]) {
        let language = request.language
        out.add(.h2, [], Localized(en: "4. Install a certificate of an authority", ja: "4. CA 発行の証明書の設定").text(language))
        out.add(.form, [.post, .action("/configuration/ssl/install"), .novalidate]) { form in
            form.hidden(Page.csrfName, request.session?.formToken ?? "")
            Parts.area(
                &form, "chain", Localized(en: "Certificate and intermediate certificates (PEM)", ja: "証明書と中間証明書 (PEM)"),
                problems.isEmpty ? "" : request.form.last("chain") ?? "", rows: 6, problem: problems["chain"], language)
            // A secret: never given back.
            Parts.area(
                &form, "key", Localized(en: "Key (PEM; empty: the key of function 2)", ja: "秘密鍵（PEM。空欄の場合は 2. で作成した鍵）"), "", rows: 3,
                problem: problems["key"], language)
            Parts.buttons(&form, language, submit: Localized(en: "Install", ja: "設定"))
        }
    }

    // MARK: actions

    private static func names(_ request: WebRequest, _ field: String = "names") -> [String: [String]] {
        let names = (request.form.last(field) ?? "").split { $0.isWhitespace || $0 == "," }.map(String.init)
        return names.isEmpty ? [:] : ["name": names]
    }

    /// - Parameter place: the field that is wrong when it cannot be done.
    private static func perform(
        _ verb: String, _ options: [String: [String]], _ input: String?, _ action: String, _ request: WebRequest, _ host: WebHost,
        place: (WebCommandResult) -> String = { _ in "names" }
    ) -> WebReply {
        let result = host.perform(request.command(verb, options: options, input: input))
        guard result.isDone else { return Self.wrong(place(result), result.problem, request, host) }
        request.audit(host, action, (options["name"] ?? []).joined(separator: ", "))
        var page = Self.page(request, host)
        page.notices += result.notices()
        return .page(page)
    }

    private static func wrong(_ field: String, _ problem: Localized, _ request: WebRequest, _ host: WebHost) -> WebReply {
        .page(Self.page(request, host, problems: [field: problem]), status: 422)
    }

    private static func request(_ request: WebRequest, _ host: WebHost) -> WebReply {
        var options = Self.names(request, "request-names")
        if let organization = request.form.last("organization"), !organization.isEmpty { options["organization"] = [organization] }
        let result = host.perform(request.command("cert request", options: options))
        guard result.isDone else { return Self.wrong("request-names", result.problem, request, host) }
        request.audit(host, "certificate requested", (options["name"] ?? []).joined(separator: ", "))
        return .page(Self.page(request, host, csr: result.lines.joined()))
    }

    private static func install(_ request: WebRequest, _ host: WebHost) -> WebReply {
        let posted = request.form
        let chain = posted.last("chain") ?? ""
        let key = posted.last("key") ?? ""
        guard chain.contains("-----BEGIN CERTIFICATE-----") else {
            let problem = Localized(
                en: "Paste the certificate: it begins with -----BEGIN CERTIFICATE-----.",
                ja: "-----BEGIN CERTIFICATE----- で始まる証明書を貼り付けてください。")
            return Self.wrong("chain", problem, request, host)
        }
        guard key.allSatisfy(\.isWhitespace) || key.contains("PRIVATE KEY-----") else {
            let problem = Localized(
                en: "This is no key: it begins with -----BEGIN PRIVATE KEY-----. Leave it empty for the key of function 2.",
                ja: "秘密鍵ではありません。-----BEGIN PRIVATE KEY----- で始まる鍵を貼り付けてください。2. で作成した鍵を使う場合は空欄にします。")
            return Self.wrong("key", problem, request, host)
        }
        // What its messages call the two.
        var options = ["chain-file": [request.say("the certificate", "証明書")], "key-file": [request.say("the key", "秘密鍵")]]
        if key.contains("PRIVATE KEY-----") { options["key"] = [key] }
        let name = options["key-file"]?.first ?? ""
        return Self.perform("cert install", options, chain, "certificate installed", request, host) { result in
            result.status == 2 || result.problem.text(request.language).hasPrefix(name) ? "key" : "chain"
        }
    }
}
