internal import Forms
internal import Vocabulary
internal import WebPages

/// The whole configuration as a file: taken from here, looked at, changed, kept, and brought back in two steps. The first says what would change.
enum ConfigurationFilePage {
    static let title = Localized(en: "Configuration as a file", ja: "設定ファイルの書き出しと読み込み")
    static let about = Localized(en: "Every setting as YAML, and back.", ja: "すべての設定を YAML 形式で書き出し、読み込みます。")
    static let link: Link = "/configuration/file"
    private static let export: Link = "/configuration/file/export"
    static let routes = [
        WebRoute(.get, "/configuration/file", .postmaster) { request, host in .page(Self.page(request, host)) },
        WebRoute(.get, "/configuration/file/export", .postmaster) { request, host in Self.file(request, host) },
        WebRoute(.post, "/configuration/file", .postmaster) { request, host in Self.submit(request, host) },
    ]

    private static func page(_ request: WebRequest, _ host: WebHost, problem: (field: String, text: Localized)? = nil) -> Page {
        let language = request.language
        var page = request.page(Self.title, host, path: ConfigurationPages.path)
        page.body = HTML.build { out in
            out.add(.h2, [], Words.out.text(language))
            out.add(.p, [], Words.aboutOut.text(language))
            out.add(.p) { $0.link(Self.export, [], Words.out.text(language)) }
            out.add(.h2, [], Words.in.text(language))
            out.add(.p, [], Words.aboutIn.text(language))
            out.add(.form, [.post, .action(Self.link), .multipart, .novalidate, .data(.warn, "1")]) { form in
                form.hidden(Page.csrfName, request.session?.formToken ?? "")
                Parts.file(
                    &form, "file", Words.file, accept: ".yaml,.yml,.conf,text/plain",
                    problem: problem?.field == "file" ? problem?.text : nil, language)
                Parts.area(
                    &form, "text", Words.text, problem == nil ? "" : request.form.last("text") ?? "", rows: 12,
                    problem: problem?.field == "text" ? problem?.text : nil, language)
                Parts.buttons(&form, language, submit: Words.look)
            }
        }
        return page
    }

    private static func file(_ request: WebRequest, _ host: WebHost) -> WebReply {
        let result = host.perform(request.command("config export"))
        guard result.isDone else {
            var page = Self.page(request, host)
            page.notices += result.notices()
            return .page(page, status: 503)
        }
        var reply = WebReply(contentType: "application/yaml; charset=utf-8", body: Array(result.lines.joined().utf8))
        reply.headers.append(("Content-Disposition", "attachment; filename=\"post.office.yaml\""))
        return reply
    }

    /// First what it would change, then, when that was looked at, the change; not where somebody else changed the settings meanwhile.
    private static func submit(_ request: WebRequest, _ host: WebHost) -> WebReply {
        let field = request.form.files["file"].map { $0.bytes.isEmpty } ?? true ? "text" : "file"
        guard let text = Self.text(request) else {
            return .page(Self.page(request, host, problem: (field, Words.notUTF8)), status: 422)
        }
        guard !text.allSatisfy(\.isWhitespace) else {
            return .page(Self.page(request, host, problem: ("text", Words.empty)), status: 422)
        }
        let stamp = FormWork.stamp(FieldTable.configuration, host.directory.configuration.values)
        if let seen = request.form.last(FormWork.stampName), seen == stamp { return Self.apply(text, request, host) }
        let isLate = request.form.has(FormWork.stampName)
        let result = host.perform(request.command("config apply", options: ["dry-run": []], input: text))
        guard result.isDone else { return Self.refused(result, field, request, host) }
        let changes = WebCommandResult.split(result.lines).filter { $0.hasPrefix("- ") || $0.hasPrefix("+ ") }
        guard !changes.isEmpty else {
            var page = Self.page(request, host)
            page.notices.append(Notice(.done, Words.same))
            return .page(page)
        }
        var page = request.page(Self.title, host, path: ConfigurationPages.path)
        if isLate { page.notices.append(Notice(.warning, Words.meanwhile)) }
        page.body = Self.question(changes, text, stamp, request)
        return .page(page, status: isLate ? 409 : 200)
    }

