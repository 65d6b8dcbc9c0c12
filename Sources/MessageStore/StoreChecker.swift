internal import Database
internal import Glibc
internal import NIOCore
internal import Vocabulary

/// Looks at every byte and number of a store. Works beside a store in use: reads in pages, and numbers that moved meanwhile do not count.
struct StoreChecker {
    let mail: Database
    let accept: Database
    let directory: SegmentDirectory
    let location: StoreLocation
    let watch: CheckWatch
    /// The segment that was written to when the check began; nil of a store that is not open.
    let active: UInt32?
    /// Records after this sequence are not in the databases yet.
    let sequence: Int64
    let progress: (Progress) -> Void
    private(set) var report = CheckReport()
    /// Greatest number of problems that are listed; more are counted in the last one.
    private static let most = 1000
    static let page: Int64 = 2000

    init(
        mail: Database, accept: Database, directory: SegmentDirectory, location: StoreLocation, watch: CheckWatch, active: UInt32?,
        sequence: Int64,
        progress: @escaping (Progress) -> Void
    ) {
        self.mail = mail
        self.accept = accept
        self.directory = directory
        self.location = location
        self.watch = watch
        self.active = active
        self.sequence = sequence
        self.progress = progress
    }

    mutating func run() throws(StoreError) -> CheckReport {
        try self.checkModes()
        let present = try self.checkSegments()
        try self.checkBlobs(present)
        try self.checkReferences()
        try self.checkMailboxes()
        try self.checkFolders()
        try self.checkQueue()
        return self.report
    }

    mutating func add(_ kind: String, _ detail: String) {
        if self.report.problems.count < Self.most {
            self.report.problems.append(.init(kind, detail))
        } else if self.report.problems.count == Self.most {
            self.report.problems.append(.init("more", "further problems are not listed"))
        }
    }

    func read<T>(_ database: Database, _ body: (Connection) throws(DatabaseError) -> T) throws(StoreError) -> T {
        try StoreError.wrap { () throws(DatabaseError) in try database.read(body) }
    }

    // MARK: Modes

    /// Mail is for the service user alone: directories 0700, files 0600. The spool directory may be passed through, on the way to the drop
    /// directory that takes everybody's mail.
    private mutating func checkModes() throws(StoreError) {
        let directories = [self.location.mailbox, self.location.segments]
        let databases = [self.location.mailDatabase, self.location.acceptDatabase, self.location.cacheDatabase].flatMap {
            [$0, $0 + "-wal", $0 + "-shm"]
        }
        let segments = try self.directory.numbers().map { self.directory.path(of: $0) }
        self.checkMode(self.location.spool, 0o711)
        for path in directories { self.checkMode(path, 0o700) }
        for path in databases + segments + [self.location.lock] { self.checkMode(path, 0o600) }
    }

    private mutating func checkMode(_ path: String, _ allowed: mode_t) {
        var facts = stat()
        guard lstat(path, &facts) == 0 else { return }
        let mode = facts.st_mode & 0o7777
        if mode & ~allowed != 0 { self.add("mode", "\(path) has mode 0\(String(mode, radix: 8)), wanted 0\(String(allowed, radix: 8))") }
    }

    // MARK: Segments

    private struct Gap: Hashable {
        let start: Int64
        let end: Int64
    }

    /// Segments that mail.db counts on.
    private func livingSegments() throws(StoreError) -> Set<UInt32> {
        let rows = try self.read(self.mail) { db throws(DatabaseError) in
            try db.rows(MailSQL.segments) { (number: UInt32(clamping: $0.int(0)), isDying: $0.int(4) != 0) }
        }
        return Set(rows.filter { !$0.isDying }.map(\.number))
    }

