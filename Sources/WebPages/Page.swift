internal import Bytes
package import Vocabulary

/// One page: what stands around the main part, and the main part.
package struct Page: Sendable {
    /// Who asked for the page.
    package struct Person: Sendable {
        package let name: String
        package let isPostmaster: Bool
        /// Sends the POST that ends the session.
        package let logOut: Link

        package init(name: String, isPostmaster: Bool, logOut: Link) {
            self.name = name
            self.isPostmaster = isPostmaster
            self.logOut = logOut
        }
    }

    package let title: Localized
    package var language: Language
    /// This host's name, beside the product's.
    package var host: String = ""
    package var person: Person?
    package var menu: [MenuEntry] = []
    /// The same page in the other languages.
    package var languages: [(language: Language, link: Link)] = []
    /// Goes into each form, so that no other site can submit one.
    package var csrfToken: String = ""
    package var notices: [Notice] = []
    /// The way up: the forms above this one.
    package var path: [(label: Localized, link: Link)] = []
    package var body = HTML()
    /// Something on it asks the browser for a passkey.
    package var usesPasskeys = false
    /// Version of the product, or empty where it is hidden.
    package var version: String = ""

    package init(_ title: Localized, _ language: Language) {
        self.title = title
        self.language = language
    }

    /// Product, host, and where the menu leads to the start.
    private static let product = "Post.Office"
    package static let csrfName = "token"

    /// The whole document, UTF-8.
    package func written() -> [UInt8] {
        var out = HTML()
        self.head(&out)
        self.content(&out)
        return Array("<!DOCTYPE html>\n<html lang=\"\(self.language.rawValue)\">".utf8) + out.markup + Array("</html>\n".utf8)
    }

    private func head(_ out: inout HTML) {
        var attributes = Array(
            "<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">".utf8)
        attributes += Array("<meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\">".utf8)
        attributes += Array("<link rel=\"icon\" href=\"data:,\">".utf8)
        attributes += Array("<link rel=\"stylesheet\" href=\"\(Asset.stylesheet.link.text)\">".utf8)
        attributes += Array("<script src=\"\(Asset.script.link.text)\" defer></script>".utf8)
        if self.usesPasskeys { attributes += Array("<script src=\"\(Asset.passkeys.link.text)\" defer></script>".utf8) }
        out.raw(attributes)
        out.add(.title, [], "\(self.title.text(self.language)) - \(self.host.isEmpty ? Self.product : self.host)")
        out.raw(Array("</head>".utf8))
    }

    private func content(_ out: inout HTML) {
        out.raw(Array("<body>".utf8))
        out.add(.a, [.href(Link(fragment: "main")), .class("skip")], PageWords.skip.text(self.language))
        out.add(.header, [.class("top")], self.banner)
        out.add(.div, [.class(self.menu.isEmpty ? "frame plain" : "frame")]) { frame in
            if !self.menu.isEmpty { self.menuColumn(&frame) }
            frame.add(.main, [.id("main"), .tabindex(-1)]) { main in
                self.trail(&main)
                main.add(.h1, [], self.title.text(self.language))
                for notice in self.notices { main.add(notice.html(self.language)) }
                main.add(self.body)
            }
        }
        out.add(.footer) { footer in
            footer.add(.p) { $0.text(self.version.isEmpty ? Self.product : "\(Self.product) \(self.version)") }
        }
        out.raw(Array("</body>".utf8))
    }

    private func banner(_ top: inout HTML) {
        top.add(.p, [.class("brand")]) { brand in
            brand.link("/", [.class("product")], Self.product)
            if !self.host.isEmpty { brand.add(.span, [.class("host")], self.host) }
        }
        top.add(.div, [.class("who")]) { who in
            if let person = self.person {
                who.add(.p) { line in
                    line.text(PageWords.loggedInAs.text(self.language) + " ")
                    line.add(.strong) { $0.foreign(person.name) }
                    if person.isPostmaster { line.add(.span, [.class("badge")], PageWords.postmaster.text(self.language)) }
                }
                who.add(.form, [.post, .action(person.logOut)]) { form in
                    form.hidden(Self.csrfName, self.csrfToken)
                    form.add(.button, [.type(.submit), .class("quiet")], PageWords.logOut.text(self.language))
                }
            }
            if !self.languages.isEmpty { self.languageSwitch(&who) }
        }
    }

    private func languageSwitch(_ who: inout HTML) {
        who.add(.nav, [.class("languages"), .aria(.label, PageWords.language.text(self.language))]) { nav in
            for (language, link) in self.languages {
                // Its own name, in itself: who cannot read this page finds it.
                let name = language == .japanese ? "日本語" : "English"
                if language == self.language {
                    nav.add(.span, [.aria(.current, "true"), .lang(language.rawValue)], name)
                } else {
                    nav.link(link, [.lang(language.rawValue)], name)
                }
            }
        }
    }

    private func menuColumn(_ frame: inout HTML) {
        frame.add(.nav, [.class("menu"), .aria(.label, PageWords.menu.text(self.language))]) { nav in
            nav.add(.ul) { list in for entry in self.menu { entry.write(to: &list, self.language) } }
        }
    }

    private func trail(_ main: inout HTML) {
        guard !self.path.isEmpty else { return }
        main.add(.p, [.class("path")]) { line in
            for (label, link) in self.path {
                line.link(link, label.text(self.language))
                line.text(" › ")
            }
            line.text(self.title, self.language)
        }
    }
}

/// One button of the menu at the left, with those below it while it is open.
package struct MenuEntry: Sendable {
    package let label: Localized
    package let link: Link
    package var isCurrent: Bool
    package var children: [MenuEntry]

    package init(_ label: Localized, _ link: Link, isCurrent: Bool = false, children: [MenuEntry] = []) {
        self.label = label
        self.link = link
        self.isCurrent = isCurrent
        self.children = children
    }

    func write(to list: inout HTML, _ language: Language) {
        list.add(.li) { item in
            item.link(self.link, self.isCurrent ? [.aria(.current, "page")] : [], self.label.text(language))
            guard !self.children.isEmpty else { return }
            item.add(.ul) { inner in for child in self.children { child.write(to: &inner, language) } }
        }
    }
}

extension HTML {
    package mutating func hidden(_ name: String, _ value: String) { self.add(.input, [.type(.hidden), .name(name), .value(value)]) }
}
