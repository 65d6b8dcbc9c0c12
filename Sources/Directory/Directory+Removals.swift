internal import Database
package import Vocabulary

// Deleting an account takes two files: first it goes from the directory, with a note that its mail is still to go, then the mail, then the
// note. A crash in between leaves the note, and the next start goes on from there. All calls block.
extension Directory {
    /// Accounts that were deleted here and whose mail may still be in the store.
    package func unfinishedRemovals() throws(DirectoryError) -> [AccountID] {
        try self.reading { connection throws(DatabaseError) in
            try connection.rows(DirectorySchema.removals) { AccountID(rawValue: $0.int(0)) }
        }
    }

    /// The store has taken over the removal of the account's mail.
    package func removalFinished(_ id: AccountID) throws(DirectoryError) {
        try self.change { connection, _, _ in try connection.run(DirectorySchema.deleteRemoval, .int(id.rawValue)) }
    }

    /// True when the account is here, whatever its state.
    package func exists(_ id: AccountID) -> Bool { self.snapshot.recipient(id) != nil }
}
