internal import IMAPWire
internal import MessageStore
internal import NetKit
internal import Vocabulary

extension IMAPBackend {
    func select(_ request: SelectRequest, _ answer: Answer) {
        self.onWorker(answer) { () throws(IMAPRefusal) in .selected(try self.selected(request)) }
    }

    private func selected(_ request: SelectRequest) throws(IMAPRefusal) -> SelectedMailbox {
        let found = try self.find(request.mailbox, needing: .read)
        // Joined before it is read, so that no change falls between.
        let mailbox = self.mailboxes.take(found.id)
        let ticket = mailbox.join { [link] in link($0 == .changed ? .mailboxChanged : .mailboxGone) }
        do throws(IMAPRefusal) {
            let facts = try self.reading { () throws(StoreError) in try self.reads.openView(found.id) }
            // Else the first rows that are read would be newer than what is known, and not be remembered.
            mailbox.noteRead(facts.highestModSeq)
            let keywords = try self.reading { () throws(StoreError) in try mailbox.keywords() }
            // Who may change nothing at all has it for reading only. [RFC4314-5.2]
            let isReadOnly = request.isReadOnly || found.rights.isDisjoint(with: [.seen, .write, .insert, .deleteMessages, .expunge])
            let selection = Selection(
                mailbox, ticket, owner: facts.account, isOwn: found.name.owner == nil, isReadOnly: isReadOnly,
                known: .init(modSeq: facts.highestModSeq, uidNext: facts.uidNext))
            var selected = SelectedMailbox(
                mailbox: facts.id, name: found.name.clientName, validity: facts.uidValidity, uidNext: facts.uidNext,
                highestModSeq: facts.highestModSeq, messages: facts.messages, objectID: ObjectID.mailbox(facts.id),
                keywords: Keywords.list(keywords), rights: found.rights,
                isReadOnly: isReadOnly)
            if let resync = request.resync, resync.validity == facts.uidValidity {
                selected.resync = try self.reading { () throws(StoreError) in try self.resynced(resync, facts, keywords) }
            }
            try self.take(selection)
            return selected
        } catch {
            mailbox.leave(ticket)
            self.mailboxes.release(mailbox)
            throw error
        }
    }

    private func take(_ selection: Selection) throws(IMAPRefusal) {
        let (old, hasEnded) = self.state.withLock { state in
            let old = state.selection
            if !state.hasEnded { state.selection = selection }
            return (old, state.hasEnded)
        }
        if hasEnded { throw .unavailable }
        self.letGo(old)
    }

    func letGo(_ selection: Selection?) {
        guard let selection else { return }
        selection.mailbox.leave(selection.ticket)
        self.mailboxes.release(selection.mailbox)
    }

    /// What a client that was here before must be told: what is gone of what it knows, and what has other flags. [RFC7162-3.2.5.1]
    private func resynced(_ resync: SelectRequest.Resync, _ facts: MailboxFacts, _ keywords: [Int: String]) throws(StoreError)
        -> ToldChanges
    {
        var told = ToldChanges(modSeq: facts.highestModSeq, uidNext: facts.uidNext)
        let all = facts.uidNext.rawValue > 1 ? UIDSet(1...(facts.uidNext.rawValue - 1)) : UIDSet()
        let known = resync.known?.intersection(all) ?? all
        told.expunged = try self.vanished(known, since: resync.modSeq, facts)
        // What went since the counters were read is still among the messages that SELECT counts: it is told later, by its place.
        if !told.expunged.isEmpty, try self.environment.store.mailbox(facts.id).highestModSeq > facts.highestModSeq {
            let there = try self.reads.uids(of: facts.id, asOf: facts.highestModSeq, uidNext: facts.uidNext)
            told.expunged = told.expunged.subtracting(there)
        }
        for change in try self.reads.changed(in: facts.id, since: resync.modSeq) where change.modSeq <= facts.highestModSeq {
            guard resync.known == nil || known.contains(change.uid) else { continue }
            told.flagged.append(.init(uid: change.uid, flags: change.flags, modSeq: change.modSeq))
        }
        told.keywords = Keywords.list(keywords)
        return told
    }

