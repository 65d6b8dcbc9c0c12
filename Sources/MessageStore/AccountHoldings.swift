internal import Database
package import Vocabulary

/// What all accounts hold, the largest first.
package struct AccountHoldings: Sendable {
    package struct Held: Sendable, Hashable {
        package let account: AccountID
        package let bytes: Int64
        package let messages: Int64
    }

    package let accounts: [Held]
    package let bytes: Int64
    package let messages: Int64
    /// When it was looked at; Unix seconds.
    package let time: Int64
}

extension MessageStore {
    private static let holdings = Statement(
        """
        SELECT m.account, total(c.bytes), total(c.messages) FROM mailbox m JOIN counter c ON c.mailbox = m.id
        WHERE m.account > ?1 GROUP BY m.account ORDER BY m.account LIMIT ?2
        """)

    /// Adds up the mailboxes of all accounts, in portions. Takes a moment where there are a hundred thousand. Blocks.
    package func accountHoldings(now: Int64) throws(StoreError) -> AccountHoldings {
        var all: [AccountHoldings.Held] = []
        var last: Int64 = 0
        while true {
            let part = try StoreError.wrap { () throws(DatabaseError) in
                try self.parts.mail.read { db throws(DatabaseError) in
                    try db.rows(Self.holdings, .int(last), .int(Self.holdingsAtOnce)) { row in
                        AccountHoldings.Held(
                            account: AccountID(rawValue: row.int(0)), bytes: Int64(exactly: row.real(1).rounded()) ?? .max,
                            messages: Int64(exactly: row.real(2).rounded()) ?? .max)
                    }
                }
            }
            all += part
            guard part.count == Self.holdingsAtOnce, let end = part.last else { break }
            last = end.account.rawValue
        }
        all.sort { ($1.bytes, $0.account.rawValue) < ($0.bytes, $1.account.rawValue) }
        return AccountHoldings(
            accounts: all, bytes: all.reduce(0) { $0.addingReportingOverflow($1.bytes).partialValue },
            messages: all.reduce(0) { $0.addingReportingOverflow($1.messages).partialValue }, time: now)
    }

    private static let holdingsAtOnce = 2000
}
