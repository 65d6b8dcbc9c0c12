internal import Queue
internal import Vocabulary
internal import WebPages

/// The log: its end, with a filter, backwards page by page; the newest page follows what comes.
enum LogPages {
    static let routes: [WebRoute] = [WebRoute(.get, "/log", .postmaster) { request, host in Self.page(request, host) }]

    static let title = Localized(en: "Log", ja: "ログ")
    private static let lines = 200

    private static func page(_ request: WebRequest, _ host: WebHost) -> WebReply {
        var page = request.page(self.title, host)
        let module = request.query["module"].flatMap(TrailEvent.Module.init(rawValue:))
        let text = String((request.query["text"] ?? "").prefix(400))
        let place = request.query["before"].flatMap(LogPlace.init(text:))
        var pairs: [(String, String)] = []
        if let module { pairs.append(("module", module.rawValue)) }
        if !text.isEmpty { pairs.append(("text", text)) }
        guard let watch = host.watch else { return .page(page) }
        let query = LogQuery(module: module?.rawValue, text: text.isEmpty ? nil : text)
        let found = LogReader(directory: watch.log).newest(query, before: place, limit: self.lines)
        page.body = HTML.build { out in
            self.form(&out, module, text, request)
            // Only the newest page changes: the script asks for it again while it is looked at.
            let live: [Attribute] = place == nil ? [.data(.live, "\(Link(["log"], query: pairs).text) 4")] : []
            out.add(.div, [.id("log"), .class("log")] + live) { part in
                if found.lines.isEmpty {
                    part.add(
                        .p, [.class("empty")],
                        found.before == nil
                            ? request.say("Nothing fits.", "該当する行はありません。")
                            : request.say("Nothing fits in the part looked at; go on with Next.", "調べた範囲には該当する行がありません。［次へ］で続きを検索できます。"))
                } else {
                    part.add(.pre) { pre in
                        for line in found.lines.reversed() {
                            pre.foreign(line)
                            pre.text("\n")
                        }
                    }
                }
                part.add(
                    Pager(
                        first: place == nil ? nil : Link(["log"], query: pairs),
                        next: found.before.map { Link(["log"], query: pairs + [("before", $0.text)]) },
                        summary: Localized(en: "newest first, UTC", ja: "新しい順、UTC")
                    ).html(request.language))
            }
        }
        return .page(page)
    }

    private static func form(_ out: inout HTML, _ module: TrailEvent.Module?, _ text: String, _ request: WebRequest) {
        out.add(.form, [.get, .action("/log"), .role(.search), .class("filter")]) { form in
            form.add(.p) { line in
                line.add(.label, [.for("module")], request.say("Module", "モジュール"))
                line.add(.select, [.id("module"), .name("module")]) { select in
                    select.add(.option, [.value("")], request.say("all", "すべて"))
                    for known in TrailEvent.Module.allCases {
                        select.add(.option, [.value(known.rawValue)] + (known == module ? [.selected] : []), known.rawValue)
                    }
                }
            }
            form.add(.p) { line in
                line.add(.label, [.for("text")], request.say("With this text", "含まれる文字列"))
                line.add(.input, [.id("text"), .name("text"), .type(.search), .maxlength(400), .value(text)])
            }
            form.add(.p, [.class("buttons")]) { $0.add(.button, [.type(.submit)], PageWords.search.text(request.language)) }
        }
    }
}