    /// Every record of every log segment, hash included. Answers the segments that can be read.
    private mutating func checkSegments() throws(StoreError) -> Set<UInt32> {
        let known = try self.livingSegments()
        let numbers = try self.directory.numbers()
        let absent = known.subtracting(numbers)
        // A sweep may have come between the rows and the names: what it took has no living row any more.
        let missing = absent.isEmpty ? absent : absent.intersection(try self.livingSegments())
        for number in missing.sorted() { self.add("missing-segment", self.directory.path(of: number)) }
        var readable: Set<UInt32> = []
        var handles: [SegmentHandle] = []
        for number in numbers {
            do throws(StoreError) {
                handles.append(try self.directory.handle(number))
                readable.insert(number)
            } catch {
                // Unlinked since the names were read.
                if case .io(let failure) = error, failure.code == ENOENT { continue }
                self.add("segment-header", error.description)
            }
        }
        let logs = handles.filter { $0.header.kind == .log }
        for (index, handle) in logs.enumerated() {
            let next = index + 1 < logs.count ? logs[index + 1].header : nil
            let isSealed = next?.previous == handle.header.number
            let limit = try isSealed ? next?.previousEnd : next == nil ? self.filedEnd(of: handle) : nil
            self.progress(Progress(step: "segments", done: Int64(index), total: Int64(logs.count)))
            try self.checkRecords(handle, limit: limit)
        }
        try self.checkUnreferenced(handles)
        self.report.segments = handles.count
        return readable
    }

    /// Where the records end that are filed, when the segment may be written to now: in the zeros behind them a record may appear piece by piece.
    /// nil where nobody writes any more: nothing but zeros lies behind the last record, or what a crash left there.
    private func filedEnd(of handle: SegmentHandle) throws(StoreError) -> Int64? {
        guard self.active != nil else { return nil }
        let number = handle.header.number
        let position = try self.read(self.mail) { db throws(DatabaseError) in
            try db.row(MailSQL.readState) { LogPosition(segment: UInt32(clamping: $0.int(1)), offset: $0.int(2)) }
        }
        guard let position, position.segment <= number else { return nil }
        let filed = position.segment == number ? position.offset : 0
        let isNoted = try self.read(self.mail) { db throws(DatabaseError) in
            try db.row(Self.gapBehind, .int(number), .int(filed)) { _ in true } ?? false
        }
        return isNoted ? nil : filed
    }

    private mutating func checkRecords(_ handle: SegmentHandle, limit: Int64?) throws(StoreError) {
        let number = handle.header.number
        let gaps = try self.read(self.mail) { db throws(DatabaseError) in
            try db.rows(Self.gaps, .int(number)) { Gap(start: $0.int(0), end: $0.int(1)) }
        }
        var scanner = try StoreError.wrap { () throws(IOFailure) in
            try SegmentScanner(handle, self.directory.files, from: 0, limit: limit)
        }
        // What is being written now looks unfinished; what a crash left is noted.
        let isGrowing = number == self.active && limit == nil
        while let item = try StoreError.wrap({ () throws(IOFailure) in try scanner.next(verifyingHash: true) }) {
            switch item {
            case .record(let trailer, _, let end):
                self.report.records += 1
                self.report.bytes += trailer.recordLength
                if try StoreError.wrap({ () throws(IOFailure) in try scanner.payload(of: trailer, end: end) }) == nil {
                    self.add("payload", "segment \(number) at \(trailer.offset)")
                }
            case .damagedRecord(let trailer, let start, let end, let what):
                if gaps.contains(where: { $0.start <= start && end <= $0.end }) { continue }
                if isGrowing, end >= scanner.limit { continue }
                self.add(what, "segment \(number) at \(start), body \(trailer.blob)")
            case .gap(let start, let end):
                self.report.unfinishedBytes += end - start
                if isGrowing, end == scanner.limit { continue }
                if gaps.contains(where: { $0.start <= start && end <= $0.end }) { continue }
                self.add("gap", "segment \(number) from \(start) to \(end)")
            }
        }
    }

    private static let gaps = Statement("SELECT start, end FROM gap WHERE segment = ?1")
    private static let gapBehind = Statement("SELECT 1 FROM gap WHERE segment = ?1 AND end > ?2 LIMIT 1")
    private static let knowsSegment = Statement("SELECT 1 FROM segment WHERE number = ?1")

