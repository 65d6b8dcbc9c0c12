internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import Vocabulary

// RENAME. [RFC9051-6.3.6]
extension IMAPBackend {
    /// What a RENAME takes with it and where it goes.
    private struct Move {
        var source: FolderName
        var target: FolderName
        var owner: AccountID
        /// All mailboxes of the owner.
        var all: [MailboxFacts]
        /// The mailbox and those below it; of INBOX, whose messages alone go, none.
        var family: [MailboxFacts]
    }

    func rename(_ from: String, _ to: String, _ answer: Answer) {
        self.startOnWorker(answer) { () throws(IMAPRefusal) in
            let move = try self.move(from, to)
            try self.checkRights(move)
            try self.checkNames(move)
            let made = move.family.isEmpty ? 1 : 0
            try self.checkRoom(for: Self.missingParents(of: move.target, move.all) + made, beside: move.all.count)
            try self.createParents(of: move.target, move.owner)
            self.expectNotice(move.target.name)
            self.environment.store.renameMailbox(move.source.name, to: move.target.name, of: move.owner) { result in
                switch result {
                case .success: answer(.account(ByteBuffer()))
                case .failure(.mailboxExists) where move.target.owner != nil: answer(.refused(.notPermitted))
                case .failure(let error): answer(.refused(self.refusal(error)))
                }
            }
        }
    }

    private static func missingParents(of name: FolderName, _ all: [MailboxFacts]) -> Int {
        let there = Set(all.lazy.map(\.name))
        return name.parents.count { !there.contains($0) }
    }

    private func move(_ from: String, _ to: String) throws(IMAPRefusal) -> Move {
        guard let target = FolderName(client: to), target.isUsable else { throw .badName }
        guard target.name != FolderName.inbox else { throw .mailboxExists }
        guard let source = FolderName(client: from), source.owner == target.owner else { throw .badName }
        guard !target.name.hasPrefix(source.name + "/") else { throw .badName }
        let owner: AccountID
        if source.owner == nil {
            owner = try self.identity().account
        } else {
            owner = try self.find(from, needing: .deleteMailbox).facts.account
        }
        let all = try self.reading { () throws(StoreError) in try self.reads.mailboxes(of: owner) }
        guard source.name != FolderName.inbox else { return Move(source: source, target: target, owner: owner, all: all, family: []) }
        // A name that is only a level above others can be renamed with them.
        let family = all.filter { $0.name == source.name || $0.name.hasPrefix(source.name + "/") }
        guard !family.isEmpty else { throw .noSuchMailbox }
        return Move(source: source, target: target, owner: owner, all: all, family: family)
    }

    /// In somebody else's mailboxes: `x` on each that gets another name, for a name that its user gave it is his; `k` where they go. INBOX keeps
    /// its name and loses its messages, which takes what MOVE of all of them takes. [RFC4314-4] [docs/decisions: 0022]
    private func checkRights(_ move: Move) throws(IMAPRefusal) {
        _ = try self.mayCreate(move.target)
        guard move.source.owner != nil else { return }
        let finder = try self.finder()
        if move.family.isEmpty {
            _ = try self.find(move.source.clientName, needing: [.deleteMailbox, .read, .deleteMessages, .expunge])
        }
        for facts in move.family {
            let rights = try self.reading { () throws(StoreError) in try finder.rights(on: facts.id, of: move.owner) }
            guard rights.isSuperset(of: [.lookup, .deleteMailbox]) else { throw .notPermitted }
        }
    }

    /// Before anything is made for them: every new name can be had, and none is taken.
    private func checkNames(_ move: Move) throws(IMAPRefusal) {
        let going = Set(move.family.lazy.map(\.name))
        let staying = Set(move.all.lazy.map(\.name).filter { !going.contains($0) })
        let length = move.source.name.utf8.count
        let names: [String?] =
            move.family.isEmpty
            ? [move.target.name] : move.family.map { facts in String(facts.name.utf8.dropFirst(length)).map { move.target.name + $0 } }
        for name in names {
            guard let name else { throw .badName }
            let target = FolderName(owner: move.target.owner, name: name)
            guard target.isUsable else { throw .badName }
            guard !staying.contains(name) else { throw try self.taken(target) }
        }
    }
}
