import Database
import MailTesting
import MessageStore
import Synchronization
import Testing
import Vocabulary

/// Changes of the flags of very many messages are answered before they stand in the rows: docs/decisions, 0022.
@Suite struct PromisedFlagsTests {
    private static func filled(_ store: MessageStore, _ count: Int, _ name: String = "Work") async throws -> MailboxID {
        let work = try await store.create(name, account).id
        _ = try await store.append((0..<count).map { added("\($0)\r\n", $0 % 3 == 0 ? [.seen] : []) }, work)
        return work
    }

    @Test("I5 who reads after the answer sees the change, every time") func readersWait() async throws {
        let scratch = try Scratch()
        let store = try scratch.open { $0.promisesFrom = 5 }
        defer { store.close() }
        let work = try await Self.filled(store, 300)
        for round in 0..<60 {
            let change: MessageStore.FlagChange = round % 2 == 0 ? .add([.flagged, .deleted]) : .remove([.flagged, .deleted])
            let before = try await store.view(work)
            let done = try await store.changeFlags(work, UIDSet(1...300), change)
            #expect(done.steps.map(\.uids) == [UIDSet(1...300)] && done.before == before.highestModSeq)
            switch round % 4 {
            case 0:
                let rows = try await store.rows(work, UIDSet(1...300))
                #expect(rows.allSatisfy { $0.flags.contains(.deleted) == (round % 2 == 0) && $0.modSeq == done.modSeq })
            case 1: #expect(try await store.changes(work, since: before).changed.count == 300)
            case 2: #expect(try await store.openMailbox(work).entries.allSatisfy { $0.flags.contains(.flagged) })
            default: #expect(try store.changed(in: work, since: before.highestModSeq).count == 300)
            }
            #expect(try await store.view(work).deleted == (round % 2 == 0 ? 300 : 0))
        }
        #expect(try store.check().problems == [])
    }

    @Test("R1 a process killed between the answer and the rows has changed the flags", arguments: [false, true])
    func killed(_ repairs: Bool) async throws {
        let scratch = try Scratch()
        let store = try scratch.open { $0.promisesFrom = 5 }
        defer { store.close() }
        let work = try await Self.filled(store, 40)
        _ = try await store.changeFlags(work, [3, 4], .add([.flagged]))
        let start = try await store.view(work)
        let image = Mutex<Scratch?>(nil)
        // The answer comes on the folder's thread, before it goes on to the rows.
        let done = try await awaited("changeFlags") { (answered: @escaping MessageStore.Answer<FlagsChanged>) in
            store.changeFlags(work, UIDSet(ranges: [1...10, 20...30]), .replace([.seen, .draft])) { result in
                let files = try? scratch.image()
                image.withLock { $0 = files }
                answered(result)
            }
        }
        let files = try #require(image.withLock { $0 })
        // It is what it should be.
        let plain = try files.mailDatabase()
        let promised = try plain.read { db throws(DatabaseError) in try db.row(Statement("SELECT count(*) FROM unwritten")) { $0.int(0) } }
        plain.close()
        #expect(promised == 2)
        if repairs {
            var options = StoreOptions(now: { 1_800_000_000 })
            options.minimumFree = 0
            #expect(try MessageStore.repair(files.location, options).left == [])
        }
        let again = try files.open()
        defer { again.close() }
        #expect(try again.check().problems == [])
        let rows = try await again.rows(work, UIDSet(1...40))
        let changed = UIDSet(ranges: [1...10, 20...30])
        #expect(rows.count == 40)
        #expect(rows.allSatisfy { changed.contains($0.uid) == ($0.flags == [.seen, .draft]) })
        #expect(try await again.changes(work, since: start).changed.map(\.uid) == Array(changed))
        #expect(try await again.view(work).highestModSeq == done.modSeq)
    }