    /// Large bodies that nothing names. Fresh ones may be on their way.
    private mutating func checkUnreferenced(_ handles: [SegmentHandle]) throws(StoreError) {
        for handle in handles where handle.header.kind == .large && handle.header.nextSequence <= self.sequence {
            let number = handle.header.number
            let isKnown = try self.read(self.mail) { db throws(DatabaseError) in
                try db.row(Self.knowsSegment, .int(number)) { _ in true } ?? false
            }
            let isQueued = try self.read(self.accept) { db throws(DatabaseError) in
                try db.row(AcceptSQL.usesSegment, .int(number)) { _ in true } ?? false
            }
            var facts = stat()
            guard !isKnown, !isQueued, stat(handle.path, &facts) == 0 else { continue }
            // Streamed into right now, or adopted by a record that is not filed yet.
            if self.active != nil, Int64(time(nil)) - Int64(facts.st_mtim.tv_sec) < 3600 { continue }
            self.add("unreferenced-file", handle.path)
        }
    }

    // MARK: Bodies

    private static let blobPage = Statement(
        "SELECT id, segment, offset, body, head, tail, refs FROM blob WHERE id > ?1 ORDER BY id LIMIT ?2")

    /// Each row points to a record that says the same. The content of large bodies is read here, that of others with their segment.
    private mutating func checkBlobs(_ present: Set<UInt32>) throws(StoreError) {
        for database in [self.mail, self.accept] {
            var last = Int64.min
            while true {
                let rows = try self.read(database) { db throws(DatabaseError) in
                    try db.rows(Self.blobPage, .int(last), .int(Self.page)) { row in
                        (
                            id: row.int(0),
                            place: BlobPlace(
                                segment: UInt32(clamping: row.int(1)), offset: row.int(2), body: row.int(3),
                                head: UInt32(clamping: row.int(4)),
                                tail: UInt32(clamping: row.int(5)))
                        )
                    }
                }
                guard let end = rows.last?.id else { break }
                for row in rows { self.checkBlob(row.id, row.place, present) }
                last = end
                self.progress(Progress(step: "bodies", done: last, total: self.sequence))
            }
        }
    }

    private mutating func checkBlob(_ id: Int64, _ place: BlobPlace, _ present: Set<UInt32>) {
        do throws(StoreError) {
            let handle = try self.directory.handle(place.segment)
            let source = BlobSource(blob: id, place: place, handle: handle, files: self.directory.files)
            if handle.header.kind == .large { try source.verify() } else { try source.verifyTrailer() }
        } catch {
            if self.watch.hasMoved(blob: id) { return }
            if case .io(let failure) = error, failure.code == ENOENT {
                // Listed once as a missing segment; each body in it is lost all the same.
                self.add("missing-body", "body \(id): \(failure.path) is not there")
            } else {
                self.add("body", error.description)
            }
        }
    }

    // MARK: Mailboxes

    private static let mailboxPage = Statement(
        """
        SELECT m.id, c.uidnext, c.modseq, c.messages, c.unseen, c.bytes, c.deleted FROM mailbox m LEFT JOIN counter c ON c.mailbox = m.id
        WHERE m.id > ?1 ORDER BY m.id LIMIT ?2
        """)
    private static let messagePage = Statement(
        "SELECT uid, flags, modseq, size, edited FROM message WHERE mailbox = ?1 AND uid > ?2 ORDER BY uid LIMIT ?3")
    private static let isDying = Statement("SELECT 1 FROM job WHERE kind = ?1 AND subject = ?2")
    private static let strayMessage = Statement("SELECT mailbox FROM message WHERE mailbox > ?1 ORDER BY mailbox LIMIT 1")
    private static let isMailbox = Statement("SELECT 1 FROM mailbox WHERE id = ?1")

