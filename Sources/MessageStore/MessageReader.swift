internal import Database
internal import Glibc
package import NIOCore
internal import Synchronization
package import Vocabulary

/// One opened message: prefix and body as one stream. Holds its file open, so that it can be read to the end whatever is removed
/// meanwhile. Used by one session at a time.
package final class MessageReader: Sendable {
    /// Bytes of the whole stream.
    package let size: Int64
    package let flags: Flags
    /// Unix seconds.
    package let internalDate: Int64

    private struct State: Sendable {
        var ready: ByteBuffer?
        /// Bytes of the body read so far.
        var done: Int64
        var digest: UInt32
    }

    /// The body, which all copies of the message share.
    package var blob: BlobID { BlobID(rawValue: self.source.blob) }

    private let source: BlobSource
    private let pool: WorkerPool
    private let state: Mutex<State>
    static let chunk = 64 << 10

    /// Reads the first chunk; blocks.
    init(_ message: LocatedMessage, _ source: BlobSource, _ pool: WorkerPool) throws(StoreError) {
        self.size = message.place.contentLength + Int64(message.middle.readableBytes)
        self.flags = message.flags
        self.internalDate = message.date
        self.source = source
        self.pool = pool
        let opening = try source.open(message.middle, upTo: Self.chunk)
        self.state = Mutex(State(ready: opening.bytes, done: opening.bodyRead, digest: opening.digest))
    }

    /// The body alone behind other bytes.
    init(bodyOf source: BlobSource, behind prefix: ByteBuffer, flags: Flags = [], date: Int64, _ pool: WorkerPool) throws(StoreError) {
        self.size = source.place.body + Int64(prefix.readableBytes)
        self.flags = flags
        self.internalDate = date
        self.source = source
        self.pool = pool
        let opening = try source.open(ByteBuffer(), upTo: Self.chunk)
        var bytes = prefix
        var rest = opening.bytes
        rest.moveReaderIndex(forwardBy: Int(source.place.head) + Int(source.place.tail))
        bytes.writeBuffer(&rest)
        self.state = Mutex(State(ready: bytes, done: opening.bodyRead, digest: opening.digest))
    }

    /// The next chunk, at most 64 KiB of body, or nil at the end. The first one is there already and comes before this returns; others
    /// are read on the store's threads. The last chunk comes only after the checksum of the whole was found right.
    package func next(_ completion: @escaping @Sendable (Result<ByteBuffer?, StoreError>) -> Void) {
        enum Turn { case ready(ByteBuffer), end, read }
        let turn: Turn = self.state.withLock { state in
            if let bytes = state.ready {
                state.ready = nil
                return .ready(bytes)
            }
            return state.done >= self.source.place.body ? .end : .read
        }
        switch turn {
        case .ready(let bytes): completion(.success(bytes))
        case .end: completion(.success(nil))
        case .read:
            let isTaken = self.pool.submit { completion(self.readChunk()) }
            if !isTaken { completion(.failure(.busy)) }
        }
    }

    private func readChunk() -> Result<ByteBuffer?, StoreError> {
        do throws(StoreError) {
            let (done, digest) = self.state.withLock { ($0.done, $0.digest) }
            let chunk = try self.source.chunk(at: done, upTo: Self.chunk, digest: digest)
            self.state.withLock { state in
                state.done = done + Int64(chunk.bytes.readableBytes)
                state.digest = chunk.digest
            }
            return .success(chunk.bytes)
        } catch { return .failure(error) }
    }
}

/// Where a message is, as its mailbox says.
struct LocatedMessage: Sendable {
    var flags: Flags
    var size: Int64
    var date: Int64
    var middle: ByteBuffer
    var blob: Int64
    var place: BlobPlace
    var isWhole: Bool
}
