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
        ] {
            let scratch = try await self.filled()
            let database = try Database.open(scratch.location.mailDatabase, Schema(applicationID: 0x504F_4D4C, steps: ["", ""]))
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
