import LoadKit

/// Puts many messages into the index of a stopped instance of ours: rows only, their bodies do not exist. What a delivery costs in a large
/// index is what is measured, and that is the pages it touches. The real accounts' mailboxes are spread evenly among those of
/// accounts that do not exist.
struct Prefill {
    var messages: Int
    var mailboxes: Int

    func fill(_ directory: String, log: String) throws {
        let script = """
            PRAGMA journal_mode = OFF;
            PRAGMA synchronous = OFF;
            PRAGMA cache_size = -2000000;
            ATTACH '\(try self.find("directory.db", below: directory))' AS directory;
            BEGIN;
            CREATE TEMP TABLE real(n INTEGER PRIMARY KEY, account INTEGER);
            INSERT INTO real(account) SELECT id FROM directory.account ORDER BY id;
            CREATE TEMP TABLE step AS SELECT \(self.mailboxes) / (count(*) + 1) AS width FROM real;
            WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < \(self.mailboxes))
                INSERT INTO mailbox(id, account, name, uidvalidity, created)
                SELECT n, coalesce(CASE WHEN n % width = 0 THEN (SELECT account FROM real WHERE real.n = c.n / width) END, 100000000 + n),
                    'INBOX', 1, 1767225600 FROM c, step;
            INSERT INTO counter(mailbox, uidnext, modseq, messages, unseen, bytes)
                SELECT id, \(self.each + 1), \(self.each + 1), \(self.each), \(self.each), \(self.each * 2048) FROM mailbox;
            WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n + 1 < \(self.each * self.mailboxes))
                INSERT INTO message(mailbox, uid, flags, modseq, edited, size, date, blob, middle)
                SELECT n / \(self.each) + 1, n % \(self.each) + 1, 0, n % \(self.each) + 1, 0, 2048, 1767225600 + n % 100000, -1 - n, NULL FROM c;
            WITH RECURSIVE c(n) AS (SELECT \(self.each * self.mailboxes) UNION ALL SELECT n - 1 FROM c WHERE n > 1)
                INSERT INTO blob(id, segment, offset, body, head, tail, refs) SELECT -n, 1, n * 2048, 1800, 200, 48, 1 FROM c;
            COMMIT;
            PRAGMA journal_mode = WAL;

            """
        try writeFile("\(directory).prefill.sql", script)
        try ChildProcess.run(
            "/usr/bin/sqlite3", ["-bail", try self.find("mail.db", below: directory), ".read \(directory).prefill.sql"], log: log,
            seconds: 900)
    }

    private var each: Int { self.messages / self.mailboxes }

    private func find(_ name: String, below directory: String) throws -> String {
        var waiting = [directory]
        while let next = waiting.popLast() {
            for entry in entries(next) {
                let path = "\(next)/\(entry)"
                if entry == name { return path }
                if isDirectory(path) { waiting.append(path) }
            }
        }
        throw BenchError("no \(name) below \(directory)")
    }
}
