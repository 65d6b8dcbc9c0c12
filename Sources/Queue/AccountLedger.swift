package import Database
package import Policy
package import Vocabulary

/// What is remembered of what accounts do, over restarts: whom they have answered by themselves, how much they send, whether their owners were
/// told that the mailbox is nearly full. Every table is bounded and pruned. Calls block: never from an event loop.
package final class AccountLedger: Sendable {
    private let database: Database

    /// Senders remembered for one account; beyond it those are forgotten whose time is over first.
    private static let mostSenders = 20_000
    /// Accounts read at the start.
    private static let mostAccounts = 1_000_000
    /// What was sent longer ago is no measure. Seconds.
    private static let historyTime: Int64 = 40 * 86_400

    /// Opens or creates the file.
    package static func open(_ file: String, now: Int64) throws(DatabaseError) -> AccountLedger {
        let ledger = AccountLedger(try Database.open(file, LedgerSchema.schema))
        try ledger.prune(now: now)
        return ledger
    }

    private init(_ database: Database) { self.database = database }

    package func close() { self.database.close() }

    /// Forgets what says nothing any more.
    package func prune(now: Int64) throws(DatabaseError) {
        try self.database.write { connection throws(DatabaseError) in
            try connection.run(LedgerSchema.forgetAnswers, .int(now))
            let oldest: Int64 = now - Self.historyTime
            try connection.run(LedgerSchema.forgetHistories, .int(oldest))
        }
    }

    /// The account is gone.
    package func forget(_ account: AccountID) throws(DatabaseError) {
        try self.database.write { connection throws(DatabaseError) in
            for statement in [LedgerSchema.answersOf, LedgerSchema.historyOf, LedgerSchema.quotaOf] {
                try connection.run(statement, .int(account.rawValue))
            }
        }
    }

    // MARK: Answers

    /// How often one sender may be answered.
    package struct AnswerRule: Sendable, Hashable {
        package var most: Int
        /// Seconds.
        package var within: Int64

        package init(most: Int, within: Int64) {
            self.most = most
            self.within = within
        }
    }

    /// - Parameter sender: the key of the address.
    package func mayAnswer(
        _ sender: String, from account: AccountID, _ rule: AnswerRule, now: Int64
    ) throws(DatabaseError) -> Bool {
        let known = try self.database.read { connection throws(DatabaseError) in
            try connection.row(LedgerSchema.answer, .int(account.rawValue), .text(sender)) { ($0.int(0), $0.int(1)) }
        }
        guard let (first, count) = known else { return true }
        // A clock that was set back must not keep an account silent for ever.
        guard now >= first, now - first < rule.within else { return true }
        return count < rule.most
    }

    package func noteAnswer(_ sender: String, from account: AccountID, _ rule: AnswerRule, now: Int64) throws(DatabaseError) {
        let number = Value.int(account.rawValue)
        try self.database.write { connection throws(DatabaseError) in
            let known = try connection.row(LedgerSchema.answer, number, .text(sender)) { ($0.int(0), $0.int(1)) }
            var (first, count) = (now, Int64(1))
            if let known, now >= known.0, now - known.0 < rule.within { (first, count) = (known.0, known.1 + 1) }
            if known == nil {
                let senders = try connection.row(LedgerSchema.answerCount, number) { Int($0.int(0)) } ?? 0
                if senders >= Self.mostSenders { try connection.run(LedgerSchema.dropOldest, number, .int(Self.mostSenders / 10)) }
            }
            let until: Int64 = first + rule.within
            try connection.run(LedgerSchema.putAnswer, number, .text(sender), .int(first), .int(count), .int(until))
        }
    }

    // MARK: Sending

    package func histories() throws(DatabaseError) -> [AccountID: SendingHistory] {
        try self.database.read { connection throws(DatabaseError) in
            let rows = try connection.rows(
                LedgerSchema.histories, .int(Self.mostAccounts),
                read: { (AccountID(rawValue: $0.int(0)), SendingHistory(encoded: $0.bytes(1))) })
            return Dictionary(rows.compactMap { row in row.1.map { (row.0, $0) } }, uniquingKeysWith: { $1 })
        }
    }

    package func write(_ histories: [AccountID: SendingHistory], now: Int64) throws(DatabaseError) {
        try self.database.write { connection throws(DatabaseError) in
            for (account, history) in histories {
                try connection.run(LedgerSchema.putHistory, .int(account.rawValue), .blob(history.encoded), .int(now))
            }
        }
    }

    // MARK: Full mailboxes

    /// What is known of a mailbox that is nearly full, or full.
    package struct Fullness: Sendable, Hashable {
        /// When its owner was told; Unix seconds.
        package var warned: Int64?
        /// Since when mail for it is put off.
        package var filled: Int64?

        package init(warned: Int64? = nil, filled: Int64? = nil) {
            self.warned = warned
            self.filled = filled
        }
    }

    package func fullness() throws(DatabaseError) -> [AccountID: Fullness] {
        try self.database.read { connection throws(DatabaseError) in
            let rows = try connection.rows(
                LedgerSchema.quotas, .int(Self.mostAccounts),
                read: { (AccountID(rawValue: $0.int(0)), Fullness(warned: $0.optionalInt(1), filled: $0.optionalInt(2))) })
            return Dictionary(rows, uniquingKeysWith: { $1 })
        }
    }

    /// nil: the mailbox has room again.
    package func note(_ fullness: Fullness?, of account: AccountID) throws(DatabaseError) {
        try self.database.write { connection throws(DatabaseError) in
            guard let fullness else { return try connection.run(LedgerSchema.quotaOf, .int(account.rawValue)) }
            try connection.run(LedgerSchema.putQuota, .int(account.rawValue), .int(fullness.warned), .int(fullness.filled))
        }
    }
}
