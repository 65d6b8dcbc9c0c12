internal import Database
package import Vocabulary

extension MessageStore {
    /// Accounts that have mailboxes here and whose removal was not asked for, in order of number. Blocks.
    package func accounts() throws(StoreError) -> [AccountID] {
        var out: [AccountID] = []
        while true {
            let after = out.last?.rawValue ?? .min
            let page = try StoreError.wrap { () throws(DatabaseError) in
                try self.parts.mail.read { db throws(DatabaseError) in
                    try db.rows(Self.accountPage, .int(after), .int(Self.pageSize)) { AccountID(rawValue: $0.int(0)) }
                }
            }
            guard !page.isEmpty else { return out }
            out += page
        }
    }

    private static let pageSize = 1000
    private static let accountPage = Statement(
        """
        SELECT DISTINCT account FROM mailbox WHERE account > ?1 AND account NOT IN (SELECT id FROM removed_account)
        ORDER BY account LIMIT ?2
        """)
}
