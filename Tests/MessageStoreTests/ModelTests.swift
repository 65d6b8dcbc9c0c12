import MessageStore
import NIOCore
import Testing
import Vocabulary

/// Numbers that look random and are the same in every run.
struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var z = self.state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

/// What a mailbox should hold, kept in the plainest way.
private struct Model {
    struct Message: Equatable {
        var uid: UInt32
        var text: String
        var flags: Flags
    }

    var inboxes: [Int64: [Message]] = [:]
    var next: [Int64: UInt32] = [:]

    mutating func add(_ account: Int64, _ text: String) {
        let uid = self.next[account] ?? 1
        self.next[account] = uid + 1
        self.inboxes[account, default: []].append(Message(uid: uid, text: text, flags: []))
    }
}

@Suite struct ModelTests {
    @Test("R1 I1 the store agrees with a plain model over random work and reopenings", arguments: [1, 2, 3, 4] as [UInt64])
    func agreesWithModel(seed: UInt64) async throws {
        var dice = Dice(state: seed)
        let scratch = try Scratch()
        var model = Model()
        func open() throws -> MessageStore {
            try scratch.open {
                $0.segmentSize = 6000
                $0.inlineLimit = 300
            }
        }
        var store = try open()
        for step in 0..<400 {
            let account = Int64.random(in: 1...5, using: &dice)
            switch Int.random(in: 0..<100, using: &dice) {
            case 0..<55: try await self.deliver(step, store, &model, &dice)
            case 55..<70: try await self.expunge(account, store, &model, &dice)
            case 70..<85: try await self.flag(account, store, &model, &dice)
            case 85..<95: try await self.compare(account, store, model)
            case 95..<97:
                store.close()
                store = try open()
            default: #expect(try store.check().problems == [])
            }
        }
        for account in 1...5 as ClosedRange<Int64> { try await self.compare(account, store, model) }
        #expect(try store.check().problems == [])
        store.close()
    }

    private func deliver(_ step: Int, _ store: MessageStore, _ model: inout Model, _ dice: inout Dice) async throws {
        let accounts = (0..<Int.random(in: 1...4, using: &dice)).map { _ in Int64.random(in: 1...5, using: &dice) }
        let text = "step \(step) " + String(repeating: "x", count: Int.random(in: 0...600, using: &dice)) + "\r\n"
        var item = message(
            text, to: accounts.map { PlannedDelivery(account: AccountID(rawValue: $0), prefix: ByteBuffer(string: "To: \($0)\r\n")) })
        if text.utf8.count > store.options.inlineLimit {
            let large = try store.beginLargeBody()
            try await large.append(ByteBuffer(string: text))
            item.body = .large(large)
        }
        _ = try await store.accept(item)
        for account in accounts { model.add(account, "To: \(account)\r\n" + text) }
    }

    private func expunge(_ account: Int64, _ store: MessageStore, _ model: inout Model, _ dice: inout Dice) async throws {
        let chosen = (model.inboxes[account] ?? []).filter { _ in Bool.random(using: &dice) }.map(\.uid)
        let inbox = try await store.openInbox(AccountID(rawValue: account)).mailbox
        #expect(try await store.expunge(inbox, chosen.map { UID(rawValue: $0) }) == chosen.count)
        model.inboxes[account]?.removeAll { chosen.contains($0.uid) }
    }

    private func flag(_ account: Int64, _ store: MessageStore, _ model: inout Model, _ dice: inout Dice) async throws {
        let flags = Flags(rawValue: UInt64.random(in: 0..<32, using: &dice))
        let inbox = try await store.openInbox(AccountID(rawValue: account)).mailbox
        let chosen = (model.inboxes[account] ?? []).indices.filter { _ in Int.random(in: 0..<3, using: &dice) == 0 }
        let uids = chosen.compactMap { model.inboxes[account]?[$0].uid }.map { UID(rawValue: $0) }
        _ = try await store.setFlags(inbox, uids, .add(flags))
        for index in chosen { model.inboxes[account]?[index].flags.formUnion(flags) }
    }

    private func compare(_ account: Int64, _ store: MessageStore, _ model: Model) async throws {
        let expected = model.inboxes[account] ?? []
        let listing = try await store.openInbox(AccountID(rawValue: account))
        var found: [Model.Message] = []
        for entry in listing.entries {
            let text = try await store.text(listing.mailbox, entry.uid)
            #expect(Int(entry.size) == text.utf8.count)
            found.append(.init(uid: entry.uid.rawValue, text: text, flags: entry.flags))
        }
        #expect(found == expected)
        #expect(listing.uidNext.rawValue == model.next[account] ?? 1)
        #expect(try await store.usage(AccountID(rawValue: account)).bytes == Int64(expected.reduce(0) { $0 + $1.text.utf8.count }))
    }
}
