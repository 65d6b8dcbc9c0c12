internal import Forms
internal import Vocabulary
internal import WebPages

/// Many accounts at once, from a file or pasted text; the report names each line that could not go in.
enum AccountImportPage {
    private static let title = Localized(en: "Add many accounts", ja: "アカウントの一括追加")
    private static let path: Link = "/accounts/import"
    /// 100,000 accounts with a few fields.
    private static let limit = 32 << 20
    static let routes = [
        WebRoute(.get, "/accounts/import", .postmaster) { request, host in .page(Self.page(request, host)) },
        WebRoute(.post, "/accounts/import", .postmaster, bodyLimit: Self.limit) { request, host in Self.submit(request, host) },
    ]

    private static func page(_ request: WebRequest, _ host: WebHost, keeps: Bool = true, problems: [String: Localized] = [:]) -> Page {
        let language = request.language
        let posted = keeps ? request.form : PostedForm()
        var page = request.page(Self.title, host, path: AccountPages.path)
        page.body = HTML.build { out in
            out.add(
                .p, [],
                Localized(
                    en: "The first line names the columns; each further line is an account. Any field of the account form can be a column.",
                    ja: "1 行目に列名、2 行目以降に 1 行 1 アカウントを指定します。アカウントデータフォームのすべての項目を列にできます。"
                ).text(language))
            out.add(.pre, [], "address,name,password,quota\njane@example.com,Jane G. Doe,a good password,500 MiB")
            out.add(.form, [.post, .action(Self.path), .multipart, .novalidate, .data(.warn, "1")]) { form in
                form.hidden(Page.csrfName, request.session?.formToken ?? "")
                Parts.file(
                    &form, "file", Localized(en: "File (CSV, UTF-8)", ja: "ファイル（CSV、UTF-8）"), accept: ".csv,text/csv,text/plain",
                    problem: problems["file"],
                    language)
                Parts.area(
                    &form, "text", Localized(en: "Or the text itself", ja: "または本文"), posted.last("text") ?? "", rows: 8,
                    problem: problems["text"], language)
                Parts.tick(
                    &form, "update", Localized(en: "Change accounts that are there already", ja: "既存のアカウントを変更する"),
                    isOn: posted.has("update"), language)
                Parts.tick(
                    &form, "greeting", Localized(en: "Send the greeting message", ja: "グリーティングメッセージを送信する"), isOn: posted.has("greeting"),
                    language)
                Parts.tick(&form, "dry-run", Localized(en: "Only check", ja: "確認だけ行う"), isOn: posted.has("dry-run"), language)
                Parts.buttons(&form, language)
            }
        }
        return page
    }

    private static func submit(_ request: WebRequest, _ host: WebHost) -> WebReply {
        let posted = request.form
        var text = posted.last("text") ?? ""
        if let file = posted.files["file"], !file.bytes.isEmpty {
            guard let read = String(validating: file.bytes, as: UTF8.self) else {
                return Self.refused(
                    "file",
                    Localized(en: "The file is not UTF-8; save it as CSV UTF-8.", ja: "ファイルが UTF-8 ではありません。CSV UTF-8 形式で保存してください。"),
                    request, host)
            }
            text = read
        }
        guard !text.allSatisfy(\.isWhitespace) else {
            return Self.refused(
                "text", Localized(en: "Choose a file or put in the text.", ja: "ファイルを選択するか、本文を入力してください。"), request, host)
        }
        var options: [String: [String]] = ["format": ["csv"]]
        for name in ["update", "greeting", "dry-run"] where posted.has(name) { options[name] = [] }
        let result = host.perform(request.command("account import", options: options, input: text))
        let isTrial = posted.has("dry-run")
        if !isTrial { request.audit(host, "accounts imported", WebCommandResult.split(result.lines).last ?? "") }
        // What was refused stays to be mended and sent again; with nothing refused the form is empty.
        let place = posted.files["file"].map { $0.bytes.isEmpty } ?? true ? "text" : "file"
        var page = Self.page(request, host, keeps: isTrial || !result.isDone, problems: result.isDone ? [:] : [place: Self.someLeft])
        page.notices += result.notices()
        return .page(page, status: result.isDone ? 200 : 422)
    }

    private static let someLeft = Localized(
        en: "Not every line could go in: the report above names each with its reason. Mend them and submit again.",
        ja: "登録できなかった行があります。上の結果で行と理由を確認し、修正してもう一度送信してください。")

    private static func refused(_ field: String, _ why: Localized, _ request: WebRequest, _ host: WebHost) -> WebReply {
        .page(Self.page(request, host, problems: [field: why]), status: 422)
    }
}
