import MailTesting
import MessageStore
import Testing
import Vocabulary

extension MessageStore {
    fileprivate func vanished(_ mailbox: MailboxID, _ modSeq: ModSeq) async throws -> Vanished {
        try await awaited("vanished") { self.vanished(from: mailbox, since: modSeq, completion: $0) }
    }
}

@Suite struct TombstoneTests {
    private static let day: Int64 = 86_400

    @Test("removed messages are remembered for 90 days, and afterwards it is known that they are not")
    func expire() async throws {
        let scratch = try Scratch()
        let clock = ManualClock()
        let store = try scratch.open { $0.now = { clock.now } }
        defer { store.close() }
        for number in 1...5 { _ = try await store.accept(message("\(number)\r\n")) }
        let other = AccountID(rawValue: 9)
        _ = try await store.accept(message("other\r\n", to: [PlannedDelivery(account: other)]))
        let mailbox = try await store.openInbox(account).mailbox
        let foreign = try await store.openInbox(other).mailbox
        let start = try await store.openInbox(account).highestModSeq
        #expect(try await store.expunge(mailbox, [UID(rawValue: 1), UID(rawValue: 2)]) == 2)
        clock.advance(60 * Self.day)
        #expect(try await store.expunge(mailbox, [UID(rawValue: 4)]) == 1)
        #expect(try await store.expunge(foreign, [UID(rawValue: 1)]) == 1)
        let between = try await store.openInbox(account).highestModSeq
        #expect(try await store.vanished(mailbox, start) == Vanished(uids: [1, 2, 4].map { UID(rawValue: $0) }))
        clock.advance(31 * Self.day)
        var left = Vanished()
        for _ in 0..<100 {
            left = try await store.vanished(mailbox, start)
            if left.uids.count == 1 { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(left == Vanished(uids: [UID(rawValue: 4)], isComplete: false))
        #expect(try await store.vanished(mailbox, between) == Vanished())
        #expect(try await store.vanished(foreign, ModSeq(rawValue: 1)).uids == [UID(rawValue: 1)])
        #expect(try store.check().problems == [])
    }

    @Test("many old removals go in slices, and mail is filed meanwhile")
    func manySlices() async throws {
        let scratch = try Scratch()
        let clock = ManualClock()
        let store = try scratch.open { $0.now = { clock.now } }
        defer { store.close() }
        let accounts = (1...40).map { AccountID(rawValue: Int64($0)) }
        for _ in 0..<40 { _ = try await store.accept(message("x\r\n", to: accounts.map { PlannedDelivery(account: $0) })) }
        var mailboxes: [MailboxID] = []
        for account in accounts {
            let listing = try await store.openInbox(account)
            mailboxes.append(listing.mailbox)
            #expect(try await store.expunge(listing.mailbox, listing.entries.map(\.uid)) == 40)
        }
        clock.advance(91 * Self.day)
        _ = try await store.accept(message("new\r\n", to: [PlannedDelivery(account: accounts[0])]))
        #expect(try await store.openInbox(accounts[0]).entries.count == 1)
        var left = -1
        for _ in 0..<100 where left != 0 {
            left = 0
            for mailbox in mailboxes { left += try await store.vanished(mailbox, ModSeq(rawValue: 0)).uids.count }
            if left != 0 { try await Task.sleep(for: .milliseconds(100)) }
        }
        #expect(left == 0)
        #expect(try store.check().problems == [])
    }
}
