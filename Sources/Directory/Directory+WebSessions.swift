internal import Database
internal import Forms
package import SASL
package import Vocabulary

/// A login on the web, of a person who is there or was.
package struct WebSessionRow: Sendable, Hashable {
    package var id: Int64
    package var account: AccountID
    /// Has the postmaster's rights.
    package var isPostmaster: Bool
    /// Seconds since 1970.
    package var started: Int64
    /// To the minute.
    package var lastUsed: Int64
    /// nil while it was not ended by somebody; it may have run out all the same.
    package var ended: Int64?
    /// The client's address.
    package var client: String
    /// The browser, as it calls itself.
    package var agent: String

    package init(
        id: Int64, account: AccountID, isPostmaster: Bool, started: Int64, lastUsed: Int64, ended: Int64? = nil, client: String,
        agent: String
    ) {
        self.id = id
        self.account = account
        self.isPostmaster = isPostmaster
        self.started = started
        self.lastUsed = lastUsed
        self.ended = ended
        self.client = client
        self.agent = agent
    }
}

/// The second factor of an account: a key that its owner's device has too, passkeys, or both, with recovery codes.
package struct SecondFactor: Sendable {
    /// Empty where the owner has passkeys alone.
    package var key: Secret
    /// Of the last code that was taken, so that none is taken twice.
    package var lastStep: Int64
    /// Recovery codes that were not used, as MACs.
    package var recoveryCodes: [String]

    package init(key: Secret, lastStep: Int64, recoveryCodes: [String]) {
        self.key = key
        self.lastStep = lastStep
        self.recoveryCodes = recoveryCodes
    }

    /// Codes of a telephone count.
    package var takesCodes: Bool { !self.key.isEmpty }
}

// What the web remembers of logins. All calls block.
extension Directory {
    /// Ended sessions are shown to their owner for so long. Seconds.
    static let webSessionMemory: Int64 = 90 * 86_400

    /// What tokens of the web are made with; the same over restarts.
    package func webKey() throws(DirectoryError) -> Secret {
        do throws(DatabaseError) {
            return try self.database.write { connection throws(DatabaseError) in
                try connection.run(DirectorySchema.insertSecret, "web", .blob(self.location.random(32)))
                return try connection.row(DirectorySchema.secret, "web") { Secret($0.bytes(0)) } ?? Secret(self.location.random(32))
            }
        } catch {
            throw DirectoryError(error)
        }
    }

    /// The number of the new session.
    package func addWebSession(_ session: WebSessionRow) throws(DirectoryError) -> Int64 {
        try self.writing { connection throws(DatabaseError) in
            try connection.run(DirectorySchema.forgetWebSessions, .int(session.started - Self.webSessionMemory))
            try connection.run(
                DirectorySchema.insertWebSession, .int(session.account.rawValue), .int(session.isPostmaster ? 1 : 0), .int(session.started),
                .text(session.client), .text(String(session.agent.unicodeScalars.prefix(300).map(Character.init))))
            return connection.lastInsertID
        }
    }

    package func noteWebSession(_ id: Int64, usedAt now: Int64) throws(DirectoryError) {
        try self.writing { connection throws(DatabaseError) in try connection.run(DirectorySchema.useWebSession, .int(id), .int(now)) }
    }

    package func endWebSession(_ id: Int64, at now: Int64) throws(DirectoryError) {
        try self.writing { connection throws(DatabaseError) in try connection.run(DirectorySchema.endWebSession, .int(id), .int(now)) }
    }

    /// Of one account, or of everybody; the newest first.
    package func webSessions(of account: AccountID?, limit: Int = 100) throws(DirectoryError) -> [WebSessionRow] {
        try self.reading { connection throws(DatabaseError) in
            let lowest: Int64 = account?.rawValue ?? 0
            let highest: Int64 = account?.rawValue ?? Int64.max
            let most: Int64 = Int64(limit)
            return try connection.rows(DirectorySchema.webSessions, .int(lowest), .int(highest), .int(most)) { row in
                WebSessionRow(
                    id: row.int(0), account: AccountID(rawValue: row.int(1)), isPostmaster: row.int(2) != 0, started: row.int(3),
                    lastUsed: row.int(4), ended: row.optionalInt(5), client: row.text(6), agent: row.text(7))
            }
        }
    }

