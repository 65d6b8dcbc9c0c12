package import Database
internal import Synchronization

/// What is remembered of other domains between restarts: policies that they published, whether they could do TLS, and what became of
/// sessions with them for their daily reports. Held in memory as a whole; changes are written behind by `flush`.
package final class TransportMemory: Sendable {
    /// A policy as it was fetched.
    package struct KeptPolicy: Sendable, Hashable {
        /// Of the TXT record that announced it.
        package var id: String
        package var text: String
        /// Unix seconds.
        package var fetchedAt: Int64
        package var expiresAt: Int64

        package init(id: String, text: String, fetchedAt: Int64, expiresAt: Int64) {
            self.id = id
            self.text = text
            self.fetchedAt = fetchedAt
            self.expiresAt = expiresAt
        }
    }

    /// Sessions of one day with one domain that ended alike.
    package struct SessionKey: Sendable, Hashable {
        /// Days since 1970.
        package var day: Int64
        package var domain: String
        /// `tlsa`, `sts` or `no-policy-found`. [RFC8460-4.4]
        package var policyType: String
        /// The policy as text, its lines divided by LF.
        package var policy: String
        /// Empty: the session did what it must.
        package var result: String
        package var host: String
        package var address: String
        package var reason: String

        package init(
            day: Int64, domain: String, policyType: String, policy: String, result: String = "", host: String = "", address: String = "",
            reason: String = ""
        ) {
            self.day = day
            self.domain = domain
            self.policyType = policyType
            self.policy = policy
            self.result = result
            self.host = host
            self.address = address
            self.reason = reason
        }
    }

    private struct Strength: Sendable, Hashable {
        /// Unix seconds of the last encrypted session.
        var seenAt: Int64
        /// When TLS first failed after that; nil while all is well.
        var weakerSince: Int64?
    }

    private struct State {
        var policies: [String: KeptPolicy] = [:]
        var strengths: [String: Strength] = [:]
        /// Not yet written.
        var sessions: [SessionKey: Int64] = [:]
        var changedPolicies: Set<String> = []
        var changedStrengths: Set<String> = []
    }

    private let database: Database
    private let flushing = Mutex(())
    private let state: Mutex<State>

    /// Domains remembered; beyond that new ones are not.
    private static let most = 500_000
    /// Kinds of sessions counted between two flushes.
    private static let mostKinds = 50_000
    /// What was not seen for so long is forgotten. Seconds.
    private static let forgetAfter: Int64 = 180 * 86_400

    /// Opens or creates the file. Blocks.
    package static func open(_ file: String, now: Int64) throws(DatabaseError) -> TransportMemory {
        let database = try Database.open(file, TransportSchema.schema)
        try database.write { connection throws(DatabaseError) in
            try connection.run(TransportSchema.forgetPolicies, .int(now))
            try connection.run(TransportSchema.forgetStrengths, .int(now - Self.forgetAfter))
        }
        let state = try database.read { connection throws(DatabaseError) in
            var state = State()
            for (domain, policy) in try connection.rows(
                TransportSchema.policies, .int(Self.most),
                read: { ($0.text(0), KeptPolicy(id: $0.text(1), text: $0.text(2), fetchedAt: $0.int(3), expiresAt: $0.int(4))) })
            { state.policies[domain] = policy }
            for (domain, strength) in try connection.rows(
                TransportSchema.strengths, .int(Self.most),
                read: { ($0.text(0), Strength(seenAt: $0.int(1), weakerSince: $0.optionalInt(2))) })
            { state.strengths[domain] = strength }
            return state
        }
        return TransportMemory(database, state)
    }

    private init(_ database: Database, _ state: consuming sending State) {
        self.database = database
        self.state = Mutex(state)
    }

    // MARK: Policies

    /// nil when none is kept, or its time is over.
    package func policy(of domain: String, now: Int64) -> KeptPolicy? {
        self.state.withLock { $0.policies[domain].flatMap { $0.expiresAt > now ? $0 : nil } }
    }

    package func keep(_ policy: KeptPolicy, of domain: String) {
        self.state.withLock { state in
            guard state.policies.count < Self.most || state.policies[domain] != nil else { return }
            state.policies[domain] = policy
            state.changedPolicies.insert(domain)
        }
    }

    // MARK: Downgrades

    /// True when this domain could do TLS, and the failures of it are younger than `patience` seconds.
    package func expectsTLS(_ domain: String, patience: Int64, now: Int64) -> Bool {
        self.state.withLock { state in
            guard let strength = state.strengths[domain], now - strength.seenAt < Self.forgetAfter else { return false }
            return strength.weakerSince.map { now - $0 < patience } ?? true
        }
    }

    /// A session with the domain was encrypted. True when there is something to write.
    @discardableResult
    package func noteEncrypted(_ domain: String, now: Int64) -> Bool {
        self.state.withLock { state in
            let known = state.strengths[domain]
            // Once a day is often enough.
            if let known, known.weakerSince == nil, now - known.seenAt < 86_400 { return false }
            guard state.strengths.count < Self.most || known != nil else { return false }
            state.strengths[domain] = Strength(seenAt: now)
            state.changedStrengths.insert(domain)
            return true
        }
    }

    /// TLS with a domain that could do it failed, or was not offered. True when there is something to write.
    @discardableResult
    package func noteWeaker(_ domain: String, now: Int64) -> Bool {
        self.state.withLock { state in
            guard let known = state.strengths[domain], known.weakerSince == nil else { return false }
            state.strengths[domain]?.weakerSince = now
            state.changedStrengths.insert(domain)
            return true
        }
    }

    /// The domain has no TLS any more, and that is believed now.
    package func forget(_ domain: String) {
        self.state.withLock { state in
            if state.strengths.removeValue(forKey: domain) != nil { state.changedStrengths.insert(domain) }
        }
    }

    // MARK: Sessions

    package func count(_ key: SessionKey) {
        self.state.withLock { state in
            guard state.sessions.count < Self.mostKinds || state.sessions[key] != nil else { return }
            state.sessions[key, default: 0] += 1
        }
    }

    /// Days before `day` with domains that have sessions to report. Blocks; what was counted last must have been flushed.
    package func reportable(before day: Int64) throws(DatabaseError) -> [(day: Int64, domain: String)] {
        try self.database.read { connection throws(DatabaseError) in
            try connection.rows(TransportSchema.reportable, .int(day), read: { (day: $0.int(0), domain: $0.text(1)) })
        }
    }

    package func sessions(day: Int64, domain: String) throws(DatabaseError) -> [(key: SessionKey, count: Int64)] {
        try self.database.read { connection throws(DatabaseError) in
            try connection.rows(
                TransportSchema.sessions, .int(day), .text(domain),
                read: { row in
                    let key = SessionKey(
                        day: day, domain: domain, policyType: row.text(0), policy: row.text(1), result: row.text(2), host: row.text(3),
                        address: row.text(4), reason: row.text(5))
                    return (key: key, count: row.int(6))
                })
        }
    }

    package func dropSessions(day: Int64, domain: String) throws(DatabaseError) {
        try self.database.write { connection throws(DatabaseError) in
            try connection.run(TransportSchema.dropSessions, .int(day), .text(domain))
        }
    }

    // MARK: Writing

    /// Writes what has changed. Blocks. What cannot be written stays for the next time. When it returns, what was counted before is in the
    /// database, even if another thread had begun to write it: a report made now has all of the day.
    package func flush() throws(DatabaseError) { try self.flushing.withLock { (_) throws(DatabaseError) in try self.writeChanges() } }

    private func writeChanges() throws(DatabaseError) {
        let changed = self.state.withLock { state in
            defer { (state.sessions, state.changedPolicies, state.changedStrengths) = ([:], [], []) }
            return (
                sessions: state.sessions, policies: state.changedPolicies.map { ($0, state.policies[$0]) },
                strengths: state.changedStrengths.map { ($0, state.strengths[$0]) }
            )
        }
        guard !changed.sessions.isEmpty || !changed.policies.isEmpty || !changed.strengths.isEmpty else { return }
        do throws(DatabaseError) {
            try self.database.write { connection throws(DatabaseError) in
                for (domain, policy) in changed.policies {
                    guard let policy else { continue }
                    try connection.run(
                        TransportSchema.putPolicy, .text(domain), .text(policy.id), .text(policy.text), .int(policy.fetchedAt),
                        .int(policy.expiresAt))
                }
                for (domain, strength) in changed.strengths {
                    if let strength {
                        try connection.run(
                            TransportSchema.putStrength, .text(domain), .int(strength.seenAt), .int(strength.weakerSince))
                    } else {
                        try connection.run(TransportSchema.dropStrength, .text(domain))
                    }
                }
                for (key, count) in changed.sessions {
                    try connection.run(
                        TransportSchema.addSessions, .int(key.day), .text(key.domain), .text(key.policyType), .text(key.policy),
                        .text(key.result), .text(key.host), .text(key.address), .text(key.reason), .int(count))
                }
            }
        } catch {
            self.state.withLock { state in
                state.changedPolicies.formUnion(changed.policies.map(\.0))
                state.changedStrengths.formUnion(changed.strengths.map(\.0))
                for (key, count) in changed.sessions { state.sessions[key, default: 0] += count }
            }
            throw error
        }
    }

    /// Writes and closes. Blocks.
    package func close() {
        try? self.flush()
        self.database.close()
    }
}
