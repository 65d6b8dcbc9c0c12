import MessageStore
import NIOCore
import Testing
import Vocabulary

@Suite struct AcceptTests {
    @Test func acceptedMessageIsListedAndReadBackWithItsPrefix() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        _ = try await store.accept(message("Subject: x\r\n\r\nhello\r\n"))
        let listing = try await store.openInbox(account)
        #expect(listing.entries.map(\.uid.rawValue) == [1])
        #expect(listing.entries.first.map { Int($0.size) } == "Return-Path: <a@b>\r\nSubject: x\r\n\r\nhello\r\n".utf8.count)
        #expect(try await store.text(listing.mailbox, UID(rawValue: 1)) == "Return-Path: <a@b>\r\nSubject: x\r\n\r\nhello\r\n")
    }

    @Test("R1 what was accepted is there after reopening") func acceptedMessageSurvivesReopening() async throws {
        let scratch = try Scratch()
        for round in 1...3 {
            let store = try scratch.open()
            _ = try await store.accept(message("round \(round)\r\n"))
            store.close()
        }
        let store = try scratch.open()
        defer { store.close() }
        #expect(try await store.texts(account) == (1...3).map { "Return-Path: <a@b>\r\nround \($0)\r\n" })
    }

    @Test func emptyInboxIsMadeOnFirstOpening() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let first = try await store.openInbox(account)
        let second = try await store.openInbox(account)
        #expect(first.entries.isEmpty && first.mailbox == second.mailbox && first.uidValidity == second.uidValidity)
        #expect(first.uidValidity.rawValue > 0)
    }

    @Test func copiesForManyShareOneBodyAndKeepTheirOwnPrefix() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        let accounts = (1...1000).map { AccountID(rawValue: $0) }
        let deliveries = accounts.map { id in
            PlannedDelivery(
                account: id,
                prefix: ByteBuffer(string: "Return-Path: <s@x>\r\nDelivered-To: user\(id)@example.test\r\nReceived: by x; now\r\n"))
        }
        _ = try await store.accept(message(String(repeating: "0123456789abcde\n", count: 640), to: deliveries))
        for id in [accounts[0], accounts[9], accounts[999]] {
            let text = try #require(try await store.texts(id).first)
            #expect(text.hasPrefix("Return-Path: <s@x>\r\nDelivered-To: user\(id)@example.test\r\nReceived: by x; now\r\n0123"))
        }
        store.close()
        let size = scratch.segments.reduce(0) { $0 + bytes(ofFile: $1).count }
        #expect(size < 60_000)
    }

    @Test func largeBodyStreamsIntoAFileOfItsOwnAndComesBack() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        let chunk = ByteBuffer(string: String(repeating: "0123456789abcdef", count: 4096))
        let large = try store.beginLargeBody()
        for _ in 0..<20 { try await large.append(chunk) }
        #expect(large.count == 20 * 65536)
        var item = message("")
        item.body = .large(large)
        _ = try await store.accept(item)
        _ = try await store.accept(message("after\r\n"))
        let expected = "Return-Path: <a@b>\r\n" + String(repeating: String(buffer: chunk), count: 20)
        #expect(try await store.texts(account) == [expected, "Return-Path: <a@b>\r\nafter\r\n"])
        store.close()
        let again = try scratch.open()
        #expect(try await again.texts(account) == [expected, "Return-Path: <a@b>\r\nafter\r\n"])
        #expect(scratch.segments.count == 2)
        let listing = try await again.openInbox(account)
        #expect(try await again.expunge(listing.mailbox, [UID(rawValue: 1)]) == 1)
        again.close()
        #expect(scratch.segments.count == 1)
    }

    @Test func abandonedLargeBodyLeavesNoFile() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        var large: LargeBody? = try store.beginLargeBody()
        try await large?.append(ByteBuffer(string: "x"))
        #expect(scratch.segments.count == 1)
        large = nil
        store.close()
        #expect(scratch.segments.isEmpty)
    }

    @Test func concurrentSendersGetDistinctUIDsInOrderOfTheLog() async throws {
        let scratch = try Scratch()
        let store = try scratch.open { $0.segmentSize = 20_000 }
        defer { store.close() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<8 {
                group.addTask {
                    for number in 0..<50 { _ = try await store.accept(message("sender \(sender) number \(number)\r\n")) }
                }
            }
            try await group.waitForAll()
        }
        let listing = try await store.openInbox(account)
        #expect(listing.entries.map(\.uid.rawValue) == Array(1...400))
        #expect(listing.uidNext.rawValue == 401)
        #expect(scratch.segments.count > 3)
        #expect(Set(try await store.texts(account)).count == 400)
    }
}
