internal import Database
internal import MessageStore
internal import NIOCore
internal import Vocabulary

/// Works on the entries of one channel with a few threads, so that what takes long (a program, a locked maildrop) holds up nothing else.
/// One entry of an account at a time, so that its messages keep their order and it cannot hold all threads. Few entries of an account wait in
/// memory, so that thousands of one hide nobody else's; and accounts whose last one took long never have all threads among them.
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
        var running: Set<AccountID> = []
        /// Accounts whose last attempt took long, and how many of them are running.
        var slow: Set<AccountID> = []
        var runningSlow = 0
        /// The last look saw only a part of what is due.
        var hasMore = false
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
    /// Of the threads, for accounts whose last attempt took long.
    private let mostSlow: Int

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

    /// Begins to work.
    init(
        _ channel: QueueDraft.Channel, threads: Int, store: MessageStore, now: @escaping @Sendable () -> Int64,
        _ attempt: @escaping @Sendable (StoredQueueEntry) -> Void
    ) {
        self.channel = channel
        self.store = store
        self.now = now
        self.attempt = attempt
        self.mostSlow = max(1, threads - 1)
        let made = (0..<threads).map { _ in Thread("\(channel)") { [weak self] in while let self, self.workOnce() {} } }
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
        case stop, look, run(Job)
    }

    private func workOnce() -> Bool {
        let turn = self.state.wait(
            milliseconds: Self.pause, until: { $0.isStopped || $0.mustLook || self.next($0) != nil }, then: { self.take(&$0) })
        switch turn {
        case .stop: return false
        case .look: self.look()
        case .run(let job):
            let began = NIODeadline.now()
            self.attempt(job.entry)
            let isSlow = NIODeadline.now() - began >= .seconds(Self.long)
            self.state.withLock { state in
                state.inHand.remove(job.entry.id)
                let name = job.entry.draft.destination
                state.lines[name] = (state.lines[name] ?? 1) > 1 ? (state.lines[name] ?? 1) - 1 : nil
                state.running.remove(job.account)
                if state.slow.remove(job.account) != nil { state.runningSlow -= 1 }
                if isSlow, state.slow.count < Self.mostKnownSlow { state.slow.insert(job.account) }
                if state.hasMore, state.lines[name] == nil { state.mustLook = true }
            }
            self.state.broadcast()
        }
        return true
    }

    /// Those first whose last one was quick.
    private func next(_ state: State) -> Int? {
        if let index = state.waiting.firstIndex(where: { !state.running.contains($0.account) && !state.slow.contains($0.account) }) {
            return index
        }
        guard state.runningSlow < self.mostSlow else { return nil }
        return state.waiting.firstIndex { !state.running.contains($0.account) }
    }

    private func take(_ state: inout State) -> Turn {
        if state.isStopped { return .stop }
        if let index = self.next(state) {
            let job = state.waiting.remove(at: index)
            state.running.insert(job.account)
            if state.slow.contains(job.account) { state.runningSlow += 1 }
            return .run(job)
        }
        // Also when the time is over: what was put off may be due.
        state.mustLook = false
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
