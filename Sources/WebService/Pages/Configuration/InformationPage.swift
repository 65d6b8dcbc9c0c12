internal import Directory
internal import Forms
internal import Vocabulary
internal import WebPages

/// Licensing/Configuration information: what is installed where. Read-only (must-have 72).
enum InformationPage {
    static let routes = [WebRoute(.get, "/information", .postmaster) { request, host in .page(Self.page(request, host)) }]

    private static func page(_ request: WebRequest, _ host: WebHost) -> Page {
        let language = request.language
        let snapshot = host.directory.snapshot
        let configuration = snapshot.configuration
        var page = request.page(Localized(en: "Licensing/configuration information", ja: "ライセンス/コンフィグレーション情報"), host, path: [])
        let seats = configuration.value(SecurityField.seats)
        let facts: [(Localized, String)] = [
            (Localized(en: "Product", ja: "製品"), "Post.Office \(host.version)"),
            (Localized(en: "Host name", ja: "ホスト名"), configuration.hostName),
            (RoutingField.mainDomain.label, configuration.value(RoutingField.mainDomain).text ?? ""),
            (Localized(en: "Accounts", ja: "アカウント数"), Chart.grouped(snapshot.accountCount)),
            (
                Localized(en: "Seats", ja: "登録ユーザ数の上限"),
                seats.integer.map { Chart.grouped(Int(clamping: $0)) } ?? Localized(en: "no limit", ja: "無制限").text(language)
            ),
            (Localized(en: "Last day of the seats", ja: "使用期限"), configuration.value(SecurityField.seatsUntil).text ?? "-"),
        ]
        page.body = HTML.build { out in
            out.add(.dl, [.class("facts")]) { list in
                for (label, value) in facts {
                    list.add(.dt, [], label.text(language))
                    list.add(.dd) { $0.foreign(value) }
                }
            }
            out.add(.h2, [], Localized(en: "Directories, ports, certificates, state", ja: "ディレクトリ、ポート、証明書、状態").text(language))
            let result = host.perform(request.command("information"))
            out.add(.pre, [.tabindex(0)], WebCommandResult.split(result.lines + result.problems).joined(separator: "\n"))
        }
        return page
    }
}
