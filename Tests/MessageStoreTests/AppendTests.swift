import Database
import MailTesting
import MessageStore
import NIOCore
import Testing
import Vocabulary

@Suite struct AppendTests {
    @Test("R1 an appended message is there with its UID, its date and its flags, after a restart too") func append() async throws {
        let scratch = try Scratch()
        var store = try scratch.open()
        let work = try await store.create("Work", account)
        let first = try await store.append([added("one\r\n", [.seen, .draft], ["$Label"], date: 1)], work.id)
        #expect(first.uidValidity == work.uidValidity && first.uids == [UID(rawValue: 1)] && first.replaced == nil)
        let several = try await store.append([added("two\r\n"), added("three\r\n", [.flagged])], work.id)
        #expect(several.uids.map(\.rawValue) == [2, 3])
        // What lies between is theirs alone: one MODSEQ for each.
        let spans = [first, several].compactMap(\.span)
        #expect(spans.map { $0.upperBound.rawValue - $0.lowerBound.rawValue } == [1, 2])
        #expect(spans.first?.upperBound == spans.last?.lowerBound)
        store.close()
        store = try scratch.open()
        defer { store.close() }
        #expect(try await store.text(work.id, UID(rawValue: 3)) == "three\r\n")
        let rows = try await store.rows(work.id, UIDSet(1...3))
        #expect(rows.map(\.flags) == [[.seen, .draft, .keyword(5)], [], [.flagged]] && rows[0].date == 1)
        #expect(try await store.usage(account) == AccountUsage(bytes: 17, messages: 3))
        await #expect(throws: StoreError.self) { try await store.append([], work.id) }
        await #expect(throws: StoreError.self) { try await store.append([added("x\r\n")], MailboxID(rawValue: 99)) }
        #expect(try store.check().problems == [])
    }

    @Test func severalLargeAndSmallMessagesAreAddedTogether() async throws {
        let scratch = try Scratch()
        var store = try scratch.open()
        let work = try await store.create("Work", account)
        let large = try store.beginLargeBody()
        try await large.append(ByteBuffer(string: "large\r\n"))
        let items = [added("small\r\n"), AppendItem(body: .large(large), flags: [.seen], keywords: [], date: 7), added("last\r\n")]
        #expect(try await store.append(items, work.id).uids.map(\.rawValue) == [1, 2, 3])
        let alone = try store.beginLargeBody()
        try await alone.append(ByteBuffer(string: "alone\r\n"))
        #expect(try await store.append([AppendItem(body: .large(alone), date: 8)], work.id).uids.map(\.rawValue) == [4])
        // More than waits in memory together.
        let text = String(repeating: "0123456789abcde\r\n", count: 15_000)
        #expect(try await store.append((0..<20).map { _ in added(text) }, work.id).uids.count == 20)
        store.close()
        store = try scratch.open()
        defer { store.close() }
        var texts: [String] = []
        for uid in 1...4 as ClosedRange<UInt32> { texts.append(try await store.text(work.id, UID(rawValue: uid))) }
        #expect(texts == ["small\r\n", "large\r\n", "last\r\n", "alone\r\n"])
        #expect(try await store.text(work.id, UID(rawValue: 24)) == text)
        #expect(try await store.rows(work.id, [2, 4]).map(\.date) == [7, 8])
        #expect(try store.check().problems == [])
    }

