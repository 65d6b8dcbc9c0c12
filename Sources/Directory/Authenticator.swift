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
// 3. Access lists are asked before the password is looked at.
// 4. The true reason of a refusal goes to the log, and nowhere else.

/// Answers the logins of all services, on a bounded pool that is fair between peers, with a cache of what was found right.
package final class Authenticator: Sendable {
    private let directory: Directory
    private let options: AuthenticatorOptions
    private let right: LoginCache
    /// Wrong passwords: a mail program with an old password asks for ever; it need not cost a hash each time.
    private let wrong: LoginCache
    private let failures = LoginFailures()
    private let hashing: FairQueue
    private let reading: WorkerPool
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
            request: request, context: context, record: isAdmitted ? record : nil, isKept: record != nil && !isAdmitted,
            completion: completion)
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

    private var loginFailureBudget: Int { self.directory.configuration.connections.loginFailures }

    /// Finishes what waits, then answers `.unavailable`.
    package func close() {
        self.hashing.stop()
        self.reading.stop()
    }

    // MARK: Passwords

    private struct Attempt: Sendable {
        let request: AuthRequest
        let context: LoginContext
        /// nil when there is none, or when its access list does not admit the peer.
        let record: AccountRecord?
        /// There is an account, but its access list keeps the peer out.
        let isKept: Bool
        let completion: @Sendable (AuthOutcome) -> Void
        var peer: PeerBlock { PeerBlock(self.context.facts.peer) }
    }

    private func password(_ password: Secret, _ attempt: Attempt, _ snapshot: DirectorySnapshot) {
        let record = attempt.record
        let login = attempt.request.login
        let mark = self.right.mark(record?.id, UnicodeText.folded(login), version: record?.passwordVersion ?? 0, password)
        // Who was right before is let in also while his neighbours behind the same address fail.
        if let record, record.passwordVersion > 0, self.right.contains(mark) { return self.decide(record, attempt) }
        guard !self.isOverBudget(attempt) else { return self.refuse(.tooManyFailures, .overBudget, attempt) }
        if self.wrong.contains(mark) { return self.fail(attempt, .wrongPassword) }
        let isTaken = self.hashing.submit(from: attempt.peer) {
            let verifier = self.storedVerifier(record)
            guard case .success(let stored) = verifier else { return self.refuse(.unavailable, .directory, attempt) }
            self.hashCount.wrappingAdd(1, ordering: .relaxed)
            let prepared = Directory.preparation.prepared(password)
            let isRight = (stored ?? self.decoy(login)).matches(prepared ?? Secret("")) && stored != nil && prepared != nil
            guard isRight, let record else {
                self.wrong.insert(mark)
                return self.fail(attempt, stored == nil ? .noPassword : .wrongPassword)
            }
            self.right.insert(mark)
            self.decide(record, attempt)
        }
        if !isTaken { self.refuse(.unavailable, .busy, attempt) }
    }

    // MARK: SCRAM

    private func verifier(_ attempt: Attempt) {
        guard !self.isOverBudget(attempt) else { return self.refuse(.tooManyFailures, .overBudget, attempt) }
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
            try self.directory.database.read { connection throws(DatabaseError) in
                try connection.row(DirectorySchema.verifier, .int(id)) { $0.optionalText(0) }
            }.flatMap { $0 }.flatMap { SCRAMVerifier(stored: $0) }
        }
    }

    private func decoy(_ login: String) -> SCRAMVerifier {
        SCRAMVerifier.decoy(login: UnicodeText.folded(login), key: self.directory.decoyKey)
    }

    // MARK: Answers

    /// The password is right: may this account come in here?
    private func decide(_ record: AccountRecord, _ attempt: Attempt) {
        // The newest snapshot: it may have changed while the hash was computed.
        let snapshot = self.directory.snapshot
        guard let current = snapshot.contents.accounts[record.id], current.passwordVersion == record.passwordVersion else {
            return self.fail(attempt, .wrongPassword)
        }
        switch snapshot.state(current) {
        case .active: break
        case .locked: return self.refuse(.locked, .locked, attempt)
        case .reserved: return self.refuse(.locked, .reserved, attempt)
        case .expired: return self.refuse(.expired, .expired, attempt)
        }
        guard current.services.contains(ServiceSet(attempt.context.facts.listener.service)) else {
            return self.refuse(.serviceOff, .serviceOff, attempt)
        }
        attempt.completion(.accepted(Identity(account: current.id, login: current.login, primaryAddress: current.primary)))
    }

    /// One answer for the peer, whatever the fault.
    private func fail(_ attempt: Attempt, _ fault: LoginFault) {
        if !self.isExempt(attempt) { self.failures.add(attempt.peer, at: self.directory.location.now()) }
        self.refuse(.badCredentials, attempt.isKept ? .accountList : attempt.record == nil ? .unknownName : fault, attempt)
    }

    private func isOverBudget(_ attempt: Attempt) -> Bool {
        guard !self.isExempt(attempt) else { return false }
        return self.failures.count(attempt.peer, at: self.directory.location.now()) >= self.loginFailureBudget
    }

    /// Many people behind one address: one of them must not shut out the others. So it is with everybody on this machine, and with whom the
    /// postmaster lists, such as a school behind one router.
    private func isExempt(_ attempt: Attempt) -> Bool {
        let peer = attempt.context.facts.peer
        return peer.isLoopback || self.directory.configuration.blocking.excepts(peer, attempt.context.hostName)
    }

    private func refuse(_ refusal: AuthRefusal, _ fault: LoginFault, _ attempt: Attempt) {
        self.options.events.recordLoginRefused(attempt.request.login, fault, attempt.context)
        attempt.completion(.refused(refusal))
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
