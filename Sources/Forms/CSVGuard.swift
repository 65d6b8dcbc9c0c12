/// A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a CR for a formula and computes it, whoever wrote it: a name that
/// somebody gave himself would run on the postmaster's desk. Such a cell is written with an apostrophe before it, which spreadsheets take for
/// "this is text", and is read back without.
package enum CSVGuard {
    private static let apostrophe = UInt8(ascii: "'")

    /// Every text comes back from `unguarded` as it was, whatever apostrophes it had.
    package static func guarded(_ cell: String) -> String { self.isFormula(cell) ? "'" + cell : cell }

    package static func unguarded(_ cell: String) -> String {
        cell.utf8.first == self.apostrophe && self.isFormula(cell) ? String(Substring(cell.utf8.dropFirst())) : cell
    }

    /// A formula behind any number of apostrophes.
    private static func isFormula(_ cell: String) -> Bool {
        switch cell.utf8.first(where: { $0 != self.apostrophe }) {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"), 0x09, 0x0D: true
        default: false
        }
    }
}