    private static func text(_ request: WebRequest) -> String? {
        guard let file = request.form.files["file"], !file.bytes.isEmpty else { return request.form.last("text") ?? "" }
        return String(validating: file.bytes, as: UTF8.self)
    }

    private static func question(_ changes: [String], _ text: String, _ stamp: String, _ request: WebRequest) -> HTML {
        HTML.build { out in
            out.add(.h2, [], Words.would.text(request.language))
            out.add(.pre, [.tabindex(0)]) { block in
                for line in changes {
                    block.foreign(line)
                    block.text("\n")
                }
            }
            Parts.button(&out, Self.link, Words.apply, request, hidden: [("text", text), (FormWork.stampName, stamp)], isDangerous: true)
            out.add(.p) { $0.link(Self.link, [], PageWords.cancel.text(request.language)) }
        }
    }

    private static func apply(_ text: String, _ request: WebRequest, _ host: WebHost) -> WebReply {
        let result = host.perform(request.command("config apply", input: text))
        guard result.isDone else { return Self.refused(result, "text", request, host) }
        request.audit(host, "configuration changed", "file")
        var page = Self.page(request, host)
        page.notices += result.notices(Words.applied)
        return .page(page)
    }

    /// Each mistake with its line, and nothing was changed.
    private static func refused(_ result: WebCommandResult, _ field: String, _ request: WebRequest, _ host: WebHost) -> WebReply {
        var page = Self.page(request, host, problem: (field, Words.mistakes))
        page.notices += result.notices()
        return .page(page, status: 422)
    }

    private enum Words {
        static let out = Localized(en: "Take the configuration as a file", ja: "設定をファイルに書き出す")
        static let aboutOut = Localized(
            en: "All settings that say something, with their labels; no accounts, passwords or keys.",
            ja: "指定されているすべての設定を項目名とともに書き出します。アカウント、パスワード、鍵は含まれません。")
        static let `in` = Localized(en: "Bring a file back", ja: "ファイルを読み込む")
        static let aboutIn = Localized(
            en: "Settings that the file does not name stay as they are. What would change is shown first.",
            ja: "ファイルに書かれていない設定は変わりません。変更される内容を確認してから保存します。")
        static let file = Localized(en: "File (YAML, UTF-8)", ja: "ファイル（YAML、UTF-8）")
        static let text = Localized(en: "Or the text itself", ja: "または本文")
        static let look = Localized(en: "Show what would change", ja: "変更内容を確認する")
        static let would = Localized(en: "This would change", ja: "次のように変更されます")
        static let apply = Localized(en: "Change the settings", ja: "設定を変更する")
        static let applied = Localized(en: "The changes are in force.", ja: "変更を保存しました。")
        static let same = Localized(en: "The file says what holds already; there is nothing to change.", ja: "現在の設定と同じです。変更はありません。")
        static let empty = Localized(en: "Choose a file or put in the text.", ja: "ファイルを選択するか、本文を入力してください。")
        static let notUTF8 = Localized(en: "The file is not UTF-8; save it as UTF-8.", ja: "ファイルが UTF-8 ではありません。UTF-8 で保存してください。")
        static let mistakes = Localized(
            en: "Nothing was changed: the report above names each mistake with its line. Mend them and submit again.",
            ja: "何も変更していません。上の結果で行と理由を確認し、修正してもう一度送信してください。")
        static let meanwhile = Localized(
            en: "Somebody else changed the settings meanwhile; nothing of yours was stored. Look again at what would change.",
            ja: "確認中に他の管理者が設定を変更したため、保存していません。変更内容をもう一度確認してください。")
    }
}
