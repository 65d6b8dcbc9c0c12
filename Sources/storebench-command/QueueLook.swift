import Glibc
import MessageStore
import Vocabulary

/// What a postmaster's pages ask of a long queue: `storebench --queue-look` after `--queue` made it.
struct QueueLook {
    let store: MessageStore

    /// Best, middle and worst of several runs, milliseconds.
    private func measure(_ what: String, runs: Int = 21, _ work: () throws -> Int) throws {
        var times: [Double] = []
        var found = 0
        for _ in 0..<runs {
            let start = nanoseconds()
            found = try work()
            times.append(Double(nanoseconds() - start) / 1e6)
        }
        times.sort()
        print("\(what): best \(times[0]) ms, middle \(times[runs / 2]) ms, worst \(times[runs - 1]) ms (\(found))")
    }

    func run() throws {
        let now = Int64(time(nil))
        print("\(try self.store.queueCount()) entries")
        let deep = try self.store.queueEntries(after: QueueID(rawValue: 0), limit: 1).first.map { $0.id.rawValue } ?? 0
        func page(_ what: String, _ query: QueueQuery, after place: String? = nil) throws {
            try self.measure(what) {
                try self.store.queuePage(query, after: place.flatMap(QueuePlace.init(text:)), limit: 50, now: now).entries.count
            }
        }
        try page("first page", QueueQuery())
        try page("page at 900,000", QueueQuery(), after: "\(deep + 900_000)")
        try page("deferred", QueueQuery(state: .deferred))
        try page("held (none)", QueueQuery(state: .held))
        try page("recipient", QueueQuery(recipient: "user777@q777.test"))
        try page("domain", QueueQuery(recipient: "q777.test"))
        try page("sender", QueueQuery(sender: "bulk@example.test"))
        try page("next hop", QueueQuery(destination: "q777.test"))
        try page("deferred of a sender and domain", QueueQuery(state: .deferred, sender: "bulk@example.test", recipient: "q777.test"))
        try page("text of a reason (none)", QueueQuery(reason: "greylisted"))
        try self.measure("status of deferred mail, 100 hops") {
            try self.store.deferredHops(after: "", now: now, hops: 100, counting: 1000).count
        }
        try self.measure("census, off the page", runs: 5) { try self.store.queueCensus(now: now).all.all }
    }
}
