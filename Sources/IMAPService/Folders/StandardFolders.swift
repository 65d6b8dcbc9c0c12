internal import MessageStore
internal import Synchronization
internal import Vocabulary

/// The mailboxes that mail programs look for: made once, at an account's first IMAP login. Their names are English, as in other servers, so
/// that a program that knows no special uses finds them too; who knows them shows a name of its own, and who asks for it gets a Japanese one.
final class StandardFolders: Sendable {
    struct Folder: Sendable {
        let name: String
        let use: StoredUse
        let japanese: String
    }

    static let all = [
        Folder(name: "Drafts", use: .drafts, japanese: "下書き"), Folder(name: "Sent", use: .sent, japanese: "送信済み"),
        Folder(name: "Junk", use: .junk, japanese: "迷惑メール"), Folder(name: "Trash", use: .trash, japanese: "ごみ箱"),
        Folder(name: "Archive", use: .archive, japanese: "アーカイブ"),
    ]

    /// An annotation of the account says that it had them: who has removed one does not get it back.
    private static let mark = "/private/vendor/post.office/standard-folders"
    private static let mostKnown = 100_000

    /// Accounts that need not be looked at again.
    private let known = Mutex<Set<AccountID>>([])

    func isKnown(_ account: AccountID) -> Bool { self.known.withLock { $0.contains(account) } }

    /// Makes what is missing of an account that never had them. Waits for the disk.
    func make(for account: AccountID, _ reads: StoreReads) throws(StoreError) {
        let annotations = try reads.metadata(of: nil, account: account)
        if !annotations.contains(where: { $0.name == Self.mark }) {
            // Names that are taken (by an import, or by another session just now) stay as they are.
            let taken = Set(try reads.mailboxes(of: account).map(\.name))
            try self.subscribe(FolderName.inbox, account, reads)
            for folder in Self.all where !taken.contains(folder.name) {
                do throws(StoreError) {
                    _ = try reads.wait {
                        reads.store.createMailbox(folder.name, of: account, specialUse: folder.use, completion: $0)
                    }
                } catch {
                    guard case .mailboxExists = error else { throw error }
                }
                try self.subscribe(folder.name, account, reads)
            }
            try reads.wait { reads.store.setMetadata([(Self.mark, [UInt8(ascii: "1")])], of: nil, account: account, completion: $0) }
        }
        self.known.withLock { known in
            if known.count >= Self.mostKnown { known.removeAll() }
            known.insert(account)
        }
    }

    private func subscribe(_ name: String, _ account: AccountID, _ reads: StoreReads) throws(StoreError) {
        try reads.wait { reads.store.setSubscribed(name, true, of: account, completion: $0) }
    }

    // MARK: Names to show

    /// Annotations that nobody wrote: what such a mailbox is called in either language.
    static func names(of facts: MailboxFacts) -> [StoredEntry] {
        guard let folder = self.all.first(where: { facts.specialUse.contains($0.use) }) else { return [] }
        return [
            StoredEntry(name: "/shared/vendor/post.office/display-name/en", value: Array(folder.name.utf8)),
            StoredEntry(name: "/shared/vendor/post.office/display-name/ja", value: Array(folder.japanese.utf8)),
        ]
    }

    /// What the server itself says, and clients may not write.
    static let prefix = "/shared/vendor/post.office/"
}
