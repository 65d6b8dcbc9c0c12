internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import Vocabulary

// Commands about names.
extension IMAPBackend {
    func account(_ request: AccountRequest, _ mode: WireMode, _ answer: Answer) {
        switch request {
        case .create(let name, let uses): self.create(name, uses, answer)
        case .delete(let name): self.delete(name, answer)
        case .rename(let from, let to): self.rename(from, to, answer)
        case .subscribe(let name, let isSubscribed): self.subscribe(name, isSubscribed, answer)
        case .list(let request): self.list(request, mode, answer)
        case .status(let name, let items): self.status(name, items, mode, answer)
        case .namespace:
            var out = ByteBuffer()
            out.writeNamespaceLine(personal: [""], others: [FolderName.othersPrefix], shared: [], mode: mode)
            answer(.account(out))
        case .quota(let root): self.quota(root: root, mode, answer)
        case .quotaRoot(let name): self.quotaRoot(name, mode, answer)
        case .setQuota: answer(.refused(.notPermitted))  // the postmaster sets them, on the account's form
        case .getACL(let name): self.getACL(name, mode, answer)
        case .setACL(let name, let identifier, let change): self.setACL(name, identifier, change, answer)
        case .deleteACL(let name, let identifier): self.setACL(name, identifier, nil, answer)
        case .listRights(let name, let identifier): self.listRights(name, identifier, mode, answer)
        case .myRights(let name): self.myRights(name, mode, answer)
        case .getMetadata(let request): self.getMetadata(request, mode, answer)
        case .setMetadata(let name, let entries): self.setMetadata(name, entries, answer)
        case .makeURLs(let wanted): self.makeURLs(wanted, answer)
        case .fetchURLs(let urls): self.fetchURLs(urls, answer)
        case .resetKey(let mailbox, let mechanisms): self.resetKey(mailbox, mechanisms, answer)
        }
    }

    private func list(_ request: ListRequest, _ mode: WireMode, _ answer: Answer) {
        if request.asksForSeparator {
            var out = ByteBuffer()
            out.writeSeparatorLine(isLSUB: request.isLSUB)
            return answer(.account(out))
        }
        self.startOnWorker(answer) { () throws(IMAPRefusal) in self.begin(try ListWork(request, mode, self), answer) }
    }

    // MARK: STATUS

    private func status(_ name: String, _ items: StatusItems, _ mode: WireMode, _ answer: Answer) {
        // What has arrived counts; at once, on this thread, when nothing waits to be filed.
        self.environment.store.afterFiling {
            if let found = self.knownOwn(name, items) { return answer(.account(self.statusLine(found, StatusValues(), items, mode))) }
            self.onWorker(answer) { () throws(IMAPRefusal) in
                let stamp = self.mailboxes.counters.stamp
                let found = try self.find(name, needing: .read)
                self.mailboxes.counters.keep(found.facts, stamp)
                var out = ByteBuffer()
                try self.writeStatus(found, items, mode, &out)
                return .account(out)
            }
        }
    }

    /// A mailbox of the user's own of which everything that is asked for is known: nobody has to wait for the disk, nor change threads. Of
    /// others' mailboxes the rights must be read.
    private func knownOwn(_ text: String, _ items: StatusItems) -> FoundMailbox? {
        guard let account = self.state.withLock({ $0.identity?.account }), let name = FolderName(client: text), name.owner == nil,
            let facts = self.mailboxes.counters.facts(name.name, of: account), facts.deleted == 0 || !items.contains(.deletedStorage)
        else { return nil }
        return FoundMailbox(facts: facts, rights: .all, name: name)
    }

    /// From the counters that were found with the name, but for the size of what is marked \Deleted.
    func writeStatus(_ found: FoundMailbox, _ items: StatusItems, _ mode: WireMode, _ out: inout ByteBuffer) throws(IMAPRefusal) {
        var values = StatusValues()
        if items.contains(.deletedStorage), found.facts.deleted > 0 {
            values.deletedStorage = try self.reading { () throws(StoreError) in try self.deletedOctets(found.facts) }
        }
        out.writeImmutableBuffer(self.statusLine(found, values, items, mode))
    }

