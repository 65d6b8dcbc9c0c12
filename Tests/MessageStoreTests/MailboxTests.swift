import MailTesting
import MessageStore
import NIOCore
import Synchronization
import Testing
import Vocabulary

@Suite struct MailboxTests {
    @Test func expungeRemovesForGoodAndUIDsAreNeverGivenAgain() async throws {
        let scratch = try Scratch()
        var store = try scratch.open()
        for number in 1...3 { _ = try await store.accept(message("\(number)\r\n")) }
        let inbox = try await store.openInbox(account).mailbox
        #expect(try await store.expunge(inbox, [UID(rawValue: 2), UID(rawValue: 3), UID(rawValue: 9)]) == 2)
        store.close()
        store = try scratch.open()
        defer { store.close() }
        _ = try await store.accept(message("4\r\n"))
        let listing = try await store.openInbox(account)
        #expect(listing.entries.map(\.uid.rawValue) == [1, 4])
        #expect(try store.check().problems == [])
    }

    @Test func expungedMessageIsReadToItsEndByWhoOpenedItBefore() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let text = String(repeating: "0123456789\r\n", count: 15_000)
        _ = try await store.accept(message(text))
        let inbox = try await store.openInbox(account).mailbox
        let reader = try await store.reader(inbox, UID(rawValue: 1))
        _ = try await store.expunge(inbox, [UID(rawValue: 1)])
        var out = ByteBuffer()
        while var chunk = try await reader.next() { out.writeBuffer(&chunk) }
        #expect(String(buffer: out).hasSuffix(text))
        await #expect(throws: StoreError.self) { try await store.reader(inbox, UID(rawValue: 1)) }
    }

    @Test func flagsRaiseModSeqOnlyWhereTheyChange() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        for number in 1...2 { _ = try await store.accept(message("\(number)\r\n")) }
        let before = try await store.openInbox(account)
        let first = try await store.setFlags(before.mailbox, [UID(rawValue: 1)], .add(.seen))
        let again = try await store.setFlags(before.mailbox, [UID(rawValue: 1)], .add(.seen))
        #expect(first > before.highestModSeq && again == first)
        let after = try await store.openInbox(account)
        #expect(after.entries.map(\.flags) == [.seen, []])
        #expect(after.highestModSeq == first)
        _ = try await store.setFlags(before.mailbox, [UID(rawValue: 1)], .replace([.flagged, .deleted]))
        #expect(try await store.openInbox(account).entries.map(\.flags) == [[.flagged, .deleted], []])
        #expect(try store.check().problems == [])
    }

    @Test func deliveryToAMissingOrForeignMailboxGoesToINBOX() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let other = AccountID(rawValue: 8)
        let folder = try await store.makeMailbox("Work", account)
        let foreign = try await store.makeMailbox("Work", other)
        for target in [folder, foreign, MailboxID(rawValue: 999)] {
            _ = try await store.accept(message("x\r\n", to: [PlannedDelivery(account: account, mailbox: target)]))
        }
        #expect(try await store.openInbox(account).entries.count == 2)
        #expect(try await store.openMailbox(folder).entries.count == 1)
        #expect(try await store.openMailbox(foreign).entries.isEmpty)
    }

    @Test("R1 mail for a mailbox that is removed between its 250 and its filing comes into INBOX") func removedBeforeFiling() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let (work, hold) = (try await store.create("Work", account).id, try await store.create("hold", account).id)
        let held = try await HeldFolder(store, by: hold)
        _ = try await store.accept(message("x\r\n", to: [PlannedDelivery(account: account, mailbox: work)]))
        // Answered, on stable storage, and not filed.
        #expect(store.unfiled > 0)
        let isDeleted = Mutex(false)
        store.deleteMailbox(work) { result in if case .success = result { isDeleted.withLock { $0 = true } } }
        held.letGo()
        let inbox = try await store.openInbox(account)
        #expect(inbox.entries.count == 1 && isDeleted.withLock { $0 })
        #expect(try await store.text(inbox.mailbox, UID(rawValue: 1)) == "x\r\n")
        await #expect(throws: StoreError.self) { try await store.view(work) }
        #expect(try store.check().problems == [])
    }

    @Test func makingAMailboxTwiceFindsTheFirst() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let first = try await store.makeMailbox("Work", account)
        #expect(try await store.makeMailbox("Work", account) == first)
        #expect(try await store.makeMailbox("Work", AccountID(rawValue: 8)) != first)
    }

    @Test("I3 a removed account's number takes no more mail, and nothing of it comes back") func removedAccount() async throws {
        let scratch = try Scratch()
        var store = try scratch.open { $0.segmentSize = 4000 }
        for number in 1...1200 { _ = try await store.accept(message("\(number)\r\n")) }
        let inbox = try await store.openInbox(account).mailbox
        try await store.removeAccount(account)
        let late = try await store.accept(message("late\r\n"))
        #expect(late.deferred == [.init(index: 0, reason: .accountGone)])
        store.close()
        store = try scratch.open()
        // The job goes on after the restart; opening INBOX of a removed account makes none.
        await #expect(throws: StoreError.self) { try await store.openInbox(account) }
        let deadline = monotonicSeconds() + Patience.usual
        while monotonicSeconds() < deadline, (try? await store.openMailbox(inbox)) != nil {}
        #expect(try await store.usage(account) == AccountUsage(bytes: 0, messages: 0))
        #expect(try store.check().problems == [])
        store.close()
        store = try scratch.open()
        defer { store.close() }
        // Segments of the dead messages are gone but for the one with the queued message and the one in use.
        #expect(scratch.segments.count <= 3)
        let next = try await store.openInbox(AccountID(rawValue: 8))
        #expect(next.mailbox > inbox && next.uidValidity.rawValue > 0)
    }

    @Test func usageIsExactWithWhatIsNotFiledYet() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        #expect(try await store.usage(account) == AccountUsage(bytes: 0, messages: 0))
        for _ in 1...5 { _ = try await store.accept(message("12345678\r\n", to: [PlannedDelivery(account: account)])) }
        #expect(try await store.usage(account) == AccountUsage(bytes: 50, messages: 5))
        let inbox = try await store.openInbox(account).mailbox
        _ = try await store.expunge(inbox, [UID(rawValue: 1), UID(rawValue: 2)])
        #expect(try await store.usage(account) == AccountUsage(bytes: 30, messages: 3))
    }

    @Test func copyOverQuotaWaitsInTheQueueAndIsDeliveredWhenThereIsRoom() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let full = PlannedDelivery(
            account: account, prefix: ByteBuffer(string: "To: a\r\n"), quota: 40,
            recipient: Envelope.Recipient(Address(localPart: "a", domain: "x.test")))
        let free = PlannedDelivery(account: AccountID(rawValue: 8), prefix: ByteBuffer(string: "To: b\r\n"))
        let text = "1234567890123456789\r\n"
        #expect(try await store.accept(message(text, to: [full, free])).deferred == [])
        #expect(try await store.accept(message(text, to: [full, free])).deferred == [.init(index: 0, reason: .overQuota)])
        #expect(try await store.texts(AccountID(rawValue: 8)) == ["To: b\r\n" + text, "To: b\r\n" + text])
        let entries = try store.queueEntries(limit: 10)
        let entry = try #require(entries.first)
        #expect(entries.count == 1 && entry.draft.channel == .mailbox && entry.draft.recipient.address.localPart == "a")
        let waiting = try #require(DeferredDelivery(decoding: entry.draft.payload)).delivery
        #expect(waiting.prefix == full.prefix && waiting.quota == 40)
        #expect(try await store.redeliver(entry.id, waiting) == .overQuota)
        let inbox = try await store.openInbox(account).mailbox
        _ = try await store.expunge(inbox, [UID(rawValue: 1)])
        #expect(try await store.redeliver(entry.id, waiting) == .delivered)
        #expect(try await store.texts(account) == ["To: a\r\n" + text])
        #expect(try store.queueEntries(limit: 10).isEmpty)
        #expect(try store.check().problems == [])
    }

    @Test func changesAreTold() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let inbox = try await store.openInbox(account).mailbox
        let seen = Mutex<[Int64]>([])
        let subscription = store.changes.subscribe(inbox) { modSeq in seen.withLock { $0.append(modSeq.rawValue) } }
        _ = try await store.accept(message("x\r\n"))
        _ = try await store.openInbox(account)
        let modSeq = try await store.setFlags(inbox, [UID(rawValue: 1)], .add(.seen))
        withExtendedLifetime(subscription) {}
        #expect(seen.withLock { $0.last } == modSeq.rawValue && seen.withLock { $0.count } == 2)
    }

    private typealias Opened = [(uid: UID, reader: Result<MessageReader, StoreError>)]

    @Test func manySmallMessagesAreOpenedInOneGo() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        for number in 1...5 { _ = try await store.accept(message("number \(number)\r\n", to: [PlannedDelivery(account: account)])) }
        let inbox = try await store.openInbox(account).mailbox
        let uids = [1, 2, 77, 4, 5].map { UID(rawValue: $0) }
        let opened = try await awaited("readers") { (answer: @escaping @Sendable (Result<Opened, StoreError>) -> Void) in
            store.readers(inbox, uids, budget: 30) { answer(.success($0)) }
        }
        #expect(opened.map(\.uid.rawValue) == [1, 2, 77, 4])
        #expect(opened.map { (try? $0.reader.get()) != nil } == [true, true, false, true])
    }
}
