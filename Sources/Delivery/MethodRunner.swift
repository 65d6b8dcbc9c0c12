internal import Database
internal import MessageStore
internal import NIOCore
internal import Vocabulary

/// Works on the entries of one channel with threads of its own, so that what takes long (a program, a locked maildrop) holds up nothing else.
/// One entry of an account at a time, so that its messages keep their order and it cannot hold all threads. Few entries of an account wait in
/// memory, so that thousands of one hide nobody else's. A few are at work at a time; one that takes long gives that place to another, and
/// keeps but its thread. Accounts whose last one took long leave threads for those of whom nothing is known.
final class MethodRunner: Sendable {
    private struct State {
        var isStopped = false
        /// There may be entries in the queue that are due and not in hand.
        var mustLook = true
        var waiting: [Job] = []
        /// Waiting or under way.
        var inHand: Set<QueueID> = []
        /// How many of these each line has.
        var lines: [String: Int] = [:]
        var running: [AccountID: Run] = [:]
        /// Accounts whose last attempt took long.
        var slow: Set<AccountID> = []
        /// The last look saw only a part of what is due.
        var hasMore = false
        var lastLook = NIODeadline.distantPast

        /// Of those that run, the ones that take long, or whose account's last one did.
        func slowRuns(_ now: NIODeadline) -> Int {
            self.running.values.count { $0.isKnownSlow || now - $0.began >= .seconds(MethodRunner.long) }
        }
    }

    private struct Run {
        let began: NIODeadline
        let isKnownSlow: Bool
    }

    private struct Job {
        let entry: StoredQueueEntry
        let account: AccountID
    }

    let channel: QueueDraft.Channel
    private let store: MessageStore
    private let now: @Sendable () -> Int64
    private let attempt: @Sendable (StoredQueueEntry) -> Void
    private let state = Monitor(State())
    private let threads = Monitor<[Thread]>([])

    /// Threads, and those of them that accounts may have whose last attempt took long. (The helper takes 64 requests at a time, of all kinds.)
    private static let mostThreads = 16
    private static let mostSlow = 12
    /// At work at a time, beside what has taken long already.
    private static let mostQuick = 4
    /// Entries that are read at a time beside those in hand; those of one line that are in memory, and of all.
    private static let batch = 100
    private static let line = 8
    private static let most = 8000
    /// Lines that are looked at in one step.
    private static let page = 500
    /// Seconds from which on an attempt counts as long.
    private static let long: Int64 = 5
    private static let mostKnownSlow = 10_000
    /// Milliseconds between two looks at the queue, when nothing calls.
    private static let pause = 30_000
    /// Milliseconds between two looks at the clock while something waits.
    private static let beat = 1000

    /// Begins to work.
    init(
        _ channel: QueueDraft.Channel, store: MessageStore, now: @escaping @Sendable () -> Int64,
        _ attempt: @escaping @Sendable (StoredQueueEntry) -> Void
    ) {
        self.channel = channel
        self.store = store
        self.now = now
        self.attempt = attempt
        var made = (0..<Self.mostThreads).map { _ in Thread("\(channel)") { [weak self] in while let self, self.workOnce() {} } }
        made.append(Thread("\(channel)-clock") { [weak self] in while let self, self.tick() {} })
        self.threads.withLock { $0 = made }
    }

    func wake() {
        self.state.withLock { $0.mustLook = true }
        self.state.broadcast()
    }

    /// Waits for what is under way.
    func stop() {
        self.state.withLock { $0.isStopped = true }
        self.state.broadcast()
        for thread in self.threads.withLock({ $0 }) { thread.join() }
    }

    private enum Turn {
        case stop, look, nothing, run(Job)
    }

