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
    private struct Pending: Sendable {
        var rows: [(blob: Int64, bytes: ByteBuffer)] = []
        var bytes = 0
        var mustBeginAnew = false
        var isStopped = false
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
            """
        ])
    private static let owner = Statement("SELECT store FROM state WHERE id = 1")
    private static let claim = Statement("INSERT OR REPLACE INTO state(id, store) VALUES(1, ?1)")
    private static let greatest = Statement("SELECT max(blob) FROM summary")

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

    private static let read = Statement("SELECT bytes FROM summary WHERE blob = ?1")

    /// What is known of each; blocks for a look into the file.
    func find(_ blobs: [Int64]) -> [ByteBuffer?] {
        guard let database = self.database.withLock({ $0 }) else { return blobs.map { _ in nil } }
        do throws(DatabaseError) {
            return try database.read { db throws(DatabaseError) in
                var out: [ByteBuffer?] = []
                out.reserveCapacity(blobs.count)
                for blob in blobs {
                    let found = try db.row(Self.read, .int(blob)) { row in row.withBytes(0) { Self.checked($0, blob) } }
                    out.append(found ?? nil)
                }
                return out
            }
        } catch {
            if error.kind != .closed { self.beginAnew() }
            return blobs.map { _ in nil }
        }
    }

    private static func checked(_ bytes: UnsafeRawBufferPointer, _ blob: Int64) -> ByteBuffer? {
        guard bytes.count >= 4 else { return nil }
        let body = UnsafeRawBufferPointer(rebasing: bytes[4...])
        let sum = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
        return sum == self.checksum(body, blob) ? ByteBuffer(bytes: body) : nil
    }

    private static func checksum(_ bytes: UnsafeRawBufferPointer, _ blob: Int64) -> UInt32 {
        let seed = withUnsafeBytes(of: blob.littleEndian) { CRC32C.checksum($0) }
        return CRC32C.checksum(bytes, seed: seed)
    }

    // MARK: Writing

    /// Keeps what was made, some time soon; when very much waits it is passed over.
    func keep(_ rows: [(blob: Int64, bytes: ByteBuffer)]) {
        let count = rows.reduce(0) { $0 + $1.bytes.readableBytes }
        self.pending.withLock { state in
            guard !state.isStopped, state.bytes + count <= Self.mostWaiting else { return }
            state.rows += rows
            state.bytes += count
        }
        self.pending.signal()
    }

    private func beginAnew() {
        self.pending.withLock { $0.mustBeginAnew = true }
        self.pending.signal()
    }

    private func run() {
        var sweep = Sweep()
        while true {
            let work: Pending = self.pending.wait(
                milliseconds: Self.sweepPause, until: { $0.isStopped || $0.mustBeginAnew || !$0.rows.isEmpty },
                then: { state in
                    defer { (state.rows, state.bytes, state.mustBeginAnew) = ([], 0, false) }
                    return state
                })
            if work.mustBeginAnew { self.replace() }
            if !work.rows.isEmpty { self.write(work.rows) } else if !work.isStopped { self.sweepSome(&sweep) }
            if work.isStopped { return }
        }
    }

    private static let insert = Statement("INSERT OR REPLACE INTO summary(blob, bytes) VALUES(?1, ?2)")
    private static let pages = Statement("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")

    private func write(_ rows: [(blob: Int64, bytes: ByteBuffer)]) {
        guard let database = self.database.withLock({ $0 }) else { return }
        do throws(DatabaseError) {
            for start in stride(from: 0, to: rows.count, by: 500) {
                let some = rows[start..<min(start + 500, rows.count)]
                try self.change(database) { db throws(DatabaseError) in
                    let insert = try db.prepare(Self.insert)
                    for row in some {
                        var value = ByteBuffer()
                        let sum = row.bytes.withUnsafeReadableBytes { Self.checksum($0, row.blob) }
                        value.writeInteger(sum, endianness: .little)
                        value.writeImmutableBuffer(row.bytes)
                        try insert.bind(1, row.blob)
                        try insert.bind(2, value)
                        try insert.finish()
                    }
                }
            }
            let size = try database.read { db throws(DatabaseError) in try db.row(Self.pages) { $0.int(0) } ?? 0 }
            if size > self.limit { self.replace() }
        } catch {
            // No room: what is there stays of use.
            if error.kind != .full && error.kind != .busy && error.kind != .closed { self.replace() }
        }
    }

    private func change(_ database: Database, _ body: (Connection) throws(DatabaseError) -> Void) throws(DatabaseError) {
        try database.withWriter { db throws(DatabaseError) in
            try db.set(.repeatable)
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

    private static let page = Statement("SELECT blob FROM summary WHERE blob > ?1 ORDER BY blob LIMIT ?2")
    private static let drop = Statement("DELETE FROM summary WHERE blob = ?1")

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
                try self.change(database) { db throws(DatabaseError) in for blob in dead { try db.run(Self.drop, .int(blob)) } }
            }
            sweep.last = end
        } catch { if error.kind == .corrupt || error.kind == .io { self.beginAnew() } }
    }
}
