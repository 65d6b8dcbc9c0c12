internal import Database
package import NIOCore
package import Vocabulary

/// What is kept of a message's body; nil leaves what is there.
package struct CachedBody: Sendable {
    package var blob: BlobID
    package var summary: ByteBuffer?
    package var header: ByteBuffer?

    package init(blob: BlobID, summary: ByteBuffer? = nil, header: ByteBuffer? = nil) {
        self.blob = blob
        self.summary = summary
        self.header = header
    }

    fileprivate var entries: [ContentCache.Entry] {
        var out: [ContentCache.Entry] = []
        if let summary = self.summary { out.append(ContentCache.Entry(kind: .summary, blob: self.blob.rawValue, bytes: summary)) }
        if let header = self.header { out.append(ContentCache.Entry(kind: .header, blob: self.blob.rawValue, bytes: header)) }
        return out
    }
}

// Things made of message bodies: kept by body, so that all copies share them, and lost without harm.
extension MessageStore {
    /// What was kept of each body; nil where nothing is. Blocks for a look into a file; for worker threads.
    /// - Parameter blobs: ascending where they can be, which is quicker.
    package func cachedSummaries(_ blobs: [BlobID]) -> [ByteBuffer?] { self.parts.cache.find(blobs.map(\.rawValue), .summary) }

    /// The same, handed over where it lies: by place in `blobs`, ascending, what is kept. The bytes are gone when the body returns; it says
    /// whether it wants more.
    package func eachCachedSummary(_ blobs: [BlobID], _ body: (Int, UnsafeRawBufferPointer) -> Bool) {
        self.parts.cache.each(blobs.map(\.rawValue), .summary, body)
    }

    package func cachedHeaders(_ blobs: [BlobID]) -> [ByteBuffer?] { self.parts.cache.find(blobs.map(\.rawValue), .header) }

    /// Keeps the bytes for later, some time soon. Never fails; what cannot be kept is not there the next time.
    package func cache(_ bodies: [CachedBody]) { self.parts.cache.keep(bodies.flatMap(\.entries)) }

    // MARK: What is prepared before somebody asks

    /// As `cache`, and then notes that all messages of a mailbox up to `through` are prepared. Waits while much else is to be written; false
    /// when the store closes.
    package func cache(_ bodies: [CachedBody], of mailbox: MailboxID, through: UID) -> Bool {
        self.parts.cache.keep(bodies.flatMap(\.entries), mailbox: mailbox.rawValue, through: Int64(through.rawValue))
    }

    /// Up to where a mailbox's messages were prepared; nil when nothing is known of it.
    package func preparedThrough(_ mailbox: MailboxID) -> UID? {
        self.parts.cache.prepared(mailbox.rawValue).map { UID(rawValue: UInt32(clamping: $0)) }
    }

    /// Remembers over restarts that somebody reads this account's messages.
    /// - Parameter day: since 1970.
    package func noteReader(_ account: AccountID, day: Int64) { self.parts.cache.noteReader(account.rawValue, day: day) }

    /// Accounts that were noted on that day or later.
    package func readers(since day: Int64) -> [AccountID] { self.parts.cache.readers(since: day).map { AccountID(rawValue: $0) } }

    // MARK: Bodies that are gone

    private static let isBlob = Statement("SELECT 1 FROM blob WHERE id = ?1")

    /// Those of some bodies that are in mailboxes; all of them when the database cannot say.
    static func living(_ blobs: [Int64], _ mail: Database) -> Set<Int64> {
        do throws(DatabaseError) {
            return try mail.read { db throws(DatabaseError) in
                var alive: Set<Int64> = []
                for blob in blobs where try db.row(Self.isBlob, .int(blob), read: { _ in true }) == true { alive.insert(blob) }
                return alive
            }
        } catch { return Set(blobs) }
    }
}
