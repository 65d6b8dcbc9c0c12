internal import IMAPWire
internal import MIME
internal import MessageStore
internal import NIOCore
internal import Vocabulary

extension IMAPBackend {
    /// Where one message after the other goes into the same mailbox, only the first is looked up on a worker.
    func beginAppend(_ request: AppendRequest, _ answer: Answer) {
        let version = self.environment.store.changes.namesVersion
        let last = request.replacing == nil ? self.state.withLock { $0.lastTarget } : nil
        if let last, last.name == request.mailbox, last.version == version {
            return self.begin(last.found, replacing: nil) ? answer(.done) : answer(.refused(.unavailable))
        }
        self.onWorker(answer) { () throws(IMAPRefusal) in
            let target = try self.find(request.mailbox, needing: .insert, orElse: self.absent(request.mailbox))
            let old = try request.replacing.map { uid throws(IMAPRefusal) in try self.replaced(uid) }
            if target.facts.account == (try self.identity()).account {
                self.state.withLock { $0.lastTarget = LastTarget(name: request.mailbox, found: target, version: version) }
            }
            guard self.begin(target, replacing: old) else { throw .unavailable }
            return .done
        }
    }

    /// What a session found, as long as no mailbox gets or loses a name.
    struct LastTarget: Sendable {
        var name: String
        var found: FoundMailbox
        var version: UInt64
    }

    /// False when the session is over.
    private func begin(_ target: FoundMailbox, replacing old: AppendDraft.Old?) -> Bool {
        let draft = AppendDraft(
            target, replacing: old, self.environment.store, sizeLimit: self.limits.messageSize, memoryLimit: self.limits.sessionMemory)
        return self.state.withLock { state in
            if !state.hasEnded { state.append = draft }
            return !state.hasEnded
        }
    }

    /// Of REPLACE: what is gone already is not replaced, and the client hears so before it sends. [RFC8508-3.2]
    private func replaced(_ uid: UID) throws(IMAPRefusal) -> AppendDraft.Old {
        let selection = try self.selection()
        guard try self.rights(in: selection).isSuperset(of: [.deleteMessages, .expunge]) else { throw .notPermitted }
        let found = try self.reading { () throws(StoreError) in
            try self.reads.rows(of: selection.id, UIDSet(uid.rawValue...uid.rawValue), from: uid, limit: 1)
        }
        guard let row = found.first else { throw .expungeIssued }
        return AppendDraft.Old(selection: selection, uid: uid, size: row.size)
    }

    private func draft() throws(IMAPRefusal) -> AppendDraft {
        guard let draft = self.state.withLock({ $0.append }) else { throw .unavailable }
        return draft
    }

    /// What is too long, or has no room, is refused before it is sent. [RFC7889-3]
    func beginMessage(_ message: AppendMessage, _ answer: Answer) {
        switch self.environment.store.health {
        case .writable: break
        case .diskLow: return answer(.refused(.diskFull))
        case .failed: return answer(.refused(.unavailable))
        }
        if let size = message.size, size > self.limits.messageSize { return answer(.refused(.tooLarge)) }
        guard let draft = self.state.withLock({ $0.append }) else { return answer(.refused(.unavailable)) }
        draft.begin(message)
        guard let size = message.size, let quota = self.environment.quota(draft.target.facts.account) else { return answer(.done) }
        self.environment.store.usage(of: draft.target.facts.account) { result in
            if case .success(let usage) = result, usage.bytes - draft.freed + size > quota { return answer(.refused(.overQuota)) }
            answer(.done)
        }
    }

    func messageBytes(_ bytes: ByteBuffer, _ answer: Answer) {
        guard let draft = self.state.withLock({ $0.append }) else { return answer(.refused(.unavailable)) }
        draft.add(bytes) { result in
            switch result {
            case .success: answer(.done)
            case .failure(let refusal): answer(.refused(IMAPRefusal(refusal)))
            }
        }
    }

    func dropAppend(_ answer: Answer) {
        self.takeAppend()?.abandon()
        answer(.done)
    }

