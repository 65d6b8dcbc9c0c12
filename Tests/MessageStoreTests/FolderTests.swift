import MailTesting
import MessageStore
import NIOCore
import Synchronization
import Testing
import Vocabulary

@Suite struct FolderTests {
    private let other = AccountID(rawValue: 8)

    @Test func mailboxesAreListedByNameAndINBOXIsAlwaysThere() async throws {
        let scratch = try Scratch()
        var store = try scratch.open()
        #expect(try await store.mailboxes(account).map(\.name) == ["INBOX"])
        _ = try await store.create("b", account)
        _ = try await store.create("a/é", account, [.drafts])
        _ = try await store.create("b", self.other)
        await #expect(throws: StoreError.self) { try await store.create("b", account) }
        store.close()
        store = try scratch.open()
        defer { store.close() }
        let found = try await store.mailboxes(account)
        #expect(found.map(\.name) == ["INBOX", "a/é", "b"])
        #expect(found[1].specialUse == [.drafts] && found[1].uidNext.rawValue == 1 && found[1].messages == 0)
        #expect(Set(found.map(\.uidValidity)).count == 3)
        #expect(try await store.found("c", account) == nil)
        let trash = try #require(try await store.found("b", account))
        try await awaited("setSpecialUse") { store.setSpecialUse(trash.id, [.trash, .junk], completion: $0) }
        #expect(try await store.view(trash.id).specialUse == [.trash, .junk])
        #expect(try store.check().problems == [])
    }

    @Test("I1 I3 a mailbox made again under an old name has new numbers and nothing of the old one") func deletedMailbox() async throws {
        let scratch = try Scratch()
        var store = try scratch.open { $0.segmentSize = 4000 }
        let work = try await store.create("Work", account)
        _ = try await store.append((0..<700).map { added("\($0)\r\n", [], ["$Old"]) }, work.id)
        try await awaited("setRights") { store.setRights("lr", of: "someone", on: work.id, completion: $0) }
        try await store.delete(work.id)
        await #expect(throws: StoreError.self) { try await store.view(work.id) }
        await #expect(throws: StoreError.self) { try await store.append([added("late\r\n")], work.id) }
        #expect(try await store.usage(account) == AccountUsage(bytes: 0, messages: 0))
        // Killed or not, the rest goes after a restart.
        store.close()
        store = try scratch.open { $0.segmentSize = 4000 }
        let again = try await store.create("Work", account)
        #expect(again.id > work.id && again.uidValidity > work.uidValidity && again.uidNext.rawValue == 1)
        #expect(try await store.words(again.id).isEmpty)
        let rights: [RightsEntry] = try await awaited("rights") { store.rights(of: again.id, completion: $0) }
        #expect(rights.isEmpty)
        _ = try await store.accept(message("x\r\n", to: [PlannedDelivery(account: account, mailbox: work.id)]))
        #expect(try await store.view(again.id).messages == 0)
        let inbox = try await store.inbox(account)
        #expect(try await store.view(inbox).messages == 1)
        await #expect(throws: StoreError.self) { try await store.delete(inbox) }
        let isSwept = await settled { scratch.segments.count <= 2 }
        #expect(isSwept, "the segments of removed messages are still there")
        #expect(try store.check().problems == [])
        store.close()
    }

    @Test func renamingTakesTheChildrenAlongAndKeepsNumbers() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        var made: [String: MailboxID] = [:]
        for name in ["a", "a/b", "a/b/c", "a0", "ab", "x", "a-b"] { made[name] = try await store.create(name, account).id }
        _ = try await store.append([added("1\r\n")], try #require(made["a/b"]))
        try await store.rename("a", "y/z", account)
        let names = Dictionary(uniqueKeysWithValues: try await store.mailboxes(account).map { ($0.name, $0.id) })
        #expect(Set(names.keys) == ["INBOX", "y/z", "y/z/b", "y/z/b/c", "a0", "ab", "x", "a-b"])
        #expect(names["y/z/b"] == made["a/b"])
        // Taken, under itself, without a row of its own, and not there.
        await #expect(throws: StoreError.self) { try await store.rename("ab", "x", account) }
        try await store.rename("y/z", "y/z/b", account)
        #expect(try await store.found("y/z/b", account)?.id == made["a"])
        #expect(try await store.found("y/z/b/b/c", account)?.id == made["a/b/c"])
        try await store.rename("y", "é", account)
        #expect(try await store.found("é/z/b/b", account)?.id == made["a/b"])
        await #expect(throws: StoreError.self) { try await store.rename("nothing", "n", account) }
        #expect(try store.check().problems == [])
    }

