internal import Database

/// mail.db: what is in the mailboxes. A view of the log that is kept up by one thread; `state` says up to where.
enum MailSchema {
    static let schema = Schema(
        applicationID: 0x504F_4D4C,
        steps: [
            """
            -- Records up to `sequence` are filed whole; of the next one the first `done` deliveries. (segment, offset) is where the
            -- next record begins.
            CREATE TABLE state(
                id INTEGER PRIMARY KEY CHECK(id = 1), store BLOB NOT NULL, segment INTEGER NOT NULL, offset INTEGER NOT NULL,
                sequence INTEGER NOT NULL, done INTEGER NOT NULL, uidvalidity INTEGER NOT NULL);
            CREATE TABLE mailbox(
                id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, name TEXT NOT NULL, uidvalidity INTEGER NOT NULL,
                created INTEGER NOT NULL, UNIQUE(account, name));
            -- Apart from the names, so that the pages that every delivery changes are few.
            CREATE TABLE counter(
                mailbox INTEGER PRIMARY KEY, uidnext INTEGER NOT NULL, modseq INTEGER NOT NULL, messages INTEGER NOT NULL,
                unseen INTEGER NOT NULL, bytes INTEGER NOT NULL);
            -- `middle`: what the prefix of this copy has of its own. `edited`: flags changed since arrival; while 0, modseq grows with
            -- uid, so that only edited rows need an index by modseq. `whole`: middle is all of the prefix.
            CREATE TABLE message(
                mailbox INTEGER NOT NULL, uid INTEGER NOT NULL, flags INTEGER NOT NULL, modseq INTEGER NOT NULL, edited INTEGER NOT NULL,
                size INTEGER NOT NULL, date INTEGER NOT NULL, blob INTEGER NOT NULL, middle BLOB,
                whole INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(mailbox, uid)) WITHOUT ROWID;
            CREATE INDEX message_edited ON message(mailbox, modseq) WHERE edited = 1;
            CREATE TABLE tombstone(
                mailbox INTEGER NOT NULL, modseq INTEGER NOT NULL, uid INTEGER NOT NULL, date INTEGER NOT NULL,
                PRIMARY KEY(mailbox, modseq, uid)) WITHOUT ROWID;
            CREATE TABLE blob(
                id INTEGER PRIMARY KEY, segment INTEGER NOT NULL, offset INTEGER NOT NULL, body INTEGER NOT NULL, head INTEGER NOT NULL,
                tail INTEGER NOT NULL, refs INTEGER NOT NULL);
            -- live: blobs of this file that lie there. state 1: about to be unlinked.
            CREATE TABLE segment(
                number INTEGER PRIMARY KEY, kind INTEGER NOT NULL, live INTEGER NOT NULL, bytes INTEGER NOT NULL,
                state INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
            -- Ends of segments that a crash left unfinished and that no 250 stands for.
            CREATE TABLE gap(segment INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, PRIMARY KEY(segment, start)) WITHOUT ROWID;
            CREATE TABLE removed_account(id INTEGER PRIMARY KEY, at INTEGER NOT NULL);
            -- Records that could not be filed; set aside so that they stop nobody.
            CREATE TABLE poison(sequence INTEGER PRIMARY KEY, segment INTEGER NOT NULL, offset INTEGER NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL);
            \(Jobs.schema)
            """,
            """
            -- Up to this MODSEQ the tombstones of the mailbox are gone.
            ALTER TABLE mailbox ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
            """,
            """
            -- Of a log segment: the bytes of its header, whose key is what makes its records readable; a large one's key is in its adoption.
            ALTER TABLE segment ADD COLUMN header BLOB;
            """,
            """
            -- `saved`: when the message came into this mailbox, if that is not `date`.
            ALTER TABLE message ADD COLUMN saved INTEGER;
            -- Of messages flagged for removal; nothing set that flag before.
            ALTER TABLE counter ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
            -- `use`: SpecialUse.
            ALTER TABLE mailbox ADD COLUMN use INTEGER NOT NULL DEFAULT 0;
            -- `bit` is that of the flags.
            CREATE TABLE keyword(mailbox INTEGER NOT NULL, bit INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY(mailbox, bit)) WITHOUT ROWID;
            CREATE TABLE subscription(account INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY(account, name)) WITHOUT ROWID;
            CREATE TABLE acl(mailbox INTEGER NOT NULL, identifier TEXT NOT NULL, rights TEXT NOT NULL, PRIMARY KEY(mailbox, identifier)) WITHOUT ROWID;
            CREATE INDEX acl_identifier ON acl(identifier);
            -- `mailbox` 0 is the server as the account sees it; of a mailbox, `account` is 0 for what all see.
            CREATE TABLE metadata(
                mailbox INTEGER NOT NULL, account INTEGER NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY(mailbox, account, name))
                WITHOUT ROWID;
            -- UIDs that a copy of very many messages has given so far: it is finished or undone.
            CREATE TABLE copying(
                copy INTEGER NOT NULL, mailbox INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY(copy, first))
                WITHOUT ROWID;
            """,
            """
            -- Which messages' flags changed at which MODSEQ, in ranges that may hold others, too. A row with `edited` 2 has its newest change
            -- here; one with 1, of older versions, in the index message_edited, which takes as long to keep as all else of a change.
            CREATE TABLE edit(
                mailbox INTEGER NOT NULL, modseq INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
                PRIMARY KEY(mailbox, modseq, first)) WITHOUT ROWID;
            -- Changes up to this MODSEQ are not in `edit` any more.
            ALTER TABLE mailbox ADD COLUMN edits_from INTEGER NOT NULL DEFAULT 0;
            """,
            """
            -- Changes of flags of very many messages that are promised, and counted, and do not stand in the rows yet. Rows of these UIDs with a
            -- MODSEQ of at most `below` have the flags `flags & keep | plus`; where that is something else, their MODSEQ is this one.
            CREATE TABLE unwritten(
                mailbox INTEGER NOT NULL, modseq INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, keep INTEGER NOT NULL,
                plus INTEGER NOT NULL, below INTEGER NOT NULL, PRIMARY KEY(mailbox, modseq, first)) WITHOUT ROWID;
            """,
        ])
}

