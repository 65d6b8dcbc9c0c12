internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import Synchronization
internal import Vocabulary

/// What one session wants to hear of mailboxes that it has not selected. The feed only notes which ones; what there is to say is read when the
/// session asks for it, so that a client that reads slowly is told the sum of what happened. [RFC5465-3]
final class MailboxWatch: Sendable {
    /// A mailbox as the client knows it.
    private struct Known {
        var uidNext: UID
        var messages: Int
        var unseen: Int
        var modSeq: ModSeq

        init(_ facts: MailboxFacts) {
            self.uidNext = facts.uidNext
            self.messages = facts.messages
            self.unseen = facts.unseen
            self.modSeq = facts.highestModSeq
        }
    }

    private struct State {
        var changed: Set<MailboxID> = []
        var events: [(owner: AccountID, event: AccountEvent)] = []
        var isHinted = false
        var isOver = false
        var known: [MailboxID: Known] = [:]
        var subscribed: Set<String> = []
        /// Names that this session's own commands are about to change: those it is not told of.
        var own: [String] = []
        var feeds: [ChangeFeed.Subscription] = []
    }

    /// Things that wait at most; with more the client is told that it has missed some. [RFC5465-5.8]
    private static let mostWaiting = 1000
    /// Owners of shared mailboxes that one session listens to.
    private static let mostOwners = 100

    private let groups: [NotifyGroup]
    private let mode: WireMode
    private let finder: MailboxFinder
    private let hint: @Sendable () -> Void
    private let state = Mutex(State())

    init(_ groups: [NotifyGroup], _ mode: WireMode, _ finder: MailboxFinder, hint: @escaping @Sendable () -> Void) {
        self.groups = groups
        self.mode = mode
        self.finder = finder
        self.hint = hint
    }

    /// Listens from now on. With `wantsStatus`, a STATUS line of each mailbox whose messages are watched. [RFC5465-3.1]
    func begin(wantsStatus: Bool, selected: MailboxID?) throws(StoreError) -> ByteBuffer {
        let reads = self.finder.reads
        let subscribed = Set(try reads.subscriptions(of: self.finder.identity.account))
        self.state.withLock { $0.subscribed = subscribed }
        try self.listen()
        var out = ByteBuffer()
        for entry in try FolderTable(self.finder).entries {
            guard let found = entry.found, found.rights.isSuperset(of: [.lookup, .read]) else { continue }
            let events = self.events(for: entry.name)
            guard events.contains(.messageNew) || events.contains(.flagChange) else { continue }
            self.state.withLock { $0.known[found.id] = Known(found.facts) }
            guard wantsStatus, found.id != selected else { continue }
            var items: StatusItems = [.messages, .uidNext, .uidValidity]
            if self.mode.isCondStore { items.insert(.highestModSeq) }
            self.writeStatus(found.facts, entry.name, items, &out)
        }
        return out
    }

    private func listen() throws(StoreError) {
        let store = self.finder.reads.store
        var owners: Set<AccountID> = [self.finder.identity.account]
        for facts in try self.finder.reads.sharedWith(self.finder.identifiers) where owners.count < Self.mostOwners {
            owners.insert(facts.account)
        }
        let feeds = owners.map { owner in store.changes.subscribe(account: owner) { [weak self] in self?.heard($0, of: owner) } }
        self.state.withLock { $0.feeds = feeds }
    }

    // MARK: Hearing

    /// On the store's thread.
    private func heard(_ events: [AccountEvent], of owner: AccountID) {
        let mustHint = self.state.withLock { state in
            guard !state.isOver else { return false }
            for event in events {
                if case .changed(let mailbox, _) = event {
                    state.changed.insert(mailbox)
                } else if owner == self.finder.identity.account, let at = event.name.flatMap({ state.own.firstIndex(of: $0) }) {
                    state.own.remove(at: at)
                } else {
                    state.events.append((owner, event))
                }
            }
            state.isOver = state.events.count > Self.mostWaiting || state.changed.count > Self.mostWaiting * 10
            guard !state.changed.isEmpty || !state.events.isEmpty, !state.isHinted else { return false }
            state.isHinted = true
            return true
        }
        if mustHint { self.hint() }
    }

