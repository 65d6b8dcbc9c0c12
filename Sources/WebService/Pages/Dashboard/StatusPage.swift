internal import Forms
internal import Vocabulary
internal import WebPages

/// Directories and status: what `postoffice status` says, as a page.
enum StatusPage {
    static let title = Localized(en: "Directories and status", ja: "ディレクトリと状態")

    static func page(_ request: WebRequest, _ host: WebHost) -> WebReply {
        var page = request.page(self.title, host)
        let result = host.perform(WebCommand("status", language: request.language, wantsJSON: true), for: request)
        guard let status = try? JSONValue(reading: Array(result.lines.joined().utf8)) else {
            page.notices = [Notice(.failure, Localized(en: "The status cannot be read.", ja: "状態を取得できません。"), lines: result.problems)]
            return .page(page)
        }
        for trouble in status["troubles"]?.items ?? [] { page.notices.append(self.notice(.warning, trouble)) }
        for note in status["notes"]?.items ?? [] { page.notices.append(self.notice(.advice, note)) }
        if page.notices.isEmpty { page.notices = [Notice(.done, Localized(en: "All is well.", ja: "異常はありません。"))] }
        page.body = HTML.build { out in
            for (name, value) in status.members ?? [] where !["troubles", "notes"].contains(name) {
                self.write(name, value, &out, request)
            }
        }
        return .page(page)
    }

    private static func notice(_ kind: Notice.Kind, _ trouble: JSONValue) -> Notice {
        let what = trouble["what"]?.text ?? ""
        return Notice(kind, Localized(en: what, ja: what), lines: [trouble["cure"]?.text ?? ""].filter { !$0.isEmpty })
    }

    private static func write(_ name: String, _ value: JSONValue, _ out: inout HTML, _ request: WebRequest) {
        let title = StatusLabels.label(name)
        switch value {
        case .object(let members):
            out.add(.h2, [], title.text(request.language))
            self.write(members, &out, request)
        case .list(let items):
            out.add(.h2, [], title.text(request.language))
            let keys = items.first?.members?.map(\.key) ?? []
            var table = DataTable(title, keys.enumerated().map { DataTable.Column(StatusLabels.label($1), headsRow: $0 == 0) })
            table.hidesCaption = true
            table.rows = items.map { item in
                keys.map { key in
                    let value = item[key] ?? .null
                    // Directories have names of ours; those of ports are written in the start file.
                    let known =
                        name == "directories" && key == "name" ? value.text.map { StatusLabels.label($0).text(request.language) } : nil
                    return HTML.build { $0.foreign(known ?? self.text(value, key)) }
                }
            }
            out.add(table.html(request.language))
        default:
            out.add(.p) { line in
                line.add(.strong, [], title.text(request.language) + ": ")
                line.foreign(self.text(value, name))
            }
        }
    }

    private static func write(_ members: [(key: String, value: JSONValue)], _ out: inout HTML, _ request: WebRequest) {
        out.add(.dl, [.class("facts")]) { list in
            for (name, value) in members {
                list.add(.dt, [], StatusLabels.label(name).text(request.language))
                list.add(.dd) { $0.foreign(self.text(value, name)) }
            }
        }
    }

    /// Numbers of bytes as people read them.
    private static func text(_ value: JSONValue, _ name: String) -> String {
        switch value {
        case .null: "-"
        case .bool(let flag): flag ? "✓" : "✗"
        case .int(let number): ["free", "total", "memory"].contains(name) ? Amounts.bytes(number) : "\(number)"
        case .text(let text): text
        case .list(let items): items.map { self.text($0, name) }.joined(separator: ", ")
        case .object(let members): members.map { "\($0.key) \(self.text($0.value, $0.key))" }.joined(separator: ", ")
        }
    }
}
