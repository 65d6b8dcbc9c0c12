internal import Directory
package import IMAPWire
internal import MessageStore
internal import NIOCore
package import NetKit
internal import Policy
internal import SASL
internal import Synchronization
internal import Vocabulary

/// What the calls of one IMAP session mean. Its state is behind a lock, because workers and the store answer on their own threads; one call
/// is open at a time.
package final class IMAPBackend: SessionBackend, Sendable {
    package typealias Machine = IMAPMachine
    typealias Answer = SessionAnswer<IMAPOutcome>

    struct State {
        var identity: Identity?
        var hostName = HostNameFact.notLooked
        /// This session is counted among those of its account.
        var counted: AccountSessions.Seat?
        var selection: Selection?
        /// A FETCH or SEARCH in hand: it comes in parts.
        var part: (any PartWork)?
        var append: AppendDraft?
        /// The mailbox of the last APPEND, if it is the user's own.
        var lastTarget: LastTarget?
        /// NOTIFY.
        var watch: MailboxWatch?
        var fetched = 0
        var appended = 0
        var hasEnded = false
    }

    let facts: ConnectionFacts
    let link: SessionLink<IMAPEvent>
    let environment: IMAPService.Environment
    let mailboxes: OpenMailboxes
    let work: FairWork
    let limits: IMAPLimits
    let state = Mutex(State())

    init(
        _ facts: ConnectionFacts, _ link: SessionLink<IMAPEvent>, _ environment: IMAPService.Environment, _ mailboxes: OpenMailboxes,
        _ work: FairWork, limits: IMAPLimits
    ) {
        self.facts = facts
        self.link = link
        self.environment = environment
        self.mailboxes = mailboxes
        self.work = work
        self.limits = limits
        self.record("opened", [("peer", "\(facts.peer)"), ("port", "\(facts.peerPort)"), ("listener", facts.listener.name)])
    }

    package func perform(_ call: IMAPCall, _ answer: SessionAnswer<IMAPOutcome>) {
        switch call {
        case .authenticate(let request, let mechanism, let hasTLS): self.authenticate(request, mechanism, hasTLS: hasTLS, answer)
        case .forgetLogin: self.forgetLogin(answer)
        case .account(let request, let mode): self.account(request, mode, answer)
        case .select(let request): self.select(request, answer)
        case .readView: self.readView(answer)
        case .readChanges(let since): self.readChanges(since: since, answer)
        case .readNotices: self.readNotices(answer)
        case .close(let expunging): self.close(expunging: expunging, answer)
        case .fetch(let request): self.fetch(request, answer)
        case .readOn: self.goOn(answer)
        case .store(let request): self.store(request, answer)
        case .stores(let requests): self.store(requests, answer)
        case .copy(let request): self.copy(request, answer)
        case .copies(let requests): self.copy(requests, answer)
        case .expunge(let uids): self.expunge(uids, answer)
        case .search(let request): self.search(request, answer)
        case .searchOn: self.goOn(answer)
        case .beginAppend(let request): self.beginAppend(request, answer)
        case .beginMessage(let message): self.beginMessage(message, answer)
        case .messageBytes(let bytes): self.messageBytes(bytes, answer)
        case .messageURL(let url): self.messageURL(url, answer)
        case .finishAppend: self.finishAppend(answer)
        case .finishAppends(let more): self.finishAppend(with: more, answer)
        case .dropAppend: self.dropAppend(answer)
        case .watch(let request): self.watch(request, answer)
        case .pause: answer(.resumed)
        }
    }

    package func ended() {
        let last = self.state.withLock { state in
            state.hasEnded = true
            defer {
                state.selection = nil
                state.part = nil
                state.append = nil
                state.watch = nil
                state.counted = nil
            }
            return state
        }
        self.letGo(last.selection)
        last.append?.abandon()
        if let seat = last.counted { self.environment.sessions.leave(seat) }
        var facts: [(key: String, value: String)] = []
        if let login = last.identity?.login { facts.append(("login", login)) }
        facts += [("fetched", "\(last.fetched)"), ("appended", "\(last.appended)")]
        self.record("closed", facts)
    }

    // MARK: Common steps

    var reads: StoreReads { StoreReads(self.environment.store) }

    /// Runs a job on a worker when it is this account's turn; false when too much waits.
    func onTurn(_ job: @escaping @Sendable () -> Void) -> Bool {
        self.work.submit(job, for: self.state.withLock { $0.identity?.account } ?? AccountID(rawValue: 0))
    }

    /// The connection is gone: nobody reads what is still being made.
    var hasEnded: Bool { self.state.withLock { $0.hasEnded } }

    /// Runs `body` on a worker and answers what it gives.
    func onWorker(_ answer: Answer, _ body: @escaping @Sendable () throws(IMAPRefusal) -> IMAPOutcome) {
        let isTaken = self.onTurn {
            do throws(IMAPRefusal) { answer(try body()) } catch { answer(.refused(error)) }
        }
        if !isTaken { answer(.refused(.unavailable)) }
    }

    /// Runs `body` on a worker; it answers itself, but for what it throws.
    func startOnWorker(_ answer: Answer, _ body: @escaping @Sendable () throws(IMAPRefusal) -> Void) {
        let isTaken = self.onTurn {
            do throws(IMAPRefusal) { try body() } catch { answer(.refused(error)) }
        }
        if !isTaken { answer(.refused(.unavailable)) }
    }

    /// What the store said, in the words of the protocol; what a client cannot mend goes to the log.
    func reading<T>(_ body: () throws(StoreError) -> T) throws(IMAPRefusal) -> T {
        do throws(StoreError) { return try body() } catch { throw self.refusal(error) }
    }

    func refusal(_ error: StoreError) -> IMAPRefusal {
        let refusal = IMAPRefusal(error)
        if [.unavailable, .diskFull, .damaged].contains(refusal.phrase) { self.record("store-failed", [("error", "\(error)")]) }
        return refusal
    }

    /// Who is logged in.
    func identity() throws(IMAPRefusal) -> Identity {
        guard let identity = self.state.withLock({ $0.identity }) else { throw IMAPRefusal(.notPermitted) }
        return identity
    }

    /// The selected mailbox.
    func selection() throws(IMAPRefusal) -> Selection {
        guard let selection = self.state.withLock({ $0.selection }) else { throw .nothingSelected }
        return selection
    }

    func record(_ event: String, _ facts: [(key: String, value: String)]) {
        self.environment.sink.record(TrailEvent(.imapServer, event, trace: self.facts.trace, facts), switchedBy: nil)
    }
}

