internal import Bytes
internal import Database
internal import Glibc
internal import NIOCore
internal import Vocabulary

// Invariants of the cache:
// 1. Nothing depends on it: whatever is wrong with its file, the file is thrown away and begun anew, and callers make again what they
//    do not find.
// 2. It is written by a thread of its own, without syncs, and never on the way of mail.
// 3. A row is believed only when its checksum, which includes the body's number, is right; and a file with a body's number that the store
//    has not given yet belongs to another past of the store (a backup was restored) and is thrown away.

/// What was made of message bodies once and is wanted again: by body, in `cache.db`.
final class ContentCache: Sendable {
    /// Which of the things that are kept of a body.
    enum Kind: Int, CaseIterable { case summary, header }

    struct Entry: Sendable {
        var kind: Kind
        var blob: Int64
        var bytes: ByteBuffer
    }

    private struct Pending: Sendable {
        var rows: [Entry] = []
        var bytes = 0
        /// Mailboxes whose messages up to a UID have been prepared: written behind the rows.
        var prepared: [Int64: Int64] = [:]
        /// Accounts and the day on which they were last seen.
        var readers: [Int64: Int64] = [:]
        var mustBeginAnew = false
        var isStopped = false

        var hasSomething: Bool { !self.rows.isEmpty || !self.prepared.isEmpty || !self.readers.isEmpty }
    }

    private let path: String
    private let store: [UInt8]
    private let limit: Int64
    private let events: any EventSink
    private let isAlive: @Sendable ([Int64]) -> Set<Int64>
    private let pending = Monitor(Pending())
    private let database: Monitor<Database?>
    private let thread: Monitor<Thread?> = Monitor(nil)
    /// Bytes that wait to be written; more are passed over.
    private static let mostWaiting = 16 << 20
    private static let sweepPage: Int64 = 500
    /// Milliseconds without work between two pages of the sweep, and how many such pauses lie between two passes.
    private static let sweepPause = 1000
    private static let sweepRest = 15

    /// - Parameters:
    ///   - next: the store gives this number and greater ones from now on.
    ///   - limit: bytes of the file from which on it is begun anew.
    ///   - isAlive: those of some bodies that are still there.
    init(
        _ path: String, store: [UInt8], next: Int64, limit: Int64, events: any EventSink,
        isAlive: @escaping @Sendable ([Int64]) -> Set<Int64>
    ) {
        self.path = path
        self.store = store
        self.limit = limit
        self.events = events
        self.isAlive = isAlive
        self.database = Monitor(Self.open(path, store, next, events))
        let thread = Thread("store-cache") { [self] in self.run() }
        self.thread.withLock { $0 = thread }
    }

    func stop() {
        self.pending.withLock { $0.isStopped = true }
        self.pending.broadcast()
        self.thread.withLock { $0 }?.join()
        self.database.withLock { $0 }?.close()
    }

    // MARK: Opening

    private static let schema = Schema(
        applicationID: 0x504F_4348,
        steps: [
            """
            CREATE TABLE state(id INTEGER PRIMARY KEY CHECK(id = 1), store BLOB NOT NULL);
            CREATE TABLE summary(blob INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
            """,
            """
            CREATE TABLE header(blob INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
            CREATE TABLE prepared(mailbox INTEGER PRIMARY KEY, uid INTEGER NOT NULL);
            CREATE TABLE reader(account INTEGER PRIMARY KEY, day INTEGER NOT NULL);
            """,
        ])
    private static let owner = Statement("SELECT store FROM state WHERE id = 1")
    private static let claim = Statement("INSERT OR REPLACE INTO state(id, store) VALUES(1, ?1)")
    private static let greatest = Statement(
        "SELECT max(coalesce((SELECT max(blob) FROM summary), 0), coalesce((SELECT max(blob) FROM header), 0))")

