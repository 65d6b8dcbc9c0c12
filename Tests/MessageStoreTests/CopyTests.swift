import MailTesting
import MessageStore
import NIOCore
import Synchronization
import Testing
import Vocabulary

@Suite struct CopyTests {
    @Test func copiesKeepWhatTheOriginalsHaveAndShareTheirBodies() async throws {
        let scratch = try Scratch()
        let store = try scratch.open { $0.segmentSize = 1000 }
        defer { store.close() }
        let from = try await store.create("from", account).id
        let to = try await store.create("to", account).id
        _ = try await store.changeFlags(to, [1], .add([]), ["$Other"])
        _ = try await store.append([added("1\r\n", [.seen], ["$A", "$B"], date: 5), added("2\r\n"), added("3\r\n", [.deleted])], from)
        _ = try await store.accept(
            message(
                "4\r\n",
                to: [
                    PlannedDelivery(account: account, mailbox: from, prefix: ByteBuffer(string: "P: 1\r\n")),
                    PlannedDelivery(account: account, mailbox: from, prefix: ByteBuffer(string: "P: 2\r\n")),
                ]))
        // Until it is filed a message has no UID.
        #expect(try await store.view(from).messages == 5)
        let done = try await store.copy([1, 3, 5, 77], from, to)
        #expect(done.sources == [1, 3, 5] && done.copies == [1, 2, 3])
        let validity = try await store.view(to).uidValidity
        #expect(done.uidValidity == validity)
        let words = try await store.words(to)
        #expect(words == [5: "$Other", 6: "$A", 7: "$B"])
        let rows = try await store.rows(to, UIDSet(1...9))
        #expect(rows.map(\.flags) == [[.seen, .keyword(6), .keyword(7)], [.deleted], []])
        #expect(rows[0].date == 5 && rows[0].saved == 1_800_000_000)
        #expect(try await store.text(to, UID(rawValue: 3)) == "P: 2\r\n4\r\n")
        let originals = try await store.rows(from, UIDSet(1...9))
        #expect(rows[0].blob == originals[0].blob)
        // The copy holds its own reference.
        _ = try await store.expunge(from, UIDSet(1...9))
        #expect(try await store.text(to, UID(rawValue: 1)) == "1\r\n")
        #expect(try store.check().problems == [])
        _ = try await store.expunge(to, UIDSet(1...9))
        #expect(try await store.usage(account) == AccountUsage(bytes: 0, messages: 0))
        #expect(try store.check().problems == [])
    }

