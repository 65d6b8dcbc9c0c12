internal import Database
package import Policy
package import SASL
internal import Synchronization
internal import Text
package import Vocabulary

// What a stranger can learn from an answer, by word or by time, must not depend on whether an account exists:
// 1. An unknown name, an account without password and one whose access list does not admit the peer get the same work (a decoy's
//    hash) and the same answer as a wrong password.
// 2. States (locked, expired, service off) are told only to who knows the password.
// 3. Access lists are asked before the password is looked at; on the web whoever knew the password is told that it is the place.
// 4. The true reason of a refusal goes to the log, and nowhere else.

/// Answers the logins of all services, on a bounded pool that is fair between peers, with a cache of what was found right.
package final class Authenticator: Sendable {
    let directory: Directory
    private let options: AuthenticatorOptions
    private let right: LoginCache
    /// Wrong passwords: a mail program with an old password asks for ever; it need not cost a hash each time.
    private let wrong: LoginCache
    let failures = LoginFailures()
    private let hashing: FairQueue
    private let reading: WorkerPool
    /// Passwords of the operating system, which may be slow, apart from those that cost CPU.
    private let asking: FairQueue
    private let hashCount = Atomic<Int>(0)

    /// Jobs of one peer and of all that may wait for a hash.
    private static let waitingPerPeer = 256
    private static let waiting = 4096

    package init(_ directory: Directory, _ options: AuthenticatorOptions) {
        self.directory = directory
        self.options = options
        self.right = LoginCache(key: options.cacheKey, memory: options.cacheMemory?.buffer)
        self.wrong = LoginCache(key: options.cacheKey)
        self.hashing = FairQueue("login", threads: options.workers, perPeer: Self.waitingPerPeer, total: Self.waiting)
        self.reading = WorkerPool("login-read", threads: 1, bound: Self.waiting)
        self.asking = FairQueue("os-login", threads: 4, perPeer: Self.waitingPerPeer, total: Self.waiting)
    }

    /// Answers exactly once, now or later, from any thread. Never blocks the caller.
    package func answer(_ request: AuthRequest, _ context: LoginContext, _ completion: @escaping @Sendable (AuthOutcome) -> Void) {
        let snapshot = self.directory.snapshot
        let service = context.facts.listener.service
        guard snapshot.configuration.connections.access(service).match(context.facts.peer, context.hostName) == .yes else {
            return self.refuseAtDoor(request, context, completion)
        }
        let record = snapshot.record(login: request.login)
        let isAdmitted = record.map { $0.extras?.admits(context) ?? true } ?? false
        let attempt = Attempt(
            request: request, context: context, record: isAdmitted ? record : nil, kept: isAdmitted ? nil : record,
            completion: completion, known: record?.id)
        switch request {
        case .password(_, let password):
            guard context.hasTLS || snapshot.configuration.security.takesPlaintextLogin(from: context.facts.peer) else {
                return self.refuse(.notFromHere, .needsTLS, attempt)
            }
            self.password(password, attempt, snapshot)
        case .verifier: self.verifier(attempt)
        case .proof(_, let verifier, let isValid): self.proof(verifier, isValid, attempt)
        }
    }

    /// True when some access list in force for the service names hosts, so that the peer's name could matter: look it up before the first `answer`.
    package func needsHostName(_ peer: IPAddress, _ service: ListenerRole.Service) -> Bool {
        let snapshot = self.directory.snapshot
        return snapshot.contents.namesHosts || snapshot.configuration.connections.access(service).match(peer, .notLooked) == .needsName
    }

    /// Password hashes computed so far, each some 50 ms of CPU.
    package var hashes: Int { self.hashCount.load(ordering: .relaxed) }

    /// Peers that are refused now because of too many failed logins.
    package var shutOutPeers: Int { self.knownGuessers.count { $0.until != nil } }

    /// A peer with failed logins in the last ten minutes: an IPv4 address, or a /64.
    package struct Guesser: Sendable, Hashable {
        package var network: IPNetwork
        package var count: Int
        /// Seconds since 1970; nil while it may still try.
        package var until: Int64?
    }

    /// Those that are refused, then those that may still try, the worst first.
    package func guessers(limit: Int = 1000) -> [Guesser] {
        let sorted = self.knownGuessers.sorted {
            ($0.until ?? 0, $0.count, $0.network.description) > ($1.until ?? 0, $1.count, $1.network.description)
        }
        return Array(sorted.prefix(limit))
    }

    /// Without those that the postmaster excepted meanwhile.
    private var knownGuessers: [Guesser] {
        let blocking = self.directory.configuration.blocking
        return self.failures.known(with: self.loginFailureBudget, at: self.directory.location.now()).filter {
            !blocking.excepts($0.network.base)
        }
    }

    /// Forgets failed logins, so that those people may try again at once; who they were.
    package func releaseGuessers(_ isMeant: (IPNetwork) -> Bool) -> [Guesser] {
        self.failures.release(with: self.loginFailureBudget, at: self.directory.location.now(), isMeant)
    }

    var loginFailureBudget: Int { self.directory.configuration.connections.loginFailures }

    /// Finishes what waits, then answers `.unavailable`.
    package func close() {
        self.hashing.stop()
        self.asking.stop()
        self.reading.stop()
    }

    // MARK: Passwords

    private struct Attempt: Sendable {
        let request: AuthRequest
        let context: LoginContext
        /// nil when there is none, or when its access list does not admit the peer.
        let record: AccountRecord?
        /// The account, where its access list keeps the peer out.
        let kept: AccountRecord?
        let completion: @Sendable (AuthOutcome) -> Void
        let began = SystemPassword.milliseconds
        var peer: PeerBlock { PeerBlock(self.context.facts.peer) }
        /// Whose password is guessed: an account under all its names, or a name that nobody has. A stranger cannot tell them apart.
        var subject: LoginSubject { self.known.map { .account($0) } ?? .name(UnicodeText.folded(self.request.login)) }
        /// The account of that name, whether or not its list admits the peer.
        let known: AccountID?
    }

    private func password(_ password: Secret, _ attempt: Attempt, _ snapshot: DirectorySnapshot) {
        let record = attempt.record
        let login = attempt.request.login
        let mark = self.right.mark(record?.id, UnicodeText.folded(login), version: self.version(record), password)
        if let app = AppPassword(typed: password) { return self.appPassword(app, password, mark, attempt) }
        self.accountPassword(password, mark, attempt)
    }

    /// Of the shape of an app password. A login by one costs a read and a MAC, so that it stands above the budgets: 80 bits are not guessed.
    /// What is none is looked at as the account's own password then, so that every failure costs one hash, whatever its shape.
    private func appPassword(_ app: AppPassword, _ password: Secret, _ mark: LoginCache.Mark, _ attempt: Attempt) {
        let isTaken = self.reading.submit {
            let found: (id: AppPasswordID, verifier: String, lastUsed: Int64?)?
            do throws(DatabaseError) {
                found = try self.directory.foundAppPassword(attempt.record?.id, tag: app.tag)
            } catch {
                return self.refuse(.unavailable, .directory, attempt)
            }
            guard app.matches(found?.verifier), let found, let record = attempt.record else {
                return self.accountPassword(password, mark, attempt)
            }
            if self.decide(record, attempt, by: found.id) { self.directory.noteUse(found.id, before: found.lastUsed) }
        }
        if !isTaken { self.refuse(.unavailable, .busy, attempt) }
    }

    /// What the account's password is beside its text: 0 where there is none, below it where the operating system has it.
    private func version(_ record: AccountRecord?) -> Int64 {
        record?.osUser == nil ? record?.passwordVersion ?? 0 : SystemPassword.version(at: self.directory.location.now())
    }

    private func accountPassword(_ password: Secret, _ mark: LoginCache.Mark, _ attempt: Attempt) {
        let record = attempt.record
        let login = attempt.request.login
        // Who was right before is let in also while his neighbours behind the same address fail.
        if let record, self.version(record) != 0, self.right.contains(mark) {
            self.decide(record, attempt)
            return
        }
        if let fault = self.budgetFault(attempt) { return self.refuse(.tooManyFailures, fault, attempt) }
        if self.wrong.contains(mark) { return self.fail(attempt, .wrongPassword) }
        // Who is on the web is a person: he is told that it is the place, once he has shown that he knows the password.
        let kept = attempt.context.facts.listener.service == .http ? attempt.kept : nil
        if let osUser = (record ?? kept)?.osUser, let ask = self.options.osPassword {
            return self.askSystem(ask, SystemPassword.Question(user: osUser, password: password), mark, attempt)
        }
        let isTaken = self.hashing.submit(from: attempt.peer) {
            let verifier = self.storedVerifier(record ?? kept)
            guard case .success(let stored) = verifier else { return self.refuse(.unavailable, .directory, attempt) }
            self.hashCount.wrappingAdd(1, ordering: .relaxed)
            let prepared = Directory.preparation.prepared(password)
            let isRight = (stored ?? self.decoy(login)).matches(prepared ?? Secret("")) && stored != nil && prepared != nil
            if isRight, kept != nil { return self.refuse(.notFromHere, .accountList, attempt) }
            guard isRight, let record else {
                self.wrong.insert(mark)
                return self.fail(attempt, stored == nil ? .noPassword : .wrongPassword)
            }
            self.right.insert(mark)
            self.decide(record, attempt)
        }
        if !isTaken { self.refuse(.unavailable, .busy, attempt) }
    }

    private func askSystem(
        _ ask: @escaping @Sendable (SystemPassword.Question) -> SystemPassword.Answer, _ question: SystemPassword.Question,
        _ mark: LoginCache.Mark, _ attempt: Attempt
    ) {
        let isTaken = self.asking.submit(from: attempt.peer) {
            switch ask(question) {
            case .right:
                guard let record = attempt.record else { return self.refuse(.notFromHere, .accountList, attempt) }
                self.right.insert(mark)
                self.decide(record, attempt)
            case .wrong:
                self.wrong.insert(mark)
                self.fail(attempt, .wrongPassword)
            case .unavailable: self.refuse(.unavailable, .system, attempt)
            }
        }
        if !isTaken { self.refuse(.unavailable, .busy, attempt) }
    }

    // MARK: SCRAM

    private func verifier(_ attempt: Attempt) {
        if let fault = self.budgetFault(attempt) { return self.refuse(.tooManyFailures, fault, attempt) }
        let isTaken = self.reading.submit {
            // Both are made for every name, so that the time is the same.
            let decoy = self.decoy(attempt.request.login)
            switch self.storedVerifier(attempt.record) {
            case .success(let stored): attempt.completion(.verifier(stored ?? decoy))
            case .failure: self.refuse(.unavailable, .directory, attempt)
            }
        }
        if !isTaken { self.refuse(.unavailable, .busy, attempt) }
    }

    private func proof(_ verifier: SCRAMVerifier, _ isValid: Bool, _ attempt: Attempt) {
        let isTaken = self.reading.submit {
            switch self.storedVerifier(attempt.record) {
            case .success(let stored):
                guard isValid, let stored, stored == verifier, let record = attempt.record else {
                    return self.fail(attempt, stored == nil ? .noPassword : .wrongPassword)
                }
                self.decide(record, attempt)
            case .failure: self.refuse(.unavailable, .directory, attempt)
            }
        }
        if !isTaken { self.refuse(.unavailable, .busy, attempt) }
    }

    /// The account's verifier as it is in the file now; nil when it has none. One read also for nobody, so that the time is the same.
    private func storedVerifier(_ record: AccountRecord?) -> Result<SCRAMVerifier?, DatabaseError> {
        let id = record?.id.rawValue ?? 0
        return Result { () throws(DatabaseError) in
            let text = try self.directory.database.read { connection throws(DatabaseError) in
                try connection.row(DirectorySchema.verifier, .int(id)) { $0.optionalText(0) }
            }
            // Its own password is kept, but is none as long as the operating system's counts.
            return record?.osUser == nil ? text.flatMap { $0 }.flatMap { SCRAMVerifier(stored: $0) } : nil
        }
    }

    private func decoy(_ login: String) -> SCRAMVerifier {
        SCRAMVerifier.decoy(login: UnicodeText.folded(login), key: self.directory.decoyKey)
    }

    // MARK: Answers

    /// The password is right: may this account come in here? True when it may.
    /// - Parameter app: the app password that it was; nil for the account's own.
    @discardableResult
    private func decide(_ record: AccountRecord, _ attempt: Attempt, by app: AppPasswordID? = nil) -> Bool {
        // The newest snapshot: it may have changed while the hash was computed.
        let snapshot = self.directory.snapshot
        let isAsItWas = { (current: AccountRecord) in current.passwordVersion == record.passwordVersion && current.osUser == record.osUser }
        guard let current = snapshot.contents.accounts[record.id], app != nil || isAsItWas(current) else {
            self.fail(attempt, .wrongPassword)
            return false
        }
        let identity = Identity(account: current.id, login: current.login, primaryAddress: current.primary, appPassword: app)
        let service = attempt.context.facts.listener.service
        let refusal: (AuthRefusal, LoginFault)? =
            switch snapshot.state(current) {
            case .active where !current.services.contains(ServiceSet(service)): (.serviceOff, .serviceOff)
            case .active where !snapshot.mayUse(service, identity): (.serviceOff, .appPasswordScope)
            case .active: nil
            case .locked: (.locked, .locked)
            case .reserved: (.locked, .reserved)
            case .expired: (.expired, .expired)
            }
        if let (answer, fault) = refusal {
            self.refuse(answer, fault, attempt, by: app)
            return false
        }
        self.failures.succeeded(current.id, attempt.peer, at: self.directory.location.now())
        // On the web the password may be half of it: the session tells when it begins.
        if service != .http { self.note(attempt, current.id, by: app) }
        attempt.completion(.accepted(identity))
        return true
    }

    /// One answer for the peer, whatever the fault.
    private func fail(_ attempt: Attempt, _ fault: LoginFault) {
        if !self.isExempt(attempt) { self.failures.add(attempt.peer, for: attempt.subject, at: self.directory.location.now()) }
        let trueFault = attempt.kept != nil ? LoginFault.accountList : attempt.record == nil ? .unknownName : fault
        // Where some passwords are checked elsewhere, which takes another time than ours, all refusals come after the same time.
        guard !self.directory.snapshot.contents.linked.isEmpty, let later = self.options.later else {
            return self.refuse(.badCredentials, trueFault, attempt)
        }
        later(SystemPassword.pause(since: attempt.began)) { self.refuse(.badCredentials, trueFault, attempt) }
    }

    /// The budget of the peer, and that of the account, which counts only what comes from peers that it does not know.
    private func budgetFault(_ attempt: Attempt) -> LoginFault? {
        guard !self.isExempt(attempt) else { return nil }
        let now = self.directory.location.now()
        if self.failures.count(attempt.peer, at: now) >= self.loginFailureBudget { return .overBudget }
        let budget = self.directory.configuration.connections.accountLoginFailures
        return self.failures.isGuarded(attempt.subject, from: attempt.peer, budget: budget, at: now) ? .accountGuarded : nil
    }

    /// Many people behind one address: one of them must not shut out the others. So it is with everybody on this machine, and with whom the
    /// postmaster lists, such as a school behind one router.
    private func isExempt(_ attempt: Attempt) -> Bool { self.isExempt(attempt.context) }

    func isExempt(_ context: LoginContext) -> Bool {
        let peer = context.facts.peer
        return peer.isLoopback || self.directory.configuration.blocking.excepts(peer, context.hostName)
    }

    private func refuse(_ refusal: AuthRefusal, _ fault: LoginFault, _ attempt: Attempt, by app: AppPasswordID? = nil) {
        self.options.events.recordLoginRefused(attempt.request.login, fault, attempt.context)
        if let account = attempt.known, fault.concernsOwner { self.note(attempt, account, by: app, fault) }
        attempt.completion(.refused(refusal))
    }

    private func note(_ attempt: Attempt, _ account: AccountID, by app: AppPasswordID?, _ fault: LoginFault? = nil) {
        let facts = attempt.context.facts
        self.directory.noteLogin(
            account, facts.listener.service, by: app.map { .appPassword($0) } ?? .password, from: facts.peer,
            hasTLS: attempt.context.hasTLS, refusal: fault?.rawValue)
    }

    /// The list of the service does not admit the peer; or it might, but DNS did not say who the peer is.
    private func refuseAtDoor(_ request: AuthRequest, _ context: LoginContext, _ completion: @Sendable (AuthOutcome) -> Void) {
        let isOurs = context.hostName == .unknown
        self.options.events.recordLoginRefused(request.login, isOurs ? .nameUnknown : .serviceList, context)
        completion(.refused(isOurs ? .unavailable : .notFromHere))
    }
}