    func takeAppend() -> AppendDraft? {
        self.state.withLock { state in
            defer { state.append = nil }
            return state.append
        }
    }

    func finishAppend(_ answer: Answer) {
        guard let draft = self.takeAppend() else { return answer(.refused(.unavailable)) }
        guard let items = draft.finish() else {
            draft.abandon()
            return answer(.refused(IMAPRefusal(.emptyMessage)))
        }
        self.add(items, draft, answer)
    }

    func add(_ items: [AppendItem], _ draft: AppendDraft, _ answer: Answer) {
        let target = draft.target
        let old = draft.replacing.map { (mailbox: $0.selection.id, uid: $0.uid) }
        self.environment.store.append(
            items, to: target.id, of: target.facts.account, replacing: old, quota: self.environment.quota(target.facts.account)
        ) { result in
            draft.abandon()
            switch result {
            case .success(let appended): self.appended(appended, draft, answer)
            case .failure(.noSuchMailbox): answer(.refused(.tryCreate))
            case .failure(.noSuchMessage) where old != nil: answer(.refused(.expungeIssued))
            case .failure(let error): answer(.refused(self.refusal(error)))
            }
        }
    }

    private func appended(_ appended: AppendResult, _ draft: AppendDraft, _ answer: Answer) {
        let uids = UIDSet(ascending: appended.uids.map(\.rawValue))
        let selection = self.state.withLock { state in
            state.appended += appended.uids.count
            return state.selection
        }
        if let selection, selection.id == draft.target.id || draft.replacing != nil {
            if !selection.mailbox.noteArrived(appended, in: draft.target.id) { selection.noteOwnChange() }
        }
        let gone = appended.replaced.map { OwnChange(modSeq: $0.modSeq, uids: $0.uids) }
        answer(.appended(validity: appended.uidValidity, uids: uids, replaced: gone))
    }

    // MARK: CATENATE

    /// A part that is here already. [RFC4469-3]
    func messageURL(_ url: IMAPURL, _ answer: Answer) {
        self.startOnWorker(answer) { () throws(IMAPRefusal) in
            let bad = IMAPRefusal(.badURL, code: IMAPURL.badCode(url.text))
            // Of another server, or of somebody else: a mailbox of the same name here holds other messages. [RFC4469-3]
            if let authority = url.authority {
                let mine = try self.identity().account
                guard self.opener.isHere(authority.host), authority.user.map({ self.environment.account($0) == mine }) ?? true else {
                    throw bad
                }
            }
            let found = try self.find(url.mailbox, needing: .read, orElse: bad)
            if let validity = url.validity, validity != found.facts.uidValidity { throw bad }
            try self.copyOn(try self.stream(of: url, in: found, orElse: bad), answer)
        }
    }

    /// As much as one turn allows, then the rest behind others.
    private func copyOn(_ stream: SectionStream, _ answer: Answer) throws(IMAPRefusal) {
        var stream = stream
        let draft = try self.draft()
        let turn = self.turn()
        while !stream.isDone {
            var piece = ByteBuffer()
            try self.reading { () throws(StoreError) in try stream.write(to: &piece, limit: 64 << 10) }
            try self.waitForRoom(draft, piece)
            guard !stream.isDone, turn.isOver else { continue }
            return self.startOnWorker(answer) { [stream] () throws(IMAPRefusal) in try self.copyOn(stream, answer) }
        }
        answer(.done)
    }

    private func waitForRoom(_ draft: AppendDraft, _ piece: ByteBuffer) throws(IMAPRefusal) {
        let result: Result<Result<Void, StoreRefusal>, StoreError>
        do throws(StoreError) {
            let answer: Result<Void, StoreRefusal> = try self.reads.wait { done in draft.add(piece) { done(.success($0)) } }
            result = .success(answer)
        } catch { result = .failure(error) }
        switch result {
        case .success(.success): return
        case .success(.failure(let refusal)): throw IMAPRefusal(refusal)
        case .failure(let error): throw self.refusal(error)
        }
    }
}
