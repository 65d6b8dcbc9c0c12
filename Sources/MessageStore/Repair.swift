internal import Database
internal import Glibc
internal import NIOCore
internal import Vocabulary

/// What `repair` did and what it could not mend.
package struct RepairReport: Sendable {
    /// One sentence each, in order.
    package var actions: [String] = []
    /// What `check` still finds.
    package var left: [CheckReport.Problem] = []
    package var messages = 0

    package init() {}
}

/// Mends a store that nobody has open. Nothing is thrown away: databases that cannot be read are put aside, and bodies that cannot be
/// read stay listed unless `dropLost` is said.
struct Repair {
    let location: StoreLocation
    let options: StoreOptions
    let opening: Opening
    private(set) var report = RepairReport()

    init(_ location: StoreLocation, _ options: StoreOptions) {
        self.location = location
        self.options = options
        self.opening = Opening(location, options)
    }

    mutating func say(_ text: String) { self.report.actions.append(text) }

    /// With the lock held. Afterwards the store opens.
    mutating func prepare() throws(StoreError) {
        // An instance that never ran has nothing that could be lost.
        if try self.hasNothing() { return }
        try self.mendModes()
        try self.mendHeaders()
        let store = try self.identity()
        try self.mendLargeHeaders(store)
        let isMailLost = try self.isUnreadable(self.location.mailDatabase, MailSchema.schema, MailSQL.readState)
        let isAcceptLost = try self.isUnreadable(self.location.acceptDatabase, AcceptSchema.schema, AcceptSQL.readState)
        if isMailLost { try self.replaceMail(store) } else { try self.mendMail() }
        if isAcceptLost {
            try self.replaceAccept(store)
        } else {
            try self.mendAccept()
        }
    }

    // MARK: Files

    private func hasNothing() throws(StoreError) -> Bool {
        if access(self.location.mailDatabase, F_OK) == 0 || access(self.location.acceptDatabase, F_OK) == 0 { return false }
        return try self.opening.directory.numbers().isEmpty
    }

    private mutating func mendModes() throws(StoreError) {
        let directories = [self.location.mailbox, self.location.segments]
        let names = ["", "-wal", "-shm"]
        var files = names.map { self.location.mailDatabase + $0 } + names.map { self.location.acceptDatabase + $0 } + [self.location.lock]
        files += try self.opening.directory.numbers().map { self.opening.directory.path(of: $0) }
        // The spool directory may be passed through, on the way to the drop directory.
        for (paths, mode) in [([self.location.spool], mode_t(0o711)), (directories, mode_t(0o700)), (files, mode_t(0o600))] {
            for path in paths {
                var facts = stat()
                guard lstat(path, &facts) == 0, facts.st_mode & 0o7777 & ~mode != 0 else { continue }
                guard chmod(path, mode) == 0 else { continue }
                self.say("set the mode of \(path) to 0\(String(mode, radix: 8))")
            }
        }
    }

    /// A log segment whose header is damaged gets it back from mail.db, or is given one with the key that the next segment remembers.
    private mutating func mendHeaders() throws(StoreError) {
        let (sound, damaged) = try self.headers()
        guard !damaged.isEmpty else { return }
        let kept = self.keptHeaders()
        for number in damaged {
            let next = sound.first { $0.kind == .log && $0.previous == number }
            let anew = next.map {
                SegmentHeader(kind: .log, number: number, key: $0.previousKey, createdAt: 0, nextSequence: 0, store: $0.store)
            }
            guard let header = kept[number] ?? anew else { continue }
            try self.opening.directory.restore(header)
            self.say("made the header of segment \(number) anew")
        }
    }

    private func headers() throws(StoreError) -> (sound: [SegmentHeader], damaged: [UInt32]) {
        var (sound, damaged): ([SegmentHeader], [UInt32]) = ([], [])
        for number in try self.opening.directory.numbers() {
            do throws(StoreError) {
                sound.append(try self.opening.directory.handle(number).header)
            } catch {
                guard case .damaged = error else { throw error }
                damaged.append(number)
            }
        }
        return (sound, damaged)
    }