    @Test func whatIsAskedForTogetherMeetsTheRowsAsTheyShouldBe() async throws {
        let scratch = try Scratch()
        let store = try scratch.open { $0.promisesFrom = 2 }
        defer { store.close() }
        let (work, other) = (try await Self.filled(store, 20), try await store.create("Other", account).id)
        let hold = try await store.create("hold", account).id
        let held = try await HeldFolder(store, by: hold)
        // In this order, before any of them is done.
        let flags = Mutex<[FlagsChanged]>([])
        let copies = Mutex(UIDSet())
        let note: MessageStore.Answer<FlagsChanged> = { result in if case .success(let done) = result { flags.withLock { $0.append(done) } }
        }
        store.changeFlags(work, UIDSet(1...20), .add([.deleted]), completion: note)
        store.copy(UIDSet(1...10), from: work, to: other, quota: nil, isMove: false) { result in
            if case .success(let done) = result { copies.withLock { $0 = done.copies } }
        }
        store.changeFlags(work, UIDSet(1...20), .remove([.seen]), unchangedSince: ModSeq(rawValue: 21), completion: note)
        store.changeFlags(work, UIDSet(11...20), .add([.flagged]), completion: note)
        held.letGo()
        let isDone = await settled { flags.withLock { $0.count } == 3 }
        #expect(isDone)
        let done = flags.withLock { $0 }
        #expect(done.first?.steps.map(\.uids.count) == [20] && done.dropFirst().first?.modified == UIDSet(1...20))
        #expect(done.last?.steps.map(\.uids) == [UIDSet(11...20)])
        let rows = try await store.rows(work, UIDSet(1...20))
        #expect(rows.allSatisfy { $0.flags.contains(.deleted) && $0.flags.contains(.flagged) == ($0.uid.rawValue > 10) })
        #expect(copies.withLock { $0 } == UIDSet(1...10))
        #expect(try await store.rows(other, UIDSet(1...10)).allSatisfy { $0.flags.contains(.deleted) })
        #expect(try store.check().problems == [])
    }

    @Test("changes that wait together are one transaction, and one that fails undoes no other") func together() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let (work, hold) = (try await Self.filled(store, 10), try await store.create("hold", account).id)
        let told = Mutex(0)
        let done = Mutex<[Bool]>([])
        let subscription = store.changes.subscribe(work) { _ in told.withLock { $0 += 1 } }
        let held = try await HeldFolder(store, by: hold)
        let names = (1...59).map { "$k\($0)" }
        for number in 0..<30 {
            let note: MessageStore.Answer<FlagsChanged> = { result in
                let isDone = if case .success = result { true } else { false }
                done.withLock { $0.append(isDone) }
            }
            let uid = UInt32(number % 10 + 1)
            store.changeFlags(
                work, UIDSet(uid...uid), number < 10 ? .add([.flagged]) : number < 20 ? .remove([.seen]) : .add([.draft]),
                keywords: number == 7 ? names : [], completion: note)
        }
        store.expunge(work, uids: [2], onlyDeleted: false) { result in
            let isDone = if case .success = result { true } else { false }
            done.withLock { $0.append(isDone) }
        }
        held.letGo()
        let isOver = await settled { done.withLock { $0.count } == 31 }
        #expect(isOver)
        #expect(done.withLock { $0 } == (0..<31).map { $0 != 7 })
        withExtendedLifetime(subscription) {}
        #expect(told.withLock { $0 } == 1)
        let rows = try await store.rows(work, UIDSet(1...10))
        #expect(rows.count == 9 && rows.allSatisfy { $0.flags == ($0.uid.rawValue == 8 ? [.draft] : [.flagged, .draft]) })
        #expect(try store.check().problems == [])
    }

    @Test("I6 who changes messages learns whether others changed the mailbox meanwhile") func before() async throws {
        let scratch = try Scratch()
        let store = try scratch.open { $0.promisesFrom = 4 }
        defer { store.close() }
        let work = try await Self.filled(store, 12)
        let theirs = try await store.changeFlags(work, [2, 5], .add([.answered]))
        let mine: FlagsChanged = try await awaited("changeFlags") {
            store.changeFlags(work, UIDSet(1...6), .add([.flagged]), telling: .nothing, completion: $0)
        }
        #expect(mine.changed.isEmpty && mine.before == theirs.modSeq && mine.flags.contains(.answered))
        // Those that a change leaves as they are are told on demand, with their own MODSEQ.
        let all: FlagsChanged = try await awaited("changeFlags") {
            store.changeFlags(work, UIDSet(2...8), .add([.flagged]), telling: .all, completion: $0)
        }
        #expect(all.before == mine.modSeq && all.steps.map(\.uids) == [[7, 8]] && all.changed.map(\.uid.rawValue) == Array(2...8))
        #expect(all.changed.map(\.modSeq) == Array(repeating: mine.modSeq, count: 5) + [all.modSeq, all.modSeq])
    }
}
