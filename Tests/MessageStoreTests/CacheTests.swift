import Database
import MailTesting
import MessageStore
import NIOCore
import Testing
import Vocabulary

@Suite struct CacheTests {
    private func row(_ blob: Int64, _ text: String) -> CachedBody {
        CachedBody(blob: BlobID(rawValue: blob), summary: ByteBuffer(string: text), header: ByteBuffer(string: "H " + text))
    }

    private func find(_ store: MessageStore, _ blobs: [Int64]) -> [String?] {
        store.cachedSummaries(blobs.map { BlobID(rawValue: $0) }).map { $0.map { String(buffer: $0) } }
    }

    /// A store with these many messages, so that bodies up to that number exist.
    private func filled(_ scratch: Scratch, _ count: Int) async throws -> MessageStore {
        let store = try scratch.open()
        for number in 0..<count { _ = try await store.accept(message("\(number)\r\n")) }
        _ = try await store.openInbox(account)
        return store
    }

    @Test func whatIsKeptIsThereAfterARestart() async throws {
        let scratch = try Scratch()
        var store = try await self.filled(scratch, 5)
        store.cache([self.row(1, "one"), self.row(2, ""), self.row(3, String(repeating: "x", count: 10_000))])
        let isKept = await settled { self.find(store, [1]) == ["one"] }
        #expect(isKept)
        store.cache([self.row(1, "uno")])
        let isReplaced = await settled { self.find(store, [1]) == ["uno"] }
        #expect(isReplaced)
        store.close()
        #expect(self.find(store, [1]) == [nil])
        store = try scratch.open()
        defer { store.close() }
        #expect(self.find(store, [3, 1, 4, 2]) == [String(repeating: "x", count: 10_000), "uno", nil, ""])
        #expect(try store.check().problems == [])
    }

    @Test func aDamagedOrForeignOrNewerFileIsBegunAnew() async throws {
        for damage in 0..<4 {
            let scratch = try Scratch()
            var store = try await self.filled(scratch, 5)
            store.cache([self.row(1, "one")])
            let isKept = await settled { self.find(store, [1]) == ["one"] }
            #expect(isKept)
            store.close()
            let path = scratch.location.cacheDatabase
            switch damage {
            case 0: overwrite(path, [UInt8](repeating: 0xA5, count: 8192))
            case 1: overwrite(path, Array("not a database".utf8), truncating: true)
            default:
                let database = try Database.open(path, Schema(applicationID: 0x504F_4348, steps: ["", ""]))
                try database.write { db throws(DatabaseError) in
                    try db.execute(damage == 2 ? "PRAGMA user_version = 9" : "UPDATE state SET store = x'00'")
                }
                database.close()
            }
            store = try scratch.open()
            #expect(self.find(store, [1]) == [nil])
            store.cache([self.row(1, "again")])
            let isAgain = await settled { self.find(store, [1]) == ["again"] }
            #expect(isAgain, "damage \(damage)")
            store.close()
        }
    }

    @Test func rowsThatAreDamagedOrOfAnotherPastAreNotBelieved() async throws {
        let scratch = try Scratch()
        var store = try await self.filled(scratch, 5)
        store.cache([self.row(1, "one"), self.row(2, "two"), self.row(3, "three")])
        let isKept = await settled { self.find(store, [3]) == ["three"] }
        #expect(isKept)
        store.close()
        var database = try Database.open(scratch.location.cacheDatabase, Schema(applicationID: 0x504F_4348, steps: ["", ""]))
        try database.write { db throws(DatabaseError) in
            try db.execute(
                "UPDATE summary SET bytes = (SELECT bytes FROM summary WHERE blob = 2) WHERE blob = 1; UPDATE summary SET bytes = x'00' WHERE blob = 3"
            )
        }
        database.close()
        store = try scratch.open()
        #expect(self.find(store, [1, 2, 3]) == [nil, "two", nil])
        store.close()
        // As if the store came from a backup made before that body was accepted.
        database = try Database.open(scratch.location.cacheDatabase, Schema(applicationID: 0x504F_4348, steps: ["", ""]))
        try database.write { db throws(DatabaseError) in try db.execute("INSERT INTO summary(blob, bytes) VALUES(1000000, x'00')") }
        database.close()
        store = try scratch.open()
        defer { store.close() }
        #expect(self.find(store, [2]) == [nil])
    }

