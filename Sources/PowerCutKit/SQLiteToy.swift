internal import CSQLite
internal import Synchronization

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
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    // SAFETY: used only while the mutex around it is held.
    private struct Handle: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    private let database: Mutex<Handle>

    init(_ path: String, _ synchronous: SQLiteToySubject.Synchronous) throws {
        var pointer: OpaquePointer?
        guard sqlite3_open_v2(path, &pointer, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nil) == SQLITE_OK,
            let pointer
        else { throw Failure(description: "cannot open \(path)") }
        self.database = Mutex(Handle(pointer: pointer))
        for statement in [
            "PRAGMA journal_mode=wal", "PRAGMA synchronous=\(synchronous.rawValue)", "PRAGMA wal_autocheckpoint=20",
            "CREATE TABLE IF NOT EXISTS copy(account, uid, number, flags, bytes, PRIMARY KEY(account, uid)) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS counter(account PRIMARY KEY, next)", "CREATE TABLE IF NOT EXISTS queue(number)",
        ] { try self.rows(statement) }
    }

    func accept(_ sample: Sample, completion: @escaping @Sendable (Bool) -> Void) {
        do {
            try self.database.withLock { handle in
                try Self.rows(handle, "BEGIN IMMEDIATE")
                for account in sample.recipients {
                    let known = "INSERT INTO counter VALUES(?1, 2) ON CONFLICT DO UPDATE SET next = next + 1"
                    try Self.rows(handle, known, [.number(account)])
                    try Self.rows(
                        handle, "INSERT INTO copy SELECT ?1, next - 1, ?2, 0, ?3 FROM counter WHERE account = ?1",
                        [.number(account), .number(sample.number), .bytes(sample.message(for: account))])
                }
                if sample.isQueued { try Self.rows(handle, "INSERT INTO queue VALUES(?1)", [.number(sample.number)]) }
                try Self.rows(handle, "COMMIT")
            }
            completion(true)
        } catch {
            completion(false)
        }
    }

    func list(_ account: Int) throws -> ListedMailbox? {
        let rows = try self.rows("SELECT uid, flags FROM copy WHERE account = ?1 ORDER BY uid", [.number(account)])
        return ListedMailbox(
            validity: 1, messages: rows.map { ListedMessage(uid: UInt32($0[0].integer), flags: UInt32($0[1].integer)) })
    }

    func read(_ account: Int, uid: UInt32) throws -> [UInt8] {
        let rows = try self.rows("SELECT bytes FROM copy WHERE account = ?1 AND uid = ?2", [.number(account), .number(Int(uid))])
        guard case .bytes(let bytes)? = rows.first?.first else { return [] }
        return bytes
    }

    func expunge(_ account: Int, uids: [UInt32]) throws {
        let list = uids.map { "\($0)" }.joined(separator: ",")
        try self.rows("DELETE FROM copy WHERE account = ?1 AND uid IN (\(list))", [.number(account)])
    }

    func setFlags(_ account: Int, uid: UInt32, flags: UInt32) throws {
        try self.rows(
            "UPDATE copy SET flags = ?3 WHERE account = ?1 AND uid = ?2", [.number(account), .number(Int(uid)), .number(Int(flags))])
    }

    func removeAccount(_ account: Int) throws { try self.rows("DELETE FROM copy WHERE account = ?1", [.number(account)]) }
    func queued() throws -> [Int] { try self.rows("SELECT number FROM queue ORDER BY 1").map(\.[0].integer) }

    func complaints() throws -> [String] {
        try self.rows("SELECT * FROM pragma_integrity_check").compactMap { row in
            guard case .text(let text) = row[0], text != "ok" else { return nil }
            return text
        }
    }

    func close() { self.database.withLock { _ = sqlite3_close_v2($0.pointer) } }

    // MARK: Statements

    enum Value {
        case number(Int)
        case text(String)
        case bytes([UInt8])

        var integer: Int {
            if case .number(let value) = self { return value }
            return 0
        }
    }

    @discardableResult
    private func rows(_ text: String, _ values: [Value] = []) throws -> [[Value]] {
        try self.database.withLock { try Self.rows($0, text, values) }
    }

    @discardableResult
    private static func rows(_ handle: Handle, _ text: String, _ values: [Value] = []) throws -> [[Value]] {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle.pointer, text, -1, &statement, nil) == SQLITE_OK else {
            throw Failure(description: String(cString: sqlite3_errmsg(handle.pointer)))
        }
        defer { sqlite3_finalize(statement) }
        for (index, value) in values.enumerated() { self.bind(statement, CInt(index + 1), value) }
        var rows: [[Value]] = []
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: rows.append((0..<sqlite3_column_count(statement)).map { self.column(statement, $0) })
            case SQLITE_DONE: return rows
            default: throw Failure(description: String(cString: sqlite3_errmsg(handle.pointer)))
            }
        }
    }

    private static func bind(_ statement: OpaquePointer?, _ index: CInt, _ value: Value) {
        let copies = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .number(let number): sqlite3_bind_int64(statement, index, Int64(number))
        case .text(let text): sqlite3_bind_text(statement, index, text, -1, copies)
        case .bytes(let bytes): _ = bytes.withUnsafeBytes { sqlite3_bind_blob(statement, index, $0.baseAddress, CInt($0.count), copies) }
        }
    }

    private static func column(_ statement: OpaquePointer?, _ index: CInt) -> Value {
        switch sqlite3_column_type(statement, index) {
        case SQLITE_BLOB:
            let count = Int(sqlite3_column_bytes(statement, index))
            let base = sqlite3_column_blob(statement, index)
            return .bytes(Array(UnsafeRawBufferPointer(start: base, count: base == nil ? 0 : count)))
        case SQLITE_TEXT: return .text(sqlite3_column_text(statement, index).map { String(cString: $0) } ?? "")
        default: return .number(Int(sqlite3_column_int64(statement, index)))
        }
    }
}
