internal import Database
package import Vocabulary

extension Directory {
    /// New ones in place of those of before; nothing where there is no second factor. The history tells that it was done, not what they are.
    /// - Parameter codes: as MACs.
    package func renewRecoveryCodes(_ codes: [String], of account: AccountID, by actor: Actor) throws(DirectoryError) {
        do throws(DatabaseError) {
            try self.database.write { connection throws(DatabaseError) in
                try connection.run(
                    DirectorySchema.setRecoveryCodes, .int(account.rawValue), .text(codes.joined(separator: " ")))
                guard connection.changes > 0 else { return }
                let revision = try self.revision(connection, actor, "")
                try connection.run(
                    DirectorySchema.insertChange, .int(revision), .int(account.rawValue), .text("recovery-codes"), .null, .null)
            }
        } catch {
            throw DirectoryError(error)
        }
    }
}
