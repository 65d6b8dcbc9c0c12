internal import Database
internal import Vocabulary

extension StoreChecker {
    private static let orphans: [(what: String, statement: Statement)] = [
        ("keyword", Statement("SELECT DISTINCT mailbox FROM keyword WHERE mailbox NOT IN (SELECT id FROM mailbox) LIMIT 100")),
        ("change", Statement("SELECT DISTINCT mailbox FROM edit WHERE mailbox NOT IN (SELECT id FROM mailbox) LIMIT 100")),
        ("rights", Statement("SELECT DISTINCT mailbox FROM acl WHERE mailbox NOT IN (SELECT id FROM mailbox) LIMIT 100")),
        (
            "annotation",
            Statement("SELECT DISTINCT mailbox FROM metadata WHERE mailbox <> 0 AND mailbox NOT IN (SELECT id FROM mailbox) LIMIT 100")
        ),
    ]
    private static let numbers = Statement(
        "SELECT max(id), (SELECT seq FROM sqlite_sequence WHERE name = 'mailbox') FROM mailbox")

    /// What hangs on mailboxes, and the numbers that are given once.
    mutating func checkFolders() throws(StoreError) {
        for (what, statement) in Self.orphans {
            let found = try self.read(self.mail) { db throws(DatabaseError) in try db.rows(statement) { $0.int(0) } }
            for mailbox in found { self.add("orphan", "\(what) of mailbox \(mailbox), which does not exist") }
        }
        let numbers = try self.read(self.mail) { db throws(DatabaseError) in
            try db.row(Self.numbers) { (greatest: $0.int(0), given: $0.int(1)) }
        }
        if let numbers, numbers.greatest > numbers.given {
            self.add("mailbox-number", "mailbox \(numbers.greatest) has a number above \(numbers.given), the last that was given")
        }
    }

    /// Every keyword bit that a message has means something.
    mutating func checkKeywords(_ mailbox: Int64, _ used: Flags) throws(StoreError) {
        let keywords = used.subtracting(.system)
        guard !keywords.isEmpty else { return }
        let known = try self.read(self.mail) { db throws(DatabaseError) in
            try db.rows(FolderSQL.keywords, .int(mailbox)) { Flags.keyword(Int(clamping: $0.int(0))) }
        }
        let unknown = keywords.subtracting(known.reduce(into: Flags()) { $0.formUnion($1) })
        if !unknown.isEmpty, !self.watch.hasMoved(mailbox: mailbox) {
            self.add("keyword", "mailbox \(mailbox): messages have flags without a name (\(unknown.rawValue))")
        }
    }
}