/// An answer that is made in parts, each on a worker's turn, so that no session keeps a worker from the others.
protocol PartWork: AnyObject, Sendable {
    /// Makes the next part; answers exactly once, now or when the store has.
    func goOn(_ answer: SessionAnswer<IMAPOutcome>)
}

extension IMAPBackend {
    /// Begins an answer in parts.
    func begin(_ work: any PartWork, _ answer: Answer) {
        let mayGoOn = self.state.withLock { state in
            guard !state.hasEnded else { return false }
            state.part = work
            return true
        }
        if mayGoOn { work.goOn(answer) }
    }

    func goOn(_ answer: Answer) {
        guard let work = self.state.withLock({ $0.part }) else { return answer(.refused(.unavailable)) }
        self.startOnWorker(answer) { work.goOn(answer) }
    }

    /// A job's time on a worker.
    func turn() -> Turn { Turn(self) }

    /// The last part has been given.
    func partDone() { self.state.withLock { $0.part = nil } }
}

/// A job's time on a worker: afterwards others have theirs.
struct Turn: Sendable {
    private static let length = Duration.milliseconds(20)

    private let end = ContinuousClock.now + Self.length
    private let backend: IMAPBackend

    fileprivate init(_ backend: IMAPBackend) { self.backend = backend }

    var isOver: Bool { ContinuousClock.now >= self.end || self.backend.hasEnded }
}
