internal import Directory
internal import MessageStore
internal import NIOCore
package import NetKit
package import POP3Wire
internal import Policy
internal import SASL
internal import Synchronization
internal import Vocabulary

/// What the calls of one POP3 session mean. Its state is behind a lock, because the store answers on its own threads.
package final class POP3Backend: SessionBackend, Sendable {
    package typealias Machine = POP3Machine

    private struct State {
        var login: String?
        /// Among the sessions of the account.
        var seat: AccountSessions.Seat?
        var hostName = HostNameFact.notLooked
        /// The account whose lock this session holds.
        var locked: AccountID?
        var inbox: OpenInbox?
        var current: MessageReader?
        /// Octets of the current message that were not read yet.
        var remaining: Int64 = 0
        var delivered = 0
        var deliveredOctets: Int64 = 0
        var removed = 0
        var hasEnded = false
    }

    private let facts: ConnectionFacts
    private let link: SessionLink<POP3Event>
    private let environment: POP3Service.Environment
    private let loginDelay: Int
    private let state = Mutex(State())

    init(_ facts: ConnectionFacts, _ link: SessionLink<POP3Event>, _ environment: POP3Service.Environment, loginDelay: Int) {
        self.facts = facts
        self.link = link
        self.environment = environment
        self.loginDelay = loginDelay
        self.record("opened", [("peer", "\(facts.peer)"), ("port", "\(facts.peerPort)"), ("listener", facts.listener.name)])
    }

    package func perform(_ call: POP3Call, _ answer: SessionAnswer<POP3Outcome>) {
        switch call {
        case .authenticate(let request, let mechanism, let hasTLS): self.authenticate(request, mechanism, hasTLS: hasTLS, answer)
        case .openMaildrop(let identity): self.open(identity, answer)
        case .read(let index): self.read(index, answer)
        case .readOn: self.readOn(answer)
        case .pause: answer(.resumed)
        case .finish(let deleted): self.finish(deleted, answer)
        }
    }

    package func ended() {
        let last = self.state.withLock { state in
            state.hasEnded = true
            defer {
                state.inbox = nil
                state.current = nil
            }
            return state
        }
        last.inbox?.close()
        if let seat = last.seat { self.environment.sessions.leave(seat) }
        self.releaseLock()
        var facts: [(key: String, value: String)] = []
        if let login = last.login { facts.append(("login", login)) }
        facts += [("retrieved", "\(last.delivered)"), ("octets", "\(last.deliveredOctets)"), ("removed", "\(last.removed)")]
        self.record("closed", facts)
    }

    // MARK: Login

    private func authenticate(_ request: AuthRequest, _ mechanism: SASLMechanism?, hasTLS: Bool, _ answer: SessionAnswer<POP3Outcome>) {
        let way = mechanism?.rawValue ?? "USER"
        self.withHostName { hostName in
            let context = LoginContext(facts: self.facts, hasTLS: hasTLS, hostName: hostName, mechanism: way)
            self.environment.authenticate(request, context) { outcome in
                // Who is refused, and why in truth, is recorded by the authenticator.
                if case .accepted(let identity) = outcome {
                    self.record("login", [("login", identity.login), ("mechanism", way), ("tls", hasTLS ? "yes" : "no")])
                    self.environment.noteLogin(identity.account, self.facts.peer)
                    self.enter(identity)
                }
                answer(.auth(outcome))
            }
        }
    }

    /// From now on the session hears when its account may not be here any more.
    private func enter(_ identity: Identity) {
        let link = self.link
        guard let seat = self.environment.sessions.enter(identity, limit: .max, { link(.accountChanged) }) else { return }
        let mustLeave = self.state.withLock { state -> AccountSessions.Seat? in
            if state.hasEnded { return seat }
            defer { state.seat = seat }
            return state.seat
        }
        if let mustLeave { self.environment.sessions.leave(mustLeave) }
    }

    /// The peer's name is looked up once a session, and only when it could matter.
    private func withHostName(_ body: @escaping @Sendable (HostNameFact) -> Void) {
        let known = self.state.withLock { $0.hostName }
        guard known == .notLooked else { return body(known) }
        self.environment.lookUpName(self.facts.peer) { found in
            self.state.withLock { $0.hostName = found }
            body(found)
        }
    }

    private func open(_ identity: Identity, _ answer: SessionAnswer<POP3Outcome>) {
        switch self.environment.locks.take(identity.account, now: self.environment.now(), delay: self.loginDelay) {
        case .inUse: return self.notOpened(identity, .inUse, answer)
        case .tooSoon: return self.notOpened(identity, .tooSoon, answer)
        case .taken: break
        }
        self.state.withLock { state in
            state.login = identity.login
            state.locked = identity.account
        }
        self.environment.store.openInbox(of: identity.account) { result in
            switch result {
            case .success(let listing): self.opened(listing, answer)
            case .failure(let error):
                self.releaseLock()
                self.record("maildrop-failed", [("login", identity.login), ("error", "\(error)")])
                answer(.noMaildrop(.unavailable))
            }
        }
    }

    private func notOpened(_ identity: Identity, _ refusal: MaildropRefusal, _ answer: SessionAnswer<POP3Outcome>) {
        self.record("maildrop-refused", [("login", identity.login), ("reason", refusal == .inUse ? "in-use" : "too-soon")])
        answer(.noMaildrop(refusal))
    }

    private func opened(_ listing: MailboxListing, _ answer: SessionAnswer<POP3Outcome>) {
        let entries = listing.entries.map { Maildrop.Entry(uid: $0.uid, size: $0.size) }
        let inbox = OpenInbox(listing.mailbox, entries, self.environment.store)
        self.state.withLock { state in
            if !state.hasEnded { state.inbox = inbox }
        }
        answer(.maildrop(Maildrop(validity: listing.uidValidity, messages: entries)))
    }

    /// At most once has an effect, so that QUIT and the end of the connection may both come.
    private func releaseLock() {
        let account = self.state.withLock { state in
            defer { state.locked = nil }
            return state.locked
        }
        if let account { self.environment.locks.release(account) }
    }

    // MARK: Mail

    private func read(_ index: Int, _ answer: SessionAnswer<POP3Outcome>) {
        guard let inbox = self.state.withLock({ $0.inbox }) else { return answer(.unreadable(.failed)) }
        inbox.reader(index) { result in
            switch result {
            case .success(let reader) where self.environment.crashGuard.isBlamed(ContentHash(reader.blob).passedOn):
                self.record("message-withheld", [("message", "\(index + 1)"), ("octets", "\(reader.size)")])
                answer(.unreadable(.withheld))
            case .success(let reader):
                self.state.withLock { state in
                    state.current = reader
                    state.remaining = reader.size
                    state.delivered += 1
                    state.deliveredOctets += reader.size
                }
                self.pass(on: reader, answer)
            case .failure(.noSuchMessage): answer(.unreadable(.gone))
            case .failure(let error): self.failed(error, answer)
            }
        }
    }

    private func readOn(_ answer: SessionAnswer<POP3Outcome>) {
        guard let reader = self.state.withLock({ $0.current }) else { return answer(.unreadable(.failed)) }
        self.pass(on: reader, answer)
    }

    private func pass(on reader: MessageReader, _ answer: SessionAnswer<POP3Outcome>) {
        reader.next { result in
            switch result {
            case .success(let piece):
                let octets = Int64(piece?.readableBytes ?? 0)
                let isLast = self.state.withLock { state in
                    state.remaining -= octets
                    return piece == nil || state.remaining <= 0
                }
                answer(.piece(piece ?? ByteBuffer(), isLast: isLast, of: ContentHash(reader.blob)))
            case .failure(let error): self.failed(error, answer)
            }
        }
    }

    private func failed(_ error: StoreError, _ answer: SessionAnswer<POP3Outcome>) {
        self.record("read-failed", [("error", "\(error)")])
        answer(.unreadable(.failed))
    }

    private func finish(_ deleted: [UID], _ answer: SessionAnswer<POP3Outcome>) {
        guard !deleted.isEmpty, let inbox = self.state.withLock({ $0.inbox }) else {
            self.releaseLock()
            return answer(.finished(removedAll: deleted.isEmpty))
        }
        self.environment.store.expunge(inbox.mailbox, deleted) { result in
            var removedAll = true
            switch result {
            case .success(let count): self.state.withLock { $0.removed = count }
            case .failure(let error):
                removedAll = false
                self.record("remove-failed", [("messages", "\(deleted.count)"), ("error", "\(error)")])
            }
            self.releaseLock()
            answer(.finished(removedAll: removedAll))
        }
    }

    private func record(_ event: String, _ facts: [(key: String, value: String)]) {
        self.environment.sink.record(TrailEvent(.pop3Server, event, trace: self.facts.trace, facts), switchedBy: nil)
    }
}
