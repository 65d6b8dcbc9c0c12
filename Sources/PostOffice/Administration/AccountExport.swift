import Directory
import Forms
import Vocabulary

/// `account export`: all accounts as CSV that `account import` takes back. Passwords stay here: what is kept of them is of no use
/// elsewhere, and a file of them would be.
enum AccountExport {
    static func perform(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let columns = try self.columns(context.directory)
        if request.option("format") == "yaml" {
            try self.eachAccount(context.directory) { account in
                let fields = columns.compactMap { field in account.values[field.key].map { (self.name(field), field.written($0)) } }
                output.part(AccountYAML.text(fields))
            }
            return .done
        }
        output.part(self.line(columns.map(self.name)))
        try self.eachAccount(context.directory) { account in
            output.part(self.line(columns.map { self.cell($0, account) }))
        }
        return .done
    }

    /// Addresses, name, and each field that at least one account sets.
    private static func columns(_ directory: Directory) throws -> [Field] {
        var used: Set<FieldKey> = []
        try self.eachAccount(directory) { used.formUnion($0.values.keys) }
        let first = [AccountField.addresses, AccountField.realName]
        return first
            + FieldTable.account.filter { field in
                used.contains(field.key) && !field.isSecret && field.editors != .system && !first.contains { $0.key == field.key }
            }
    }

    /// All but the Postmaster, whose addresses are the server's own.
    private static func eachAccount(_ directory: Directory, _ body: (AccountDetails) throws -> Void) throws {
        let postmaster = directory.find("postmaster")
        var after = AccountID(rawValue: 0)
        while case let page = try directory.page(after: after), let last = page.last {
            for account in page where account.id != postmaster { try body(account) }
            after = last.id
        }
    }

    private static func name(_ field: Field) -> String {
        switch field.key {
        case AccountField.addresses.key: "address"
        case AccountField.realName.key: "name"
        default: field.key.text
        }
    }

    private static func cell(_ field: Field, _ account: AccountDetails) -> String {
        guard let value = account.values[field.key] else { return "" }
        let texts = field.written(value)
        return CSVGuard.guarded(texts.joined(separator: field.key == AccountField.addresses.key ? ";" : "\n"))
    }

    /// Cells that hold a comma, a quote, a line end or blanks at an end are put in quotes. [RFC4180-2]
    private static func line(_ cells: [String]) -> String {
        cells.map { cell in
            let isPlain =
                cell.utf8.first != 0x20 && cell.utf8.last != 0x20
                && !cell.utf8.contains { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }
            // Octet by octet: as a Character a quote would vanish into a mark that follows it.
            let doubled = cell.utf8.flatMap { $0 == 0x22 ? [0x22, 0x22] : [$0] }
            return isPlain ? cell : "\"" + String(decoding: doubled, as: UTF8.self) + "\""
        }
        .joined(separator: ",") + "\n"
    }
}
