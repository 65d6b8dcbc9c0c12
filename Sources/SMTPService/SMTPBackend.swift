internal import Bytes
internal import Directory
internal import MIME
internal import MessageStore
internal import NIOCore
internal import NetKit
internal import Policy
internal import Routing
internal import SASL
internal import SMTPWire
internal import Synchronization
internal import Vocabulary

/// What one SMTP session does to the world. Used on its event loop only; closures that run elsewhere take values with them, never this.
final class SMTPBackend: SessionBackend {
    typealias Machine = SMTPSession

    /// What was resolved for the transaction at hand.
    struct Planned {
        var address: Address
        var resolution: Resolution
        /// The relay restrictions let it leave this host, by this rule.
        var grant: RelayGrant?
    }

    let environment: SMTPEnvironment
    let facts: ConnectionFacts
    private let link: SessionLink<SMTPEvent>
    /// Among the sessions of the account that has logged in.
    private let place: SharedSeat
    var tls: TLSFacts?
    var hello: SMTPHello?
    /// What DNS said of the peer's name, once somebody had to know.
    private let hostName = SharedName()

    // The transaction at hand.
    /// One lookup state for all recipients of a transaction.
    var snapshot: DirectorySnapshot
    /// An octet beyond ASCII was in a body that went to disk.
    var sawEightBit = false
    /// The header has `TLS-Required: No`. [RFC8689-4.1]
    var saysTLSOptional = false
    var identity: Identity?
    /// Of the envelope: where From is rewritten, the account's primary address.
    var sender: Address?
    /// How From is to read; nil for strangers.
    var author: SubmissionAuthor?
    /// Octets that the client announced; 0 when it did not.
    var declaredSize: Int64 = 0
    /// All recipients that were asked about, in order; the session knows which of them were accepted.
    var asked: [Planned] = []
    /// Octets of the store's memory that this session has.
    var reserved = 0
    var large: LargeBody?
    /// A part of the message that comes from a mailbox.
    private var urlReading: URLReading?
    /// The beginning of a message that goes to disk, for the filters.
    var filterHead = ByteBuffer()

    /// Messages begun in this session.
    private var begun = 0
    private(set) var trace: TraceID

    init(_ environment: SMTPEnvironment, _ facts: ConnectionFacts, _ link: SessionLink<SMTPEvent>) {
        self.environment = environment
        self.link = link
        self.place = SharedSeat(environment.sessions)
        self.facts = facts
        self.trace = facts.trace
        self.snapshot = environment.directory.snapshot
    }

    func perform(_ call: SMTPCall, _ answer: SessionAnswer<SMTPOutcome>) {
        switch call {
        case .connect(let tls): answer(self.connect(tls))
        case .secured(let tls):
            self.forgetTransaction()
            (self.tls, self.hello, self.identity) = (tls, nil, nil)
            self.recordTLS(tls)
            answer(.done)
        case .hello(let hello):
            self.record("helo", .helo, [("name", hello.name), ("verb", hello.isExtended ? "EHLO" : "HELO")])
            if let refusal = self.helloRefusal(hello) { return answer(.reply(refusal)) }
            self.hello = hello
            answer(.done)
        case .authenticate(let request, let mechanism): self.authenticate(request, mechanism, answer)
        case .mail(let mail): answer(self.mail(mail))
        case .recipients(let recipients): self.recipients(recipients, answer)
        case .memory(let count): answer(self.memory(count))
        case .body(let piece): self.body(piece, answer)
        case .url(let url): self.open(url, answer)
        case .urlOn: self.readURL(answer)
        case .finish(let message): self.finish(message, answer)
        case .reset(let refused):
            if let refused { self.recordRefused(refused) }
            self.forgetTransaction()
            answer(.done)
        case .special(let command, let identity): self.special(command, identity, answer)
        }
    }

    func ended() {
        self.place.leave()
        self.forgetTransaction()
        self.record("closed", .closed, [("messages", "\(self.begun)")], trace: self.facts.trace)
    }

    // MARK: Connection

    private func connect(_ tls: TLSFacts?) -> SMTPOutcome {
        let now = self.environment.clock.now()
        if !self.isLMTP, self.environment.guards.harvest.isClosed(for: self.facts.peer, at: now), !self.isExcepted {
            return self.refuseConnection(
                Reply(421, EnhancedStatus(4, 7, 1), "Too many unknown recipients from your address, try again later"))
        }
        if case .failed = self.environment.store.health {
            return self.refuseConnection(Reply(421, EnhancedStatus(4, 3, 0), "Mail storage is not available, try again later"))
        }
        self.record(
            "opened", .opened,
            [("peer", "\(self.facts.peer)"), ("port", "\(self.facts.peerPort)"), ("listener", self.facts.listener.name)])
        self.tls = tls
        if let tls { self.recordTLS(tls) }
        let date = CivilTime(unixSeconds: now, offsetMinutes: self.environment.clock.offset(now))
        return .reply(self.product.greeting(host: self.rules.hostName, isLMTP: self.isLMTP, date: date))
    }

    private func refuseConnection(_ reply: Reply) -> SMTPOutcome {
        self.record("refused-at-connect", .refusedAtConnect, [("peer", "\(self.facts.peer)"), ("reply", "\(reply.code) \(reply.text)")])
        return .reply(reply)
    }