    private func workOnce() -> Bool {
        let turn = self.state.wait(
            milliseconds: Self.pause, until: { $0.isStopped || $0.mustLook || self.next($0) != nil }, then: { self.take(&$0) })
        switch turn {
        case .stop: return false
        case .nothing: break
        case .look: self.look()
        case .run(let job):
            self.attempt(job.entry)
            self.state.withLock { state in
                state.inHand.remove(job.entry.id)
                let name = job.entry.draft.destination
                state.lines[name] = (state.lines[name] ?? 1) > 1 ? (state.lines[name] ?? 1) - 1 : nil
                let began = state.running.removeValue(forKey: job.account)?.began ?? .distantPast
                state.slow.remove(job.account)
                if NIODeadline.now() - began >= .seconds(Self.long), state.slow.count < Self.mostKnownSlow {
                    state.slow.insert(job.account)
                }
                if state.hasMore, state.lines[name] == nil { state.mustLook = true }
            }
            self.state.broadcast()
        }
        return true
    }

    /// As time passes, somebody's place becomes another's. Does nothing while nothing waits.
    private func tick() -> Bool {
        self.state.wait(until: { $0.isStopped || !$0.waiting.isEmpty }, then: { _ in })
        let isStopped = self.state.wait(milliseconds: Self.beat, until: { $0.isStopped }, then: { $0.isStopped })
        self.state.broadcast()
        return !isStopped
    }

    /// Those first whose last one was quick.
    private func next(_ state: State) -> Int? {
        guard !state.waiting.isEmpty else { return nil }
        let slow = state.slowRuns(NIODeadline.now())
        if state.running.count - slow < Self.mostQuick,
            let index = state.waiting.firstIndex(where: { state.running[$0.account] == nil && !state.slow.contains($0.account) })
        {
            return index
        }
        guard slow < Self.mostSlow else { return nil }
        return state.waiting.firstIndex { state.running[$0.account] == nil && state.slow.contains($0.account) }
    }

    private func take(_ state: inout State) -> Turn {
        if state.isStopped { return .stop }
        if let index = self.next(state) {
            let job = state.waiting.remove(at: index)
            state.running[job.account] = Run(began: NIODeadline.now(), isKnownSlow: state.slow.contains(job.account))
            return .run(job)
        }
        // Also when the time is over: what was put off may be due.
        let now = NIODeadline.now()
        guard state.mustLook || now - state.lastLook >= .milliseconds(Int64(Self.pause)) else { return .nothing }
        state.mustLook = false
        state.lastLook = now
        return .look
    }

    private func look() {
        let now = self.now()
        let inHand = self.state.withLock { $0.inHand.count }
        let limit = Self.batch + inHand
        let due = (try? self.store.queueEntries(due: self.channel, until: now, limit: limit)) ?? []
        self.add(due)
        let isAll = due.count < limit
        self.state.withLock { $0.hasMore = !isAll }
        // Behind those of a line that is full stand others: then line by line, a step in an index for each.
        if !isAll { self.lookAtLines(now) }
        self.state.broadcast()
    }

    private func lookAtLines(_ now: Int64) {
        var last = ""
        while let page = try? self.store.queueDestinations(self.channel, after: last, limit: Self.page), let end = page.last {
            for place in page where place.due <= now {
                let known = self.state.withLock { $0.lines[place.name] ?? 0 }
                guard known < Self.line else { continue }
                self.add(
                    (try? self.store.queueEntries(self.channel, destination: place.name, until: now, limit: Self.line + known)) ?? [])
            }
            guard page.count == Self.page else { return }
            last = end.name
        }
    }

    private func add(_ due: [StoredQueueEntry]) {
        guard !due.isEmpty else { return }
        self.state.withLock { state in
            for entry in due where state.inHand.count < Self.most {
                let name = entry.draft.destination
                // Entries of versions before there were lines have none of their own.
                let room = name.isEmpty ? Self.most / 8 : Self.line
                guard (state.lines[name] ?? 0) < room, state.inHand.insert(entry.id).inserted else { continue }
                state.lines[name, default: 0] += 1
                let account = MethodOrder(decoding: entry.draft.payload)?.account ?? AccountID(rawValue: 0)
                state.waiting.append(Job(entry: entry, account: account))
            }
        }
    }
}
