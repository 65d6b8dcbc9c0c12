internal import Database
package import NIOCore
package import Vocabulary

// Things made of message bodies: kept by body, so that all copies share them, and lost without harm.
extension MessageStore {
    /// What was kept of each body; nil where nothing is. Blocks for a look into a file; for worker threads.
    package func cached(_ blobs: [BlobID]) -> [ByteBuffer?] { self.parts.cache.find(blobs.map(\.rawValue)) }

    /// Keeps the bytes for later, some time soon. Never fails; what cannot be kept is not there the next time.
    package func cache(_ rows: [(blob: BlobID, bytes: ByteBuffer)]) {
        self.parts.cache.keep(rows.map { ($0.blob.rawValue, $0.bytes) })
    }

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
