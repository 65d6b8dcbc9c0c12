internal import Directory
internal import Forms
internal import Vocabulary
internal import WebPages

/// The Mail Account Directory: looks up people, also for strangers. It tells what finger tells: what was published, and nothing else.
enum AccountDirectoryPage {
    private static let most = 50

    /// Strangers see it unless the postmaster closed it to them.
    static func isOpen(_ request: WebRequest, _ host: WebHost) -> Bool {
        request.session != nil || host.directory.configuration.value(SecurityField.directoryForAll).flag ?? true
    }

    static func show(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard self.isOpen(request, host) else {
            return LoginPages.authentication(request, host, LoginPages.Errand(next: "/directory"), status: 401)
        }
        var page = request.page(LoginPages.Words.directory, host)
        let language = request.language
        let name = request.query["name"] ?? ""
        let found: [PublishedEntry]
        do throws(DirectoryError) {
            found = name.isEmpty ? [] : try host.directory.published(named: name, limit: Self.most + 1, partial: true)
        } catch {
            return ErrorPages.page(LoginPages.Words.busy, 503, request, host)
        }
        if !name.isEmpty, found.isEmpty { page.notices = [Notice(.advice, Words.nobody)] }
        if found.count > Self.most { page.notices = [Notice(.advice, Words.many)] }
        page.body = HTML.build { body in
            body.add(.form, [.get, .action("/directory"), .role(.search)]) { form in
                form.add(.div, [.class("field")]) { row in
                    row.add(.label, [.for("f-name")], Words.name.text(language))
                    row.add(.input, [.type(.search), .name("name"), .id("f-name"), .value(name), .maxlength(200)])
                }
                form.add(.p, [.class("buttons")]) { $0.add(.button, [.type(.submit)], Words.search.text(language)) }
            }
            for entry in found.prefix(Self.most) { Self.write(entry, to: &body, language) }
        }
        return .page(page)
    }

    private static func write(_ entry: PublishedEntry, to body: inout HTML, _ language: Language) {
        body.add(.section) { section in
            section.add(.h2) { $0.foreign(entry.name) }
            section.add(.dl) { list in
                list.add(.dt, [], LoginPages.Words.address.text(language))
                list.add(.dd) { $0.foreign(entry.address) }
                for fact in entry.facts {
                    list.add(.dt, [], fact.field.label.text(language))
                    list.add(.dd) { $0.foreign(fact.text) }
                }
            }
            if !entry.information.isEmpty { section.add(.pre) { $0.foreign(entry.information) } }
        }
    }

    private enum Words {
        static let name = Localized(en: "Name or e-mail address", ja: "名前または E-mail アドレス")
        static let search = Localized(en: "Search", ja: "検索")
        static let nobody = Localized(en: "Nobody of that name is listed here.", ja: "該当する名前は登録されていません。")
        static let many = Localized(en: "There are more; type more of the name.", ja: "該当者が多数あります。名前をもっと詳しく入力してください。")
    }
}
