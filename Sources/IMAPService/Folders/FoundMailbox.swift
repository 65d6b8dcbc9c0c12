internal import IMAPWire
internal import MessageStore
internal import SASL
internal import Vocabulary

/// A mailbox that a command named, and what its user may do there.
struct FoundMailbox: Sendable {
    var facts: MailboxFacts
    var rights: Rights
    /// As the session names it.
    var name: FolderName

    var id: MailboxID { self.facts.id }
}

/// Finds mailboxes by the names that one user says, and only those of which that user may know. [RFC4314-4]
struct MailboxFinder: Sendable {
    let identity: Identity
    let environment: IMAPService.Environment
    let reads: StoreReads

    /// Identifiers that mean this user, as they are stored.
    var identifiers: [String] { [ACLIdentifier(self.identity.account).stored, ACLIdentifier.anyone] }

    /// nil where there is none, or none that this user may know of.
    func find(_ text: String) throws(StoreError) -> FoundMailbox? {
        guard let name = FolderName(client: text), let owner = self.owner(of: name) else { return nil }
        guard let facts = try self.reads.find(name.name, of: owner) else { return nil }
        if owner == self.identity.account { return FoundMailbox(facts: facts, rights: .all, name: name) }
        let rights = try self.rights(on: facts.id, of: owner)
        return rights.contains(.lookup) || !rights.isEmpty ? FoundMailbox(facts: facts, rights: rights, name: name) : nil
    }

    func owner(of name: FolderName) -> AccountID? {
        guard let owner = name.owner else { return self.identity.account }
        return self.environment.account(owner)
    }

    /// The owner may always do everything. [RFC4314-2]
    func rights(on mailbox: MailboxID, of owner: AccountID) throws(StoreError) -> Rights {
        if owner == self.identity.account { return .all }
        return Rights.effective(try self.reads.rights(of: mailbox).map { ($0.identifier, $0.rights) }, for: self.identifiers)
    }
}

extension IMAPBackend {
    func finder() throws(IMAPRefusal) -> MailboxFinder {
        MailboxFinder(identity: try self.identity(), environment: self.environment, reads: self.reads)
    }

    /// The mailbox of that name where the user has all these rights. Without the right to look it up it does not exist. [RFC4314-6]
    func find(_ name: String, needing rights: Rights, orElse absent: IMAPRefusal = .noSuchMailbox) throws(IMAPRefusal) -> FoundMailbox {
        let finder = try self.finder()
        guard let found = try self.reading({ () throws(StoreError) in try finder.find(name) }) else { throw absent }
        guard found.rights.isSuperset(of: rights) else { throw found.rights.contains(.lookup) ? .notPermitted : absent }
        return found
    }
}
