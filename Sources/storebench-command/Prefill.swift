import CSQLite
import MessageStore

/// Fills mail.db with mailboxes and messages that look filed, without bodies: what later deliveries meet is the size of the index.
enum Prefill {
    struct Failure: Error, CustomStringConvertible { let description: String }

    /// Accounts are `first ..< first + mailboxes`, with an INBOX each; messages are spread evenly.
    static func fill(_ location: StoreLocation, mailboxes: Int64, messages: Int64, first: Int64) throws {
        var database: OpaquePointer?
        guard sqlite3_open(location.mailDatabase, &database) == SQLITE_OK else { throw Failure(description: "open") }
        defer { sqlite3_close(database) }
        let each = messages / mailboxes
        let counting = "WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n + 1 <"
        for text in [
            // Without a log each page is written once; a crash here costs a benchmark.
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-2000000; BEGIN",
            "\(counting) \(mailboxes)) INSERT INTO mailbox(id, account, name, uidvalidity, created) SELECT n + 1, n + \(first), 'INBOX', n + 1, 0 FROM c",
            """
            \(counting) \(mailboxes)) INSERT INTO counter(mailbox, uidnext, modseq, messages, unseen, bytes)
            SELECT n + 1, \(each) + 1, \(each) + 1, \(each), \(each), \(each * 2048) FROM c
            """,
            """
            \(counting) \(each * mailboxes)) INSERT INTO message(mailbox, uid, flags, modseq, edited, size, date, blob, middle)
            SELECT n / \(each) + 1, n % \(each) + 1, 0, n % \(each) + 2, 0, 2048, 1767225600, n + 1, NULL FROM c
            """,
            """
            \(counting) \(each * mailboxes)) INSERT INTO blob(id, segment, offset, body, head, tail, refs)
            SELECT n + 1, 1, 128 + n * 2300, 1800, 248, 0, 1 FROM c
            """,
            "UPDATE state SET sequence = \(each * mailboxes), segment = 0, offset = 0 WHERE id = 1", "COMMIT",
            "PRAGMA journal_mode=WAL",
        ] {
            guard sqlite3_exec(database, text, nil, nil, nil) == SQLITE_OK else {
                throw Failure(description: "\(String(cString: sqlite3_errmsg(database))) in \(text)")
            }
        }
    }
}