    @Test func renamingINBOXMovesItsMessages() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        for number in 1...3 { _ = try await store.accept(message("\(number)\r\n")) }
        _ = try await store.create("INBOX/child", account)
        let inbox = try await store.inbox(account)
        try await store.rename("INBOX", "Old", account)
        #expect(try await store.inbox(account) == inbox)
        #expect(try await store.view(inbox).messages == 0)
        #expect(try await store.mailboxes(account).map(\.name) == ["INBOX", "INBOX/child", "Old"])
        let old = try #require(try await store.found("Old", account))
        #expect(old.messages == 3)
        await #expect(throws: StoreError.self) { try await store.rename("INBOX", "Old", account) }
        #expect(try store.check().problems == [])
    }

    @Test func subscriptionsOutliveTheirMailboxes() async throws {
        let scratch = try Scratch()
        var store = try scratch.open()
        let made = try await store.create("b", account)
        for name in ["b", "never", "b"] { try await store.subscribe(name, true, account) }
        try await store.subscribe("a", true, self.other)
        try await store.delete(made.id)
        store.close()
        store = try scratch.open()
        defer { store.close() }
        #expect(try await store.subscribed(account) == ["b", "never"])
        try await store.subscribe("b", false, account)
        try await store.subscribe("b", false, account)
        #expect(try await store.subscribed(account) == ["never"])
    }

    @Test func rightsAndAnnotationsAreKept() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let work = try await store.create("Work", account)
        for (who, rights) in [("bob", "lrs"), ("anyone", "l"), ("-bob", "w"), ("eve", "l")] {
            try await awaited("setRights") { store.setRights(rights, of: who, on: work.id, completion: $0) }
        }
        try await awaited("setRights") { store.setRights(nil, of: "eve", on: work.id, completion: $0) }
        let rights: [RightsEntry] = try await awaited("rights") { store.rights(of: work.id, completion: $0) }
        #expect(rights.map(\.identifier) == ["-bob", "anyone", "bob"])
        let shared: [MailboxFacts] = try await awaited("shared") { store.mailboxesSharedWith(["bob", "anyone", "eve"], completion: $0) }
        #expect(shared.map(\.id) == [work.id])
        let entries: [(name: String, value: [UInt8]?)] = [("/private/comment", [1, 0, 2]), ("/private/empty", []), ("/private/none", nil)]
        try await awaited("setMetadata") { store.setMetadata(entries, of: work.id, account: account, completion: $0) }
        try await awaited("setMetadata") { store.setMetadata([("/private/x", [9])], of: nil, account: account, completion: $0) }
        let found: [MetadataEntry] = try await awaited("metadata") { store.metadata(of: work.id, account: account, completion: $0) }
        #expect(found == [MetadataEntry(name: "/private/comment", value: [1, 0, 2]), MetadataEntry(name: "/private/empty", value: [])])
        let others: [MetadataEntry] = try await awaited("metadata") { store.metadata(of: work.id, account: self.other, completion: $0) }
        #expect(others.isEmpty)
        let huge: [(name: String, value: [UInt8]?)] = [
            ("/private/huge", [UInt8](repeating: 1, count: MessageStore.metadataLimits.bytes + 1))
        ]
        await #expect(throws: StoreError.self) {
            try await awaited("setMetadata") { store.setMetadata(huge, of: work.id, account: account, completion: $0) } as Void
        }
        let many: [(name: String, value: [UInt8]?)] = (0...MessageStore.metadataLimits.entries).map { ("/private/\($0)", [1]) }
        await #expect(throws: StoreError.self) {
            try await awaited("setMetadata") { store.setMetadata(many, of: nil, account: account, completion: $0) } as Void
        }
        let server: [MetadataEntry] = try await awaited("metadata") { store.metadata(of: nil, account: account, completion: $0) }
        #expect(server.map(\.name) == ["/private/x"])
        #expect(try store.check().problems == [])
    }

    @Test func anAccountsEventsAreTold() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let told = Mutex<[AccountEvent]>([])
        let subscription = store.changes.subscribe(account: account) { events in told.withLock { $0 += events } }
        let work = try await store.create("Work", account)
        try await store.rename("Work", "Play", account)
        try await store.subscribe("Play", true, account)
        try await store.subscribe("Play", true, account)
        _ = try await store.create("Work", self.other)
        let uid = try #require(try await store.append([added("x\r\n")], work.id).uids.first)
        let modSeq = try await store.view(work.id).highestModSeq
        try await store.delete(work.id)
        #expect(uid.rawValue == 1)
        withExtendedLifetime(subscription) {}
        let events = told.withLock { $0 }
        let expected: [AccountEvent] = [
            .created(work.id, name: "Work"), .renamed(work.id, from: "Work", to: "Play"), .subscribed(name: "Play", true),
            .changed(work.id, modSeq), .deleted(work.id, name: "Play"),
        ]
        #expect(Array(events.prefix(5)) == expected)
        #expect(!events.contains { if case .created(let id, _) = $0 { id != work.id } else { false } })
    }

    @Test("R10 an instance of the time before IMAP opens, and everything works in it") func olderInstance() async throws {
        let scratch = try Scratch()
        var store = try scratch.open()
        for number in 1...5 { _ = try await store.accept(message("\(number)\r\n")) }
        let inbox = try await store.inbox(account)
        _ = try await store.setFlags(inbox, [UID(rawValue: 2)], .add(.seen))
        store.close()
        try scratch.makeOlder()
        store = try scratch.open()
        defer { store.close() }
        let view = try await store.view(inbox)
        #expect(view.messages == 5 && view.unseen == 4 && view.deleted == 0 && view.specialUse == [])
        #expect(try await store.rows(inbox, UIDSet(1...5)).map(\.saved) == Array(repeating: 1_800_000_000, count: 5))
        let work = try await store.create("Work", account)
        _ = try await store.copy(UIDSet(1...5), inbox, work.id, isMove: true)
        _ = try await store.changeFlags(work.id, [1], .add([.deleted]), ["$K"])
        #expect(try await store.view(work.id).deleted == 1)
        #expect(try store.check().problems == [])
    }

    @Test("10,000 mailboxes of an account") func veryMany() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<20 {
                group.addTask { for number in 0..<500 { _ = try await store.create("top/\(part)/\(number)", account) } }
            }
            try await group.waitForAll()
        }
        #expect(try await store.mailboxes(account).count == 10_001)
        try await store.rename("top", "new/top", account)
        #expect(try await store.found("new/top/7/499", account) != nil)
        #expect(try await store.mailboxes(account).filter { $0.name.hasPrefix("new/top/") }.count == 10_000)
    }
}
