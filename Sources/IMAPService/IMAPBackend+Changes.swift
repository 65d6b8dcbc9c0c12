internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import NetKit
internal import Vocabulary

// STORE, COPY, MOVE, EXPUNGE.
extension IMAPBackend {
    // MARK: STORE

    func store(_ request: StoreRequest, _ answer: Answer) {
        self.inSelection(answer) { selection, rights throws(IMAPRefusal) in
            let changes = try self.changes(request, selection, rights)
            self.store(request, changes, StoreSeries(selection, known: request.known), answer)
        }
    }

    /// Those that came together go to the store together, which makes them in one transaction; where one of them takes several steps, each
    /// waits for the one before it.
    func store(_ requests: [StoreRequest], _ answer: Answer) {
        self.inSelection(answer) { selection, rights in
            let series = StoreSeries(selection, known: requests.first?.known)
            let outcomes = RunOutcomes(requests.count, answer)
            let all = requests.map { request -> Result<[AllowedFlags.Change], IMAPRefusal> in
                do throws(IMAPRefusal) { return .success(try self.changes(request, selection, rights)) } catch { return .failure(error) }
            }
            let isPlain =
                requests.allSatisfy { $0.uids.count <= StoreSeries.mostAtOnce } && all.allSatisfy { (try? $0.get().count) ?? 1 == 1 }
            guard isPlain else { return self.store(requests, all, from: 0, series, outcomes) }
            for (index, changes) in all.enumerated() {
                self.store(requests[index], changes, series, SessionAnswer { outcomes.set(index, $0) })
            }
        }
    }

    private func store(
        _ requests: [StoreRequest], _ changes: [Result<[AllowedFlags.Change], IMAPRefusal>], from index: Int, _ series: StoreSeries,
        _ outcomes: RunOutcomes
    ) {
        guard index < requests.count else { return }
        self.store(
            requests[index], changes[index], series,
            SessionAnswer { outcome in
                outcomes.set(index, outcome)
                self.store(requests, changes, from: index + 1, series, outcomes)
            })
    }

    private func store(
        _ request: StoreRequest, _ changes: Result<[AllowedFlags.Change], IMAPRefusal>, _ series: StoreSeries, _ answer: Answer
    ) {
        switch changes {
        case .success(let changes): self.store(request, changes, series, answer)
        case .failure(let refusal): answer(.refused(refusal))
        }
    }

    private func changes(_ request: StoreRequest, _ selection: Selection, _ rights: Rights) throws(IMAPRefusal) -> [AllowedFlags.Change] {
        guard !selection.isReadOnly else { throw IMAPRefusal(.readOnly, code: "NOPERM") }
        let changes = AllowedFlags(rights).changes(request)
        // Where nothing of it may be changed. [RFC4314-4]
        guard !changes.isEmpty else { throw .notPermitted }
        return changes
    }

    private func store(_ request: StoreRequest, _ changes: [AllowedFlags.Change], _ series: StoreSeries, _ answer: Answer) {
        let first = changes[0]
        let store = self.environment.store
        let selection = series.selection
        let telling: MessageStore.FlagsTold = request.isSilent ? .nothing : .all
        let finish: @Sendable (Result<FlagsChanged, StoreError>) -> Void = { result in
            switch result {
            case .success(let changed):
                let own = series.own(changed)
                // Whoever is told of it as of news must not be told that there is none.
                if let own { selection.noteOwnChange(from: own.before, to: changed.modSeq) } else { selection.noteOwnChange() }
                // The feed may come later: flags in memory are older from now on.
                selection.mailbox.noteRead(changed.modSeq)
                self.stored(changed, own?.changes ?? [], request, series, answer)
            case .failure(let error):
                selection.noteOwnChange()
                answer(.refused(self.refusal(error)))
            }
        }
        guard changes.count > 1 else {
            return store.changeFlags(
                selection.id, request.uids, first.change, keywords: first.keywords, unchangedSince: request.unchangedSince,
                telling: telling, completion: finish)
        }
        // Who may set some flags only replaces these: take away, then add.
        store.changeFlags(
            selection.id, request.uids, first.change, keywords: first.keywords, unchangedSince: request.unchangedSince,
            telling: .nothing
        ) { result in
            guard case .success(let removed) = result else { return finish(result) }
            let rest = request.uids.subtracting(removed.modified)
            store.changeFlags(
                selection.id, rest, changes[1].change, keywords: changes[1].keywords, telling: telling
            ) { added in finish(added.map { removed.followed(by: $0) }) }
        }
    }

