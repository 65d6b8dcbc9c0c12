internal import MIME
internal import Search
internal import Vocabulary

/// What searches of one mailbox have found out and the next one need not: texts and dates of its messages, and threads. Shared by all of its
/// sessions.
struct SearchMemory: Sendable {
    /// Threads of certain messages: they are what THREAD answers as long as it finds the same ones, and where it goes on from when it finds more.
    struct Threads: Sendable {
        /// Put together in order.
        var uids: UIDSet
        var builder: ThreadBuilder
        var threads: MessageThreads

        /// About: identifiers, subjects and links of a message, and its places in the answer.
        static let octetsPerMessage = 300
        var octets: Int { self.uids.count * Self.octetsPerMessage }
    }

    /// Messages of a mailbox whose threads are remembered.
    static let mostThreaded = 100_000

    var columns = SearchColumns()
    var threads: [ThreadAlgorithm: Threads] = [:]

    var octets: Int { self.columns.octets + self.threads.values.reduce(0) { $0 + $1.octets } }
}

/// Follows a THREAD through the messages that it finds, as long as they are those whose threads are known.
struct ThreadWalk: Sendable {
    let algorithm: ThreadAlgorithm
    private let known: SearchMemory.Threads?
    /// Known ones that were found so far.
    private var met = 0
    /// Made of more than is known.
    private var builder: ThreadBuilder?
    private var found: UIDSet

    /// - Parameter known: nil begins anew.
    init(_ algorithm: ThreadAlgorithm, _ known: SearchMemory.Threads?) {
        self.algorithm = algorithm
        self.known = known
        self.found = UIDSet()
        if known == nil { self.builder = ThreadBuilder(algorithm) }
    }

    enum Step { case known, needsSummary, differs }

    /// What a message that was found means.
    mutating func meet(_ uid: UID) -> Step {
        guard let known = self.known else { return .needsSummary }
        if self.met < known.uids.count {
            guard known.uids.uid(at: self.met) == uid else { return .differs }
            self.met += 1
            return .known
        }
        return .needsSummary
    }

    mutating func add(_ facts: SearchFacts, _ summary: MessageSummary) {
        if self.builder == nil { self.builder = self.known?.builder }
        self.builder?.add(facts, summary)
        self.found.append(facts.uid.rawValue)
    }

    /// Messages that are known were not found any more.
    var lacksKnown: Bool { self.met < self.known?.uids.count ?? 0 }

    /// The answer, and what to remember; the latter is nil when it is remembered already.
    func finish() -> (threads: MessageThreads, news: SearchMemory.Threads?) {
        guard let builder = self.builder else { return (self.known?.threads ?? MessageThreads(), nil) }
        let threads = builder.threads()
        let uids = self.known.map { $0.uids.union(self.found) } ?? self.found
        return (threads, SearchMemory.Threads(uids: uids, builder: builder, threads: threads))
    }
}