/// accept.db: what is still to be delivered. Records up to `sequence` have their queue entries here.
enum AcceptSchema {
    static let schema = Schema(
        applicationID: 0x504F_4151,
        steps: [
            """
            CREATE TABLE state(id INTEGER PRIMARY KEY CHECK(id = 1), store BLOB NOT NULL, sequence INTEGER NOT NULL);
            CREATE TABLE blob(
                id INTEGER PRIMARY KEY, segment INTEGER NOT NULL, offset INTEGER NOT NULL, body INTEGER NOT NULL, head INTEGER NOT NULL,
                tail INTEGER NOT NULL, refs INTEGER NOT NULL, received INTEGER NOT NULL, trace TEXT NOT NULL, envelope BLOB NOT NULL);
            CREATE INDEX blob_segment ON blob(segment);
            -- recipient, destination and payload are in `draft` (their stored form); what is searched stands in columns too.
            CREATE TABLE queue(
                id INTEGER PRIMARY KEY, blob INTEGER NOT NULL, channel INTEGER NOT NULL, destination TEXT NOT NULL, due INTEGER NOT NULL,
                attempts INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', draft BLOB NOT NULL);
            CREATE INDEX queue_due ON queue(channel, due);
            """,
            """
            -- `flags`: QueueFlags. `since`: when the time to live began, if not at acceptance (a released entry starts anew); 0 is acceptance.
            ALTER TABLE queue ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;
            ALTER TABLE queue ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
            CREATE INDEX queue_destination ON queue(channel, destination, due);
            """,
            """
            -- For looking through a long queue: addresses as `QueueKey` writes them; NULL in rows of older versions until they are filled in.
            ALTER TABLE queue ADD COLUMN recipient TEXT;
            ALTER TABLE blob ADD COLUMN sender TEXT;
            CREATE INDEX queue_recipient ON queue(recipient);
            CREATE INDEX queue_blob ON queue(blob);
            CREATE INDEX blob_sender ON blob(sender);
            """,
        ])
}
