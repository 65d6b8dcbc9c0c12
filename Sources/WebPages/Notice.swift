package import Vocabulary

/// What is said above a page's main part: the result of what was submitted, a warning, advice.
package struct Notice: Sendable {
    package enum Kind: String, Sendable { case done, advice, warning, failure }

    package let kind: Kind
    package let text: Localized
    /// Further lines, such as the report of a command, as they are.
    package let lines: [String]
    package let link: (link: Link, label: Localized)?

    package init(_ kind: Kind, _ text: Localized, lines: [String] = [], link: (link: Link, label: Localized)? = nil) {
        self.kind = kind
        self.text = text
        self.lines = lines
        self.link = link
    }

    package func html(_ language: Language) -> HTML {
        HTML.build { out in
            // Results are read out when the page comes; advice is part of the page.
            let role: [Attribute] =
                switch self.kind {
                case .failure, .warning: [.role(.alert)]
                case .done: [.role(.status)]
                case .advice: []
                }
            out.add(.div, [.class("notice \(self.kind.rawValue)")] + role) { box in
                box.add(.p) { line in
                    line.text(self.text, language)
                    if let link = self.link {
                        line.text(" ")
                        line.link(link.link, link.label.text(language))
                    }
                }
                if !self.lines.isEmpty {
                    box.add(.pre) { $0.text(self.lines.map(Visible.text).joined(separator: "\n")) }
                }
            }
        }
    }
}

extension HTML {
    /// A link without attributes.
    package mutating func link(_ link: Link, _ text: String) { self.link(link, [], text) }
}
