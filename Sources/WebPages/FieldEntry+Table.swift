internal import Forms
internal import Vocabulary

// A field that is a table: a row of inputs each while it is short, else one text with a row in brackets a line.
extension FieldEntry {
    /// Above so many rows a table of inputs would be slower to load than a text, and no easier to read.
    private static let mostRows = 100
    /// Rows to fill in.
    private static let spareRows = 3

    private var rows: [[String]] {
        if case .rows(let rows) = self.typed { return rows }
        return self.field.effective(self.value).rows.map(self.field.shownCells)
    }

    var showsRows: Bool {
        if case .texts = self.typed { return false }
        return self.rows.count <= Self.mostRows
    }

    func table(_ right: inout HTML, _ table: Table, _ language: Language) {
        guard self.showsRows else { return self.bracketArea(&right, language) }
        right.add(.div, [.class("wide")]) { wide in
            wide.add(.table, [.class("cells"), .id(FieldEntry.id(self.field.key)), .tabindex(-1)]) { content in
                content.add(.thead) { head in
                    head.add(.tr) { row in for column in table.columns { row.add(.th, [.scope(.col)], Self.heading(column, language)) } }
                }
                content.add(.tbody, [.data(.rows, PageWords.addRow.text(language))]) { body in
                    let spare = Array(repeating: Array(repeating: "", count: table.columns.count), count: self.spareRows)
                    for (number, cells) in (self.rows + spare).enumerated() { self.row(&body, number, cells, table, language) }
                }
            }
        }
        right.add(.p, [.class("soft")], PageWords.emptyRows.text(language))
    }

    /// What was typed has its own empty rows already.
    private var spareRows: Int {
        let empty = self.rows.suffix(Self.spareRows).count { $0.allSatisfy(\.isEmpty) }
        return max(0, Self.spareRows - empty)
    }

    private static func heading(_ column: Table.Column, _ language: Language) -> String {
        let label = column.label.text(language)
        guard column.isOptional else { return label }
        return language == .japanese ? "\(label)（\(PageWords.optional.japanese)）" : "\(label) (\(PageWords.optional.english))"
    }

    private func row(_ body: inout HTML, _ number: Int, _ cells: [String], _ table: Table, _ language: Language) {
        body.add(.tr, [.data(.row, "\(number)")]) { row in
            for (cell, column) in zip(cells, table.columns) {
                row.add(.td) { td in
                    var attributes: [Attribute] = [
                        .type(.text), .name("\(self.field.key).\(number).\(column.key)"),
                        .id("\(FieldEntry.id(self.field.key))-\(number)-\(column.key)"),
                        .value(cell), .aria(.label, "\(column.label.text(language)), \(PageWords.row(number + 1).text(language))"),
                    ]
                    if self.problem != nil, self.wrongRow == number { attributes.append(.aria(.invalid, "true")) }
                    if case .off = self.access { attributes.append(.disabled) }
                    td.add(.input, attributes)
                }
            }
        }
    }

    private func bracketArea(_ right: inout HTML, _ language: Language) {
        let text: String =
            if case .texts(let texts) = self.typed {
                texts.joined(separator: "\n")
            } else {
                self.field.written(self.field.effective(self.value)).joined(separator: "\n")
            }
        var attributes: [Attribute] = [.rows(12), .id(FieldEntry.id(self.field.key)), .name(self.field.key.text)]
        if self.problem != nil { attributes.append(.aria(.invalid, "true")) }
        if case .off = self.access { attributes.append(.disabled) }
        right.add(.textarea, attributes) { $0.text("\n" + text) }
    }
}