    /// This session is about to change this name itself.
    func expect(_ name: String) {
        self.state.withLock { state in
            if state.own.count >= 16 { state.own.removeFirst() }
            state.own.append(name)
        }
    }

    // MARK: Telling

    /// Whole lines about what has happened since; of the selected mailbox the session hears otherwise.
    func take(selected: MailboxID?) throws(StoreError) -> ByteBuffer {
        let (changed, events, isOver) = self.state.withLock { state in
            defer {
                state.changed = []
                state.events = []
                state.isHinted = false
                if state.isOver { state.feeds = [] }
            }
            return (state.changed, state.events, state.isOver)
        }
        var out = ByteBuffer()
        if isOver {
            out.writeStaticString("* OK [NOTIFICATIONOVERFLOW] Too much has changed\r\n")
            return out
        }
        for (owner, event) in events { try self.tell(event, of: owner, &out) }
        for mailbox in changed.sorted() where mailbox != selected { try self.tellChanged(mailbox, &out) }
        return out
    }

    private func tellChanged(_ mailbox: MailboxID, _ out: inout ByteBuffer) throws(StoreError) {
        guard let (facts, name) = try self.visible(mailbox) else { return }
        let events = self.events(for: name)
        let before = self.state.withLock { state in
            defer { state.known[mailbox] = Known(facts) }
            return state.known[mailbox]
        }
        let arrived = before.map { facts.uidNext > $0.uidNext } ?? true
        let hasGone =
            before.map { Int64(facts.messages) - Int64($0.messages) < Int64(facts.uidNext.rawValue) - Int64($0.uidNext.rawValue) } ?? true
        var items: StatusItems = []
        if (arrived && events.contains(.messageNew)) || (hasGone && events.contains(.messageExpunge)) {
            items.formUnion([.messages, .uidNext])
        } else if !arrived, !hasGone, events.contains(.flagChange) {
            items.formUnion([.uidValidity, .unseen])
        }
        guard !items.isEmpty else { return }
        if self.mode.isCondStore || self.mode.isQResync { items.formUnion([.highestModSeq, .uidValidity]) }
        self.writeStatus(facts, name, items, &out)
    }

    /// Of another's account only what concerns mailboxes that this user may see: names, subscriptions and private annotations of others
    /// are theirs. [RFC4314-4] [RFC5464-3.3]
    private func tell(_ event: AccountEvent, of owner: AccountID, _ out: inout ByteBuffer) throws(StoreError) {
        let isOwn = owner == self.finder.identity.account
        switch event {
        case .changed: break
        case .created(let mailbox, _): try self.tellName(mailbox, &out)
        case .renamed(let mailbox, let from, _): try self.tellName(mailbox, &out, from: from)
        case .deleted(let mailbox, let name): self.tellGone(mailbox, name, of: owner, &out)
        case .subscribed(let name, let isSubscribed):
            if isOwn { try self.tellSubscription(name, isSubscribed, &out) }
        case .specialUse(let mailbox): try self.tellName(mailbox, &out)
        case .rights(let mailbox): try self.tellName(mailbox, &out)
        case .metadata(let mailbox?, let names):
            let names = names.filter { ($0 != URLKeys.name && isOwn) || $0.hasPrefix("/shared/") }
            guard !names.isEmpty, let (_, name) = try self.visible(mailbox), self.events(for: name).contains(.mailboxMetadataChange)
            else { return }
            out.writeMetadataNamesLine(name, names, mode: self.mode)
        case .metadata(nil, let names):
            let names = names.filter { $0 != URLKeys.name }
            guard isOwn, !names.isEmpty, self.groups.contains(where: { $0.events.contains(.serverMetadataChange) }) else { return }
            out.writeMetadataNamesLine("", names, mode: self.mode)
        }
    }