    @Test func overQuotaNothingIsAdded() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let work = try await store.create("Work", account)
        await #expect(throws: StoreError.self) { try await store.append([added("1234\r\n"), added("1234\r\n")], work.id, quota: 11) }
        #expect(try await store.view(work.id).messages == 0)
        #expect(try await store.usage(account) == AccountUsage(bytes: 0, messages: 0))
        #expect(try await store.append([added("1234\r\n"), added("1234\r\n")], work.id, quota: 12).uids.count == 2)
        #expect(try store.queueEntries(limit: 10).isEmpty)
        let large = try store.beginLargeBody()
        try await large.append(ByteBuffer(string: "large\r\n"))
        await #expect(throws: StoreError.self) { try await store.append([AppendItem(body: .large(large))], work.id, quota: 12) }
        let isGone = await settled { scratch.segments.count == 1 }
        #expect(isGone, "the refused body is still there")
        #expect(try store.check().problems == [])
    }

    @Test("R12 appended messages come back when the index is rebuilt, in INBOX when nobody knows their mailbox") func rebuild() async throws
    {
        let scratch = try Scratch()
        var store = try scratch.open { $0.segmentSize = 500 }
        let work = try await store.create("Work", account, [.sent])
        for number in 1...10 { _ = try await store.append([added("\(number)\r\n", [.seen], ["$K"]), added("b\(number)\r\n")], work.id) }
        store.close()
        overwrite(scratch.location.mailDatabase, [UInt8](repeating: 0, count: 100), truncating: true)
        var options = StoreOptions(now: { 1_900_000_000 })
        options.minimumFree = 0
        #expect(try MessageStore.repair(scratch.location, options).left == [])
        store = try scratch.open()
        defer { store.close() }
        let inbox = try await store.inbox(account)
        let rows = try await store.rows(inbox, UIDSet(1...30))
        #expect(rows.count == 20 && rows[0].flags == [.seen, .keyword(5)] && inbox > work.id)
        #expect(try await store.text(inbox, UID(rawValue: 20)) == "b10\r\n")
        #expect(try store.check().problems == [])
    }

    @Test("R12 what hangs on mailboxes is saved from a damaged index") func salvage() async throws {
        let scratch = try Scratch()
        var store = try scratch.open()
        let work = try await store.create("Work", account, [.sent])
        let gone = try await store.create("Gone", account)
        _ = try await store.append([added("1\r\n", [.seen], ["$K"])], work.id)
        try await store.subscribe("Work", true, account)
        try await awaited("setRights") { store.setRights("lr", of: "bob", on: work.id, completion: $0) }
        try await awaited("setMetadata") { store.setMetadata([("/private/x", [9])], of: nil, account: account, completion: $0) }
        try await store.delete(gone.id)
        store.close()
        let plain = try scratch.mailDatabase()
        try plain.write { db throws(DatabaseError) in try db.execute("DELETE FROM state") }
        plain.close()
        var options = StoreOptions(now: { 1_900_000_000 })
        options.minimumFree = 0
        #expect(try MessageStore.repair(scratch.location, options).left == [])
        store = try scratch.open()
        defer { store.close() }
        let again = try #require(try await store.found("Work", account))
        #expect(again.id == work.id && again.specialUse == [.sent] && again.uidValidity > work.uidValidity && again.messages == 1)
        #expect(try await store.words(work.id) == [5: "$K"])
        #expect(try await store.subscribed(account) == ["Work"])
        #expect(try store.rights(of: work.id) == [RightsEntry(identifier: "bob", rights: "lr")])
        #expect(try store.metadata(of: nil, account: account).map(\.name) == ["/private/x"])
        #expect(try await store.create("New", account).id > gone.id)
        #expect(try store.check().problems == [])
    }

    @Test("R1 what is added to a mailbox that goes in the same moment is there or told, and nowhere else") func appendAndDelete()
        async throws
    {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        for number in 1...60 {
            let work = try await store.create("Work", account)
            async let deleted: Void = store.delete(work.id)
            async let result = store.append([added("\(number)\r\n"), added("b\r\n")], work.id)
            try await deleted
            do {
                #expect(try await result.uids.count == 2)
            } catch StoreError.noSuchMailbox(let id) { #expect(id == work.id) }
        }
        #expect(try await store.view(try await store.inbox(account)).messages == 0)
        #expect(try await store.usage(account) == AccountUsage(bytes: 0, messages: 0))
        #expect(try store.check().problems == [])
    }

    @Test func manySessionsAppendAtOnce() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let work = try await store.create("Work", account)
        let uids = try await withThrowingTaskGroup(of: [UInt32].self) { group in
            for session in 0..<20 {
                group.addTask {
                    var uids: [UInt32] = []
                    for number in 0..<25 {
                        uids += try await store.append([added("\(session) \(number)\r\n")], work.id).uids.map(\.rawValue)
                    }
                    return uids
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(uids.sorted() == Array(1...500))
        for uid in [1, 250, 500] as [UInt32] { #expect(try await store.text(work.id, UID(rawValue: uid)).hasSuffix("\r\n")) }
        #expect(try store.check().problems == [])
    }
}
