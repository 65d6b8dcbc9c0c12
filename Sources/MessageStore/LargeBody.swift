package import NIOCore

/// A body over the inline limit on its way into a file of its own. Belongs to one session; every method returns at once and works on
/// the store's threads. Ended by `MessageStore.accept`, or by `abandon`, or by being dropped (which abandons it).
package final class LargeBody: Sendable {
    /// Bytes appended so far.
    package var count: Int64 { 0 }

    init() {}

    /// Adds bytes in order. `completion` comes when they are written (not synced): hold back reading while much is outstanding.
    /// After a failure all further appends fail alike, and `accept` does.
    package func append(_ bytes: ByteBuffer, completion: @escaping @Sendable (Result<Void, StoreRefusal>) -> Void) {
        completion(.failure(.closed))
    }

    /// The message is not coming after all: the file goes away.
    package func abandon() {}
}