    private func statusLine(_ found: FoundMailbox, _ values: StatusValues, _ items: StatusItems, _ mode: WireMode) -> ByteBuffer {
        let facts = found.facts
        var values = values
        values.messages = facts.messages
        values.uidNext = facts.uidNext
        values.validity = facts.uidValidity
        values.unseen = facts.unseen
        values.deleted = facts.deleted
        values.size = facts.bytes
        values.highestModSeq = facts.highestModSeq
        values.mailboxID = ObjectID.mailbox(facts.id)
        values.appendLimit = self.limits.messageSize
        var out = ByteBuffer()
        out.writeStatusLine(found.name.clientName, values, items, mode: mode)
        return out
    }

    private func deletedOctets(_ facts: MailboxFacts) throws(StoreError) -> Int64 {
        var (octets, next): (Int64, UID?) = (0, UID(rawValue: 1))
        while let first = next {
            let rows = try self.reads.rows(of: facts.id, UIDSet(1...UInt32.max), from: first, limit: 1000)
            octets += rows.reduce(0) { $0 + ($1.flags.contains(.deleted) ? $1.size : 0) }
            next = rows.count == 1000 ? rows.last.flatMap { $0.uid.rawValue < UInt32.max ? UID(rawValue: $0.uid.rawValue + 1) : nil } : nil
        }
        return octets
    }

    // MARK: CREATE, DELETE, RENAME, SUBSCRIBE

    private func create(_ text: String, _ uses: [WireUse], _ answer: Answer) {
        self.startOnWorker(answer) { () throws(IMAPRefusal) in
            guard let name = FolderName(client: text), name.isUsable else { throw .badName }
            let owner = try self.mayCreate(name)
            if !uses.isEmpty { try self.check(uses, try self.reading { () throws(StoreError) in try self.reads.mailboxes(of: owner) }) }
            // What an account's mailboxes are for its owner says, whose programs go by it.
            let isOwn = try self.identity().account == owner
            guard isOwn || uses.isEmpty else { throw IMAPRefusal(.useIsTaken, code: "USEATTR") }
            // Asked for one by one: an account may have thousands, and a move of mail makes them all.
            let (missing, count, isTaken) = try self.reading { () throws(StoreError) -> (Int, Int, Bool) in
                var missing = 0
                for parent in name.parents where try self.reads.find(parent, of: owner) == nil { missing += 1 }
                return (missing, try self.reads.mailboxCount(of: owner), try self.reads.find(name.name, of: owner) != nil)
            }
            try self.checkRoom(for: missing + 1, beside: count)
            if isTaken { throw try self.taken(name) }
            try self.createParents(of: name, owner)
            self.expectNotice(name.name)
            self.environment.store.createMailbox(name.name, of: owner, specialUse: StoredUse(uses)) { result in
                switch result {
                case .success(let facts):
                    // [RFC8474-4.1]
                    answer(.account(ByteBuffer(), code: "MAILBOXID (\(ObjectID.mailbox(facts.id)))"))
                // Somebody else was faster: to whom that mailbox is hidden nothing is told of it.
                case .failure(.mailboxExists) where !isOwn: answer(.refused(.notPermitted))
                case .failure(let error): answer(.refused(self.refusal(error)))
                }
            }
        }
    }

    /// Whose mailbox it will be; in somebody else's the nearest level above that is there must allow it. [RFC4314-4]
    func mayCreate(_ name: FolderName) throws(IMAPRefusal) -> AccountID {
        let finder = try self.finder()
        guard name.owner != nil else { return finder.identity.account }
        guard !name.parents.isEmpty else { throw .notPermitted }
        guard let owner = finder.owner(of: name) else { throw .noSuchMailbox }
        for parent in name.parents.reversed() {
            let rights = try self.reading { () throws(StoreError) -> Rights? in
                try self.reads.find(parent, of: owner).map { facts throws(StoreError) in try finder.rights(on: facts.id, of: owner) }
            }
            guard let rights else { continue }
            guard rights.contains(.createChildren) else { throw rights.contains(.lookup) ? .notPermitted : .noSuchMailbox }
            return owner
        }
        throw .noSuchMailbox
    }

