import Database
import Glibc
import MessageStore
import NIOCore
import Testing
import Vocabulary

@Suite struct RepairTests {
    private let other = AccountID(rawValue: 8)

    /// Several segments, two accounts, a large body, an expunged message, a queue entry.
    private func filled() async throws -> Scratch {
        let scratch = try Scratch()
        let store = try scratch.open { $0.segmentSize = 2000 }
        let folder = try await store.makeMailbox("Work", account)
        for number in 1...30 {
            let target = number % 5 == 0 ? folder : nil
            _ = try await store.accept(
                message(
                    "\(number)\r\n",
                    to: [PlannedDelivery(account: account, mailbox: target), PlannedDelivery(account: self.other, flags: .seen)]))
        }
        let large = try store.beginLargeBody()
        try await large.append(ByteBuffer(string: "large\r\n"))
        var item = message("", to: [PlannedDelivery(account: account)])
        item.body = .large(large)
        _ = try await store.accept(item)
        _ = try await store.accept(
            message(
                "queued\r\n", to: [], queue: [QueueDraft(.remote, recipient: .init(Address(localPart: "r", domain: "far.test")), due: 5)]))
        _ = try await store.openInbox(account)
        store.close()
        return scratch
    }

    private func repair(_ scratch: Scratch, dropLost: Bool = false) throws -> RepairReport {
        var options = StoreOptions(now: { 1_900_000_000 })
        options.minimumFree = 0
        return try MessageStore.repair(scratch.location, options, dropLost: dropLost)
    }

