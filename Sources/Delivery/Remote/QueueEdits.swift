internal import Database
internal import Directory
package import MessageStore
internal import Policy
internal import Queue
internal import Routing
package import Vocabulary

// What the postmaster does to entries by hand. Calls block.
extension RemoteDelivery {
    package enum Edit: Sendable, Hashable {
        case hold(reason: String)
        /// Free again, due at once.
        case release
        /// Due at once; what the postmaster holds stays held.
        case retry
        /// Back to the sender now.
        case giveBack
        case redirect(Envelope.Recipient)
        /// Gone without a report.
        case delete
    }

    /// What became of an edit of some entries.
    package struct EditResult: Sendable, Hashable {
        package var done = 0
        /// Being delivered at this moment: left alone.
        package var busy = 0
        /// Disk or database did not take the change: as they were.
        package var failed = 0

        package init(done: Int = 0, busy: Int = 0, failed: Int = 0) {
            self.done = done
            self.busy = busy
            self.failed = failed
        }
    }

    /// Entries that are being delivered at this moment, to another host or to a mailbox here.
    package var underWay: Set<QueueID> { self.environment.queue.underWay }

    /// Entries that somebody has in hand are left alone: what is being sent cannot be taken back.
    package func edit(_ entries: [StoredQueueEntry], _ edit: Edit) throws(StoreError) -> EditResult {
        let claimed = self.environment.queue.claim(entries)
        let free = try self.freshened(claimed)
        guard !free.isEmpty else { return EditResult(busy: entries.count - claimed.count) }
        let now = self.environment.now()
        let answer = Monitor<Int?>(nil)
        let completion: @Sendable (Int) -> Void = { done in
            answer.withLock { $0 = done }
            answer.signal()
        }
        if edit == .giveBack {
            self.giveBackNow(free, completion)
        } else {
            self.environment.queue.settle(free.compactMap { self.change($0, edit, now) }, freeing: free.map(\.id)) { isKept in
                completion(isKept ? free.count : 0)
            }
        }
        // Bounded: a disk that hangs must not hang the postmaster's command for ever.
        let done = answer.wait(milliseconds: 60_000, until: { $0 != nil }, then: { $0 ?? 0 })
        for name in Set(free.map(\.draft.destination)) { self.environment.queue.book { $0.wake(name, now: now) } }
        // Somebody looks next what became of it.
        self.counted.forget()
        self.scan()
        self.localChanged()
        for entry in free { self.record("edited", entry.trace, [("to", "\(entry.draft.recipient.address)"), ("edit", edit.word)]) }
        return EditResult(done: done, busy: entries.count - claimed.count, failed: free.count - done)
    }

    /// Read again now that nobody else can change them: some may have been delivered meanwhile.
    private func freshened(_ claimed: [StoredQueueEntry]) throws(StoreError) -> [StoredQueueEntry] {
        var fresh: [StoredQueueEntry] = []
        do throws(StoreError) {
            for entry in claimed { if let found = try self.environment.store.queueEntry(entry.id) { fresh.append(found) } }
        } catch {
            self.environment.queue.giveBack(claimed)
            throw error
        }
        let found = Set(fresh.map(\.id))
        self.environment.queue.giveBack(claimed.filter { !found.contains($0.id) })
        return fresh
    }

    private func change(_ entry: StoredQueueEntry, _ edit: Edit, _ now: Int64) -> QueueChange? {
        switch edit {
        case .hold(let reason): .hold(entry.id, reason: reason, flags: [])
        case .release: .release(entry.id, now: now)
        case .retry:
            entry.flags.contains(.held)
                ? .postpone(entry.id, until: MessageStore.never, attempts: 0, reason: entry.reason, adding: [])
                : .postpone(entry.id, until: now, attempts: 0, reason: entry.reason, adding: [])
        case .redirect(let recipient): self.draft(entry, to: recipient, now).map { .replace(entry.id, $0, now: now) }
        case .delete: .finish(entry.id)
        case .giveBack: nil
        }
    }

    /// The entry on its way to another address: a mailbox here, an account that forwards, or another host.
    private func draft(_ entry: StoredQueueEntry, to recipient: Envelope.Recipient, _ now: Int64) -> QueueDraft? {
        var plan = CopyPlan(
            self.environment.directory.snapshot, sender: entry.envelope.sender, fields: entry.traceFields, now: now)
        // Who serves mailboxes looks the address up when its turn comes, so that all that the account wants is done.
        switch self.environment.directory.snapshot.resolveTarget(recipient.address) {
        case .account, .postmaster, .handler, .refused, .unknown: plan.wait(recipient)
        case .remote, .redirected, .bangPath: plan.add(recipient)
        }
        return plan.queue.first
    }

    /// One report a message. The completion has how many entries came back.
    private func giveBackNow(_ entries: [StoredQueueEntry], _ completion: @escaping @Sendable (Int) -> Void) {
        let groups = Dictionary(grouping: entries, by: \.blob).values.map { $0 }
        let open = Monitor((count: groups.count, done: 0))
        let returner = Returner(self.environment, self.environment.settings())
        for group in groups {
            returner.giveBack(group.map(FailedEntry.init(returning:)), byHand: true) { isKept in
                let done = open.withLock { state in
                    state.count -= 1
                    if isKept { state.done += group.count }
                    return state.count == 0 ? state.done : nil
                }
                if let done { completion(done) }
            }
        }
    }
}

extension RemoteDelivery.Edit {
    /// For the trail.
    fileprivate var word: String {
        switch self {
        case .hold: "hold"
        case .release: "release"
        case .retry: "retry"
        case .giveBack: "return"
        case .redirect(let recipient): "redirect \(recipient.address)"
        case .delete: "delete"
        }
    }
}
