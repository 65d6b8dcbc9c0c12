package import Directory
package import MessageStore
import SearchIndex
package import Vocabulary

/// The second half of deleting an account: its mail. Done after the directory's half, and at the start for what a crash left.
package enum AccountRemoval {
    /// Blocks until the store has taken it over for good.
    package static func finish(_ id: AccountID, _ directory: Directory, _ store: MessageStore) throws {
        let _: Void = try StoreWait.value { store.removeAccount(id, completion: $0) }
        SearchIndexes.removeFiles(of: id, in: store.location.search)
        try directory.removalFinished(id)
    }

    /// Goes on where a crash stopped it. Answers the accounts that were finished.
    package static func finishAll(_ directory: Directory, _ store: MessageStore) throws -> [AccountID] {
        let left = try directory.unfinishedRemovals()
        for id in left { try self.finish(id, directory, store) }
        return left
    }

    /// What does not fit together between directory and store. Nothing of it is ever removed without the directory's note: an older
    /// directory beside a newer store must not cost anybody's mail.
    package static func problems(_ directory: Directory, _ store: MessageStore) throws -> [CheckReport.Problem] {
        let unfinished = try Set(directory.unfinishedRemovals())
        var problems = unfinished.sorted { $0.rawValue < $1.rawValue }.map {
            CheckReport.Problem("unfinished-removal", "account \($0) is deleted, its mail goes at the next start or by `postoffice repair`")
        }
        for id in try store.accounts() where !directory.exists(id) && !unfinished.contains(id) {
            problems.append(
                CheckReport.Problem("mailbox-without-account", "the store has mail of account \(id), the directory has none such"))
        }
        return problems
    }
}