    /// As far as mail.db can be read; nothing is lost by not having them but where a header is damaged, too.
    private func keptHeaders() -> [UInt32: SegmentHeader] {
        let path = self.location.mailDatabase
        guard access(path, F_OK) == 0, let database = try? Database.open(path, MailSchema.schema) else { return [:] }
        defer { database.close() }
        return (try? self.opening.keptHeaders(from: 0, database)) ?? [:]
    }

    /// A large segment's key stands in the record of the log that adopted it.
    private mutating func mendLargeHeaders(_ store: [UInt8]) throws(StoreError) {
        var damaged = Set(try self.headers().damaged)
        guard !damaged.isEmpty else { return }
        var keys: [UInt32: [UInt8]] = [:]
        let start = MailWriter.State(position: LogPosition(segment: 0, offset: 0), sequence: 0, done: 0, uidValidity: 1)
        _ = try self.opening.replay(from: start, store: store) { records in
            for record in records where record.kind == .adoption && damaged.remove(record.place.segment) != nil {
                keys[record.place.segment] = record.payload.key
            }
        }
        for (number, key) in keys.sorted(by: { $0.key < $1.key }) where key.count == SegmentHeader.keySize {
            try self.opening.directory.restore(
                SegmentHeader(kind: .large, number: number, key: key, createdAt: 0, nextSequence: 0, store: store))
            self.say("made the header of segment \(number) anew")
        }
    }

    /// Whose store it is: what most segments say, else what a database says.
    private func identity() throws(StoreError) -> [UInt8] {
        var votes: [[UInt8]: Int] = [:]
        for number in try self.opening.directory.numbers() {
            if let header = (try? self.opening.directory.handle(number))?.header { votes[header.store, default: 0] += 1 }
        }
        if let most = votes.max(by: { $0.value < $1.value })?.key { return most }
        for (path, schema, statement) in [
            (self.location.mailDatabase, MailSchema.schema, MailSQL.readState),
            (self.location.acceptDatabase, AcceptSchema.schema, AcceptSQL.readState),
        ] {
            guard let database = try? Database.open(path, schema) else { continue }
            defer { database.close() }
            let found = try? database.read { db throws(DatabaseError) in try db.row(statement) { $0.bytes(0) } }
            if let found { return found }
        }
        return self.options.random(16)
    }

    // MARK: Databases

    private static let quickCheck = Statement("PRAGMA quick_check(1)")

    /// True when the file is missing, empty or damaged; throws when it is of a newer version, which is no damage.
    private func isUnreadable(_ path: String, _ schema: Schema, _ state: Statement) throws(StoreError) -> Bool {
        guard access(path, F_OK) == 0 else { return true }
        do throws(DatabaseError) {
            let database = try Database.open(path, schema)
            defer { database.close() }
            return try database.withWriter { db throws(DatabaseError) in
                let verdict = try db.row(Self.quickCheck) { $0.text(0) }
                let hasState = try db.row(state) { _ in true } ?? false
                return verdict != "ok" || !hasState
            }
        } catch {
            if error.kind == .newerFormat { throw StoreError(error) }
            guard error.kind == .corrupt || error.kind == .other else { throw StoreError(error) }
            return true
        }
    }

    private mutating func putAside(_ path: String) throws(StoreError) {
        let suffix = ".damaged-\(self.options.now())"
        for name in ["", "-wal", "-shm"] where access(path + name, F_OK) == 0 {
            guard rename(path + name, path + suffix + name) == 0 else { throw .io(IOFailure("rename", path + name, errno)) }
            if name.isEmpty { self.say("put \(path) aside as \(path)\(suffix)") }
        }
    }