    /// nil when there cannot be one now.
    private static func open(_ path: String, _ store: [UInt8], _ next: Int64, _ events: any EventSink) -> Database? {
        if let found = try? self.openSound(path, store, next) { return found }
        for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
        do throws(DatabaseError) { return try self.openSound(path, store, next) } catch {
            events.record(TrailEvent(.store, "cache-off", trace: nil, [("reason", error.description)]), switchedBy: nil)
            return nil
        }
    }

    private static func openSound(_ path: String, _ store: [UInt8], _ next: Int64) throws(DatabaseError) -> Database {
        let database = try Database.open(path, self.schema)
        do throws(DatabaseError) {
            let (owner, greatest) = try database.read { db throws(DatabaseError) in
                (try db.row(Self.owner) { $0.bytes(0) }, try db.row(Self.greatest) { $0.int(0) } ?? 0)
            }
            guard owner == nil || owner == store, greatest < next else {
                throw DatabaseError(code: 1, text: "of another store", operation: "open")
            }
            if owner == nil { try database.write { db throws(DatabaseError) in try db.run(Self.claim, .blob(store)) } }
            return database
        } catch {
            database.close()
            throw error
        }
    }

    // MARK: Reading

    private static let read = [
        Statement("SELECT bytes FROM summary WHERE blob = ?1"), Statement("SELECT bytes FROM header WHERE blob = ?1"),
    ]
    private static let readRange = [
        Statement("SELECT blob, bytes FROM summary WHERE blob BETWEEN ?1 AND ?2"),
        Statement("SELECT blob, bytes FROM header WHERE blob BETWEEN ?1 AND ?2"),
    ]

    /// What is known of each; blocks for a look into the file.
    /// - Parameter blobs: ascending where they can be: those that came one behind the other are read in one go.
    func find(_ blobs: [Int64], _ kind: Kind) -> [ByteBuffer?] {
        var out = [ByteBuffer?](repeating: nil, count: blobs.count)
        let isWhole = self.each(blobs, kind) { index, bytes in
            out[index] = ByteBuffer(bytes: bytes)
            return true
        }
        return isWhole ? out : blobs.map { _ in nil }
    }

    /// The same, handed over where it lies: by place in `blobs`, ascending, what is known. The bytes are gone when the body returns; it says
    /// whether it wants more.
    /// - Returns: false when the file cannot be read.
    @discardableResult
    func each(_ blobs: [Int64], _ kind: Kind, _ body: (Int, UnsafeRawBufferPointer) -> Bool) -> Bool {
        guard let database = self.database.withLock({ $0 }) else { return false }
        do throws(DatabaseError) {
            try database.read { db throws(DatabaseError) in
                if let first = blobs.first, let last = blobs.last, blobs.count > 2, Self.isDense(blobs) {
                    return try self.eachOfRange(first, last, blobs, kind, db, body)
                }
                for (index, blob) in blobs.enumerated() {
                    let goesOn = try db.row(Self.read[kind.rawValue], .int(blob)) { row in
                        row.withBytes(0) { bytes in Self.checked(bytes, blob).map { body(index, $0) } ?? true }
                    }
                    guard goesOn ?? true else { return }
                }
            }
            return true
        } catch {
            if error.kind != .closed { self.beginAnew() }
            return false
        }
    }

    /// Ascending, and few others lie between them.
    private static func isDense(_ blobs: [Int64]) -> Bool {
        guard let first = blobs.first, let last = blobs.last, last > first, last - first < 2 * Int64(blobs.count) else { return false }
        return zip(blobs, blobs.dropFirst()).allSatisfy(<)
    }

    private func eachOfRange(
        _ first: Int64, _ last: Int64, _ blobs: [Int64], _ kind: Kind, _ db: Connection, _ body: (Int, UnsafeRawBufferPointer) -> Bool
    ) throws(DatabaseError) {
        var at = 0
        try db.each(Self.readRange[kind.rawValue], .int(first), .int(last)) { row throws(DatabaseError) in
            let blob = row.int(0)
            while at < blobs.count, blobs[at] < blob { at += 1 }
            guard at < blobs.count, blobs[at] == blob else { return true }
            return row.withBytes(1) { bytes in Self.checked(bytes, blob).map { body(at, $0) } ?? true }
        }
    }