    private static let fewTold = 100

    /// Those whose flags were as wanted already are told too.
    private func stored(
        _ changed: FlagsChanged, _ own: [OwnChange], _ request: StoreRequest, _ series: StoreSeries, _ answer: Answer
    ) {
        var stored = StoredFlags(flagged: [], modified: changed.modified, own: own)
        // Little to tell and nothing to be looked up: another thread would cost more. This one is the store's, and is not kept.
        if changed.flags.isSubset(of: .system), changed.changed.count <= Self.fewTold {
            stored.flagged = changed.told
            return answer(.stored(stored))
        }
        self.startOnWorker(answer) { [stored] () throws(IMAPRefusal) in
            var stored = stored
            stored.flagged = changed.told
            if !changed.flags.isSubset(of: .system) {
                // Which names this session knows only the machine can tell: others have asked for them, too.
                stored.keywords = Keywords.list(
                    try self.reading { () throws(StoreError) in try series.selection.mailbox.keywords(covering: changed.flags) })
            }
            answer(.stored(stored))
        }
    }

    // MARK: EXPUNGE

    func expunge(_ uids: UIDSet?, _ answer: Answer) {
        self.inSelection(answer) { selection, rights throws(IMAPRefusal) in
            guard !selection.isReadOnly else { throw IMAPRefusal(.readOnly, code: "NOPERM") }
            guard rights.contains(.expunge) else { throw .notPermitted }
            self.environment.store.expunge(selection.id, uids: uids ?? UIDSet(1...UInt32.max), onlyDeleted: true) { result in
                selection.noteOwnChange()
                switch result {
                case .success(let expunged): answer(.expunged(expunged.uids, expunged.modSeq))
                case .failure(let error): answer(.refused(self.refusal(error)))
                }
            }
        }
    }

    // MARK: COPY, MOVE

    func copy(_ request: CopyRequest, _ answer: Answer) {
        self.startOnWorker(answer) { () throws(IMAPRefusal) in
            let selection = try self.selection()
            self.copy(request, to: try self.target(of: request, selection), selection, answer)
        }
    }

    /// Those that came together go to the store together, which makes them in one transaction; where one of them takes several steps, each
    /// waits for the one before it.
    func copy(_ requests: [CopyRequest], _ answer: Answer) {
        self.startOnWorker(answer) { () throws(IMAPRefusal) in
            let selection = try self.selection()
            let targets = requests.map { request -> Result<FoundMailbox, IMAPRefusal> in
                do throws(IMAPRefusal) { return .success(try self.target(of: request, selection)) } catch { return .failure(error) }
            }
            let outcomes = RunOutcomes(requests.count, answer)
            let isPlain = requests.allSatisfy { $0.uids.count <= MessageStore.copySlice }
            guard isPlain else { return self.copy(requests, targets, from: 0, selection, outcomes) }
            for (index, target) in targets.enumerated() {
                self.copy(requests[index], to: target, selection, SessionAnswer { outcomes.set(index, $0) })
            }
        }
    }

    private func copy(
        _ requests: [CopyRequest], _ targets: [Result<FoundMailbox, IMAPRefusal>], from index: Int, _ selection: Selection,
        _ outcomes: RunOutcomes
    ) {
        guard index < requests.count else { return }
        self.copy(
            requests[index], to: targets[index], selection,
            SessionAnswer { outcome in
                outcomes.set(index, outcome)
                self.copy(requests, targets, from: index + 1, selection, outcomes)
            })
    }

    private func copy(_ request: CopyRequest, to target: Result<FoundMailbox, IMAPRefusal>, _ selection: Selection, _ answer: Answer) {
        switch target {
        case .success(let target): self.copy(request, to: target, selection, answer)
        case .failure(let refusal): answer(.refused(refusal))
        }
    }