    private func tellName(_ mailbox: MailboxID, _ out: inout ByteBuffer, from: String? = nil) throws(StoreError) {
        guard let (facts, name) = try self.visible(mailbox), self.events(for: name).contains(.mailboxName) else { return }
        var line = ListLine(name: name, specialUses: facts.specialUse.forWire)
        if self.state.withLock({ $0.subscribed.contains(name) }) { line.attributes.insert(.subscribed) }
        if let from { line.oldName = facts.account == self.finder.identity.account ? from : nil }
        out.writeListLine(line, mode: self.mode)
    }

    /// Of another's mailbox only where its messages were watched, so that this user could see it.
    private func tellGone(_ mailbox: MailboxID, _ name: String, of owner: AccountID, _ out: inout ByteBuffer) {
        let wasKnown = self.state.withLock { $0.known.removeValue(forKey: mailbox) != nil }
        var name = name
        if owner != self.finder.identity.account {
            guard wasKnown, let login = self.finder.environment.loginName(owner) else { return }
            name = FolderName(owner: login, name: name).clientName
        }
        guard self.events(for: name).contains(.mailboxName) else { return }
        out.writeListLine(ListLine(name: name, attributes: .nonExistent), mode: self.mode)
    }

    private func tellSubscription(_ name: String, _ isSubscribed: Bool, _ out: inout ByteBuffer) throws(StoreError) {
        self.state.withLock { state in
            if isSubscribed { state.subscribed.insert(name) } else { state.subscribed.remove(name) }
        }
        guard self.events(for: name).contains(.subscriptionChange) else { return }
        let found = try self.finder.find(name)
        var line = ListLine(name: name, specialUses: found?.facts.specialUse.forWire ?? [])
        if isSubscribed { line.attributes.insert(.subscribed) }
        if found == nil { line.attributes.insert(.nonExistent) }
        out.writeListLine(line, mode: self.mode)
    }

    // MARK: What is meant

    /// A mailbox that this user may see and read, and how he calls it.
    private func visible(_ mailbox: MailboxID) throws(StoreError) -> (MailboxFacts, String)? {
        let facts: MailboxFacts
        do throws(StoreError) { facts = try self.finder.reads.openView(mailbox) } catch { return nil }
        guard facts.account != self.finder.identity.account else { return (facts, facts.name) }
        let rights = try self.finder.rights(on: mailbox, of: facts.account)
        guard rights.isSuperset(of: [.lookup, .read]), let owner = self.finder.environment.loginName(facts.account) else { return nil }
        return (facts, FolderName(owner: owner, name: facts.name).clientName)
    }

    /// Of the first group that means this mailbox. [RFC5465-6]
    private func events(for name: String) -> NotifyEvents {
        for group in self.groups where self.means(group.filter, name) { return group.events }
        return []
    }

    private func means(_ filter: MailboxFilter, _ name: String) -> Bool {
        switch filter {
        case .selected, .selectedDelayed: false
        case .inboxes: name == FolderName.inbox
        case .personal: !name.hasPrefix(FolderName.othersPrefix)
        case .subscribed: self.state.withLock { $0.subscribed.contains(name) }
        case .subtree(let roots): roots.contains { name == $0 || name.hasPrefix($0 + "/") }
        case .subtreeOne(let roots):
            roots.contains { name == $0 || (name.hasPrefix($0 + "/") && !name.dropFirst($0.count + 1).contains("/")) }
        case .mailboxes(let names): names.contains(name)
        }
    }

    private func writeStatus(_ facts: MailboxFacts, _ name: String, _ items: StatusItems, _ out: inout ByteBuffer) {
        var values = StatusValues()
        values.messages = facts.messages
        values.uidNext = facts.uidNext
        values.validity = facts.uidValidity
        values.unseen = facts.unseen
        values.highestModSeq = facts.highestModSeq
        out.writeStatusLine(name, values, items, mode: self.mode)
    }
}

extension AccountEvent {
    /// The name that the event is about, where a command of a client can have caused it.
    fileprivate var name: String? {
        switch self {
        case .created(_, let name), .deleted(_, let name), .subscribed(let name, _): name
        case .renamed(_, _, let to): to
        case .changed, .specialUse, .rights, .metadata: nil
        }
    }
}