    @Test func bodiesThatAreGoneLeaveTheCache() async throws {
        let scratch = try Scratch()
        let store = try await self.filled(scratch, 3)
        defer { store.close() }
        let inbox = try await store.inbox(account)
        let blobs = try await store.rows(inbox, UIDSet(1...3)).map(\.blob)
        store.cache(blobs.map { CachedBody(blob: $0, summary: ByteBuffer(string: "x"), header: ByteBuffer(string: "y")) })
        _ = try await store.expunge(inbox, [2])
        let isGone = await settled { store.cachedSummaries(blobs).map { $0 != nil } == [true, false, true] }
        #expect(isGone)
        #expect(store.cachedHeaders(blobs).map { $0 != nil } == [true, false, true])
    }

    @Test func headersReadersAndHowFarMailboxesArePreparedAreThereAfterARestart() async throws {
        let scratch = try Scratch()
        var store = try await self.filled(scratch, 6)
        let inbox = try await store.inbox(account)
        #expect(store.preparedThrough(inbox) == nil)
        store.noteReader(account, day: 100)
        let isTaken = store.cache([self.row(1, "one"), self.row(2, "two")], of: inbox, through: UID(rawValue: 2))
        #expect(isTaken)
        let isKept = await settled { store.preparedThrough(inbox) == UID(rawValue: 2) }
        #expect(isKept)
        // What was prepared is there before it is said to be.
        #expect(self.find(store, [1, 2]) == ["one", "two"])
        store.close()
        let isTakenByAClosedStore = store.cache([], of: inbox, through: UID(rawValue: 3))
        #expect(!isTakenByAClosedStore)
        store = try scratch.open()
        defer { store.close() }
        #expect(
            store.cachedHeaders([1, 2, 3].map { BlobID(rawValue: $0) }).map { $0.map { String(buffer: $0) } } == ["H one", "H two", nil])
        #expect(store.preparedThrough(inbox) == UID(rawValue: 2))
        #expect(store.readers(since: 100) == [account])
        #expect(store.readers(since: 101) == [])
    }

    /// Of an earlier version: no headers yet.
    @Test func aFileOfTheFirstFormatIsBroughtUpToDate() async throws {
        let scratch = try Scratch()
        var store = try await self.filled(scratch, 5)
        store.cache([self.row(1, "one")])
        let isKept = await settled { self.find(store, [1]) == ["one"] }
        #expect(isKept)
        store.close()
        let database = try Database.open(scratch.location.cacheDatabase, Schema(applicationID: 0x504F_4348, steps: ["", ""]))
        try database.write { db throws(DatabaseError) in
            try db.execute("DROP TABLE header; DROP TABLE reader; DROP TABLE prepared; PRAGMA user_version = 1")
        }
        database.close()
        store = try scratch.open()
        defer { store.close() }
        #expect(self.find(store, [1]) == ["one"])
        #expect(store.cachedHeaders([BlobID(rawValue: 1)]).map { $0 != nil } == [false])
    }

    /// Rows that lie close together are read in one go, others one by one.
    @Test func anyOrderFindsTheSame() async throws {
        let scratch = try Scratch()
        let store = try await self.filled(scratch, 60)
        defer { store.close() }
        store.cache((1...50).filter { $0 % 7 != 0 }.map { self.row($0, "m\($0)") })
        let isKept = await settled { self.find(store, [50]) == ["m50"] }
        #expect(isKept)
        for blobs: [Int64] in [
            Array(1...50), Array(1...50).reversed(), [3, 4, 6, 7, 8], [1, 20, 50], [5, 5, 6], [7], [], [48, 49, 50, 55],
        ] {
            #expect(self.find(store, blobs) == blobs.map { $0 % 7 == 0 || $0 > 50 ? nil : "m\($0)" }, "\(blobs)")
        }
    }
}
