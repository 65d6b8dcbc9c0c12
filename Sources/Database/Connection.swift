internal import CSQLite
internal import Glibc

/// One SQLite connection with its prepared statements. Not safe for use from two threads at once: `Database` sees to that.
package final class Connection {
    let handle: OpaquePointer
    /// By `Statement.number`.
    private var prepared: [OpaquePointer?] = []

    enum Mode { case writer, reader }

    /// What a commit waits for.
    package enum Durability: Int32, Sendable {
        /// Nothing: after a power cut the database may stand at an earlier commit. Only for what something else can repeat.
        case repeatable = 1
        /// Stable storage, for this commit and all before it.
        case full = 2
    }

    /// How long a transaction waits to begin, in milliseconds. Nobody else writes the file, and yet it can be locked for a moment: a reader
    /// that meets the header of the log half-written takes the writer's lock to look once more.
    private static let patience: Int32 = 10_000

    private var durability = Durability.full
    private let checkpoints: Checkpoints

    /// For the transactions from now on; not inside one.
    package func set(_ durability: Durability) throws(DatabaseError) {
        guard durability != self.durability else { return }
        try self.execute("PRAGMA synchronous=\(durability.rawValue)")
        self.durability = durability
    }

    /// `checkpointPages` is the length of the write-ahead log, in pages, from which on a commit checkpoints.
    init(path: String, mode: Mode, checkpointPages: Int = 1000) throws(DatabaseError) {
        var handle: OpaquePointer?
        let access = mode == .writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY
        let code = sqlite3_open_v2(path, &handle, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard code == SQLITE_OK, let handle else {
            let text = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(handle)
            throw DatabaseError(code: code, text: text, operation: "open \(path)")
        }
        self.handle = handle
        sqlite3_busy_timeout(handle, Self.patience)
        self.checkpoints = Checkpoints(pages: Int32(clamping: checkpointPages))
        if mode == .writer { self.checkpoints.attach(to: handle) }
    }

    deinit { self.close() }

    private var isClosed = false

    func close() {
        guard !self.isClosed else { return }
        self.isClosed = true
        for statement in self.prepared { sqlite3_finalize(statement) }
        self.prepared = []
        // Closing checkpoints. With a log that stable storage may have with holes, that would let a power cut mix old pages with new ones.
        if self.broken != nil { _ = po_sqlite_keep_log(self.handle) }
        sqlite3_close_v2(self.handle)
    }

    /// Set when stable storage may lack what was written to the log: nothing that follows it could be promised. Until the file is opened anew.
    var broken: DatabaseError? {
        get { self.checkpoints.failure }
        set { self.checkpoints.failure = newValue }
    }

    func failure(_ code: Int32, _ operation: String) -> DatabaseError {
        DatabaseError(code: code, text: String(cString: sqlite3_errmsg(self.handle)), operation: operation)
    }

    // MARK: Statements

    /// The prepared form, reset and without values, ready to bind. For hot paths; `run` and `rows` are easier.
    package func prepare(_ statement: Statement) throws(DatabaseError) -> Prepared {
        let number = statement.number
        if number < self.prepared.count, let found = self.prepared[number] { return Prepared(found, self, statement) }
        guard !self.isClosed else { throw DatabaseError.closed(statement.text) }
        var made: OpaquePointer?
        let code = sqlite3_prepare_v3(self.handle, statement.text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &made, nil)
        guard code == SQLITE_OK, let made else { throw self.failure(code, statement.text) }
        while self.prepared.count <= number { self.prepared.append(nil) }
        self.prepared[number] = made
        return Prepared(made, self, statement)
    }

    /// Runs SQL text without keeping it; may hold several statements. For schemas and pragmas.
    package func execute(_ text: String) throws(DatabaseError) {
        let code = sqlite3_exec(self.handle, text, nil, nil, nil)
        guard code == SQLITE_OK else { throw self.failure(code, text) }
    }

    /// Runs a statement to its end; rows it may give are dropped.
    package func run(_ statement: Statement, _ values: Value...) throws(DatabaseError) {
        let prepared = try self.prepare(statement)
        defer { prepared.reset() }
        try prepared.bind(values)
        while try prepared.step() {}
    }

    package func run(_ statement: Statement, _ values: [Value]) throws(DatabaseError) {
        let prepared = try self.prepare(statement)
        defer { prepared.reset() }
        try prepared.bind(values)
        while try prepared.step() {}
    }

    /// The first row, or nil.
    package func row<T>(_ statement: Statement, _ values: Value..., read: (Row) -> T) throws(DatabaseError) -> T? {
        let prepared = try self.prepare(statement)
        defer { prepared.reset() }
        try prepared.bind(values)
        return try prepared.step() ? read(prepared.row) : nil
    }

    package func rows<T>(_ statement: Statement, _ values: Value..., read: (Row) -> T) throws(DatabaseError) -> [T] {
        let prepared = try self.prepare(statement)
        defer { prepared.reset() }
        try prepared.bind(values)
        var out: [T] = []
        while try prepared.step() { out.append(read(prepared.row)) }
        return out
    }

    /// Rows one after the other, until the body answers false.
    package func each(_ statement: Statement, _ values: Value..., body: (Row) throws(DatabaseError) -> Bool) throws(DatabaseError) {
        let prepared = try self.prepare(statement)
        defer { prepared.reset() }
        try prepared.bind(values)
        while try prepared.step() {
            if !(try body(prepared.row)) { return }
        }
    }

    /// The first `columns` columns of all rows as numbers, some rows at a time, one after the other.
    package func numbers(
        _ statement: Statement, _ values: Value..., columns: Int, body: (UnsafeBufferPointer<Int64>) -> Void
    ) throws(DatabaseError) {
        let prepared = try self.prepare(statement)
        defer { prepared.reset() }
        try prepared.bind(values)
        try prepared.numbers(columns, body: body)
    }

    /// Rows that the last INSERT, UPDATE or DELETE touched.
    package var changes: Int { Int(sqlite3_changes64(self.handle)) }
    package var lastInsertID: Int64 { sqlite3_last_insert_rowid(self.handle) }
    package var isInTransaction: Bool { sqlite3_get_autocommit(self.handle) == 0 }
    /// Pages that this connection changed since it was opened are counted by SQLite; grows with every change.
    package var totalChanges: Int64 { sqlite3_total_changes64(self.handle) }
}
