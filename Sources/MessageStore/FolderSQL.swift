internal import Database

/// Statements about mailboxes by name, and about what hangs on them.
enum FolderSQL {
    private static let columns = """
        SELECT m.id, m.account, m.name, m.uidvalidity, m.use, m.created, c.uidnext, c.modseq, c.messages, c.unseen, c.deleted, c.bytes
        FROM mailbox m JOIN counter c ON c.mailbox = m.id
        """
    static let facts = Statement("\(columns) WHERE m.id = ?1")
    static let factsOfName = Statement("\(columns) WHERE m.account = ?1 AND m.name = ?2")
    static let factsPage = Statement("\(columns) WHERE m.account = ?1 AND m.name > ?2 ORDER BY m.name LIMIT ?3")
    /// From the index of names alone.
    static let count = Statement("SELECT count(*) FROM mailbox WHERE account = ?1")
    static let sharedWith = Statement("\(columns) WHERE m.id IN (SELECT mailbox FROM acl WHERE identifier = ?1) ORDER BY m.account, m.name")
    static let forgotten = Statement("SELECT forgotten FROM mailbox WHERE id = ?1")

    static let name = Statement("SELECT name FROM mailbox WHERE id = ?1")
    /// "0" is the character behind "/".
    static let family = Statement(
        "SELECT id, name FROM mailbox WHERE account = ?1 AND (name = ?2 OR (name > ?2 || '/' AND name < ?2 || '0')) ORDER BY name")
    static let rename = Statement("UPDATE mailbox SET name = ?2 WHERE id = ?1")
    static let setUse = Statement("UPDATE mailbox SET use = ?2 WHERE id = ?1")

    static let subscriptions = Statement("SELECT name FROM subscription WHERE account = ?1 ORDER BY name")
    static let subscribe = Statement("INSERT OR IGNORE INTO subscription(account, name) VALUES(?1, ?2)")
    static let unsubscribe = Statement("DELETE FROM subscription WHERE account = ?1 AND name = ?2")

    static let keywords = Statement("SELECT bit, name FROM keyword WHERE mailbox = ?1 ORDER BY bit")
    static let makeKeyword = Statement("INSERT INTO keyword(mailbox, bit, name) VALUES(?1, ?2, ?3)")

    static let rights = Statement("SELECT identifier, rights FROM acl WHERE mailbox = ?1 ORDER BY identifier")
    static let setRights = Statement("INSERT OR REPLACE INTO acl(mailbox, identifier, rights) VALUES(?1, ?2, ?3)")
    /// What the level above grants.
    static let inheritRights = Statement(
        """
        INSERT INTO acl(mailbox, identifier, rights) SELECT ?1, identifier, rights FROM acl
        WHERE mailbox = (SELECT id FROM mailbox WHERE account = ?2 AND name = ?3)
        """)
    static let dropRights = Statement("DELETE FROM acl WHERE mailbox = ?1 AND identifier = ?2")

    static let metadata = Statement("SELECT name, value FROM metadata WHERE mailbox = ?1 AND account = ?2 ORDER BY name")
    static let setMetadata = Statement("INSERT OR REPLACE INTO metadata(mailbox, account, name, value) VALUES(?1, ?2, ?3, ?4)")
    static let dropMetadata = Statement("DELETE FROM metadata WHERE mailbox = ?1 AND account = ?2 AND name = ?3")
    static let countMetadata = Statement("SELECT count(*) FROM metadata WHERE mailbox = ?1 AND account = ?2")

    /// What goes with a mailbox, at once.
    static let dropOfMailbox = [
        Statement("DELETE FROM keyword WHERE mailbox = ?1"), Statement("DELETE FROM acl WHERE mailbox = ?1"),
        Statement("DELETE FROM metadata WHERE mailbox = ?1"), Statement("DELETE FROM edit WHERE mailbox = ?1"),
    ]
    /// What goes with an account.
    static let dropOfAccount = [
        Statement("DELETE FROM subscription WHERE account = ?1"), Statement("DELETE FROM metadata WHERE account = ?1"),
    ]
}
