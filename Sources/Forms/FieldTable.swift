internal import Bytes

/// All fields, in the order of the forms, and by name.
package enum FieldTable {
    /// Fields of an account.
    package static let account: [Field] = AccountField.all + DeliveryField.all + AccountSecurityField.all + DirectoryField.all
    /// Settings of the server.
    package static let configuration: [Field] =
        RoutingField.all + NextHopField.all + RelayField.all + BlockField.all + FilterField.all + TransportField.all + QueueField.all
        + ErrorField.all
        + SecurityField.all + ReplyTextField.all + MessageTextField.all + FingerField.all + ProgramField.all
        + LimitField.all + LogField.all

    private static let accountByName = index(account)
    private static let configurationByName = index(configuration)

    /// By key or e-mail name, any case, `_` for `-` too.
    package static func account(named name: String) -> Field? { self.accountByName[self.plain(name)] }
    package static func configuration(named name: String) -> Field? { self.configurationByName[self.plain(name)] }

    /// Names that are near, for the message that one is unknown: at most three, nearest first.
    package static func near(_ name: String, in fields: [Field]) -> [FieldKey] {
        let wanted = Array(self.plain(name).utf8.prefix(60))
        let scored = fields.map { field in
            let key = Array(field.key.text.utf8)
            // The beginning of a name is near it too.
            return (field.key, min(self.distance(wanted, key), self.distance(wanted, Array(key.prefix(wanted.count))) + 1))
        }.filter { $0.1 <= max(2, wanted.count / 3) }
        return scored.sorted { $0.1 < $1.1 }.prefix(3).map(\.0)
    }

    private static func plain(_ name: String) -> String { String(name.asciiLowercased.map { $0 == "_" || $0 == " " ? "-" : $0 }) }

    private static func index(_ fields: [Field]) -> [String: Field] {
        var table: [String: Field] = [:]
        for field in fields {
            table[field.mailName.asciiLowercased] = field
            table[field.key.text] = field
        }
        return table
    }

    /// Letters to insert, remove or replace.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let above = row[j + 1]
                row[j + 1] = x == y ? diagonal : min(diagonal, above, row[j]) + 1
                diagonal = above
            }
        }
        return row[b.count]
    }
}
