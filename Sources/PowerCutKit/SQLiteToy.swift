/// A store that is one SQLite table. It shows that the tester is not harder than a disk on an engine that is known to be right, and that
/// it finds the one setting that is not.
package struct SQLiteToySubject: CrashSubject {
    package enum Synchronous: String, CaseIterable, Sendable { case full, normal }

    package let synchronous: Synchronous
    package init(_ synchronous: Synchronous) { self.synchronous = synchronous }
    package var name: String { "sqlite:\(self.synchronous)" }

    package func open(_ directory: String) throws -> any LiveStore { try SQLiteToy("\(directory)/toy.db", self.synchronous) }
}

final class SQLiteToy: LiveStore {
    private let table: SQLiteTable

    init(_ path: String, _ synchronous: SQLiteToySubject.Synchronous) throws {
        self.table = try SQLiteTable(path, readOnly: false)
        for statement in [
            "PRAGMA journal_mode=wal", "PRAGMA synchronous=\(synchronous.rawValue)", "PRAGMA wal_autocheckpoint=20",
            "CREATE TABLE IF NOT EXISTS copy(account, uid, number, flags, bytes, PRIMARY KEY(account, uid)) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS counter(account PRIMARY KEY, next)", "CREATE TABLE IF NOT EXISTS queue(number)",
        ] { try self.table.rows(statement) }
    }

    func accept(_ sample: Sample, completion: @escaping @Sendable (Bool) -> Void) {
        let known = "INSERT INTO counter VALUES(?1, 2) ON CONFLICT DO UPDATE SET next = next + 1"
        let copy = "INSERT INTO copy SELECT ?1, next - 1, ?2, 0, ?3 FROM counter WHERE account = ?1"
        do {
            try self.table.transaction { rows in
                for account in sample.recipients {
                    try rows(known, [.number(account)])
                    try rows(copy, [.number(account), .number(sample.number), .bytes(sample.message(for: account))])
                }
                if sample.isQueued { try rows("INSERT INTO queue VALUES(?1)", [.number(sample.number)]) }
            }
            completion(true)
        } catch {
            completion(false)
        }
    }

    func list(_ account: Int) throws -> ListedMailbox? {
        let rows = try self.table.rows("SELECT uid, flags FROM copy WHERE account = ?1 ORDER BY uid", [.number(account)])
        return ListedMailbox(
            validity: 1, messages: rows.map { ListedMessage(uid: UInt32($0[0].integer), flags: UInt32($0[1].integer)) })
    }

    func read(_ account: Int, uid: UInt32) throws -> [UInt8] {
        let rows = try self.table.rows("SELECT bytes FROM copy WHERE account = ?1 AND uid = ?2", [.number(account), .number(Int(uid))])
        guard case .bytes(let bytes)? = rows.first?.first else { return [] }
        return bytes
    }

    func expunge(_ account: Int, uids: [UInt32]) throws {
        let list = uids.map { "\($0)" }.joined(separator: ",")
        try self.table.rows("DELETE FROM copy WHERE account = ?1 AND uid IN (\(list))", [.number(account)])
    }

    func setFlags(_ account: Int, uid: UInt32, flags: UInt32) throws {
        let change = "UPDATE copy SET flags = ?3 WHERE account = ?1 AND uid = ?2"
        try self.table.rows(change, [.number(account), .number(Int(uid)), .number(Int(flags))])
    }

    func removeAccount(_ account: Int) throws { try self.table.rows("DELETE FROM copy WHERE account = ?1", [.number(account)]) }
    func queued() throws -> [Int] { try self.table.rows("SELECT number FROM queue ORDER BY 1").map(\.[0].integer) }

    func complaints() throws -> [String] {
        try self.table.rows("SELECT * FROM pragma_integrity_check").compactMap { row in
            guard case .text(let text) = row[0], text != "ok" else { return nil }
            return text
        }
    }

    func close() { self.table.close() }
}
