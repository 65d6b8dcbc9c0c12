internal import Database
internal import NIOCore
internal import Synchronization
package import Vocabulary

// Invariants of the store (docs/decisions/0010-log-and-views.md):
// 1. The log segments hold everything that was promised: bodies, deliveries, queue entries. mail.db and accept.db are views of the log,
//    each with the position up to which it was applied, kept in the same transaction as its rows.
// 2. An answer leaves after fdatasync of the log. Nothing is ever cut out of a segment that might have been promised.
// 3. A body is shared by all its copies; it goes when neither database refers to its segment any more.
// 4. UIDs, numbers of mailboxes, accounts and bodies are given once.
// 5. Nothing here is called on, or blocks, an event loop but what says so.

/// The message store of one instance. Open once a process; all methods may be called from any thread. Methods with a completion return
/// at once and may be called on an event loop; their completions come exactly once, on a thread of the store (or before the method
/// returns, when nothing had to be done). The others block and belong on threads of their own.
package final class MessageStore: Sendable {
    package let location: StoreLocation
    package let options: StoreOptions
    package let changes: ChangeFeed
    package let memory: MemoryBudget
    /// What was found wrong while opening; for the log and `status`.
    package let problemsAtOpen: [CheckReport.Problem]

    let parts: Parts
    private let isClosed = Atomic(false)

    struct Parts: Sendable {
        let files: Files
        let directory: SegmentDirectory
        let mail: Database
        let accept: Database
        let state: HealthState
        let disk: DiskWatch
        let minimumFree: FreeSpaceLimit
        let usage: UsageTable
        let removed: RemovedAccounts
        let watch: CheckWatch
        let identifiers: Identifiers
        let folder: Folder
        let writer: LogWriter
        /// Database and file reads.
        let readers: WorkerPool
        /// Digests and large bodies.
        let streams: WorkerPool
        let caretaker: Caretaker
        let cache: ContentCache
        let proved = ProvedBodies()
        let store: [UInt8]
        let lock: Int32
        let queueFeed: QueueFeed
    }

    private init(
        _ location: StoreLocation, _ options: StoreOptions, _ parts: Parts, _ changes: ChangeFeed, _ problems: [CheckReport.Problem]
    ) {
        self.location = location
        self.options = options
        self.parts = parts
        self.changes = changes
        self.memory = MemoryBudget(limit: options.memoryBudget)
        self.problemsAtOpen = problems
    }

    // MARK: Opening and closing

    /// Opens or creates the store, files what a crash left unfiled, and starts its threads. The directories are made with mode 0700.
    package static func open(_ location: StoreLocation, _ options: StoreOptions) throws(StoreError) -> MessageStore {
        let opening = Opening(location, options)
        try opening.makeDirectories()
        let lock = try opening.lock()
        do throws(StoreError) {
            return try self.open(opening, lock)
        } catch {
            opening.files.close(lock)
            throw error
        }
    }

    private static func open(_ opening: Opening, _ lock: Int32) throws(StoreError) -> MessageStore {
        let options = opening.options
        let databases = try opening.openDatabases()
        try opening.mendHeaders(from: databases.state.position.segment, databases)
        let health = HealthState()
        let usage = UsageTable()
        let removed = RemovedAccounts(databases.removed)
        let changes = ChangeFeed()
        let watch = CheckWatch()
        let queueFeed = QueueFeed()
        let sweeper = SegmentSweeper(opening.directory, events: options.events)
        let minimumFree = FreeSpaceLimit(options.minimumFree)
        let ballast = Ballast(opening.location, options, opening.files, minimumFree: minimumFree)
        let folder = Folder(
            .init(
                mail: databases.mail, accept: databases.accept, health: health, usage: usage, removed: removed, changes: changes,
                options: options, sweeper: sweeper, queueFeed: queueFeed, ballast: ballast), sequence: databases.state.sequence)
        let connection = try StoreError.wrap { () throws(DatabaseError) in try databases.mail.borrowWriter() }
        folder.start(
            MailWriter(
                connection, state: databases.state, removed: removed, watch: watch, promisesFrom: options.promisesFrom,
                owesRows: databases.owesRows, now: options.now,
                header: { [directory = opening.directory] in directory.storedHeader($0) }), done: databases.state.done)
        let end: Opening.LogEnd
        do throws(StoreError) {
            end = try opening.replay(from: databases.state, store: databases.store) { records in
                // Without room on the disk the rest waits in memory: what is filed can be read.
                _ = folder.waitForRoom(limit: options.foldBacklog)
                folder.takeReplayed(records)
            }
            folder.waitUntilFiled()
            if case .failed(let reason) = health.value { throw .failed(reason) }
        } catch {
            folder.stop()
            databases.mail.close()
            databases.accept.close()
            throw error
        }
        folder.note(end.gaps)
        let identifiers = Identifiers(next: end.nextIdentifier, nextSegment: end.nextSegment)
        let disk = DiskWatch(opening.location, minimum: minimumFree, files: opening.files, health: health)
        ballast.restore()
        disk.look(force: true)
        let writer = LogWriter()
        let parts = Parts(
            files: opening.files, directory: opening.directory, mail: databases.mail, accept: databases.accept, state: health, disk: disk,
            minimumFree: minimumFree,
            usage: usage, removed: removed, watch: watch, identifiers: identifiers, folder: folder, writer: writer,
            readers: WorkerPool("store-read", threads: options.readThreads, bound: 100_000),
            streams: WorkerPool("store-stream", threads: options.readThreads, bound: 100_000), caretaker: Caretaker(disk, ballast, folder),
            cache: ContentCache(
                opening.location.cacheDatabase, store: databases.store, next: end.nextIdentifier, limit: options.cacheLimit,
                events: options.events, isAlive: { [mail = databases.mail] blobs in Self.living(blobs, mail) }),
            store: databases.store,
            lock: lock, queueFeed: queueFeed)
        let store = MessageStore(opening.location, options, parts, changes, end.problems)
        writer.start(try self.openLog(end, parts, options))
        // On a full disk records wait to be filed: the bodies that only they name look like nobody's. The next start cleans up.
        guard folder.hasFiledAll else { return store }
        if end.problems.isEmpty { store.removeUnadopted() }
        store.setAside(end.unreadable)
        return store
    }

    private static func openLog(_ end: Opening.LogEnd, _ parts: Parts, _ options: StoreOptions) throws(StoreError) -> sending OpenLog {
        let log = OpenLog.Parts(
            directory: parts.directory, options: options, health: parts.state, disk: parts.disk, usage: parts.usage,
            accounts: parts.removed,
            mail: parts.mail, folder: parts.folder, identifiers: parts.identifiers, store: parts.store)
        let sealed = LogPosition(segment: end.last?.number ?? 0, offset: end.end)
        let key = end.last?.key ?? [UInt8](repeating: 0, count: 16)
        guard let last = end.last, end.isClean, end.end < options.segmentSize else {
            return OpenLog(log, sealed: sealed, sealedKey: key, appending: nil)
        }
        // Of a store that an older version made, or of a segment that was just begun when the last process ended.
        if !(try self.hasHeader(last.number, parts.mail)) { parts.folder.keepHeader(of: last.number) }
        let path = parts.directory.path(of: last.number)
        let descriptor = try StoreError.wrap { () throws(IOFailure) in try parts.files.open(path, writing: true) }
        let fileEnd = try StoreError.wrap { () throws(IOFailure) in try parts.files.size(descriptor, path) }
        return OpenLog(
            log, sealed: sealed, sealedKey: key, appending: .init(header: last, descriptor: descriptor, end: end.end, fileEnd: fileEnd))
    }

    private static func hasHeader(_ segment: UInt32, _ mail: Database) throws(StoreError) -> Bool {
        try StoreError.wrap { () throws(DatabaseError) in
            try mail.read { db throws(DatabaseError) in try db.row(MailSQL.hasHeader, .int(segment)) { $0.int(0) == 1 } ?? false }
        }
    }

    /// Finishes what was taken, syncs, closes. Later calls are answered with `.closed`.
    package func close() {
        guard !self.isClosed.exchange(true, ordering: .relaxed) else { return }
        self.parts.caretaker.stop()
        self.parts.cache.stop()
        self.parts.streams.stop()
        self.parts.writer.stop()
        self.parts.folder.stop()
        self.parts.readers.stop()
        self.parts.mail.close()
        self.parts.accept.close()
        self.parts.files.close(self.parts.lock)
    }

    deinit { self.close() }

    /// Says which store files beside it belong to.
    package var identity: [UInt8] { self.parts.store }
    /// Bodies get this number and greater ones from now on.
    package var nextBlob: BlobID { BlobID(rawValue: self.parts.identifiers.peek()) }

    package var health: StoreHealth { self.parts.state.value }
    /// Deliveries that are accepted but not filed yet.
    package var unfiled: Int { self.parts.folder.backlog }

    // MARK: Accepting

    /// Answers after the message is on stable storage, or has left no trace.
    package func accept(_ item: AcceptItem, completion: @escaping @Sendable (Result<Accepted, StoreRefusal>) -> Void) {
        if let refusal = self.parts.state.refusal { return completion(.failure(refusal)) }
        switch item.body {
        case .memory(let body):
            guard body.readableBytes <= OpenLog.batchBytes else { return completion(.failure(.tooLarge)) }
            self.acceptSmall(item, body, completion)
        case .large(let body):
            body.finish(item) { result in
                switch result {
                case .failure(let refusal): completion(.failure(refusal))
                case .success(let prepared):
                    self.parts.writer.append(
                        .init(prepared: prepared) { answer in
                            if case .failure = answer { body.discard() }
                            completion(answer)
                        })
                }
            }
        }
    }

    /// Above this the digest is made on a thread of the store, not on the caller's: 64 KiB take about 60 us.
    static let digestInPlace = 64 << 10

    private func acceptSmall(
        _ item: AcceptItem, _ body: ByteBuffer, _ completion: @escaping @Sendable (Result<Accepted, StoreRefusal>) -> Void
    ) {
        if body.readableBytes <= Self.digestInPlace {
            return self.parts.writer.append(.init(prepared: PreparedItem(item, body: body), completion: completion))
        }
        let isTaken = self.parts.streams.submit {
            self.parts.writer.append(.init(prepared: PreparedItem(item, body: body), completion: completion))
        }
        if !isTaken { completion(.failure(.busy)) }
    }

    /// For a body that turned out, or was announced, to be longer than the inline limit.
    package func beginLargeBody() throws(StoreRefusal) -> LargeBody {
        if let refusal = self.parts.state.refusal { throw refusal }
        return LargeBody(
            LargeFile(
                .init(
                    directory: self.parts.directory, options: self.options, health: self.parts.state, identifiers: self.parts.identifiers,
                    pool: self.parts.streams, store: self.parts.store)))
    }
}
