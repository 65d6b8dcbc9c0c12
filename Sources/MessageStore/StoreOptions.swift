package import Vocabulary

/// The two directories of a store. Both on local file systems; segments and mail.db live in `mailbox`, accept.db in `spool`.
package struct StoreLocation: Sendable, Hashable {
    package var spool: String
    package var mailbox: String

    package init(spool: String, mailbox: String) {
        self.spool = spool
        self.mailbox = mailbox
    }

    package var segments: String { self.mailbox + "/segments" }
    package var mailDatabase: String { self.mailbox + "/mail.db" }
    /// Things made of bodies; may be removed at any time while the store is closed.
    package var cacheDatabase: String { self.mailbox + "/cache.db" }
    package var acceptDatabase: String { self.spool + "/accept.db" }
    /// Of the indexes that searches use, which the store itself does not know.
    package var search: String { self.mailbox + "/search" }
    package var lock: String { self.mailbox + "/store.lock" }
}

package struct StoreOptions: Sendable {
    /// A segment is closed and a new one begun once it is longer than this. Bytes.
    package var segmentSize: Int64 = 256 << 20
    /// Zeros that are written ahead of the log's end at a time, so that a sync of few bytes changes no size and no block; 0: none. Bytes.
    package var zerosAhead = 512 << 10
    /// Bodies longer than this stream into a file of their own (`beginLargeBody`). Bytes.
    package var inlineLimit = 256 << 10
    /// Below this much free space on either directory's file system mail is refused early. Bytes.
    package var minimumFree: Int64 = 64 << 20
    /// Held back on either file system so that deletions go on when there is no free block left (`Ballast`); 0: nothing. Bytes.
    package var ballast: Int64 = 16 << 20
    /// What bodies in memory may take together (`MemoryBudget`). Bytes.
    package var memoryBudget = 256 << 20
    /// Deliveries that may wait for filing into mailboxes before acceptance slows down to the folder's pace.
    package var foldBacklog = 100_000
    /// Deliveries filed in one transaction; docs/performance.md has the measurements.
    package var foldBatch = 100
    /// Pages of 4 KiB in mail.db's write-ahead log that make a commit checkpoint.
    package var checkpointPages = 1000
    /// Messages whose flags change in one call, from which on the change is promised first and written into the rows afterwards.
    package var promisesFrom = 1000
    /// Days that the record of a removed message is kept for clients that ask what vanished.
    package var tombstoneDays = 90
    /// The cache is begun anew when its file is longer. Bytes.
    package var cacheLimit: Int64 = 8 << 30
    /// Threads that read and stream.
    package var readThreads = 4
    /// Seconds since 1970; injected, so that tests turn the clock.
    package var now: @Sendable () -> Int64
    /// Unpredictable bytes; keys of segments come from here.
    package var random: @Sendable (Int) -> [UInt8]
    package var events: any EventSink = NullSink()
    /// Lets tests fail any file operation; nil in service.
    package var faults: FileFaults?

    package init(
        now: @escaping @Sendable () -> Int64 = SystemSources.now, random: @escaping @Sendable (Int) -> [UInt8] = SystemSources.random
    ) {
        self.now = now
        self.random = random
    }
}
