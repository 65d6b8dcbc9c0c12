package import Vocabulary

/// A table of facts: caption, headings with their scope, one heading a row where `headsRow` says so.
package struct DataTable: Sendable {
    package struct Column: Sendable {
        package let label: Localized
        package let isNumber: Bool
        /// The cell names the row, as its heading.
        package let headsRow: Bool

        package init(_ label: Localized, isNumber: Bool = false, headsRow: Bool = false) {
            self.label = label
            self.isNumber = isNumber
            self.headsRow = headsRow
        }
    }

    package let caption: Localized
    package let columns: [Column]
    package var rows: [[HTML]]
    /// Stands in place of the table when there are no rows.
    package var empty: Localized = PageWords.none
    package var hidesCaption = false

    package init(_ caption: Localized, _ columns: [Column], rows: [[HTML]] = []) {
        self.caption = caption
        self.columns = columns
        self.rows = rows
    }

    package func html(_ language: Language) -> HTML {
        HTML.build { out in
            guard !self.rows.isEmpty else { return out.add(.p, [.class("empty")], self.empty.text(language)) }
            // Wide tables scroll by themselves, so that the page never does; the keyboard reaches them.
            out.add(.div, [.class("wide"), .tabindex(0), .role(.region), .aria(.label, self.caption.text(language))]) { wide in
                wide.add(.table) { self.content(&$0, language) }
            }
        }
    }

    private func content(_ table: inout HTML, _ language: Language) {
        table.add(.caption, self.hidesCaption ? [.class("unseen")] : [], self.caption.text(language))
        table.add(.thead) { head in
            head.add(.tr) { row in
                for column in self.columns {
                    row.add(.th, [.scope(.col)] + (column.isNumber ? [.class("number")] : []), column.label.text(language))
                }
            }
        }
        table.add(.tbody) { body in
            for cells in self.rows {
                body.add(.tr) { row in
                    for (column, cell) in zip(self.columns, cells) {
                        let attributes: [Attribute] = column.isNumber ? [.class("number")] : []
                        if column.headsRow {
                            row.add(.th, [.scope(.row)] + attributes) { $0.add(cell) }
                        } else {
                            row.add(.td, attributes) { $0.add(cell) }
                        }
                    }
                }
            }
        }
    }
}

/// The way through a list that is longer than a page. Lists go on from a name or number, not from a count of rows, so that page 1,000 is
/// as quick as the first.
package struct Pager: Sendable {
    package var first: Link?
    package var previous: Link?
    package var next: Link?
    /// What is shown of how much: `1-50 of 100,000`.
    package var summary: Localized?

    package init(first: Link? = nil, previous: Link? = nil, next: Link? = nil, summary: Localized? = nil) {
        self.first = first
        self.previous = previous
        self.next = next
        self.summary = summary
    }

    package func html(_ language: Language) -> HTML {
        HTML.build { out in
            guard self.first != nil || self.previous != nil || self.next != nil || self.summary != nil else { return }
            out.add(.nav, [.class("pager"), .aria(.label, PageWords.pages.text(language))]) { nav in
                if let summary = self.summary { nav.add(.span, [], summary.text(language)) }
                if let first = self.first { nav.link(first, PageWords.first.text(language)) }
                if let previous = self.previous { nav.link(previous, PageWords.previous.text(language)) }
                if let next = self.next { nav.link(next, PageWords.next.text(language)) }
            }
        }
    }
}