    /// Where the copies go, if they may.
    private func target(of request: CopyRequest, _ selection: Selection) throws(IMAPRefusal) -> FoundMailbox {
        let rights = try self.rights(in: selection)
        if request.isMove {
            guard !selection.isReadOnly else { throw IMAPRefusal(.readOnly, code: "NOPERM") }
            guard rights.isSuperset(of: [.deleteMessages, .expunge]) else { throw .notPermitted }
        }
        return try self.find(request.mailbox, needing: .insert, orElse: self.absent(request.mailbox))
    }

    private func copy(_ request: CopyRequest, to target: FoundMailbox, _ selection: Selection, _ answer: Answer) {
        let quota = target.facts.account == selection.owner && request.isMove ? nil : self.environment.quota(target.facts.account)
        // Flags that this user may not set there do not come along. [RFC4314-4]
        self.environment.store.copy(
            request.uids, from: selection.id, to: target.id, quota: quota, isMove: request.isMove,
            flags: AllowedFlags(target.rights).allowed
        ) { result in
            selection.noteOwnChange()
            switch result {
            case .success(let copied):
                // Some of very many were moved: what is gone the session hears as of any other change.
                if let failure = copied.failure { return answer(.refused(self.refusal(failure))) }
                answer(
                    .copied(
                        CopiedMessages(
                            validity: copied.uidValidity, sources: copied.sources, destinations: copied.copies,
                            expungedAt: request.isMove ? copied.modSeq : nil)))
            case .failure(.noSuchMailbox): answer(.refused(self.absent(request.mailbox)))
            case .failure(let error): answer(.refused(self.refusal(error)))
            }
        }
    }

    /// Of a mailbox that is not there: whether it could be made. [RFC9051-6.3.12]
    func absent(_ name: String) -> IMAPRefusal {
        guard let folder = FolderName(client: name), folder.isUsable, folder.owner == nil else { return .noSuchMailbox }
        return .tryCreate
    }
}

/// Which flags rights allow to change: \Seen, \Deleted, and all others. [RFC4314-4]
struct AllowedFlags {
    let allowed: Flags
    let allowsKeywords: Bool

    private static let keywords = Flags.keywordBits.reduce(into: Flags()) { $0.formUnion(.keyword($1)) }

    init(_ rights: Rights) {
        var allowed: Flags = []
        if rights.contains(.seen) { allowed.insert(.seen) }
        if rights.contains(.deleteMessages) { allowed.insert(.deleted) }
        if rights.contains(.write) { allowed.formUnion([.answered, .flagged, .draft]) }
        self.allowsKeywords = rights.contains(.write)
        self.allowed = self.allowsKeywords ? allowed.union(Self.keywords) : allowed
    }

    var forbidden: Flags { Flags.system.union(Self.keywords).subtracting(self.allowed) }
    private var allowsAll: Bool { self.forbidden.isEmpty }

    struct Change {
        var change: MessageStore.FlagChange
        var keywords: [String]
    }

    /// What may be done of what was asked for; empty where nothing.
    func changes(_ request: StoreRequest) -> [Change] {
        let keywords = self.allowsKeywords ? request.keywords : []
        let flags = request.flags.intersection(self.allowed)
        switch request.change {
        case .replace where self.allowsAll: return [Change(change: .replace(flags), keywords: keywords)]
        case .replace where self.allowed.isEmpty: return []
        case .replace:
            return [
                Change(change: .remove(self.allowed.subtracting(flags)), keywords: []), Change(change: .add(flags), keywords: keywords),
            ]
        case .add, .remove:
            let asksForNothing = request.flags.isEmpty && request.keywords.isEmpty
            guard asksForNothing || !flags.isEmpty || !keywords.isEmpty else { return [] }
            return [Change(change: request.change == .add ? .add(flags) : .remove(flags), keywords: keywords)]
        }
    }
}

extension FlagsChanged {
    fileprivate var told: [ToldChanges.Flagged] { self.changed.map { .init(uid: $0.uid, flags: $0.flags, modSeq: $0.modSeq) } }
}
