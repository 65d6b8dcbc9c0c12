internal import Database

/// The statements of mail.db, one by one.
enum MailSQL {
    static let readState = Statement("SELECT store, segment, offset, sequence, done, uidvalidity FROM state WHERE id = 1")
    static let makeState = Statement(
        "INSERT INTO state(id, store, segment, offset, sequence, done, uidvalidity) VALUES(1, ?1, 0, 0, 0, 0, ?2)")
    static let writeState = Statement(
        "UPDATE state SET segment = ?1, offset = ?2, sequence = ?3, done = ?4, uidvalidity = ?5 WHERE id = 1")

    static let findMailbox = Statement("SELECT id FROM mailbox WHERE account = ?1 AND name = ?2")
    static let makeMailbox = Statement("INSERT INTO mailbox(account, name, uidvalidity, created) VALUES(?1, ?2, ?3, ?4)")
    static let makeCounter = Statement("INSERT INTO counter(mailbox, uidnext, modseq, messages, unseen, bytes) VALUES(?1, 1, 1, 0, 0, 0)")
    static let readCounter = Statement(
        """
        SELECT m.account, c.uidnext, c.modseq, c.messages, c.unseen, c.bytes, c.deleted, m.uidvalidity
        FROM counter c JOIN mailbox m ON m.id = c.mailbox WHERE c.mailbox = ?1
        """)
    static let writeCounter = Statement(
        "UPDATE counter SET uidnext = ?2, modseq = ?3, messages = ?4, unseen = ?5, bytes = ?6, deleted = ?7 WHERE mailbox = ?1")
    static let openMailbox = Statement(
        "SELECT m.uidvalidity, c.uidnext, c.modseq, c.messages FROM mailbox m JOIN counter c ON c.mailbox = m.id WHERE m.id = ?1")
    static let mailboxesOfAccount = Statement("SELECT id FROM mailbox WHERE account = ?1 ORDER BY id LIMIT ?2")
    static let deleteMailbox = Statement("DELETE FROM mailbox WHERE id = ?1")
    static let deleteCounter = Statement("DELETE FROM counter WHERE mailbox = ?1")

    static let insertMessage = Statement(
        """
        INSERT INTO message(mailbox, uid, flags, modseq, edited, size, date, blob, middle, whole, saved)
        VALUES(?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?10)
        """)
    static let listPage = Statement("SELECT uid, size, flags FROM message WHERE mailbox = ?1 AND uid > ?2 ORDER BY uid LIMIT ?3")
    static let uidPage = Statement("SELECT uid FROM message WHERE mailbox = ?1 AND uid > ?2 ORDER BY uid LIMIT ?3")
    static let setFlags = Statement(
        "UPDATE message SET flags = (flags & ?4) | ?5, modseq = ?6, edited = 2 WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3")
    static let locate = Statement(
        """
        SELECT m.flags, m.size, m.date, m.middle, b.id, b.segment, b.offset, b.body, b.head, b.tail, m.whole
        FROM message m JOIN blob b ON b.id = m.blob WHERE m.mailbox = ?1 AND m.uid = ?2
        """)
    static let dropTombstones = Statement(
        "DELETE FROM tombstone WHERE mailbox = ?1 AND (modseq, uid) IN (SELECT modseq, uid FROM tombstone WHERE mailbox = ?1 LIMIT ?2)")

    static let insertBlob = Statement("INSERT INTO blob(id, segment, offset, body, head, tail, refs) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")
    static let addReferences = Statement("UPDATE blob SET refs = refs + ?2 WHERE id = ?1")

    static let makeSegment = Statement("INSERT INTO segment(number, kind, live, bytes) VALUES(?1, ?2, 0, 0) ON CONFLICT(number) DO NOTHING")
    static let keepHeader = Statement("UPDATE segment SET header = ?2 WHERE number = ?1 AND header IS NULL")
    static let hasHeader = Statement("SELECT header IS NOT NULL FROM segment WHERE number = ?1")
    static let keptHeaders = Statement("SELECT number, header FROM segment WHERE number >= ?1 AND header IS NOT NULL ORDER BY number")
    static let changeSegment = Statement("UPDATE segment SET live = live + ?2, bytes = bytes + ?3 WHERE number = ?1")
    static let emptySegments = Statement("SELECT number, kind, state FROM segment WHERE live = 0")
    static let markSegment = Statement("UPDATE segment SET state = 1 WHERE number = ?1")
    static let deleteSegment = Statement("DELETE FROM segment WHERE number = ?1")
    static let segments = Statement("SELECT number, kind, live, bytes, state FROM segment ORDER BY number")
    static let makeGap = Statement("INSERT OR REPLACE INTO gap(segment, start, end) VALUES(?1, ?2, ?3)")
    static let deleteGaps = Statement("DELETE FROM gap WHERE segment = ?1")

    static let removedAccounts = Statement("SELECT id FROM removed_account")
    static let removeAccount = Statement("INSERT OR IGNORE INTO removed_account(id, at) VALUES(?1, ?2)")
    static let poison = Statement("INSERT OR REPLACE INTO poison(sequence, segment, offset, reason, at) VALUES(?1, ?2, ?3, ?4, ?5)")
}

enum AcceptSQL {
    static let readState = Statement("SELECT store, sequence FROM state WHERE id = 1")
    static let makeState = Statement("INSERT INTO state(id, store, sequence) VALUES(1, ?1, 0)")
    static let writeState = Statement("UPDATE state SET sequence = ?1 WHERE id = 1")
    static let insertBlob = Statement(
        """
        INSERT INTO blob(id, segment, offset, body, head, tail, refs, received, trace, envelope, sender)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        ON CONFLICT(id) DO UPDATE SET refs = refs + excluded.refs
        """)
    static let insertQueue = Statement(
        "INSERT INTO queue(id, blob, channel, destination, due, draft, flags, reason, recipient) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
    )
    static let blobOfQueue = Statement("SELECT blob FROM queue WHERE id = ?1")
    static let deleteQueue = Statement("DELETE FROM queue WHERE id = ?1")
    static let dropReference = Statement("UPDATE blob SET refs = refs - 1 WHERE id = ?1")
    static let deleteDeadBlob = Statement("DELETE FROM blob WHERE id = ?1 AND refs <= 0")
    static let usesSegment = Statement("SELECT 1 FROM blob WHERE segment = ?1 LIMIT 1")
    static let greatestQueue = Statement("SELECT max(id) FROM queue")
}
