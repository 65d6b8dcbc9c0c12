internal import Directory
internal import Vocabulary
internal import WebPages

/// The main mail-server menu.
enum MenuPages {
    static let routes = [WebRoute(.get, "/menu", .postmaster) { request, host in Self.menu(request, host) }]

    static func menu(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard !WrapUp.isMissing(host) else { return .redirect(to: WrapUp.link) }
        var page = request.page(Localized(en: "Main mail server menu", ja: "メインメールサーバメニュー"), host, path: [])
        page.body = Self.tiles(PostmasterMenu.items.dropFirst().map { ($0.label, $0.about, $0.link) }, request.language)
        return .page(page)
    }

    /// Entries of a menu with a sentence each.
    static func tiles(_ entries: [(label: Localized, about: Localized, link: Link)], _ language: Language) -> HTML {
        HTML.build { out in
            out.add(.ul, [.class("tiles")]) { list in
                for entry in entries {
                    list.add(.li) { item in
                        item.link(entry.link, entry.label.text(language))
                        item.add(.p, [], entry.about.text(language))
                    }
                }
            }
        }
    }
}