    func readView(_ answer: Answer) {
        self.onWorker(answer) { () throws(IMAPRefusal) in
            let selection = try self.selection()
            return .view(
                try self.reading { () throws(StoreError) in
                    try self.reads.uids(of: selection.id, asOf: selection.selected.modSeq, uidNext: selection.selected.uidNext)
                })
        }
    }

    func readChanges(since: ModSeq, _ answer: Answer) {
        guard let selection = self.state.withLock({ $0.selection }) else { return answer(.refused(.nothingSelected)) }
        let mustLook = selection.takeMustLook()
        // At once, on this thread, when nothing waits to be filed.
        self.environment.store.afterFiling {
            let known = selection.known(from: since)
            if !mustLook, selection.mailbox.isQuiet(since: known, for: selection.ticket) {
                selection.told(upTo: known)
                return answer(.changes(ToldChanges(modSeq: known, uidNext: selection.uidNext)))
            }
            // What this session has added itself, or another one has just read, is told from memory.
            if !mustLook, selection.isOwn,
                let read = selection.mailbox.knownChanges(since: since, uidNext: selection.uidNext, for: selection.ticket),
                !read.isMore, read.changed.allSatisfy({ $0.flags.isSubset(of: .system) })
            {
                selection.told(read)
                return answer(.changes(self.told(read)))
            }
            self.readChanges(since: since, in: selection, answer)
        }
    }

    private func readChanges(since: ModSeq, in selection: Selection, _ answer: Answer) {
        self.onWorker(answer) { () throws(IMAPRefusal) in
            // Who may not read it any more is told nothing of it, and hears of everything once he may again. [RFC4314-4]
            guard try self.mayRead(selection) else {
                return .changes(ToldChanges(modSeq: since, uidNext: selection.uidNext))
            }
            let read = try self.reading { () throws(StoreError) in
                try selection.mailbox.changes(since: since, uidNext: selection.uidNext, for: selection.ticket)
            }
            selection.told(read)
            if read.isMore { selection.mailbox.hintAgain(selection.ticket) }
            let union = read.changed.reduce(into: Flags()) { $0.formUnion($1.flags) }
            guard !union.isSubset(of: .system) else { return .changes(self.told(read)) }
            return .changes(
                try self.reading { () throws(StoreError) in
                    self.told(read, Keywords.list(try selection.mailbox.keywords(covering: union)))
                })
        }
    }

    private func told(_ read: StoredChanges, _ keywords: [String]? = nil) -> ToldChanges {
        var told = ToldChanges(modSeq: read.modSeq, uidNext: read.uidNext, arrived: read.arrived, expunged: read.expunged)
        told.flagged = read.changed.map { .init(uid: $0.uid, flags: $0.flags, modSeq: $0.modSeq) }
        if let keywords { told.keywords = keywords }
        return told
    }

    /// CLOSE takes those marked \Deleted away without a word. [RFC9051-6.4.1]
    func close(expunging: Bool, _ answer: Answer) {
        guard self.state.withLock({ $0.selection }) != nil else { return answer(.done) }
        guard expunging else { return self.closed(answer) }
        let rest: @Sendable (IMAPOutcome) -> Void = { outcome in
            // Who may not expunge here closes all the same.
            if case .refused(let refusal) = outcome, refusal == .notPermitted { return self.closed(answer) }
            answer(outcome)
        }
        self.inSelection(SessionAnswer(rest)) { selection, rights in
            guard rights.contains(.expunge) else { return self.closed(answer) }
            self.environment.store.expunge(selection.id, uids: UIDSet(1...UInt32.max), onlyDeleted: true) { result in
                switch result {
                case .success: self.closed(answer)
                case .failure(let error): answer(.refused(self.refusal(error)))
                }
            }
        }
    }

    /// Lets go of the selected mailbox if it is this one; true if it was.
    func leave(_ mailbox: MailboxID) -> Bool {
        let selection = self.state.withLock { state -> Selection? in
            guard state.selection?.id == mailbox else { return nil }
            defer { state.selection = nil }
            return state.selection
        }
        self.letGo(selection)
        return selection != nil
    }

    private func closed(_ answer: Answer) {
        let selection = self.state.withLock { state in
            defer { state.selection = nil }
            return state.selection
        }
        self.letGo(selection)
        answer(.done)
    }
}