    func reading<T>(_ body: (Connection) throws(DatabaseError) -> T) throws(DatabaseError) -> T? {
        guard let database = self.database.withLock({ $0 }) else { return nil }
        return try database.read(body)
    }

    private static func checked(_ bytes: UnsafeRawBufferPointer, _ blob: Int64) -> UnsafeRawBufferPointer? {
        guard bytes.count >= 4 else { return nil }
        let body = UnsafeRawBufferPointer(rebasing: bytes[4...])
        let sum = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
        return sum == self.checksum(body, blob) ? body : nil
    }

    private static func checksum(_ bytes: UnsafeRawBufferPointer, _ blob: Int64) -> UInt32 {
        let seed = withUnsafeBytes(of: blob.littleEndian) { CRC32C.checksum($0) }
        return CRC32C.checksum(bytes, seed: seed)
    }

    // MARK: Writing

    /// Keeps what was made, some time soon; when very much waits it is passed over.
    func keep(_ rows: [Entry]) {
        let count = Self.octets(rows)
        self.pending.withLock { state in
            guard !state.isStopped, state.bytes + count <= Self.mostWaiting else { return }
            state.rows += rows
            state.bytes += count
        }
        self.pending.broadcast()
    }

    /// Keeps what was made, and behind it how far a mailbox has been prepared. Waits while much else waits to be written; false at the end.
    func keep(_ rows: [Entry], mailbox: Int64, through uid: Int64) -> Bool {
        let count = Self.octets(rows)
        let isTaken: Bool = self.pending.wait(
            until: { $0.isStopped || $0.bytes <= Self.mostWaiting / 2 },
            then: { state in
                guard !state.isStopped else { return false }
                state.rows += rows
                state.bytes += count
                state.prepared[mailbox] = uid
                return true
            })
        self.pending.broadcast()
        return isTaken
    }

    func noteReader(_ account: Int64, day: Int64) {
        self.pending.withLock { $0.readers[account] = day }
        self.pending.broadcast()
    }

    private static func octets(_ rows: [Entry]) -> Int { rows.reduce(0) { $0 + $1.bytes.readableBytes } }

    private func beginAnew() {
        self.pending.withLock { $0.mustBeginAnew = true }
        self.pending.broadcast()
    }

    private func run() {
        var sweep = Sweep()
        while true {
            let work: Pending = self.pending.wait(
                milliseconds: Self.sweepPause,
                until: { $0.isStopped || $0.mustBeginAnew || !$0.rows.isEmpty || !$0.prepared.isEmpty || !$0.readers.isEmpty },
                then: { state in
                    defer { state = Pending(isStopped: state.isStopped) }
                    return state
                })
            self.pending.broadcast()
            if work.mustBeginAnew { self.replace() }
            if work.hasSomething { self.write(work) } else if !work.isStopped { self.sweepSome(&sweep) }
            if work.isStopped { return }
        }
    }

    private static let insert = [
        Statement("INSERT OR REPLACE INTO summary(blob, bytes) VALUES(?1, ?2)"),
        Statement("INSERT OR REPLACE INTO header(blob, bytes) VALUES(?1, ?2)"),
    ]
    private static let setPrepared = Statement("INSERT OR REPLACE INTO prepared(mailbox, uid) VALUES(?1, ?2)")
    private static let setReader = Statement("INSERT OR REPLACE INTO reader(account, day) VALUES(?1, ?2)")
    private static let pages = Statement("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")