    /// Those that nobody has ended and that were used since.
    package func liveWebSessions(since: Int64) throws(DirectoryError) -> [WebSessionRow] {
        try self.webSessions(of: nil, limit: 100_000).filter { $0.ended == nil && $0.lastUsed >= since }
    }

    /// May rise to Postmaster: is on the Delivery list, or of the administrative type.
    package func isPrivileged(_ account: AccountID) throws(DirectoryError) -> Bool {
        let snapshot = self.snapshot
        if snapshot.postmasters.contains(where: { snapshot.account(holding: $0) == account }) { return true }
        return try self.details(account)?.value(AccountField.type).text == "administrative"
    }

    // MARK: Second factor

    package func secondFactor(of account: AccountID) throws(DirectoryError) -> SecondFactor? {
        try self.reading { connection throws(DatabaseError) in try self.factor(account, connection) }
    }

    func factor(_ account: AccountID, _ connection: Connection) throws(DatabaseError) -> SecondFactor? {
        try connection.row(DirectorySchema.secondFactor, .int(account.rawValue)) { row in
            SecondFactor(
                key: Secret(row.bytes(0)), lastStep: row.int(1), recoveryCodes: row.text(2).split(separator: " ").map(String.init))
        }
    }

    /// nil takes the codes of a telephone away; passkeys stay, and with them the recovery codes.
    package func setSecondFactor(_ factor: SecondFactor?, of account: AccountID, by actor: Actor) throws(DirectoryError) {
        try self.writing { connection throws(DatabaseError) in
            let old = try self.factor(account, connection)
            let had = old?.takesCodes ?? false
            try connection.run(DirectorySchema.deleteSecondFactor, .int(account.rawValue))
            if let factor {
                try self.store(factor, account, connection)
            } else if let old, try self.countPasskeys(account, connection) > 0 {
                let rest = SecondFactor(key: Secret(""), lastStep: old.lastStep, recoveryCodes: old.recoveryCodes)
                try self.store(rest, account, connection)
            }
            guard had != (factor != nil) else { return }
            let revision = try self.revision(connection, actor, "")
            try connection.run(
                DirectorySchema.insertChange, .int(revision), .int(account.rawValue), .text("second-factor"), .text(had ? "on" : nil),
                .text(had ? nil : "on"))
        }
    }

    /// Takes a code of that step once: false when it, or a later one, was taken before. Without a step a recovery code is taken.
    package func spend(_ account: AccountID, step: Int64?, recoveryCode: String?) throws(DirectoryError) -> Bool {
        try self.writing { connection throws(DatabaseError) -> Bool in
            guard var factor = try self.factor(account, connection) else { return false }
            if let step {
                guard step > factor.lastStep else { return false }
                factor.lastStep = step
            } else {
                guard let recoveryCode, let place = factor.recoveryCodes.firstIndex(of: recoveryCode) else { return false }
                factor.recoveryCodes.remove(at: place)
            }
            try connection.run(DirectorySchema.deleteSecondFactor, .int(account.rawValue))
            try self.store(factor, account, connection)
            return true
        }
    }

    func store(_ factor: SecondFactor, _ account: AccountID, _ connection: Connection) throws(DatabaseError) {
        let key = factor.key.withBytes { $0 }
        try connection.run(
            DirectorySchema.insertSecondFactor, .int(account.rawValue), .blob(key), .int(factor.lastStep),
            .text(factor.recoveryCodes.joined(separator: " ")))
    }

    func writing<T>(_ body: (Connection) throws(DatabaseError) -> T) throws(DirectoryError) -> T {
        do throws(DatabaseError) {
            return try self.database.write { connection throws(DatabaseError) in try body(connection) }
        } catch {
            throw DirectoryError(error)
        }
    }
}
