internal import Database
package import Forms
internal import Vocabulary

// The default account: what a new account gets where nothing else is said, whichever way it is made. Kept as values of an account that there
// cannot be.
extension Directory {
    private static let templateID: Int64 = -1

    /// Fields that belong to one person or are given in another way. Type and state are among them: not everybody new may administer, and
    /// new accounts begin as active.
    package static let fieldsOfOneAccount: Set<FieldKey> = [
        AccountField.addresses.key, AccountField.realName.key, AccountField.password.key, AccountField.postmasterPrivilege.key,
        AccountField.type.key, AccountField.state.key, AccountField.osUser.key, DeliveryField.loginName.key, DeliveryField.mailboxSize.key,
        DeliveryField.maildropUser.key,
    ]

    static func template(_ connection: Connection) throws(DatabaseError) -> [FieldKey: FieldValue] {
        var values: [FieldKey: FieldValue] = [:]
        for (name, text) in try connection.rows(DirectorySchema.values, .int(Self.templateID), read: { ($0.text(0), $0.text(1)) }) {
            if let field = FieldTable.account(named: name) { values[field.key] = field.value(stored: text) }
        }
        return values
    }

    /// Of the default account, without defaults of the fields themselves.
    package func defaultAccount() throws(DirectoryError) -> [FieldKey: FieldValue] {
        try self.reading { connection throws(DatabaseError) in try Self.template(connection) }
    }

    /// Changes the default account; `.none` clears a field. Accounts that are there stay as they are.
    package func changeDefaultAccount(_ input: AccountInput, by actor: Actor) throws(DirectoryError) {
        let own = input.values.keys.filter { Self.fieldsOfOneAccount.contains($0) }.compactMap { FieldTable.account(named: $0.text) }
        guard own.isEmpty else {
            throw DirectoryError(own.map { $0.problem(Localized("belongs to one account, not to all new ones", "新規アカウントの共通の値にはできません")) })
        }
        try self.change { connection, snapshot, _ in
            try self.writer(connection, snapshot, actor, "default account").checkKey(actor, input.values)
            let revision = connection.lastInsertID
            let before = try Self.template(connection)
            for (key, value) in input.values where value != before[key] ?? .none {
                guard let field = FieldTable.account(named: key.text) else { continue }
                if let text = field.stored(value) {
                    try connection.run(DirectorySchema.setValue, .int(Self.templateID), .text(key.text), .text(text))
                } else {
                    try connection.run(DirectorySchema.deleteValue, .int(Self.templateID), .text(key.text))
                }
                try connection.run(
                    DirectorySchema.insertChange, .int(revision), .int(Self.templateID), .text(key.text),
                    .text(field.stored(before[key] ?? .none)), .text(field.stored(value)))
            }
        }
    }
}
