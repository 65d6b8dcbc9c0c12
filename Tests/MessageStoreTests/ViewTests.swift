import MailTesting
import MessageStore
import NIOCore
import Testing
import Vocabulary

@Suite struct ViewTests {
    private func filled(_ store: MessageStore, _ count: Int, _ name: String = "Work") async throws -> MailboxID {
        let made = try await store.create(name, account)
        _ = try await store.append((1...count).map { added("\($0)\r\n") }, made.id)
        return made.id
    }

    @Test func flagsCountAndTell() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let work = try await self.filled(store, 5)
        let start = try await store.view(work)
        #expect(start.messages == 5 && start.unseen == 5 && start.deleted == 0)
        let first = try await store.changeFlags(work, [1, 2, 9], .add([.seen, .deleted]))
        #expect(
            first.changed.map(\.uid.rawValue) == [1, 2]
                && first.changed.allSatisfy { $0.flags == [.seen, .deleted] && $0.modSeq == first.modSeq })
        #expect(first.modSeq > start.highestModSeq)
        let second = try await store.changeFlags(work, UIDSet(1...3), .add([.seen]))
        #expect(second.changed.map(\.uid.rawValue) == [3] && second.modSeq > first.modSeq)
        #expect(try await store.changeFlags(work, UIDSet(1...3), .add([.seen])) == FlagsChanged(modSeq: second.modSeq))
        let now = try await store.view(work)
        #expect(now.unseen == 2 && now.deleted == 2 && now.highestModSeq == second.modSeq)
        // Those that somebody changed since are left, and named. [RFC7162-3.1.3]
        let third = try await store.changeFlags(work, UIDSet(1...5), .replace([.flagged]), unchangedSince: start.highestModSeq)
        #expect(third.modified == [1, 2, 3] && third.changed.map(\.uid.rawValue) == [4, 5])
        let fourth = try await store.changeFlags(work, UIDSet(1...5), .remove([.seen]), unchangedSince: first.modSeq)
        #expect(fourth.modified == [3, 4, 5] && fourth.changed.map(\.flags) == [[.deleted], [.deleted]])
        #expect(try store.check().problems == [])
    }

    @Test func keywordsAreMadeOnceWhateverTheirCaseAndHaveALimit() async throws {
        let scratch = try Scratch()
        var store = try scratch.open()
        let work = try await self.filled(store, 2)
        _ = try await store.changeFlags(work, [1], .add([]), ["$Forwarded", "Next"])
        _ = try await store.changeFlags(work, [2], .add([.seen]), ["NEXT"])
        // Taking away what is not there makes nothing.
        _ = try await store.changeFlags(work, [2], .remove([]), ["unknown"])
        store.close()
        store = try scratch.open()
        defer { store.close() }
        #expect(try await store.words(work) == [5: "$Forwarded", 6: "Next"])
        #expect(try await store.rows(work, [1, 2]).map(\.flags) == [[.keyword(5), .keyword(6)], [.seen, .keyword(6)]])
        let names = (0..<56).map { "k\($0)" }
        _ = try await store.changeFlags(work, [1], .add([]), names)
        await #expect(throws: StoreError.self) { try await store.changeFlags(work, [1, 2], .add([.flagged]), ["k5", "onemore"]) }
        await #expect(throws: StoreError.self) { try await store.append([added("x\r\n", [], ["another"])], work) }
        let words = try await store.words(work)
        #expect(words.count == 58 && words[62] == "k55")
        #expect(try await store.rows(work, [1]).first?.flags.rawValue == (1 << 63) - 1 - 31)
        #expect(try await store.rows(work, [2]).first?.flags.contains(.flagged) == false)
        #expect(try store.check().problems == [])
    }

    @Test func expungeTakesOnlyWhatIsFlaggedWhenAskedTo() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let work = try await self.filled(store, 1000)
        _ = try await store.changeFlags(work, UIDSet(ranges: [1...600, 999...999]), .add([.deleted]))
        let before = try await store.view(work)
        let gone = try await store.expunge(work, UIDSet(1...UInt32.max), onlyDeleted: true)
        #expect(gone.uids == UIDSet(ranges: [1...600, 999...999]))
        let after = try await store.view(work)
        #expect(after.messages == 399 && after.deleted == 0 && after.highestModSeq == gone.modSeq && gone.modSeq > before.highestModSeq)
        #expect(try await store.uids(work, asOf: before) == UIDSet(1...1000))
        #expect(try await store.uids(work, asOf: after) == UIDSet(ranges: [601...998, 1000...1000]))
        #expect(try await store.expunge(work, [5, 6]).uids.isEmpty)
        #expect(try await store.expunge(work, [700], onlyDeleted: false).uids == [700])
        #expect(try store.check().problems == [])
    }

    @Test("I5 changes since a modseq are exactly what happened, after a restart too") func changes() async throws {
        let scratch = try Scratch()
        var store = try scratch.open()
        let work = try await self.filled(store, 10)
        let start = try await store.view(work)
        #expect(try await store.changes(work, since: start) == StoredChanges(modSeq: start.highestModSeq, uidNext: start.uidNext))
        _ = try await store.changeFlags(work, [2, 3], .add([.seen]))
        _ = try await store.expunge(work, [4, 5])
        _ = try await store.append([added("11\r\n"), added("12\r\n")], work)
        _ = try await store.changeFlags(work, [3, 11], .add([.flagged]))
        _ = try await store.expunge(work, [12])
        let middle = try await store.view(work)
        store.close()
        store = try scratch.open()
        defer { store.close() }
        let found = try await store.changes(work, since: start)
        #expect(found.expunged == [4, 5] && found.arrived == [11] && found.uidNext.rawValue == 13 && found.isWhole && !found.isMore)
        #expect(found.modSeq == middle.highestModSeq)
        #expect(found.changed.map(\.uid.rawValue) == [2, 3] && found.changed.map(\.flags) == [[.seen], [.seen, .flagged]])
        // In pieces: the rest is asked for from where the first answer ended.
        let piece = try await store.changes(work, since: start, limit: 1)
        #expect(piece.isMore && piece.changed.map(\.uid.rawValue) == [2] && piece.modSeq < found.modSeq)
        var from = start
        (from.highestModSeq, from.uidNext) = (piece.modSeq, piece.uidNext)
        let rest = try await store.changes(work, since: from, limit: 1)
        #expect(rest.changed.map(\.uid.rawValue) == [3, 11] || rest.changed.map(\.uid.rawValue) == [3])
        #expect(try await store.uids(work, asOf: start) == UIDSet(1...10))
    }

    @Test func rowsComeInPagesWithAllThatFetchNeeds() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let work = try await store.create("Work", account)
        _ = try await store.append([added("old\r\n", [.seen], ["$A"], date: -86_400), added("new\r\n")], work.id)
        _ = try await store.append((0..<998).map { _ in added("x\r\n") }, work.id)
        let rows = try await store.rows(work.id, UIDSet(1...2))
        #expect(rows.map(\.date) == [-86_400, 1_800_000_000] && rows.map(\.saved) == [1_800_000_000, 1_800_000_000])
        #expect(rows.map(\.size) == [5, 5] && rows[0].flags == [.seen, .keyword(5)] && rows[0].blob != rows[1].blob)
        let wanted = UIDSet(ascending: (1...1500).filter { $0 % 3 == 0 || $0 % 100 < 40 })
        let expected = wanted.map(\.rawValue).filter { $0 <= 1000 }
        #expect(try await store.rows(work.id, wanted).map(\.uid.rawValue) == expected)
        var paged: [UInt32] = []
        while true {
            let page = try await store.rows(work.id, wanted, from: (paged.last ?? 0) + 1, limit: 37)
            paged += page.map(\.uid.rawValue)
            if page.count < 37 { break }
        }
        #expect(paged == expected)
    }
}
