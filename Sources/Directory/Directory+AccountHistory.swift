internal import Database
package import Vocabulary

/// One change of an account, as the history keeps it.
package struct AccountRevision: Sendable {
    package let id: Int64
    /// Seconds since 1970.
    package let time: Int64
    package let actor: Actor
    package let note: String
    package let changes: [Change]

    package struct Change: Sendable {
        /// Key of a field, or `account` where the account itself came (only `new`) or went (only `old`).
        package let field: String
        /// Canonical texts, cut after 400 characters; nil for nothing and for what is secret.
        package let old: String?
        package let new: String?
    }
}

extension Directory {
    /// What was changed about an account, newest first, also after its deletion. At most `limit`. Blocks.
    package func history(of account: AccountID, limit: Int = 50) throws(DirectoryError) -> [AccountRevision] {
        let number = Value.int(account.rawValue)
        return try self.reading { connection throws(DatabaseError) in
            let heads = try connection.rows(DirectorySchema.revisions, .int(.max), number, .int(limit)) { row in
                (row.int(0), row.int(1), Actor(name: row.text(2), interface: row.text(3), origin: row.text(5)), row.text(4))
            }
            var out: [AccountRevision] = []
            for (id, time, actor, note) in heads {
                let changes = try connection.rows(DirectorySchema.changes, .int(id), number) { row in
                    AccountRevision.Change(field: row.text(0), old: row.optionalText(1), new: row.optionalText(2))
                }
                out.append(AccountRevision(id: id, time: time, actor: actor, note: note, changes: changes))
            }
            return out
        }
    }

    /// The account that had this primary address when it was deleted, the last of them: its history can still be told.
    package func deletedAccount(_ primary: String) throws(DirectoryError) -> AccountID? {
        try self.reading { connection throws(DatabaseError) in
            try connection.row(DirectorySchema.deletedAccount, .text(primary)) { AccountID(rawValue: $0.int(0)) }
        }
    }
}
