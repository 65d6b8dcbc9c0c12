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
        for entry in page { counts[entry.blob, default: 0] += 1 }
        for _ in 0..<Self.mostJumps {
            // Where the page is one message after all, the next one stands behind the last of its entries.
            guard let last = page.last, page.count == limit, counts[last.blob, default: 0] > self.perMessage else { break }
            let (behind, isTooFar) = last.id.rawValue.addingReportingOverflow(Int64(max(last.siblings - 1, 0)))
            guard !isTooFar else { break }
            limit = self.batch
            page = try self.store.queueEntries(
                .remote, destination: self.destination, behind: QueueID(rawValue: behind), due: last.draft.due, until: self.now,
                limit: limit)
            for entry in page { counts[entry.blob, default: 0] += 1 }
            found += page
        }
        found += try self.store.newestQueueEntries(.remote, destination: self.destination, until: self.now, limit: Self.newest)
        return Found(entries: found, isAll: false)
    }
}