    @Test("flags that may not come along never stand in the copy, nor are their keywords made", arguments: [false, true])
    func flagsLeftBehind(isMove: Bool) async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let from = try await store.create("from", account).id
        let to = try await store.create("to", account).id
        let item = added("1\r\n", [.seen, .deleted, .flagged], ["$Label1"])
        _ = try await store.append([item, item, item], from)
        #expect(try await store.copy([1], from, to, isMove: isMove, flags: []).copies == [1])
        #expect(try await store.copy([2], from, to, isMove: isMove, flags: [.seen]).copies == [2])
        #expect(try await store.words(to).isEmpty)
        #expect(try await store.copy([3], from, to, isMove: isMove, flags: MessageStore.allFlags).copies == [3])
        #expect(try await store.rows(to, UIDSet(1...9)).map(\.flags) == [[], .seen, [.seen, .deleted, .flagged, .keyword(5)]])
        let view = try await store.view(to)
        #expect(view.unseen == 1 && view.deleted == 1)
        #expect(try store.check().problems == [])
    }

    @Test func moveTakesTheOriginalsAway() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let other = AccountID(rawValue: 8)
        let from = try await store.create("from", account).id
        let to = try await store.create("shared", other).id
        _ = try await store.append((1...4).map { added("\($0)\r\n") }, from)
        let before = try await store.view(from)
        let done = try await store.copy([2, 3], from, to, isMove: true)
        #expect(done.sources == [2, 3] && done.copies == [1, 2] && done.failure == nil)
        let after = try await store.view(from)
        #expect(after.messages == 2 && after.highestModSeq > before.highestModSeq && done.modSeq == after.highestModSeq)
        #expect(try await store.changes(from, since: before).expunged == [2, 3])
        #expect(try await store.usage(account).messages == 2)
        #expect(try await store.usage(other).messages == 2)
        // Within one mailbox a move gives new UIDs, a copy doubles.
        #expect(try await store.copy([1], from, from, isMove: true).copies == [5])
        #expect(try await store.copy([4], from, from).copies == [6])
        #expect(try await store.uids(from, asOf: store.view(from)) == [4, 5, 6])
        #expect(try await store.copy([99], from, to, isMove: true).copies.isEmpty)
        await #expect(throws: StoreError.self) { try await store.copy([4], from, MailboxID(rawValue: 999)) }
        #expect(try store.check().problems == [])
    }

    @Test func aCopyOverQuotaCopiesNothing() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let from = try await store.create("from", account).id
        let to = try await store.create("to", account).id
        _ = try await store.append((1...4).map { added("1234567\($0)\r\n") }, from)
        await #expect(throws: StoreError.self) { try await store.copy(UIDSet(1...4), from, to, quota: 79) }
        #expect(try await store.view(to).messages == 0)
        #expect(try await store.copy(UIDSet(1...4), from, to, quota: 80).copies == UIDSet(1...4))
        #expect(try await store.copy(UIDSet(1...4), from, to, quota: 0, isMove: true).copies == UIDSet(5...8))
        #expect(try store.check().problems == [])
    }

    @Test("a copy of more than one transaction is all or none, too") func veryMany() async throws {
        let scratch = try Scratch()
        var store = try scratch.open()
        let from = try await store.create("from", account).id
        let to = try await store.create("to", account).id
        for _ in 0..<12 { _ = try await store.append((0..<1000).map { _ in added("12345678\r\n") }, from) }
        // The third slice does not fit.
        await #expect(throws: StoreError.self) { try await store.copy(UIDSet(1...20_000), from, to, quota: 230_000) }
        // What an account uses is counted a moment after the commit.
        let isTakenBack = await settled {
            let (left, used) = (try? await store.view(to).messages, try? await store.usage(account).messages)
            return left == 0 && used == 12_000
        }
        #expect(isTakenBack, "what was copied is still there")
        #expect(try store.check().problems == [])
        let done = try await store.copy(UIDSet(1...20_000), from, to)
        #expect(done.sources == UIDSet(1...12_000) && done.copies.count == 12_000)
        let moved = try await store.copy(UIDSet(1...20_000), from, to, isMove: true)
        #expect(moved.copies.count == 12_000 && moved.failure == nil)
        store.close()
        store = try scratch.open()
        defer { store.close() }
        #expect(try await store.view(from).messages == 0)
        #expect(try await store.view(to).messages == 24_000)
        #expect(try store.check().problems == [])
    }

    /// Each message in one of two mailboxes at any time, or nothing in the other: `isMove`.
    @Test(
        "R1 a process killed within a copy of several transactions has copied nothing, within a move lost nothing",
        arguments: [false, true])
    func killed(_ isMove: Bool) async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let from = try await store.create("from", account).id
        let to = try await store.create("to", account).id
        for _ in 0..<12 { _ = try await store.append((0..<1000).map { _ in added("12345678\r\n") }, from) }
        let images = Mutex<[Scratch]>([])
        // After each transaction, before the next one.
        let subscription = store.changes.subscribe(to) { _ in
            if let image = try? scratch.image() { images.withLock { $0.append(image) } }
        }
        let done = try await store.copy(UIDSet(1...12_000), from, to, isMove: isMove)
        withExtendedLifetime(subscription) {}
        #expect(done.copies == UIDSet(1...12_000))
        let taken = images.withLock { $0 }
        #expect(taken.count == 3)
        for (index, image) in taken.enumerated() {
            let copied = [5000, 10_000, 12_000][min(index, 2)]
            // Twice: the second start comes while the first one takes back what was copied.
            var again = try image.open()
            let half = try image.image()
            for place in [image, half] {
                if place === half { again = try half.open() }
                let wanted = isMove || index == 2 ? copied : 0
                let isDone = await settled { (try? await again.view(to).messages) == wanted }
                #expect(isDone, "\(copied) were copied, \(wanted) should be there")
                let view = try await again.view(to)
                // No UID comes twice.
                #expect(view.uidNext.rawValue == UInt32(copied) + 1)
                #expect(try await again.view(from).messages == 12_000 - (isMove ? copied : 0))
                #expect(try await again.append([added("later\r\n")], to).uids == [view.uidNext])
                let isQuiet = await settled { (try? again.check().problems) == [] }
                #expect(isQuiet)
                again.close()
            }
        }
    }
}
