internal import Queue
internal import Vocabulary
internal import WebPages

/// What happened to this mail: by its id, an address, or anything else that the log says of it.
enum TrailPage {
    static let routes: [WebRoute] = [WebRoute(.get, "/trail", .postmaster) { request, host in Self.page(request, host) }]

    static let title = Localized(en: "Message trail", ja: "メッセージの追跡")
    private static let traces = 50
    /// Nanoseconds that one page may search.
    private static let patience: Int64 = 2_000_000_000
    private static let spans = [2, 7, 31]

    private static func page(_ request: WebRequest, _ host: WebHost) -> WebReply {
        var page = request.page(self.title, host)
        let term = String((request.query["q"] ?? "").prefix(400))
        let days = request.query["days"].flatMap { Int($0) }.map { min(max(1, $0), 366) } ?? self.spans[0]
        var found: (found: [TrailReader.Found], isComplete: Bool) = ([], true)
        if !term.isEmpty, let watch = host.watch {
            found = TrailReader(directory: watch.log).search(term, days: days, limit: self.traces, within: self.patience)
        }
        page.body = HTML.build { out in
            self.form(&out, term, days, request)
            guard !term.isEmpty else { return }
            if found.found.isEmpty {
                out.add(.p, [.class("empty")], request.say("Nothing is known of it in these days.", "この期間の記録はありません。"))
            }
            if !found.isComplete || found.found.count == self.traces {
                out.add(
                    .p, [.class("advice")],
                    request.say(
                        "There may be more than is shown: the newest come first. Say more, or look at fewer days.",
                        "表示されていない記録がある可能性があります（新しいものから表示）。条件を追加するか、期間を短くしてください。"))
            }
            for trace in found.found { self.write(trace, &out, request) }
        }
        return .page(page)
    }

    private static func form(_ out: inout HTML, _ term: String, _ days: Int, _ request: WebRequest) {
        out.add(.form, [.get, .action("/trail"), .role(.search), .class("filter")]) { form in
            form.add(.p) { line in
                line.add(.label, [.for("q")], request.say("Address, id, or a word of the log", "アドレス、ID、またはログ中の語"))
                line.add(.input, [.id("q"), .name("q"), .type(.search), .maxlength(400), .value(term), .required])
            }
            form.add(.p) { line in
                line.add(.label, [.for("days")], request.say("Days", "期間"))
                line.add(.select, [.id("days"), .name("days")]) { select in
                    for span in self.spans {
                        select.add(
                            .option, [.value("\(span)")] + (span == days ? [.selected] : []),
                            request.say("the last \(span) days", "過去 \(span) 日"))
                    }
                }
            }
            form.add(.p, [.class("buttons")]) { $0.add(.button, [.type(.submit)], PageWords.search.text(request.language)) }
        }
    }

    private static func write(_ trace: TrailReader.Found, _ out: inout HTML, _ request: WebRequest) {
        out.add(.h2) { $0.foreign(trace.id) }
        var table = DataTable(
            Localized(en: "Events of \(trace.id)", ja: "\(trace.id) の経過"),
            [
                .init(Localized(en: "Time (UTC)", ja: "時刻 (UTC)"), headsRow: true), .init(Localized(en: "Module", ja: "モジュール")),
                .init(Localized(en: "Event", ja: "イベント")), .init(Localized(en: "Facts", ja: "内容")),
            ])
        table.hidesCaption = true
        table.rows = trace.lines.map { line in
            let words = LogLine(line)
            return [
                HTML(text: words.time), HTML(text: words.module), HTML.build { $0.foreign(words.event) },
                HTML.build { $0.foreign(words.facts) },
            ]
        }
        out.add(table.html(request.language))
    }
}

/// A line of the log, taken apart for a table.
struct LogLine: Sendable {
    var time = ""
    var module = ""
    var event = ""
    var facts = ""

    init(_ line: String) {
        let words = line.split(separator: " ", maxSplits: 3).map(String.init)
        guard words.count >= 3 else {
            self.facts = line
            return
        }
        self.time = words[0].replacing("T", with: " ")
        self.module = words[1]
        self.event = words[2]
        self.facts = words.count > 3 ? words[3] : ""
    }
}