    private func write(_ work: Pending) {
        guard let database = self.database.withLock({ $0 }) else { return }
        let rows = work.rows
        do throws(DatabaseError) {
            for start in stride(from: 0, to: rows.count, by: 500) {
                let some = rows[start..<min(start + 500, rows.count)]
                try self.change(database) { db throws(DatabaseError) in for row in some { try Self.insert(row, db) } }
            }
            if !work.prepared.isEmpty || !work.readers.isEmpty {
                try self.change(database) { db throws(DatabaseError) in
                    for (mailbox, uid) in work.prepared { try db.run(Self.setPrepared, .int(mailbox), .int(uid)) }
                    for (account, day) in work.readers { try db.run(Self.setReader, .int(account), .int(day)) }
                }
            }
            let size = try database.read { db throws(DatabaseError) in try db.row(Self.pages) { $0.int(0) } ?? 0 }
            if size > self.limit { self.replace() }
        } catch {
            // No room: what is there stays of use.
            if error.kind != .full && error.kind != .busy && error.kind != .closed { self.replace() }
        }
    }

    private static func insert(_ row: Entry, _ db: Connection) throws(DatabaseError) {
        var value = ByteBuffer()
        let sum = row.bytes.withUnsafeReadableBytes { Self.checksum($0, row.blob) }
        value.writeInteger(sum, endianness: .little)
        value.writeImmutableBuffer(row.bytes)
        let insert = try db.prepare(Self.insert[row.kind.rawValue])
        try insert.bind(1, row.blob)
        try insert.bind(2, value)
        try insert.finish()
    }

    private func change(_ database: Database, _ body: (Connection) throws(DatabaseError) -> Void) throws(DatabaseError) {
        try database.withWriter { db throws(DatabaseError) in
            try db.set(.repeatable)
            // Not even at a checkpoint: mail waits for the same disk. What a power cut makes of the file is no row with a right checksum.
            try db.execute("PRAGMA synchronous=OFF")
            try db.transaction { () throws(DatabaseError) in try body(db) }
        }
    }

    private func replace() {
        self.events.record(TrailEvent(.store, "cache-begun-anew", trace: nil, [("path", self.path)]), switchedBy: nil)
        self.database.withLock { database in
            database?.close()
            for suffix in ["", "-wal", "-shm"] { unlink(self.path + suffix) }
            database = Self.open(self.path, self.store, .max, self.events)
        }
    }

    // MARK: Bodies that are gone

    private struct Sweep {
        var last: Int64 = 0
        /// Rounds to let pass after a whole pass.
        var rest = 0
    }

    /// Both tables merged in order. Within a subquery all that lies behind the page would be gathered first, a second's work on a large file.
    private static let page = Statement(
        "SELECT blob FROM summary WHERE blob > ?1 UNION SELECT blob FROM header WHERE blob > ?1 ORDER BY blob LIMIT ?2")
    private static let drop = [Statement("DELETE FROM summary WHERE blob = ?1"), Statement("DELETE FROM header WHERE blob = ?1")]

    private func sweepSome(_ sweep: inout Sweep) {
        guard sweep.rest == 0, let database = self.database.withLock({ $0 }) else {
            sweep.rest = max(0, sweep.rest - 1)
            return
        }
        do throws(DatabaseError) {
            let last = sweep.last
            let blobs = try database.read { db throws(DatabaseError) in
                try db.rows(Self.page, .int(last), .int(Self.sweepPage)) { $0.int(0) }
            }
            guard let end = blobs.last else {
                sweep = Sweep(last: 0, rest: Self.sweepRest)
                return
            }
            let dead = Set(blobs).subtracting(self.isAlive(blobs))
            if !dead.isEmpty {
                try self.change(database) { db throws(DatabaseError) in
                    for blob in dead { for drop in Self.drop { try db.run(drop, .int(blob)) } }
                }
            }
            sweep.last = end
        } catch { if error.kind == .corrupt || error.kind == .io { self.beginAnew() } }
    }
}
