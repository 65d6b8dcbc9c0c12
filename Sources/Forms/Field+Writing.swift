package import Vocabulary

// A value as text: for the database, for exports that can be read back, and for people.
extension Field {
    /// Canonical text for the database; nil for `.none`.
    package func stored(_ value: FieldValue) -> String? {
        switch value {
        case .none: nil
        case .text(let text): text
        case .integer(let number): "\(number)"
        case .flag(let flag): flag ? "yes" : "no"
        case .list(let entries): entries.joined(separator: "\n")
        case .rows(let rows): rows.map { $0.joined(separator: "\t") }.joined(separator: "\n")
        }
    }

    /// Reads `stored`. Text that does not fit the type any more (damage, or an older range) gives `.none`: the default then holds.
    package func value(stored text: String?) -> FieldValue {
        guard let text else { return .none }
        switch self.type {
        case .integer, .bytes, .duration: return Int64(text).map(FieldValue.integer) ?? .none
        case .flag: return text == "yes" ? .flag(true) : text == "no" ? .flag(false) : .none
        case .addresses, .domains, .accessList, .networks, .domainPatterns, .mailPatterns, .servers, .words:
            return text.isEmpty ? .none : .list(text.split(separator: "\n").map(String.init))
        case .table(let table):
            let rows = text.split(separator: "\n").map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
            return rows.isEmpty ? .none : .rows(rows.filter { $0.count == table.columns.count })
        case .text, .paragraph, .choice, .date, .address, .loginName, .domain, .url, .telephone, .picture: return .text(text)
        case .password: return .none
        }
    }

    /// One text an entry, each of which `parse` takes back to the same value: for exports, e-mail forms and commands.
    package func written(_ value: FieldValue) -> [String] {
        switch (value, self.type) {
        case (.none, _): return []
        case (.integer(let number), .bytes): return [Notation.bytes(number)]
        case (.integer(let number), .duration): return [Notation.duration(number)]
        case (.rows(let rows), .table(let table)): return rows.map { self.written(row: $0, table) }
        case (.list(let entries), _): return entries.map(Self.writtenEntry)
        default: return self.stored(value).map { [$0] } ?? []
        }
    }

    /// An address whose local part holds what separates entries (`、`, a wide blank at its end) stands in quotes: else another would be read.
    private static func writtenEntry(_ entry: String) -> String {
        guard self.entries(entry, ", ") != [entry], let at = entry.lastIndex(of: "@") else { return entry }
        return "\"\(entry[..<at])\"\(entry[at...])"
    }

    private func written(row: [String], _ table: Table) -> String {
        var cells: [String] = []
        for (cell, column) in zip(row, table.columns) where !(cell.isEmpty && column.isOptional) {
            switch column.kind {
            case .bytes: cells.append(Int64(cell).map(Notation.bytes) ?? cell)
            case .duration: cells.append(Int64(cell).map(Notation.duration) ?? cell)
            case .address: cells.append("<\(Self.writtenEntry(cell))>")
            default: cells.append(cell)
            }
        }
        return "[" + cells.joined(separator: String(table.separator)) + "]"
    }

    /// What `value` says in effect: itself, or the default where it says nothing.
    package func effective(_ value: FieldValue) -> FieldValue { value.isNone ? self.defaultValue : value }

    /// For people: choices and flags in their language, several entries joined.
    package func shown(_ value: FieldValue, _ language: Language) -> String {
        switch (value, self.type) {
        case (.none, _): return ""
        case (.flag(let flag), _): return Self.yesNo(flag).text(language)
        case (.text(let name), .choice(let choices)): return choices.first { $0.name == name }?.label.text(language) ?? name
        case (.list(let names), .words(let choices)):
            return names.map { name in choices.first { $0.name == name }?.label.text(language) ?? name }.joined(separator: ", ")
        case (.text(let picture), .picture): return Notation.bytes(Int64(picture.utf8.count / 4 * 3))
        default: return self.written(value).joined(separator: ", ")
        }
    }

    private static func yesNo(_ flag: Bool) -> Localized { flag ? Localized("yes", "はい") : Localized("no", "いいえ") }

    /// True when the value is entries whose order means nothing, so that single ones can be added and removed.
    package var isSet: Bool {
        switch self.type {
        case .domains, .accessList, .networks, .domainPatterns, .mailPatterns, .words: true
        default: false
        }
    }
}