    private mutating func checkMailboxes() throws(StoreError) {
        var last: Int64 = 0
        while true {
            let rows = try self.read(self.mail) { db throws(DatabaseError) in
                try db.rows(Self.mailboxPage, .int(last), .int(Self.page)) { row in
                    (id: row.int(0), hasCounter: !row.isNull(1), count: MailboxCount(row))
                }
            }
            guard let end = rows.last?.id else { break }
            for row in rows {
                self.report.mailboxes += 1
                if row.hasCounter {
                    try self.checkMailbox(row.id, row.count)
                } else {
                    self.add("counter", "mailbox \(row.id) has no counters")
                }
            }
            last = end
            self.progress(Progress(step: "mailboxes", done: last, total: last))
        }
        try self.checkStrays()
    }

    struct MailboxCount: Hashable {
        var uidNext: Int64 = 1
        var modSeq: Int64 = 1
        var messages: Int64 = 0
        var unseen: Int64 = 0
        var bytes: Int64 = 0
        var deleted: Int64 = 0

        init(_ row: Row) {
            self.uidNext = row.int(1)
            self.modSeq = row.int(2)
            self.messages = row.int(3)
            self.unseen = row.int(4)
            self.bytes = row.int(5)
            self.deleted = row.int(6)
        }

        init() {}
    }

    private mutating func checkMailbox(_ id: Int64, _ expected: MailboxCount) throws(StoreError) {
        var found = MailboxCount()
        var last: Int64 = 0
        var arrivalModSeq: Int64 = 0
        var order = true
        var flags: Flags = []
        while true {
            var count: Int64 = 0
            try self.read(self.mail) { db throws(DatabaseError) in
                try db.each(Self.messagePage, .int(id), .int(last), .int(Self.page)) { row throws(DatabaseError) in
                    last = row.int(0)
                    found.uidNext = last + 1
                    found.modSeq = max(found.modSeq, row.int(2))
                    found.messages += 1
                    found.bytes += row.int(3)
                    let bits = Flags(row.int(1))
                    flags.formUnion(bits)
                    if !bits.contains(.seen) { found.unseen += 1 }
                    if bits.contains(.deleted) { found.deleted += 1 }
                    if row.int(4) == 0 {
                        if row.int(2) <= arrivalModSeq { order = false }
                        arrivalModSeq = row.int(2)
                    }
                    count += 1
                    return true
                }
            }
            if count < Self.page { break }
        }
        self.report.messages += Int(found.messages)
        if self.watch.hasMoved(mailbox: id) { return }
        if found.uidNext > expected.uidNext {
            self.add("uid", "mailbox \(id): uid \(found.uidNext - 1) is not below uidnext \(expected.uidNext)")
        }
        if found.modSeq > expected.modSeq { self.add("modseq", "mailbox \(id): \(found.modSeq) is above the mailbox's \(expected.modSeq)") }
        if !order { self.add("modseq-order", "mailbox \(id)") }
        if found.messages != expected.messages || found.bytes != expected.bytes || found.unseen != expected.unseen
            || found.deleted != expected.deleted
        {
            self.add(
                "counter",
                "mailbox \(id): counted \(found.messages) messages, \(found.unseen) unseen, \(found.deleted) deleted, "
                    + "\(found.bytes) bytes; noted \(expected.messages), \(expected.unseen), \(expected.deleted), \(expected.bytes)")
        }
        try self.checkKeywords(id, flags)
    }

    /// Messages of mailboxes that do not exist.
    private mutating func checkStrays() throws(StoreError) {
        var last: Int64 = 0
        while let mailbox = try self.read(
            self.mail, { db throws(DatabaseError) in try db.row(Self.strayMessage, .int(last)) { $0.int(0) } })
        {
            let exists = try self.read(self.mail) { db throws(DatabaseError) in
                try db.row(Self.isMailbox, .int(mailbox)) { _ in true } ?? false
            }
            // Of a mailbox that was removed a moment ago.
            let isDying = try self.read(self.mail) { db throws(DatabaseError) in
                try db.row(Self.isDying, .text(MailJobs.removeMailbox), .int(mailbox)) { _ in true } ?? false
            }
            if !exists, !isDying, !self.watch.hasMoved(mailbox: mailbox) { self.add("stray-messages", "mailbox \(mailbox) does not exist") }
            last = mailbox
        }
    }
}
