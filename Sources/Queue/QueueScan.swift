internal import MessageStore
internal import Vocabulary

/// Reads what is due for one next hop so that no message hides the others: from those that have waited longest, past messages with very
/// many recipients, and from those that came last. A few reads of bounded length, however long the queue is.
struct QueueScan {
    let store: MessageStore
    let destination: String
    let now: Int64
    /// Entries wanted.
    let batch: Int
    /// Entries wanted of one message.
    let perMessage: Int
    /// Entries in somebody's hands, which stand in the table as if they were due.
    let inHand: Int

    /// Reads beyond the first.
    static let mostJumps = 8
    /// Read from the end of those that came last.
    static let newest = 64

    struct Found {
        var entries: [StoredQueueEntry]
        /// There is nothing due that was not read.
        var isAll: Bool
    }

    func read() throws(StoreError) -> Found {
        var limit = self.batch + self.inHand
        var page = try self.store.queueEntries(.remote, destination: self.destination, until: self.now, limit: limit)
        guard page.count == limit else { return Found(entries: page, isAll: true) }
        var found = page
        var counts: [BlobID: Int] = [:]
        var firsts: [BlobID: Int64] = [:]
        Self.note(page, &counts, &firsts)
        for _ in 0..<Self.mostJumps {
            // Where the page is one message after all, the next one stands behind the last of its entries.
            guard let last = page.last, page.count == limit, counts[last.blob, default: 0] > self.perMessage else { break }
            // Some of it may be gone already: then this is a place within it, and what was read last is further.
            let (end, isTooFar) = (firsts[last.blob] ?? last.id.rawValue).addingReportingOverflow(Int64(max(last.siblings - 1, 0)))
            guard !isTooFar else { break }
            let behind = max(end, last.id.rawValue)
            limit = self.batch
            page = try self.store.queueEntries(
                .remote, destination: self.destination, behind: QueueID(rawValue: behind), due: last.draft.due, until: self.now,
                limit: limit)
            Self.note(page, &counts, &firsts)
            found += page
        }
        found += try self.store.newestQueueEntries(.remote, destination: self.destination, until: self.now, limit: Self.newest)
        return Found(entries: found, isAll: false)
    }

    /// How many of each message were read, and the lowest of their numbers.
    private static func note(_ page: [StoredQueueEntry], _ counts: inout [BlobID: Int], _ firsts: inout [BlobID: Int64]) {
        for entry in page {
            counts[entry.blob, default: 0] += 1
            firsts[entry.blob] = min(firsts[entry.blob] ?? .max, entry.id.rawValue)
        }
    }
}
