import Database
import MailTesting
import MessageStore
import NIOCore
import Synchronization
import Testing
import Vocabulary

/// REPLACE: a message comes and another goes, both or neither. RFC 8508
@Suite struct ReplaceTests {
    @Test("R1 a message comes in the place of another in one step") func replace() async throws {
        let scratch = try Scratch()
        var store = try scratch.open()
        let (work, sent) = (try await store.create("Work", account), try await store.create("Sent", account))
        _ = try await store.append((1...3).map { added("\($0)\r\n") }, work.id)
        let before = try await store.view(work.id)
        let here = try await store.replace(2, of: work.id, added("two\r\n", [.draft]), in: work.id)
        #expect(here.uids.map(\.rawValue) == [4] && here.replaced?.uids == [2])
        let changes = try await store.changes(work.id, since: before)
        #expect(changes.expunged == [2] && changes.arrived == [4] && changes.modSeq == here.replaced?.modSeq)
        // Into another mailbox, with a body that was too long for memory.
        let large = try store.beginLargeBody()
        try await large.append(ByteBuffer(string: "sent\r\n"))
        let there = try await store.replace(4, of: work.id, AppendItem(body: .large(large)), in: sent.id)
        #expect(there.uids.map(\.rawValue) == [1] && there.replaced?.uids == [4])
        store.close()
        store = try scratch.open()
        defer { store.close() }
        #expect(try await store.uids(work.id, asOf: store.view(work.id)) == [1, 3])
        #expect(try await store.text(sent.id, UID(rawValue: 1)) == "sent\r\n")
        #expect(try store.check().problems == [])
    }

    @Test("what somebody else has removed is not replaced, and nothing is added") func gone() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let (work, hold) = (try await store.create("Work", account).id, try await store.create("hold", account).id)
        _ = try await store.append((1...3).map { added("\($0)\r\n") }, work)
        _ = try await store.expunge(work, [1])
        await #expect(throws: StoreError.self) { try await store.replace(1, of: work, added("new\r\n"), in: work) }
        // It goes while the new one is on its way: on stable storage, but not filed.
        let held = try await HeldFolder(store, by: hold)
        let removed = Mutex(UIDSet())
        store.expunge(work, uids: [2], onlyDeleted: false) { result in
            if case .success(let done) = result { removed.withLock { $0 = done.uids } }
        }
        let replaced = Task { try await store.replace(2, of: work, added("new\r\n"), in: work) }
        let isWaiting = await settled { store.unfiled > 1 }
        #expect(isWaiting)
        held.letGo()
        await #expect(throws: StoreError.self) { try await replaced.value }
        #expect(removed.withLock { $0 } == [2])
        #expect(try await store.uids(work, asOf: store.view(work)) == [3])
        // So does a mailbox.
        let other = try await store.create("Other", account).id
        _ = try await store.append([added("x\r\n")], other)
        let again = try await HeldFolder(store, by: hold)
        store.deleteMailbox(other) { _ in }
        let late = Task { try await store.replace(1, of: other, added("new\r\n"), in: work) }
        let isLate = await settled { store.unfiled > 1 }
        #expect(isLate)
        again.letGo()
        await #expect(throws: StoreError.self) { try await late.value }
        #expect(try await store.view(work).messages == 1)
        #expect(try store.check().problems == [])
    }

    @Test("what goes counts as free, what stays does not") func quota() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let other = AccountID(rawValue: 8)
        let (work, shared) = (try await store.create("Work", account).id, try await store.create("Shared", other).id)
        _ = try await store.append([added("12345678\r\n")], work)
        _ = try await store.append([added("12345678\r\n")], shared)
        await #expect(throws: StoreError.self) { try await store.append([added("1\r\n")], work, quota: 12) }
        await #expect(throws: StoreError.self) { try await store.replace(1, of: work, added("12345678901\r\n"), in: work, quota: 12) }
        await #expect(throws: StoreError.self) { try await store.replace(1, of: shared, added("1\r\n"), in: work, quota: 12) }
        #expect(try await store.replace(1, of: work, added("1234567890\r\n"), in: work, quota: 12).uids.map(\.rawValue) == [2])
        #expect(try await store.usage(account) == AccountUsage(bytes: 12, messages: 1))
        #expect(try store.check().problems == [])
    }

    @Test("R1 a process killed at any moment of it leaves one of the two, and what was answered") func killed() async throws {
        let scratch = try Scratch()
        let images = Mutex<[Scratch]>([])
        let isOn = Mutex(false)
        let take: @Sendable () -> Void = {
            guard isOn.withLock({ $0 }), let image = try? scratch.image() else { return }
            images.withLock { $0.append(image) }
        }
        let store = try scratch.open { options in
            options.faults = FileFaults { _, _ in
                take()
                return nil
            }
        }
        defer { store.close() }
        let work = try await store.create("Work", account).id
        _ = try await store.append([added("old\r\n"), added("other\r\n")], work)
        let subscription = store.changes.subscribe(work) { _ in take() }
        isOn.withLock { $0 = true }
        _ = try await store.replace(1, of: work, added("new\r\n"), in: work)
        isOn.withLock { $0 = false }
        let answered = try scratch.image()
        withExtendedLifetime(subscription) {}
        let taken = images.withLock { $0 }
        // Before the write, before the sync, after the filing, at least.
        #expect(taken.count >= 3)
        var outcomes: Set<String> = []
        for image in taken + [answered] {
            let again = try image.open()
            let uids = try await again.uids(work, asOf: again.view(work))
            var texts: [String] = []
            for uid in uids { texts.append(try await again.text(work, uid)) }
            outcomes.insert(texts.joined())
            #expect(try again.check().problems == [])
            if image === answered { #expect(texts == ["other\r\n", "new\r\n"]) }
            again.close()
        }
        #expect(outcomes == ["old\r\nother\r\n", "other\r\nnew\r\n"])
    }

    @Test("R12 an index made anew has every message that came, whatever they replaced") func rebuilt() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        let work = try await store.create("Work", account).id
        _ = try await store.append((1...3).map { added("\($0)\r\n") }, work)
        _ = try await store.expunge(work, [1])
        _ = try await store.replace(2, of: work, added("two\r\n"), in: work)
        _ = try await store.replace(4, of: work, added("second\r\n"), in: work)
        store.close()
        overwrite(scratch.location.mailDatabase, [UInt8](repeating: 0, count: 100), truncating: true)
        var options = StoreOptions(now: { 1_900_000_000 })
        options.minimumFree = 0
        #expect(try MessageStore.repair(scratch.location, options).left == [])
        let again = try scratch.open()
        defer { again.close() }
        let inbox = try await again.inbox(account)
        var texts: [String] = []
        for uid in try await again.uids(inbox, asOf: again.view(inbox)) { texts.append(try await again.text(inbox, uid)) }
        #expect(texts == ["1\r\n", "2\r\n", "3\r\n", "two\r\n", "second\r\n"])
        #expect(try again.check().problems == [])
    }
}
