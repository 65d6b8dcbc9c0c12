/// What a field holds, already checked and in its one canonical spelling.
package enum FieldValue: Hashable, Sendable {
    /// Nothing was said: the default holds, or for an account field the domain's or system's value.
    case none
    case text(String)
    case integer(Int64)
    case flag(Bool)
    case list([String])
    /// Cells in the order of the table's columns.
    case rows([[String]])

    package var isNone: Bool { self == .none }

    /// Text, or a choice's name; nil for other kinds.
    package var text: String? { if case .text(let text) = self { text } else { nil } }
    package var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
    package var flag: Bool? { if case .flag(let flag) = self { flag } else { nil } }
    package var list: [String] { if case .list(let list) = self { list } else { [] } }
    package var rows: [[String]] { if case .rows(let rows) = self { rows } else { [] } }
}