    private func removeDatabase(_ path: String) { for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) } }

    @Test func anInstanceThatNeverRanNeedsNothing() throws {
        let scratch = try Scratch()
        let report = try self.repair(scratch)
        #expect(report.actions == [] && report.left == [] && report.messages == 0)
    }

    @Test func aSoundStoreIsLeftAsItIs() async throws {
        let scratch = try await self.filled()
        let report = try self.repair(scratch)
        #expect(report.actions == [] && report.left == [] && report.messages == 61)
    }

    @Test("R12 a lost index is rebuilt from the segments") func lostMailDatabase() async throws {
        let scratch = try await self.filled()
        var store = try scratch.open()
        let before = try await store.texts(account)
        let validity = try await store.openInbox(account).uidValidity
        store.close()
        self.removeDatabase(scratch.location.mailDatabase)
        #expect(throws: StoreError.self) { try scratch.open() }
        let report = try self.repair(scratch)
        #expect(report.left == [])
        store = try scratch.open()
        defer { store.close() }
        // The folder's name went with the database: its messages are in INBOX.
        #expect(Set(try await store.texts(account)).isSuperset(of: before))
        #expect(try await store.openInbox(account).uidValidity > validity)
        #expect(try await store.openInbox(self.other).entries.map(\.flags) == Array(repeating: .seen, count: 30))
        #expect(try store.queueEntries(limit: 10).map(\.draft.channel) == [.remote])
    }

    @Test("R12 a damaged index is put aside and rebuilt; names of mailboxes are saved") func damagedMailDatabase() async throws {
        let scratch = try await self.filled()
        let size = bytes(ofFile: scratch.location.mailDatabase).count
        // The last pages: messages and bodies.
        overwrite(scratch.location.mailDatabase, [UInt8](repeating: 0xA5, count: 4096), at: size - 4096)
        overwrite(scratch.location.mailDatabase, [UInt8](repeating: 0xA5, count: 2048), at: 4096 * 6)
        let report = try self.repair(scratch)
        #expect(report.left == [] && report.messages == 61)
        let store = try scratch.open()
        defer { store.close() }
        #expect(try await store.openInbox(self.other).entries.count == 30)
        #expect(try await store.texts(account).contains("large\r\n"))
    }

    @Test("R12 a lost queue comes back held, so that nothing is sent twice") func lostAcceptDatabase() async throws {
        let scratch = try await self.filled()
        self.removeDatabase(scratch.location.acceptDatabase)
        #expect(throws: StoreError.self) { try scratch.open() }
        #expect(try self.repair(scratch).left == [])
        let store = try scratch.open()
        defer { store.close() }
        #expect(try store.queueEntries(limit: 10).map(\.draft.channel) == [.held])
        #expect(try await store.openInbox(self.other).entries.count == 30)
    }

    @Test("R12 a segment's damaged header is made anew from what the next one remembers") func damagedHeader() async throws {
        let scratch = try await self.filled()
        overwrite(scratch.segments[0], [UInt8](repeating: 0, count: 100), at: 4)
        var store = try scratch.open()
        #expect(try store.check().problems.contains { $0.kind == "segment-header" })
        store.close()
        let report = try self.repair(scratch)
        #expect(report.left == [] && report.actions.contains { $0.contains("header") })
        store = try scratch.open()
        defer { store.close() }
        #expect(try await store.texts(self.other).count == 30)
    }

    /// As a bad first sector leaves it.
    private func destroyFirstSector(_ path: String) { overwrite(path, [UInt8](repeating: 0xA5, count: 512)) }

    /// Small enough to end within one segment.
    private func filledOneSegment() async throws -> Scratch {
        let scratch = try Scratch()
        let store = try scratch.open()
        for number in 1...20 { _ = try await store.accept(message("\(number)\r\n", to: [PlannedDelivery(account: account)])) }
        _ = try await store.openInbox(account)
        store.close()
        return scratch
    }

    @Test("R12 the newest segment gets its damaged header back from mail.db, and no mail is lost") func damagedNewestHeader() async throws {
        for repairs in [true, false] {
            let scratch = try await self.filledOneSegment()
            let segment = try #require(scratch.segments.last)
            let before = bytes(ofFile: segment)
            // No message begins in the first sector's half of a record: it is the header and, behind it, the first message.
            overwrite(segment, [UInt8](repeating: 0xA5, count: 128))
            if repairs {
                let report = try self.repair(scratch)
                #expect(report.left == [] && report.actions.contains { $0.contains("header") })
            }
            let store = try scratch.open()
            defer { store.close() }
            #expect(try await store.texts(account) == (1...20).map { "\($0)\r\n" })
            #expect(try store.check().problems == [])
            #expect(Array(bytes(ofFile: segment).prefix(128)) == Array(before.prefix(128)))
            _ = try await store.accept(message("21\r\n", to: [PlannedDelivery(account: account)]))
            #expect(try await store.texts(account).count == 21)
        }
    }

    @Test("R12 a bad first sector of the newest segment costs the message that lay in it and no other") func damagedFirstSector()
        async throws
    {
        let scratch = try await self.filledOneSegment()
        self.destroyFirstSector(try #require(scratch.segments.last))
        let report = try self.repair(scratch)
        #expect(report.actions.contains { $0.contains("header") } && !report.left.isEmpty)
        let store = try scratch.open()
        defer { store.close() }
        let inbox = try await store.openInbox(account)
        var read: [String] = []
        for entry in inbox.entries { if let text = try? await store.text(inbox.mailbox, entry.uid) { read.append(text) } }
        // How many records 384 bytes hold depends on their size; whatever lies beyond the sector is there.
        #expect(inbox.entries.count == 20 && read.count >= 17 && read.last == "20\r\n")
    }

    @Test("R12 mail that was accepted but not filed is not lost with the header of its segment") func damagedHeaderOfUnfiledMail()
        async throws
    {
        let scratch = try Scratch()
        var store = try scratch.open()
        _ = try await store.accept(message("1\r\n", to: [PlannedDelivery(account: account)]))
        // The copy in mail.db was there before this was answered, whether or not the message is filed.
        store.close()
        let early = try Scratch()
        try early.copy(of: scratch)
        store = try scratch.open()
        for number in 2...9 { _ = try await store.accept(message("\(number)\r\n", to: [PlannedDelivery(account: account)])) }
        store.close()
        // Databases of the time before, as a power cut may leave them, and the header gone.
        let copy = try Scratch()
        try copy.copy(of: scratch, databasesOf: early)
        overwrite(try #require(copy.segments.last), [UInt8](repeating: 0, count: 128))
        store = try copy.open()
        defer { store.close() }
        #expect(try await store.texts(account) == (1...9).map { "\($0)\r\n" })
        #expect(try store.check().problems == [])
    }

    @Test("R12 a large body's damaged header is made anew from the record that adopted it") func damagedLargeHeader() async throws {
        let scratch = try await self.filled()
        // The only segment of kind 2.
        let large = try #require(scratch.segments.first { bytes(ofFile: $0)[10] == 2 })
        overwrite(large, [UInt8](repeating: 0, count: 128))
        let report = try self.repair(scratch)
        #expect(report.left == [] && report.actions.contains { $0.contains("header") })
        let store = try scratch.open()
        defer { store.close() }
        #expect(try await store.texts(account).contains("large\r\n"))
    }

    @Test("a store of an older version gets copies of its headers when it is opened") func copiesForOlderStores() async throws {
        let scratch = try await self.filledOneSegment()
        try scratch.makeOlder(removing: "ALTER TABLE segment DROP COLUMN header", format: 2)
        try scratch.open().close()
        let database = try scratch.mailDatabase()
        defer { database.close() }
        let headers = try database.read { db throws(DatabaseError) in
            try db.rows(Statement("SELECT header FROM segment WHERE kind = 1")) { $0.bytes(0) }
        }
        #expect(headers == [Array(bytes(ofFile: scratch.segments[0]).prefix(128))])
    }

    @Test("R12 a missing segment is named; its messages go when that is asked for") func missingSegment() async throws {
        let scratch = try await self.filled()
        unlink(scratch.segments[1])
        #expect(try self.repair(scratch).left.contains { $0.kind == "missing-segment" })
        let report = try self.repair(scratch, dropLost: true)
        #expect(!report.left.contains { $0.kind == "missing-body" })
        let store = try scratch.open()
        defer { store.close() }
        let texts = try await store.texts(self.other)
        #expect(texts.count < 30 && texts.count > 10)
    }

    @Test("R12 wrong numbers in the databases are found and counted again") func wrongNumbers() async throws {
        for (text, kind) in [
            ("UPDATE counter SET messages = messages + 1 WHERE mailbox = 2", "counter"),
            ("UPDATE counter SET bytes = 1, unseen = 9 WHERE mailbox = 1", "counter"),
            ("UPDATE counter SET uidnext = 3 WHERE mailbox = 2", "uid"),
            ("UPDATE counter SET modseq = 2 WHERE mailbox = 2", "modseq"),
            ("UPDATE blob SET refs = 7 WHERE id = (SELECT min(id) FROM blob)", "reference-count"),
            ("DELETE FROM blob WHERE id = (SELECT min(id) FROM blob)", "missing-body"),
            ("UPDATE segment SET live = 0 WHERE number = (SELECT min(segment) FROM blob)", "segment-count"),
            ("DELETE FROM mailbox WHERE id = 2", "stray-messages"), ("DELETE FROM counter WHERE mailbox = 2", "counter"),
            ("UPDATE counter SET deleted = 5 WHERE mailbox = 2", "counter"),
            ("INSERT INTO keyword(mailbox, bit, name) VALUES(77, 5, 'k')", "orphan"),
            ("INSERT INTO acl(mailbox, identifier, rights) VALUES(77, 'k', 'l')", "orphan"),
            ("INSERT INTO metadata(mailbox, account, name, value) VALUES(77, 1, 'k', x'00')", "orphan"),
            ("UPDATE message SET flags = flags | 64 WHERE mailbox = 2 AND uid = 1", "keyword"),
            ("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'mailbox'", "mailbox-number"),
        ] {
            let scratch = try await self.filled()
            let database = try scratch.mailDatabase()
            try database.write { db throws(DatabaseError) in try db.execute(text) }
            database.close()
            if kind != "segment-count" {
                let store = try scratch.open()
                #expect(try store.check().problems.contains { $0.kind == kind }, "\(text)")
                store.close()
            }
            let report = try self.repair(scratch)
            #expect(report.left == [] && !report.actions.isEmpty, "\(text)")
        }
    }
}
