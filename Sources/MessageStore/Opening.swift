internal import Database
internal import Glibc
internal import NIOCore
internal import Vocabulary

/// What `MessageStore.open` does before the threads start: locks, opens the databases, and finds the end of the log.
struct Opening {
    let location: StoreLocation
    let options: StoreOptions
    let files: Files
    let directory: SegmentDirectory

    init(_ location: StoreLocation, _ options: StoreOptions) {
        self.location = location
        self.options = options
        self.files = Files(faults: options.faults)
        self.directory = SegmentDirectory(path: location.segments, files: self.files)
    }

    struct Databases {
        let mail: Database
        let accept: Database
        let store: [UInt8]
        let state: MailWriter.State
        let removed: Set<Int64>
        /// Rows of messages are behind what was promised: there was no room to write them.
        let owesRows: Bool
    }

    func makeDirectories() throws(StoreError) {
        for path in [self.location.spool, self.location.mailbox, self.location.segments] {
            try StoreError.wrap { () throws(IOFailure) in try self.files.makeDirectory(path) }
        }
    }

    /// Held until the process ends or the store is closed: two writers would destroy it.
    func lock() throws(StoreError) -> Int32 {
        let path = self.location.lock
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .io(IOFailure("open", path, errno)) }
        // A process that is just being started holds a copy of every descriptor until its exec, locks included: that passes at once.
        for _ in 0..<100 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
            usleep(10_000)
        }
        self.files.close(descriptor)
        throw .inUse(self.location.mailbox)
    }

    // MARK: Databases

    func openDatabases() throws(StoreError) -> Databases {
        var settings = DatabaseOptions()
        settings.checkpointPages = self.options.checkpointPages
        let mail = try StoreError.wrap { () throws(DatabaseError) in
            try Database.open(self.location.mailDatabase, MailSchema.schema, settings)
        }
        let accept = try StoreError.wrap { () throws(DatabaseError) in try Database.open(self.location.acceptDatabase, AcceptSchema.schema)
        }
        let mailState = try StoreError.wrap { () throws(DatabaseError) in try self.mailState(mail) }
        let acceptStore = try StoreError.wrap { () throws(DatabaseError) in
            try accept.read { db throws(DatabaseError) in try db.row(AcceptSQL.readState) { $0.bytes(0) } }
        }
        let (store, state) = try self.identity(mail, accept, mailState, acceptStore)
        try StoreError.wrap { () throws(DatabaseError) in
            try mail.write { db throws(DatabaseError) in try db.run(Self.undoCopies, .text(MailJobs.undoCopy)) }
        }
        let removed = try StoreError.wrap { () throws(DatabaseError) in
            try mail.read { db throws(DatabaseError) in try db.rows(MailSQL.removedAccounts) { $0.int(0) } }
        }
        let owesRows = try StoreError.wrap { () throws(DatabaseError) in try self.owesRows(mail) }
        return Databases(mail: mail, accept: accept, store: store, state: state, removed: Set(removed), owesRows: owesRows)
    }

    /// Writes what the last process promised and did not get to write. True where a full disk stands against it.
    private func owesRows(_ mail: Database) throws(DatabaseError) -> Bool {
        guard try mail.read({ db throws(DatabaseError) in try UnwrittenChange.areThere(on: db) }) else { return false }
        do throws(DatabaseError) {
            try mail.write { db throws(DatabaseError) in _ = try UnwrittenChange.writeAll(on: db) }
            return false
        } catch {
            guard error.kind == .full || error.kind == .busy else { throw error }
            return true
        }
    }

    /// Copies that the last process did not finish.
    private static let undoCopies = Statement(
        """
        INSERT INTO job(kind, subject) SELECT DISTINCT ?1, copy FROM copying
        WHERE copy NOT IN (SELECT subject FROM job WHERE kind = ?1)
        """)

    private func mailState(_ mail: Database) throws(DatabaseError) -> (store: [UInt8], state: MailWriter.State)? {
        try mail.read { db throws(DatabaseError) in
            try db.row(MailSQL.readState) { row in
                (
                    row.bytes(0),
                    MailWriter.State(
                        position: LogPosition(segment: UInt32(clamping: row.int(1)), offset: row.int(2)), sequence: row.int(3),
                        done: Int(row.int(4)), uidValidity: row.int(5))
                )
            }
        }
    }

    /// The files of a store belong together; a part that is missing or foreign is for `repair` to decide about, not for us to guess.
    private func identity(
        _ mail: Database, _ accept: Database, _ known: (store: [UInt8], state: MailWriter.State)?, _ acceptStore: [UInt8]?
    ) throws(StoreError) -> ([UInt8], MailWriter.State) {
        if let known, let acceptStore {
            guard known.store == acceptStore else {
                throw .damaged(
                    "\(self.location.mailDatabase) and \(self.location.acceptDatabase) are of two different stores: run postoffice repair")
            }
            return known
        }
        if known != nil { throw .damaged("\(self.location.acceptDatabase) is missing or empty: restore it, or run postoffice repair") }
        if try !self.directory.numbers().isEmpty {
            throw .damaged("\(self.location.mailDatabase) is missing or empty while segments exist: restore it, or run postoffice repair")
        }
        let store = self.options.random(16)
        let base = self.options.now()
        return try StoreError.wrap { () throws(DatabaseError) in
            // accept.db first: a crash in between leaves mail.db without a state and no segment, which is a new store again.
            try accept.write { db throws(DatabaseError) in
                if acceptStore != nil { try db.execute("DELETE FROM state") }
                try db.run(AcceptSQL.makeState, .blob(store))
            }
            try mail.write { db throws(DatabaseError) in try db.run(MailSQL.makeState, .blob(store), .int(base)) }
            return (store, MailWriter.State(position: LogPosition(segment: 0, offset: 0), sequence: 0, done: 0, uidValidity: base))
        }
    }

    // MARK: Headers

    /// A damaged first sector must not keep the newest mail away: segments that are still to be read get their header back from mail.db.
    func mendHeaders(from segment: UInt32, _ databases: Databases) throws(StoreError) {
        for (number, header) in try self.keptHeaders(from: segment, databases.mail) where header.store == databases.store {
            guard try self.isDamaged(number) else { continue }
            try self.directory.restore(header)
            self.options.events.record(
                TrailEvent(.store, "header-mended", trace: nil, [("path", self.directory.path(of: number))]), switchedBy: nil)
        }
    }

    /// The file is there, is long enough, and its header cannot be read.
    private func isDamaged(_ number: UInt32) throws(StoreError) -> Bool {
        do throws(StoreError) {
            _ = try self.directory.handle(number)
            return false
        } catch {
            guard case .damaged = error else { return false }
            let path = self.directory.path(of: number)
            return try StoreError.wrap { () throws(IOFailure) in
                let descriptor = try self.files.open(path, writing: false)
                defer { self.files.close(descriptor) }
                return try self.files.size(descriptor, path) >= Int64(SegmentHeader.size)
            }
        }
    }

    /// The copies that mail.db has, from a segment on.
    func keptHeaders(from segment: UInt32, _ mail: Database) throws(StoreError) -> [UInt32: SegmentHeader] {
        let rows = try StoreError.wrap { () throws(DatabaseError) in
            try mail.read { db throws(DatabaseError) in
                try db.rows(MailSQL.keptHeaders, .int(segment)) { (number: UInt32(clamping: $0.int(0)), bytes: $0.bytes(1)) }
            }
        }
        var headers: [UInt32: SegmentHeader] = [:]
        for row in rows {
            guard let header = try? SegmentHeader(decoding: ByteBuffer(bytes: row.bytes)), header.number == row.number else { continue }
            headers[row.number] = header
        }
        return headers
    }

    // MARK: The log

    /// Where the log ends and what was met on the way there.
    struct LogEnd {
        var last: SegmentHeader?
        /// End of the last good record of the last segment.
        var end: Int64 = 0
        /// Nothing lies behind it.
        var isClean = true
        var nextIdentifier: Int64 = 1
        var nextSegment: UInt32 = 1
        var gaps: [(segment: UInt32, start: Int64, end: Int64)] = []
        var problems: [CheckReport.Problem] = []
        /// Segments whose header cannot be read.
        var unreadable: [UInt32] = []
    }

    /// Reads the log from the position on, and hands each record over in order.
    func replay(
        from state: MailWriter.State, store: [UInt8], _ take: ([LogRecord]) -> Void
    ) throws(StoreError) -> LogEnd {
        var result = LogEnd()
        let numbers = try self.directory.numbers()
        result.nextSegment = max(numbers.last ?? 0, state.position.segment) + 1
        result.nextIdentifier = state.sequence + 1
        let segments = try self.logSegments(numbers.filter { $0 >= state.position.segment }, store, &result)
        if state.position.segment != 0, segments.first?.header.number != state.position.segment {
            throw .damaged(
                "\(self.directory.path(of: state.position.segment)) is missing or damaged; it holds the newest mail: restore it, or run postoffice repair"
            )
        }
        try self.settle(segments)
        for (index, handle) in segments.enumerated() {
            let next = index + 1 < segments.count ? segments[index + 1].header : nil
            let limit = next?.previous == handle.header.number ? next?.previousEnd : nil
            let isFirst = handle.header.number == state.position.segment
            try self.scan(handle, from: isFirst ? state.position.offset : 0, limit: limit, after: state.sequence, &result, take)
        }
        return result
    }

    /// A process that was killed leaves records that we read but that may not be on stable storage yet. They are filed and shown to readers
    /// now, so they must not be taken back by a power cut.
    private func settle(_ segments: [SegmentHandle]) throws(StoreError) {
        do throws(IOFailure) {
            for handle in segments { try self.files.sync(handle.descriptor, handle.path) }
            try self.files.syncDirectory(self.directory.path)
        } catch { throw .io(error) }
    }

    private func logSegments(_ numbers: [UInt32], _ store: [UInt8], _ result: inout LogEnd) throws(StoreError) -> [SegmentHandle] {
        var out: [SegmentHandle] = []
        for number in numbers {
            do throws(StoreError) {
                let handle = try self.directory.handle(number)
                guard handle.header.kind == .log else { continue }
                guard handle.header.store == store else {
                    result.problems.append(.init("foreign-segment", handle.path))
                    continue
                }
                result.nextIdentifier = max(result.nextIdentifier, handle.header.nextSequence)
                out.append(handle)
            } catch .io(let failure) where failure.code == ENOENT {
                continue  // a dead segment that the sweeper of this opening has unlinked since it was listed
            } catch {
                guard case .damaged = error else { throw error }
                result.unreadable.append(number)
            }
        }
        return out
    }

    private func scan(
        _ handle: SegmentHandle, from: Int64, limit: Int64?, after sequence: Int64, _ result: inout LogEnd, _ take: ([LogRecord]) -> Void
    ) throws(StoreError) {
        let number = handle.header.number
        var scanner = try StoreError.wrap { () throws(IOFailure) in try SegmentScanner(handle, self.files, from: from, limit: limit) }
        var end = scanner.cursor
        var gaps: [(what: String, start: Int64, end: Int64)] = []
        while let item = try StoreError.wrap({ () throws(IOFailure) in try scanner.next() }) {
            switch item {
            case .gap(let start, let stop): gaps.append(("gap", start, stop))
            case .damagedRecord(_, let start, let stop, let what): gaps.append((what, start, stop))
            case .record(let trailer, let start, let stop):
                end = stop
                result.nextIdentifier = max(result.nextIdentifier, trailer.sequence + 1, trailer.blob + 1)
                guard trailer.sequence > sequence else { continue }
                let payload = try StoreError.wrap { () throws(IOFailure) in try scanner.payload(of: trailer, end: stop) }
                guard let payload else {
                    result.problems.append(.init("payload", "segment \(number) at \(start)"))
                    continue
                }
                take([LogRecord(trailer, payload, number, start: start, end: stop)])
            }
        }
        // With good records behind it a damaged stretch may have been promised; at the end it is what a crash left of a batch that was not.
        for gap in gaps where gap.start < end {
            result.problems.append(.init(gap.what, "segment \(number) from \(gap.start) to \(gap.end)"))
        }
        result.gaps += gaps.map { (number, $0.start, $0.end) }
        result.last = handle.header
        result.end = end
        result.isClean = gaps.isEmpty
    }
}

extension LogRecord {
    init(_ trailer: Trailer, _ payload: RecordPayload, _ segment: UInt32, start: Int64, end: Int64) {
        self.init(
            sequence: trailer.sequence, blob: trailer.blob, kind: trailer.kind,
            place: payload.place
                ?? BlobPlace(
                    segment: segment, offset: start, body: trailer.bodyLength, head: trailer.headLength, tail: trailer.tailLength),
            receivedAt: trailer.receivedAt, payload: payload, start: LogPosition(segment: segment, offset: start),
            end: LogPosition(segment: segment, offset: end))
    }
}
