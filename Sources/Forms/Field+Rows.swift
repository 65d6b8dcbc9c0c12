package import Vocabulary

/// A problem of one row of a table, counted from 0 as the rows came.
package struct RowProblem: Error, Sendable, Hashable {
    package let row: Int?
    package let problem: FieldProblem
}

// Rows whose cells come apart, as a web form has them.
extension Field {
    /// The value of rows of cells in the order of the table's columns. Rows without any text vanish. What could not be written in brackets
    /// and read back the same (a blank within a cell where blanks separate) is refused, because exports must be complete.
    package func parse(rows typed: [[String]]) throws(RowProblem) -> FieldValue {
        guard case .table(let table) = self.type else { throw RowProblem(row: nil, problem: self.problem(.oneValue)) }
        var rows: [[String]] = []
        var seen: Set<[String]> = []
        for (number, cells) in typed.enumerated() {
            let trimmed = cells.map(Self.trimmed)
            guard trimmed.contains(where: { !$0.isEmpty }) else { continue }
            do throws(FieldProblem) {
                let row = try self.parse(cells: trimmed, table)
                guard seen.insert(row).inserted else { throw self.problem(.twice(trimmed.joined(separator: String(table.separator)))) }
                rows.append(row)
                guard rows.count <= table.maximumRows else { throw self.problem(.tooMany(table.maximumRows)) }
            } catch {
                throw RowProblem(row: number, problem: error)
            }
        }
        if rows.isEmpty, self.checks.contains(.required) { throw RowProblem(row: nil, problem: self.problem(.missing)) }
        return rows.isEmpty ? .none : .rows(rows)
    }

    /// Cells as people write them: `50 MiB`, `5 min`.
    package func shownCells(_ row: [String]) -> [String] {
        guard case .table(let table) = self.type else { return row }
        return zip(row, table.columns).map { cell, column in
            switch column.kind {
            case .bytes: Int64(cell).map(Notation.bytes) ?? cell
            case .duration: Int64(cell).map(Notation.duration) ?? cell
            default: cell
            }
        }
    }

    /// A problem's sentence without the label in front: for where the label stands beside it.
    package func bare(_ message: Localized) -> Localized {
        Localized(
            Self.without("\(self.label.english) (\(self.key)): ", message.english),
            Self.without("\(self.label.japanese) (\(self.key)): ", message.japanese))
    }

    private static func without(_ label: String, _ text: String) -> String {
        guard text.hasPrefix(label) else { return text }
        let rest = text.dropFirst(label.count)
        return rest.prefix(1).uppercased() + rest.dropFirst()
    }
}