package struct AuthenticatorOptions: Sendable {
    /// Keys the cache of verified logins; given from outside, so that it survives a restart of the mta.
    package var cacheKey: Secret
    /// Memory for the cache that outlives the mta; nil uses our own.
    package var cacheMemory: CacheMemory?
    /// Threads that compute PBKDF2; each login takes one for some 50 ms of CPU.
    package var workers: Int
    /// Is told of every refused login, with its true reason.
    package var events: any EventSink
    /// Asks the operating system; blocks. nil where that cannot be: such passwords then count as wrong.
    package var osPassword: (@Sendable (SystemPassword.Question) -> SystemPassword.Answer)?
    /// Runs the body after so many milliseconds; nil at once.
    package var later: (@Sendable (Int64, @escaping @Sendable () -> Void) -> Void)?

    package init(cacheKey: Secret, cacheMemory: CacheMemory? = nil, workers: Int = 2, events: any EventSink = NullSink()) {
        self.cacheKey = cacheKey
        self.cacheMemory = cacheMemory
        self.workers = workers
        self.events = events
    }

    /// Memory that lives as long as the process.
    package struct CacheMemory: @unchecked Sendable {
        // SAFETY: handed to one cache, which touches it under its lock only.
        package let buffer: UnsafeMutableRawBufferPointer
        package init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }
    }
}

/// Who tries to log in, where and how.
package struct LoginContext: Sendable {
    package var facts: ConnectionFacts
    package var hasTLS: Bool
    /// The peer's name, where somebody asked for it.
    package var hostName: HostNameFact
    /// As it is called on the wire; for the log.
    package var mechanism: String

    package init(facts: ConnectionFacts, hasTLS: Bool, hostName: HostNameFact, mechanism: String = "") {
        self.facts = facts
        self.hasTLS = hasTLS
        self.hostName = hostName
        self.mechanism = mechanism
    }
}

extension AccountRecord.Extras {
    /// Whether the account's own list admits the peer to this service.
    func admits(_ context: LoginContext) -> Bool {
        let list = context.facts.listener.service == .http ? self.webAccess : self.access
        return list.match(context.facts.peer, context.hostName) == .yes
    }

    /// True when a list of the account names hosts.
    var namesHosts: Bool {
        (self.access.entries + self.webAccess.entries).contains {
            switch $0 {
            case .name, .subdomains: true
            case .address, .network: false
            }
        }
    }
}
