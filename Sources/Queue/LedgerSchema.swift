internal import Database

/// Tables of `ledger.db`: what is remembered of what accounts do.
enum LedgerSchema {
    static let schema = Schema(
        applicationID: 0x504F_4C45,  // "POLE"
        steps: [
            """
            -- Whom an account has answered by itself. count: answers since `first`; after `until` the row says nothing.
            CREATE TABLE answered(
                account INTEGER NOT NULL,
                sender TEXT NOT NULL,
                first INTEGER NOT NULL,
                count INTEGER NOT NULL,
                until INTEGER NOT NULL,
                PRIMARY KEY(account, sender)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX answered_until ON answered(until);
            CREATE TABLE sending(account INTEGER PRIMARY KEY, history BLOB NOT NULL, changed INTEGER NOT NULL) STRICT;
            -- filled: since when mail for the mailbox is put off, NULL while it is not.
            CREATE TABLE quota(account INTEGER PRIMARY KEY, warned INTEGER, filled INTEGER) STRICT;
            """
        ])

    static let answer = Statement("SELECT first, count, until FROM answered WHERE account = ?1 AND sender = ?2")
    static let putAnswer = Statement(
        "INSERT OR REPLACE INTO answered(account, sender, first, count, until) VALUES(?1, ?2, ?3, ?4, ?5)")
    static let answerCount = Statement("SELECT count(*) FROM answered WHERE account = ?1")
    static let dropOldest = Statement(
        "DELETE FROM answered WHERE account = ?1 AND sender IN (SELECT sender FROM answered WHERE account = ?1 ORDER BY until LIMIT ?2)")
    static let forgetAnswers = Statement("DELETE FROM answered WHERE until <= ?1")
    static let answersOf = Statement("DELETE FROM answered WHERE account = ?1")

    static let histories = Statement("SELECT account, history FROM sending LIMIT ?1")
    static let putHistory = Statement("INSERT OR REPLACE INTO sending(account, history, changed) VALUES(?1, ?2, ?3)")
    static let forgetHistories = Statement("DELETE FROM sending WHERE changed < ?1")
    static let historyOf = Statement("DELETE FROM sending WHERE account = ?1")

    static let quotas = Statement("SELECT account, warned, filled FROM quota LIMIT ?1")
    static let putQuota = Statement("INSERT OR REPLACE INTO quota(account, warned, filled) VALUES(?1, ?2, ?3)")
    static let quotaOf = Statement("DELETE FROM quota WHERE account = ?1")
}