    /// Why a name cannot be had: there is such a mailbox, which is told to those alone who may know. [RFC4314-6]
    func taken(_ name: FolderName) throws(IMAPRefusal) -> IMAPRefusal {
        guard name.owner != nil else { return .mailboxExists }
        let finder = try self.finder()
        let found = try self.reading { () throws(StoreError) in try finder.find(name.clientName) }
        return found?.rights.contains(.lookup) == true ? .mailboxExists : .notPermitted
    }

    /// A use has one mailbox, and those that would have to be made of other mailboxes have none. [RFC6154-3]
    private func check(_ uses: [WireUse], _ all: [MailboxFacts]) throws(IMAPRefusal) {
        let wanted = StoredUse(uses)
        let taken = all.reduce(into: StoredUse()) { $0.formUnion($1.specialUse) }
        guard wanted.isDisjoint(with: [.all, .flagged]), wanted.isDisjoint(with: taken) else {
            throw IMAPRefusal(.useIsTaken, code: "USEATTR")
        }
    }

    func checkRoom(for more: Int, beside count: Int) throws(IMAPRefusal) {
        guard count + more <= self.environment.mostMailboxes else { throw IMAPRefusal(.tooManyMailboxes, code: "LIMIT") }
    }

    /// Levels above that are not there yet. [RFC9051-6.3.4]
    func createParents(of name: FolderName, _ owner: AccountID) throws(IMAPRefusal) {
        for parent in name.parents where parent != FolderName.inbox {
            try self.reading { () throws(StoreError) in
                guard try self.reads.find(parent, of: owner) == nil else { return }
                do throws(StoreError) {
                    _ = try self.reads.wait { self.environment.store.createMailbox(parent, of: owner, completion: $0) }
                } catch {
                    guard case .mailboxExists = error else { throw error }
                }
            }
        }
    }

    private func delete(_ name: String, _ answer: Answer) {
        self.startOnWorker(answer) { () throws(IMAPRefusal) in
            let found = try self.find(name, needing: .deleteMailbox)
            guard found.facts.name != FolderName.inbox else { throw IMAPRefusal(.inboxStays, code: "CANNOT") }
            self.expectNotice(found.facts.name)
            self.environment.store.deleteMailbox(found.id) { result in
                switch result {
                case .success:
                    // Before the others hear of it: this session knows.
                    let wasSelected = self.leave(found.id)
                    self.mailboxes.gone(found.id)
                    answer(wasSelected ? .deletedSelected : .account(ByteBuffer()))
                case .failure(let error): answer(.refused(self.refusal(error)))
                }
            }
        }
    }

    private static let mostSubscriptions = 50_000

    private func subscribe(_ text: String, _ isSubscribed: Bool, _ answer: Answer) {
        self.startOnWorker(answer) { () throws(IMAPRefusal) in
            let identity = try self.identity()
            guard let name = FolderName(client: text) else { throw .badName }
            if isSubscribed {
                guard name.isUsable else { throw .badName }
                let known = try self.reading { () throws(StoreError) in try self.reads.subscriptions(of: identity.account) }
                guard known.count < Self.mostSubscriptions else { throw IMAPRefusal(.tooManyMailboxes, code: "LIMIT") }
            }
            self.expectNotice(name.clientName)
            self.environment.store.setSubscribed(name.clientName, isSubscribed, of: identity.account) { result in
                switch result {
                case .success: answer(.account(ByteBuffer()))
                case .failure(let error): answer(.refused(self.refusal(error)))
                }
            }
        }
    }
}
