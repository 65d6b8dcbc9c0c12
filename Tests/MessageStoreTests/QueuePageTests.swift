import Database
import Glibc
import MailTesting
import MessageStore
import NIOCore
import Testing
import Vocabulary

@Suite struct QueuePageTests {
    private static let now: Int64 = 1_800_000_000

    /// A queue of all kinds: senders, recipients, channels, states, reasons.
    private static func fill(_ store: MessageStore, _ count: Int) async throws {
        var random = SeededGenerator(seed: 11)
        for number in 0..<count {
            let domain = ["one.test", "Two.test", "sub.one.test", "日本.test"][number % 4]
            var drafts: [QueueDraft] = []
            for copy in 0...Int.random(in: 0...3, using: &random) {
                let recipient = Envelope.Recipient(Address(localPart: "R\((number + copy) % 5)", domain: domain))
                let due = [Self.now - 5, Self.now + 500, Self.now + 900, MessageStore.never][(number + copy) % 4]
                let channel: QueueDraft.Channel = [.remote, .mailbox, .forward][(number + copy) % 3]
                var draft = QueueDraft(channel, recipient: recipient, destination: domain.lowercased(), due: due)
                if due == MessageStore.never { draft.reason = "held: GREYLISTED \(number)" }
                drafts.append(draft)
            }
            var item = message("body \(number)\r\n", to: [], queue: drafts, at: Self.now - Int64(count - number))
            item.envelope = Envelope(
                sender: number % 7 == 0 ? nil : Address(localPart: "S\(number % 3)", domain: number % 2 == 0 ? "Here.test" : "there.test"))
            _ = try await store.accept(item)
        }
        #expect(eventually { (try? store.queueEntries(after: .init(rawValue: 0), limit: 1))?.isEmpty == false })
    }

    private static func all(_ store: MessageStore, _ query: QueueQuery, limit: Int) throws -> [StoredQueueEntry] {
        var out: [StoredQueueEntry] = []
        var place: QueuePlace?
        for _ in 0..<10_000 {
            let page = try store.queuePage(query, after: place, limit: limit, now: Self.now)
            #expect(page.entries.count <= limit)
            out += page.entries
            guard let next = page.next else { return out }
            // Through its text, as a page hands it on.
            place = QueuePlace(text: next.text)
            #expect(place == next)
        }
        Issue.record("the pages have no end")
        return out
    }

    @Test("every query finds what a look at all entries finds, whatever the size of a page")
    func pagesAreComplete() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        try await Self.fill(store, 120)
        _ = try await store.openInbox(account)  // everything is filed
        let entries = try store.queueEntries(limit: 10_000)
        #expect(entries.count > 200)
        var queries = [QueueQuery()]
        for state in QueueQuery.State.allCases { queries.append(QueueQuery(state: state)) }
        for recipient in ["r1@one.test", "R1@ONE.TEST", "one.test", "@two.test", "nobody@one.test", "r2@日本.test", "日本.test"] {
            queries.append(QueueQuery(recipient: recipient))
        }
        for sender in ["s1@here.test", "here.test", "@THERE.test", "<>", "s9@here.test"] { queries.append(QueueQuery(sender: sender)) }
        queries += [
            QueueQuery(destination: "one.test"), QueueQuery(state: .held, destination: "two.test"), QueueQuery(reason: "greylisted 3"),
            QueueQuery(state: .deferred, sender: "here.test", recipient: "one.test"), QueueQuery(state: .held, reason: "held"),
            QueueQuery(sender: "<>", reason: "GREY"), QueueQuery(reason: "' OR 1=1 --"), QueueQuery(recipient: "%"),
        ]
        for query in queries {
            let wanted = Set(entries.filter { query.contains($0, now: Self.now) }.map(\.id))
            for limit in [1, 7, 1000] {
                let found = try Self.all(store, query, limit: limit)
                #expect(Set(found.map(\.id)) == wanted && found.count == wanted.count, "\(query) by \(limit)")
            }
        }
        let census = try store.queueCensus(now: Self.now)
        #expect(census.all.all == entries.count)
        #expect(census.all.held == entries.filter { QueueQuery.state(of: $0, now: Self.now) == .held }.count)
        #expect(
            census.bytes == Set(entries.map(\.blob)).reduce(0) { sum, blob in sum + (entries.first { $0.blob == blob }?.bodySize ?? 0) })
        #expect(census.oldest == entries.filter { $0.draft.due < MessageStore.never }.map(\.acceptedAt).min())
    }

    @Test("a place that somebody wrote himself is refused or harmless")
    func placesAreChecked() async throws {
        for text in [
            "", ".", "-", "1.2.3.4", "-1", "x", "1-zz", "1-f", "99999999999999999999", "1.2.3-00ff", String(repeating: "9", count: 3000),
        ] {
            #expect(QueuePlace(text: text) == nil, "\(text)")
        }
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        try await Self.fill(store, 10)
        for text in ["0", "9223372036854775807", "1.2", "9.9.9", "255.9223372036854775807.9223372036854775807", "1-27206f72", "3.4-40"] {
            let place = try #require(QueuePlace(text: text))
            for query in [QueueQuery(), QueueQuery(state: .held), QueueQuery(recipient: "one.test"), QueueQuery(sender: "<>")] {
                _ = try store.queuePage(query, after: place, limit: 5, now: Self.now)
            }
        }
    }

    @Test("rows that an older version wrote are found by address once their keys are filled in")
    func olderRowsAreFilled() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        try await Self.fill(store, 20)
        _ = try await store.openInbox(account)
        let count = try store.queuePage(QueueQuery(recipient: "one.test"), after: nil, limit: 1000, now: Self.now).entries.count
        store.close()
        let database = try Database.open(
            scratch.location.acceptDatabase, Schema(applicationID: 0x504F_4151, steps: Array(repeating: "", count: 3)))
        try database.write { db throws(DatabaseError) in
            try db.execute(
                """
                DROP INDEX queue_recipient; DROP INDEX queue_blob; DROP INDEX blob_sender;
                ALTER TABLE queue DROP COLUMN recipient; ALTER TABLE blob DROP COLUMN sender; PRAGMA user_version = 2
                """)
        }
        database.close()
        let again = try scratch.open()
        defer { again.close() }
        #expect(try again.queuePage(QueueQuery(recipient: "one.test"), after: nil, limit: 1000, now: Self.now).entries.isEmpty)
        while try again.fillQueueKeys() {}
        #expect(try again.queuePage(QueueQuery(recipient: "one.test"), after: nil, limit: 1000, now: Self.now).entries.count == count)
        #expect(try again.queuePage(QueueQuery(sender: "<>"), after: nil, limit: 1000, now: Self.now).entries.count > 0)
    }
}
