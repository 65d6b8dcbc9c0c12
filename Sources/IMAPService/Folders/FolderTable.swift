internal import IMAPWire
internal import MessageStore
internal import Vocabulary

/// All names that one user sees: his mailboxes, those that others share with him, his subscriptions, and the levels above them.
struct FolderTable: Sendable {
    struct Entry: Sendable {
        /// As the session names it.
        var name: String
        /// nil for a name that is only a level above others, or a subscription to what is not there.
        var found: FoundMailbox?
        var isSubscribed = false
    }

    /// In the order of their names' bytes, INBOX first.
    private(set) var entries: [Entry]
    /// Names with mailboxes below them.
    private var parents: Set<String> = []
    /// Names with subscriptions, and with special uses, below them.
    private(set) var parentsOfSubscribed: Set<String> = []
    private(set) var parentsOfUses: Set<String> = []

    /// - Parameter sharing: false leaves out what others share, where no pattern can match it.
    init(_ finder: MailboxFinder, sharing: Bool = true) throws(StoreError) {
        var byName: [String: Entry] = [:]
        for facts in try finder.reads.mailboxes(of: finder.identity.account) {
            let name = FolderName(owner: nil, name: facts.name)
            byName[facts.name] = Entry(name: facts.name, found: FoundMailbox(facts: facts, rights: .all, name: name))
        }
        if sharing { try Self.addShared(finder, &byName) }
        for name in try finder.reads.subscriptions(of: finder.identity.account) {
            byName[name, default: Entry(name: name)].isSubscribed = true
        }
        for entry in byName.values {
            guard entry.found != nil || entry.isSubscribed else { continue }
            for parent in FolderName(owner: nil, name: entry.name).parents {
                if entry.found != nil { self.parents.insert(parent) }
                if entry.isSubscribed { self.parentsOfSubscribed.insert(parent) }
                if entry.found?.facts.specialUse.isEmpty == false { self.parentsOfUses.insert(parent) }
            }
        }
        for parent in self.parents.union(self.parentsOfSubscribed) where byName[parent] == nil { byName[parent] = Entry(name: parent) }
        self.entries = byName.values.sorted { ($0.name == FolderName.inbox ? "" : $0.name) < ($1.name == FolderName.inbox ? "" : $1.name) }
    }

    private static func addShared(_ finder: MailboxFinder, _ byName: inout [String: Entry]) throws(StoreError) {
        for facts in try finder.reads.sharedWith(finder.identifiers) where facts.account != finder.identity.account {
            let rights = try finder.rights(on: facts.id, of: facts.account)
            guard rights.contains(.lookup), let owner = finder.environment.loginName(facts.account) else { continue }
            let name = FolderName(owner: owner, name: facts.name)
            byName[name.clientName] = Entry(name: name.clientName, found: FoundMailbox(facts: facts, rights: rights, name: name))
        }
    }

    /// Names with subscriptions below them that no pattern matches: of these a client would not hear otherwise.
    func parentsOfUnmatched(_ patterns: [ListPattern]) -> Set<String> {
        var out: Set<String> = []
        for entry in self.entries where entry.isSubscribed && !patterns.contains(where: { $0.matches(entry.name) }) {
            out.formUnion(FolderName(owner: nil, name: entry.name).parents)
        }
        return out
    }

    func hasChildren(_ name: String) -> Bool { self.parents.contains(name) }
}
