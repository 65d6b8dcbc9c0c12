internal import Database

/// Tables of `transport.db`: what can be learned anew, at the price of being a little less safe for a while.
enum TransportSchema {
    static let schema = Schema(
        applicationID: 0x504F_5452,  // "POTR"
        steps: [
            """
            CREATE TABLE policy(
                domain TEXT PRIMARY KEY,
                id TEXT NOT NULL,
                text TEXT NOT NULL,
                fetched INTEGER NOT NULL,
                expires INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            -- weaker: since when TLS fails; NULL while it works.
            CREATE TABLE strength(domain TEXT PRIMARY KEY, seen INTEGER NOT NULL, weaker INTEGER) STRICT, WITHOUT ROWID;
            CREATE TABLE session(
                day INTEGER NOT NULL,
                domain TEXT NOT NULL,
                policy_type TEXT NOT NULL,
                policy TEXT NOT NULL,
                result TEXT NOT NULL,
                host TEXT NOT NULL,
                address TEXT NOT NULL,
                reason TEXT NOT NULL,
                count INTEGER NOT NULL,
                PRIMARY KEY(day, domain, policy_type, policy, result, host, address, reason)
            ) STRICT, WITHOUT ROWID;
            """
        ])

    static let policies = Statement("SELECT domain, id, text, fetched, expires FROM policy LIMIT ?1")
    static let strengths = Statement("SELECT domain, seen, weaker FROM strength LIMIT ?1")
    static let forgetPolicies = Statement("DELETE FROM policy WHERE expires <= ?1")
    static let forgetStrengths = Statement("DELETE FROM strength WHERE seen < ?1")
    static let putPolicy = Statement("INSERT OR REPLACE INTO policy(domain, id, text, fetched, expires) VALUES(?1, ?2, ?3, ?4, ?5)")
    static let putStrength = Statement("INSERT OR REPLACE INTO strength(domain, seen, weaker) VALUES(?1, ?2, ?3)")
    static let dropStrength = Statement("DELETE FROM strength WHERE domain = ?1")
    static let addSessions = Statement(
        """
        INSERT INTO session(day, domain, policy_type, policy, result, host, address, reason, count)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT(day, domain, policy_type, policy, result, host, address, reason) DO UPDATE SET count = count + excluded.count
        """)
    static let reportable = Statement("SELECT DISTINCT day, domain FROM session WHERE day < ?1 ORDER BY day, domain LIMIT 10000")
    static let sessions = Statement(
        """
        SELECT policy_type, policy, result, host, address, reason, count FROM session WHERE day = ?1 AND domain = ?2
        ORDER BY policy_type, policy, result, host, address, reason LIMIT 10000
        """)
    static let dropSessions = Statement("DELETE FROM session WHERE day = ?1 AND domain = ?2")
}