    /// A new mail.db at the beginning of the log: opening the store files everything again. UIDs are new, so UIDVALIDITY is, too.
    private mutating func replaceMail(_ store: [UInt8]) throws(StoreError) {
        let salvaged = SalvagedMailboxes(self.location.mailDatabase, now: self.options.now())
        try self.putAside(self.location.mailDatabase)
        let database = try StoreError.wrap { () throws(DatabaseError) in try Database.open(self.location.mailDatabase, MailSchema.schema) }
        defer { database.close() }
        let base = max(self.options.now(), salvaged.uidValidity + 1)
        try StoreError.wrap { () throws(DatabaseError) in
            try database.write { db throws(DatabaseError) in
                let first = base + Int64(salvaged.mailboxes.count)
                try db.run(MailSQL.makeState, .blob(store), .int(first))
                try salvaged.restore(to: db, uidValidity: base)
            }
        }
        self.say("rebuild mail.db from the segments; \(salvaged.mailboxes.count) mailboxes keep their names")
        self.say(
            "the segments do not tell what was read, moved or removed since: messages that were removed from mailboxes are back as far as "
                + "their segments still exist, all messages are in the mailbox of their arrival, unread, with new UIDs")
    }

    /// Entries come back from the log, all held: which of them were delivered nobody knows any more.
    private mutating func replaceAccept(_ store: [UInt8]) throws(StoreError) {
        try self.putAside(self.location.acceptDatabase)
        let database = try StoreError.wrap { () throws(DatabaseError) in
            try Database.open(self.location.acceptDatabase, AcceptSchema.schema)
        }
        defer { database.close() }
        try StoreError.wrap { () throws(DatabaseError) in
            try database.write { db throws(DatabaseError) in try db.run(AcceptSQL.makeState, .blob(store)) }
        }
        let start = MailWriter.State(position: LogPosition(segment: 0, offset: 0), sequence: 0, done: 0, uidValidity: 1)
        var failure: DatabaseError?
        _ = try self.opening.replay(from: start, store: store) { records in
            let held = records.map(\.held).filter { !$0.payload.queue.isEmpty || !$0.payload.finished.isEmpty }
            guard failure == nil, !held.isEmpty else { return }
            do throws(DatabaseError) { try QueueRows.apply(held, database) } catch { failure = error }
        }
        if let failure { throw StoreError(failure) }
        self.say("rebuilt the queue from the segments; all its entries are held until the postmaster decides")
    }
}

extension LogRecord {
    /// The same with all queue entries held.
    fileprivate var held: LogRecord {
        var payload = self.payload
        for index in payload.queue.indices { payload.queue[index].draft.channel = .held }
        return LogRecord(
            sequence: self.sequence, blob: self.blob, kind: self.kind, place: self.place, receivedAt: self.receivedAt, payload: payload,
            start: self.start, end: self.end)
    }
}

/// What can still be read of a damaged mail.db and is nowhere else: names of mailboxes and what hangs on them, accounts that were removed.
struct SalvagedMailboxes {
    private(set) var mailboxes: [(id: Int64, account: Int64, name: String, use: Int64)] = []
    private(set) var removed: [Int64] = []
    /// Rows of the tables that are taken over as they are.
    private var rows: [String: [[Value]]] = [:]
    /// No mailbox had a greater number.
    private var lastNumber: Int64
    private(set) var uidValidity: Int64 = 0

    private static let names = Statement("SELECT id, account, name, uidvalidity, use FROM mailbox ORDER BY id")
    private static let sequence = Statement("SELECT seq FROM sqlite_sequence WHERE name = 'mailbox'")
    private static let kept: [(table: String, columns: [String])] = [
        ("keyword", ["mailbox", "bit", "name"]), ("subscription", ["account", "name"]), ("acl", ["mailbox", "identifier", "rights"]),
        ("metadata", ["mailbox", "account", "name", "value"]),
    ]

