internal import CSQLite
internal import Glibc

// Invariants of a database file:
// 1. One connection writes and checkpoints; all others are read-only and never checkpoint (WAL-reset race of older SQLite; an
//    idle-time checkpointer let the log grow to gigabytes).
// 2. A commit is on stable storage when it returns (`synchronous=FULL`, WAL), but for transactions that ask for less by name because
//    something else repeats them after a power cut.
// 3. No read transaction lives over 50 ms or across a wait: page by key.
// 4. A write closure is at most about 500 rows or 5 ms; more than that is a job (`Jobs`).
// 5. No other code of this process opens the file: closing any descriptor of it would drop SQLite's locks.
// 6. Files are 0600.
// 7. After an I/O error of a commit or checkpoint nothing is written until the file is opened anew: see `Checkpoints`.

package struct DatabaseOptions: Sendable {
    /// Most read-only connections; they are opened as needed.
    package var readers = 8
    package var writerCacheKiB = 64 << 10
    package var readerCacheKiB = 4 << 10
    /// Pages in the log that make a commit checkpoint.
    package var checkpointPages = 1000

    package init() {}
}

/// One SQLite file: one writer, many readers. All calls block; none may come from an event loop.
package final class Database: Sendable {
    package let path: String
    private let options: DatabaseOptions
    private let writer: WriterBox
    private let readers: Monitor<ReaderPool>

    /// Opens or creates the file and brings it to the newest format of `schema`.
    package static func open(_ path: String, _ schema: Schema, _ options: DatabaseOptions = .init()) throws(DatabaseError) -> Database {
        try self.createPrivate(path)
        try self.settle(path)
        let connection = try Connection(path: path, mode: .writer, checkpointPages: options.checkpointPages)
        try connection.execute(
            """
            PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
            PRAGMA cache_size=-\(options.writerCacheKiB); PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=OFF; PRAGMA trusted_schema=OFF;
            PRAGMA journal_size_limit=67108864
            """)
        try schema.migrate(connection, path: path)
        // The log may have been made by a process that was killed before it synced its name.
        try self.syncDirectory(of: path)
        return Database(path: path, options: options, writer: connection)
    }

    private init(path: String, options: DatabaseOptions, writer: sending Connection) {
        self.path = path
        self.options = options
        self.writer = WriterBox(writer)
        self.readers = Monitor(ReaderPool())
    }

    /// `BEGIN IMMEDIATE`, the body, `COMMIT`. The body must have no effect but on the connection.
    package func write<T>(_ body: (Connection) throws(DatabaseError) -> T) throws(DatabaseError) -> T {
        try self.withWriter { connection throws(DatabaseError) in
            try connection.set(.full)
            return try connection.transaction { () throws(DatabaseError) in try body(connection) }
        }
    }

    /// The writer connection outside a transaction, for those who run their own. Others wait meanwhile.
    package func withWriter<T>(_ body: (Connection) throws(DatabaseError) -> T) throws(DatabaseError) -> T {
        try self.writer.withLock(body)
    }

    /// The writer connection for a thread that keeps statements and caches of its own. It must be used inside `withWriter` only.
    package func borrowWriter() throws(DatabaseError) -> sending Connection {
        try self.writer.borrow()
    }

    /// The body inside one read transaction on a read-only connection; waits when all are busy.
    package func read<T>(_ body: (Connection) throws(DatabaseError) -> T) throws(DatabaseError) -> T {
        let reader = try self.takeReader()
        defer { self.giveBack(reader) }
        try reader.connection.beginReading()
        defer { reader.connection.rollback() }
        return try body(reader.connection)
    }

    /// Bytes of the write-ahead log now; a measure with an alarm.
    package var logBytes: Int64 {
        var facts = stat()
        return stat(self.path + "-wal", &facts) == 0 ? Int64(facts.st_size) : 0
    }

    /// Waits for running calls, checkpoints and closes. Later calls throw.
    package func close() {
        self.readers.wait(until: { $0.busy == 0 }) { pool in
            pool.isClosed = true
            for reader in pool.idle { reader.connection.close() }
            pool.idle = []
        }
        self.writer.close()
    }

    // MARK: Readers

    private struct ReaderPool {
        var idle: [Reader] = []
        var busy = 0
        var isClosed = false
    }

    private final class Reader: @unchecked Sendable {
        // SAFETY: in the pool or with exactly one borrower.
        let connection: Connection
        init(_ connection: Connection) { self.connection = connection }
    }

    private func takeReader() throws(DatabaseError) -> Reader {
        enum Turn { case have(Reader), open, closed }
        let limit = self.options.readers
        let turn: Turn = self.readers.wait(until: { $0.isClosed || !$0.idle.isEmpty || $0.busy < limit }) { pool in
            if pool.isClosed { return .closed }
            pool.busy += 1
            return pool.idle.popLast().map { .have($0) } ?? .open
        }
        switch turn {
        case .have(let reader): return reader
        case .closed: throw DatabaseError.closed("read")
        case .open:
            do throws(DatabaseError) {
                let connection = try Connection(path: self.path, mode: .reader)
                try connection.execute("PRAGMA query_only=ON; PRAGMA cache_size=-\(self.options.readerCacheKiB); PRAGMA temp_store=MEMORY")
                return Reader(connection)
            } catch {
                self.readers.withLock { $0.busy -= 1 }
                self.readers.broadcast()
                throw error
            }
        }
    }

    private func giveBack(_ reader: Reader) {
        self.readers.withLock { pool in
            pool.busy -= 1
            pool.idle.append(reader)
        }
        self.readers.broadcast()
    }

    /// What a killed process wrote into the log and did not sync is read by us like the rest; a power cut would take it back after somebody
    /// was shown it. Nor is a sync enough: when one failed in that process, the kernel takes the pages for clean though the disk lacks
    /// them. So all of the log is written once more, as it is, and then synced. Before SQLite opens the file, since closing a descriptor
    /// drops locks.
    private static func settle(_ path: String) throws(DatabaseError) {
        let log = path + "-wal"
        let descriptor = Glibc.open(log, O_RDWR | O_CLOEXEC)
        if descriptor < 0 && errno == ENOENT { return }
        defer { if descriptor >= 0 { Glibc.close(descriptor) } }
        guard descriptor >= 0, self.rewrite(descriptor), Glibc.fsync(descriptor) == 0 else {
            throw DatabaseError(code: self.ioErrorOfSync, text: String(cString: strerror(errno)), operation: "sync \(log)")
        }
    }

    /// Writes each byte of a file over itself; false and `errno` when that fails. A disk without room for that (some file systems write
    /// elsewhere first) leaves it at the sync.
    private static func rewrite(_ descriptor: Int32) -> Bool {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        var offset: off_t = 0
        while true {
            let count = pread(descriptor, buffer.baseAddress, buffer.count, offset)
            guard count > 0 else { return count == 0 }
            var done = 0
            while done < count {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[done..<count])
                let written = pwrite(descriptor, rest.baseAddress, rest.count, offset + off_t(done))
                guard written > 0 else { return errno == ENOSPC || errno == EDQUOT }
                done += written
            }
            offset += off_t(count)
        }
    }

    private static func syncDirectory(of path: String) throws(DatabaseError) {
        let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        try self.sync(parent, O_RDONLY | O_DIRECTORY)
    }

    /// SQLITE_IOERR_FSYNC, a macro that Swift does not see.
    private static let ioErrorOfSync = SQLITE_IOERR | 4 << 8

    /// Nothing to do for what is not there.
    private static func sync(_ path: String, _ flags: Int32) throws(DatabaseError) {
        let descriptor = Glibc.open(path, flags | O_CLOEXEC)
        if descriptor < 0 && errno == ENOENT { return }
        defer { if descriptor >= 0 { Glibc.close(descriptor) } }
        guard descriptor >= 0, Glibc.fsync(descriptor) == 0 else {
            throw DatabaseError(code: self.ioErrorOfSync, text: String(cString: strerror(errno)), operation: "sync \(path)")
        }
    }

    /// Creates the file with mode 0600 before SQLite would make it with the umask's; log and index inherit the mode.
    private static func createPrivate(_ path: String) throws(DatabaseError) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw DatabaseError(code: SQLITE_CANTOPEN, text: String(cString: strerror(errno)), operation: "open \(path)")
        }
        Glibc.close(descriptor)
    }
}

/// The writer connection behind its lock.
private final class WriterBox: @unchecked Sendable {
    // SAFETY: the connection is used only inside the lock.
    private let lock: Monitor<Connection?>

    init(_ connection: sending Connection) { self.lock = Monitor(connection) }

    func withLock<T>(_ body: (Connection) throws(DatabaseError) -> T) throws(DatabaseError) -> T {
        try self.lock.withLock { connection throws(DatabaseError) in
            guard let connection else { throw DatabaseError.closed("write") }
            return try body(connection)
        }
    }

    func borrow() throws(DatabaseError) -> sending Connection {
        // SAFETY: the one caller is the thread that owns all writing of this file; it borrows once, at its start.
        nonisolated(unsafe) let connection = self.lock.withLock { $0 }
        guard let connection else { throw DatabaseError.closed("write") }
        return connection
    }

    func close() {
        self.lock.withLock { connection in
            connection?.close()
            connection = nil
        }
    }
}
