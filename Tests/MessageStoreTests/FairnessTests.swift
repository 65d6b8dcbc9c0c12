import MailTesting
import MessageStore
import NIOCore
import Queue
import Testing
import Vocabulary

@Suite("Turns within one next hop")
struct FairnessTests {
    private static func entry(
        _ id: Int64, _ blob: Int64, of sender: String? = "bulk@example.test", size: Int64 = 1000, siblings: Int = 1
    ) -> StoredQueueEntry {
        let recipient = Envelope.Recipient(Address(localPart: "r\(id)", domain: "x.test"))
        return StoredQueueEntry(
            id: QueueID(rawValue: id), blob: BlobID(rawValue: blob),
            draft: QueueDraft(.remote, recipient: recipient, destination: "x.test", due: 0), acceptedAt: 0, trace: TraceID("T\(blob)"),
            envelope: Envelope(sender: sender.flatMap { try? Address(parsing: $0) }), bodySize: size, since: 0, siblings: siblings)
    }

    @Test("A message to one goes before the rest of a mailing, though the mailing is older; the mailing gets its turns all the same")
    func mailing() {
        var buffer = FairBuffer()
        buffer.add((0..<1000).map { Self.entry($0, 1, siblings: 1000) })
        #expect(buffer.take(100).count == 100)
        for blob in Int64(2)..<12 { buffer.add([Self.entry(1000 + blob, blob, of: "jane@example.test")]) }
        let turns = (0..<12).map { _ in buffer.take(100).first?.blob.rawValue ?? 0 }
        #expect(turns.prefix(5) == [2, 3, 4, 5, 1])
        #expect(turns.contains(1))
    }

    @Test("Senders take turns, and the messages of each of them too; recipients of a message go together, at most so many")
    func senders() {
        var buffer = FairBuffer()
        buffer.add([Self.entry(1, 1, of: "a@x.test"), Self.entry(2, 1, of: "a@x.test"), Self.entry(3, 2, of: "a@x.test")])
        buffer.add([Self.entry(4, 3, of: "b@x.test"), Self.entry(5, 4, of: "c@x.test"), Self.entry(3, 2, of: "a@x.test")])
        #expect(buffer.count == 5 && buffer.messages == 4)
        let turns = (0..<6).map { _ in buffer.take(1).map(\.id.rawValue) }
        #expect(turns == [[1], [4], [5], [3], [2], []])
        #expect(buffer.isEmpty)
    }

    @Test("Reports wait behind people, and large messages behind small ones, and none of them for ever")
    func priorities() {
        var buffer = FairBuffer()
        for id in Int64(0)..<20 { buffer.add([Self.entry(id, id, of: nil), Self.entry(100 + id, 100 + id, of: "p\(id)@x.test")]) }
        let turns = (0..<10).map { _ in (buffer.take(10).first?.id.rawValue ?? 0) >= 100 }
        #expect(turns == [true, true, true, true, false, true, true, true, true, false])
        #expect(buffer.drain().count == 30)
        #expect(buffer.isEmpty && buffer.take(1).isEmpty)
    }

    // MARK: With the store

    private static func accept(_ store: MessageStore, from sender: String, _ count: Int, to host: String = "x.test", first: Int = 0) throws
    {
        let drafts = (first..<(first + count)).map { number in
            QueueDraft(
                .remote, recipient: Envelope.Recipient(Address(localPart: "r\(number)", domain: host)), destination: host,
                due: 1_800_000_000)
        }
        var item = AcceptItem(
            body: .memory(ByteBuffer(string: "Subject: x\r\n\r\nHello\r\n")), envelope: Envelope(sender: try Address(parsing: sender)),
            receivedAt: 1_800_000_000, trace: TraceID("Q"))
        item.queue = drafts
        let before = try store.queueCount()
        let answer = Promised<Result<Accepted, StoreRefusal>>()
        store.accept(item) { answer.give($0) }
        _ = try answer.wait(for: "the store").get()
        // Rows come a moment after the answer.
        #expect(eventually { (try? store.queueCount()) == before + count })
    }

    @Test("A later message to the same host is found behind a mailing of thousands, before and after its first recipients were taken")
    func behindAMailing() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        try Self.accept(store, from: "bulk@example.test", 3000)
        try Self.accept(store, from: "jane@example.test", 1)
        try Self.accept(store, from: "bulk@example.test", 3000, first: 5000)
        let queue = OutboundQueue(store)
        let now: Int64 = 1_800_000_000
        let first = try (0..<3).map { _ in try queue.take("x.test", now: now) }
        #expect(first.contains { $0.first?.envelope.sender?.localPart == "jane" })
        // One that comes while the mailing is under way does not wait until what was read of it is through.
        try Self.accept(store, from: "taro@example.test", 1)
        queue.noteNews(["x.test"])
        let later = try (0..<6).map { _ in try queue.take("x.test", now: now) }
        #expect(later.contains { $0.first?.envelope.sender?.localPart == "taro" })
        // Nobody is handed out twice, and in the end everybody is.
        var ids = (first + later).flatMap { $0.map(\.id) }
        while case let more = try queue.take("x.test", now: now), !more.isEmpty { ids += more.map(\.id) }
        #expect(ids.count == 6002)
        #expect(Set(ids).count == ids.count)
    }

    @Test("A queue of many entries for many next hops is there again after a restart: each is found, and what is read is bounded")
    func restart() throws {
        let scratch = try Scratch()
        let (hops, each) = (40, 250)
        do {
            let store = try scratch.open()
            defer { store.close() }
            for hop in 0..<hops { try Self.accept(store, from: "a@example.test", each, to: "h\(hop).test") }
        }
        let store = try scratch.open()
        defer { store.close() }
        #expect(try store.queueCount() == hops * each)
        var names: [String] = []
        while case let page = try store.queueDestinations(.remote, after: names.last ?? "", limit: 16), !page.isEmpty {
            #expect(page.count <= 16)
            names += page.map(\.name)
        }
        #expect(names.count == hops && Set(names).count == hops)
        let queue = OutboundQueue(store)
        for name in names {
            let taken = try queue.take(name, now: 1_800_000_000)
            #expect(taken.count == 100 && taken.allSatisfy { $0.draft.destination == name })
            queue.giveBack(taken)
            queue.release(name)
        }
        #expect(queue.leasedCount == 0)
    }
}