    /// The peer's name is looked up once a session, and only when it could matter.
    private func authenticate(_ request: AuthRequest, _ mechanism: SASLMechanism, _ answer: SessionAnswer<SMTPOutcome>) {
        let (environment, facts, hasTLS) = (self.environment, self.facts, self.tls != nil)
        let (link, place) = (self.link, self.place)
        let authenticate: @Sendable (HostNameFact) -> Void = { name in
            let context = LoginContext(facts: facts, hasTLS: hasTLS, hostName: name, mechanism: mechanism.rawValue)
            environment.authenticator.answer(request, context) { outcome in
                Self.record(outcome, context, environment.events)
                if case .accepted(let identity) = outcome { place.enter(identity) { link(.accountChanged) } }
                answer(.auth(outcome))
            }
        }
        if self.hostName.fact != .notLooked { return authenticate(self.hostName.fact) }
        let kept = self.hostName
        environment.lookUpName(self.facts.peer, self.facts.listener.service) { found in
            kept.fact = found
            authenticate(found)
        }
    }

    /// Who is refused, and why in truth, is recorded by the authenticator.
    private static func record(_ outcome: AuthOutcome, _ context: LoginContext, _ events: any EventSink) {
        guard case .accepted(let identity) = outcome else { return }
        let facts = [("login", identity.login), ("mechanism", context.mechanism), ("peer", "\(context.facts.peer)"), ("result", "ok")]
        events.record(TrailEvent(.smtpAccept, "auth", trace: context.facts.trace, facts), switchedBy: .auth)
    }

    // MARK: Transaction

    /// A new transaction has a snapshot and, from the second on, a trace of its own.
    func beginTransaction(_ identity: Identity?) {
        self.forgetTransaction()
        self.snapshot = self.environment.directory.snapshot
        self.identity = identity
        self.begun += 1
        self.trace = self.begun == 1 ? self.facts.trace : TraceID("\(self.facts.trace.text)m\(self.begun)")
    }

    func forgetTransaction() {
        self.asked = []
        self.sender = nil
        self.author = nil
        self.sawEightBit = false
        self.saysTLSOptional = false
        self.large?.abandon()
        self.large = nil
        self.filterHead = ByteBuffer()
        self.urlReading = nil
        if self.reserved > 0 { self.environment.store.memory.release(self.reserved) }
        self.reserved = 0
    }

    private func open(_ url: String, _ answer: SessionAnswer<SMTPOutcome>) {
        guard let open = self.environment.openURL, let identity = self.identity else { return answer(.reply(URLFailure.later.reply)) }
        let reading = URLReading()
        self.urlReading = reading
        reading.begin(url, identity, open, answer)
    }

    private func readURL(_ answer: SessionAnswer<SMTPOutcome>) {
        guard let reading = self.urlReading else { return answer(.reply(URLFailure.later.reply)) }
        reading.goOn(answer)
    }

    /// The memory of a body is given back by whoever takes the result.
    func takeReservation() -> Int {
        defer { self.reserved = 0 }
        return self.reserved
    }

    // MARK: Conveniences

    /// A mail server of our own hands over what it has accepted: it is not held to what strangers are.
    var isLMTP: Bool { self.facts.listener.service == .lmtp }

    var rules: RoutingRules { self.snapshot.configuration.routing }
    var product: ProductName { ProductName(version: self.snapshot.configuration.showsVersion ? self.environment.version : nil) }

    func record(_ event: String, _ gate: LogSwitch, _ facts: @autoclosure () -> [(key: String, value: String)], trace: TraceID? = nil) {
        self.environment.events.record(TrailEvent(.smtpAccept, event, trace: trace ?? self.trace, facts()), switchedBy: gate)
    }

    private func recordTLS(_ tls: TLSFacts) {
        self.record("tls", .tls, [("version", tls.version), ("cipher", tls.cipher), ("name", tls.serverName ?? "")])
    }

    func recordRefused(_ reply: Reply) {
        self.record(
            "message-refused", .messageRefused, [("from", self.sender.map { "\($0)" } ?? "<>"), ("reply", "\(reply.code) \(reply.text)")])
    }
}

/// The place of a session among those of its account. Taken when a login succeeds, on whatever thread, and given back once.
private final class SharedSeat: Sendable {
    private let sessions: AccountSessions
    private let state = Mutex<(seat: AccountSessions.Seat?, hasEnded: Bool)>((nil, false))

    init(_ sessions: AccountSessions) { self.sessions = sessions }

    func enter(_ identity: Identity, _ tell: @escaping @Sendable () -> Void) {
        guard let seat = self.sessions.enter(identity, limit: .max, tell) else { return }
        let mustLeave = self.state.withLock { state -> AccountSessions.Seat? in
            if state.hasEnded { return seat }
            defer { state.seat = seat }
            return state.seat
        }
        if let mustLeave { self.sessions.leave(mustLeave) }
    }

    func leave() {
        let seat = self.state.withLock { state in
            defer { state = (nil, true) }
            return state.seat
        }
        if let seat { self.sessions.leave(seat) }
    }
}

/// Outlives the session while a lookup is under way.
private final class SharedName: Sendable {
    private let state = Mutex(HostNameFact.notLooked)
    var fact: HostNameFact {
        get { self.state.withLock { $0 } }
        set { self.state.withLock { $0 = newValue } }
    }
}