    /// - Parameter now: above every number that mailboxes may have had, where the file does not say: they are counted from 1.
    init(_ path: String, now: Int64) {
        self.lastNumber = now
        guard access(path, F_OK) == 0, let database = try? Database.open(path, MailSchema.schema) else { return }
        defer { database.close() }
        var mailboxes: [(id: Int64, account: Int64, name: String, use: Int64)] = []
        var greatest: Int64 = 0
        // As far as it can be read.
        try? database.read { db throws(DatabaseError) in
            try db.each(Self.names) { row throws(DatabaseError) in
                mailboxes.append((row.int(0), row.int(1), row.text(2), row.int(4)))
                greatest = max(greatest, row.int(3))
                return true
            }
        }
        self.mailboxes = mailboxes
        self.uidValidity = greatest
        if let found = try? database.read({ db throws(DatabaseError) in try db.row(Self.sequence) { $0.int(0) } }) {
            self.lastNumber = found
        }
        for (table, columns) in Self.kept { self.rows[table] = Self.read(table, columns, database) }
        self.removed = (try? database.read { db throws(DatabaseError) in try db.rows(MailSQL.removedAccounts) { $0.int(0) } }) ?? []
    }

    /// As far as it can be read.
    private static func read(_ table: String, _ columns: [String], _ database: Database) -> [[Value]] {
        var rows: [[Value]] = []
        try? database.read { db throws(DatabaseError) in
            try db.each(Statement("SELECT \(columns.joined(separator: ", ")) FROM \(table)")) { row throws(DatabaseError) in
                rows.append(
                    columns.indices.map { index in
                        let column = Int32(index)
                        switch columns[index] {
                        case "mailbox", "account", "bit": return .int(row.int(column))
                        case "value": return .blob(row.bytes(column))
                        default: return .text(row.text(column))
                        }
                    })
                return true
            }
        }
        return rows
    }

    private static let raise = Statement("UPDATE sqlite_sequence SET seq = max(seq, ?1) WHERE name = 'mailbox'")
    private static let startSequence = Statement(
        "INSERT INTO sqlite_sequence(name, seq) SELECT 'mailbox', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'mailbox')"
    )
    private static let insert = Statement(
        "INSERT OR IGNORE INTO mailbox(id, account, name, uidvalidity, created, use) VALUES(?1, ?2, ?3, ?4, 0, ?5)")

    func restore(to db: Connection, uidValidity: Int64) throws(DatabaseError) {
        for (index, mailbox) in self.mailboxes.enumerated() {
            let validity = uidValidity + Int64(index)
            try db.run(Self.insert, .int(mailbox.id), .int(mailbox.account), .text(mailbox.name), .int(validity), .int(mailbox.use))
            if db.changes > 0 { try db.run(MailSQL.makeCounter, .int(mailbox.id)) }
        }
        for account in self.removed { try db.run(MailSQL.removeAccount, .int(account), 0) }
        // Records of the log name mailboxes that are gone: none may ever have their numbers.
        try db.run(Self.startSequence)
        try db.run(Self.raise, .int(self.lastNumber))
        for (table, columns) in Self.kept {
            let places = columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
            let statement = Statement("INSERT OR IGNORE INTO \(table)(\(columns.joined(separator: ", "))) VALUES(\(places))")
            for row in self.rows[table] ?? [] { try db.run(statement, row) }
        }
    }
}

extension MessageStore {
    /// Mends a store that no process has open, then checks it. `dropLost` removes messages whose bodies cannot be read.
    package static func repair(
        _ location: StoreLocation, _ options: StoreOptions, dropLost: Bool = false, progress: @escaping (Progress) -> Void = { _ in }
    ) throws(StoreError) -> RepairReport {
        var repair = Repair(location, options)
        try repair.opening.makeDirectories()
        let lock = try repair.opening.lock()
        do throws(StoreError) { try repair.prepare() } catch {
            repair.opening.files.close(lock)
            throw error
        }
        repair.opening.files.close(lock)
        let store = try self.open(location, options)
        defer { store.close() }
        for problem in store.problemsAtOpen { repair.say("passed over: \(problem)") }
        if dropLost { repair.say("removed \(try store.removeLost()) messages whose bodies cannot be read") }
        var report = repair.report
        let check = try store.check(progress: progress)
        report.left = check.problems
        report.messages = check.messages
        return report
    }
}
