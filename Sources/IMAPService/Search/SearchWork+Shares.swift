internal import IMAPWire
internal import MessageStore
internal import NetKit
internal import Search
internal import Synchronization
internal import Vocabulary

// A mailbox that is asked message by message is cut into a few stretches, each of which a worker asks for itself, as long as nothing depends on the order:
// the first search of a subject, and those that read bodies. A turn ends for all of them together.
extension SearchWork {
    struct Shares {
        /// Stretches in order; nil while a worker has it.
        var parts: [Progress?] = []
        /// Workers that have not ended this turn.
        var running = 0
        /// What was the newest change before all rows of the mailbox are read, and these rows; nil where they are not for keeping.
        var stamp: ModSeq?
        var rows: [[MessageRow]] = []
        var failure: IMAPRefusal?
    }

    /// Workers that one search is on: as many as one account may be.
    private static let most = 3
    /// Messages that are worth it, asked by their header and by their text.
    private static let fewest = 2000
    private static let fewestTexts = 200
    /// Messages of a mailbox whose rows are kept for the next search.
    private static let mostKept = 50_000

    /// Cuts a mailbox that is about to be asked into stretches; false where one worker asks it, as where headers are remembered.
    func cut(_ progress: inout Progress) -> Bool {
        guard !progress.isShared, progress.flags == nil, progress.at >= progress.rows.count, let plan = progress.plan,
            let next = progress.next, next == progress.candidates.first
        else { return false }
        progress.isShared = true
        guard progress.sorter == nil, progress.threads == nil, self.relevancy == nil else { return false }
        let isLong =
            plan.needs.contains(.text)
            ? progress.candidates.count >= Self.fewestTexts
            : plan.needs.contains(.summary) && progress.reader == nil && progress.candidates.count >= Self.fewest
        guard isLong else { return false }
        let count = progress.candidates.count
        let parts = (0..<Self.most).compactMap { index -> Progress? in
            var part = progress
            (part.rows, part.at, part.answers) = ([], 0, [])
            part.candidates = progress.candidates.slice((count * index / Self.most)..<(count * (index + 1) / Self.most))
            part.next = part.candidates.first
            (part.found, part.certain, part.done) = (UIDSet(), UIDSet(), 0)
            return part.next == nil ? nil : part
        }
        (progress.rows, progress.at, progress.next) = ([], 0, nil)
        let target = self.targets[progress.target]
        let isAll = count == target.view.count && count <= Self.mostKept
        self.shares.withLock { shares in
            shares.parts = parts
            shares.stamp = isAll ? target.open?.newest : nil
            shares.rows = parts.map { _ in [] }
        }
        return true
    }

    /// One turn of all stretches that are not done. The last worker to end it answers.
    func askTogether(_ answer: SessionAnswer<IMAPOutcome>) {
        let open = self.shares.withLock { shares in
            let open = shares.parts.indices.filter { shares.parts[$0].map(Self.isOpen) ?? false }
            shares.running = max(1, open.count)
            return open
        }
        guard let first = open.first else { return self.turnOver(answer) }
        for index in open.dropFirst() {
            let isTaken = self.backend.onTurn { self.ask(index, answer) }
            // Too much waits: it is asked in a later turn.
            if !isTaken { self.partOver(answer) }
        }
        self.ask(first, answer)
    }

    private static func isOpen(_ part: Progress) -> Bool { part.next != nil || part.at < part.rows.count }

    private func ask(_ index: Int, _ answer: SessionAnswer<IMAPOutcome>) {
        let taken = self.shares.withLock { shares in
            defer { shares.parts[index] = nil }
            return shares.parts[index]
        }
        guard var part = taken else { return self.partOver(answer) }
        let end = ContinuousClock.now + Self.turn
        var failure: IMAPRefusal?
        do throws(IMAPRefusal) {
            while Self.isOpen(part) {
                if try !self.askNext(&part) {
                    try self.backend.reading { () throws(StoreError) in try self.readPage(&part) }
                    self.shares.withLock { [part] in if $0.stamp != nil { $0.rows[index] += part.rows } }
                }
                if Self.mayBeLong(part), ContinuousClock.now >= end { break }
            }
        } catch { failure = error }
        self.shares.withLock { [part, failure] shares in
            shares.parts[index] = part
            shares.failure = shares.failure ?? failure
        }
        self.partOver(answer)
    }

    private func partOver(_ answer: SessionAnswer<IMAPOutcome>) {
        let isLast = self.shares.withLock { shares in
            shares.running -= 1
            return shares.running == 0
        }
        if isLast { self.turnOver(answer) }
    }

    private func turnOver(_ answer: SessionAnswer<IMAPOutcome>) {
        let (failure, isOpen, asked) = self.shares.withLock { shares in
            let parts = shares.parts.compactMap { $0 }
            return (shares.failure, parts.contains(where: Self.isOpen), parts.reduce(0) { $0 + $1.done })
        }
        if let failure {
            self.backend.partDone()
            return answer(.refused(failure))
        }
        guard var progress = self.take() else { return answer(.refused(.unavailable)) }
        if isOpen {
            let before = progress.done
            self.put(progress)
            return answer(.progress(done: before + asked, of: self.total))
        }
        let done = self.shares.withLock { shares in
            defer { shares = Shares() }
            return shares
        }
        for part in done.parts { if let part { progress.add(part) } }
        if let stamp = done.stamp { self.targets[progress.target].open?.keep(done.rows.flatMap { $0 }, readAt: stamp) }
        let (isLast, now) = (progress.target + 1 >= self.targets.count, progress.done)
        self.put(progress)
        // One mailbox behind the other would be one call within the other.
        if isLast { self.goOn(answer) } else { answer(.progress(done: now, of: self.total)) }
    }
}

extension SearchWork.Progress {
    /// What came of a stretch behind all before it.
    fileprivate mutating func add(_ part: Self) {
        self.found = self.found.union(part.found)
        self.fresh.append(part.fresh)
        self.modSeq = [self.modSeq, part.modSeq].compactMap { $0 }.max()
        self.done += part.done
        self.warning = self.warning ?? part.warning
        self.unread.add(part.unread)
    }
}
