internal import NIOCore

/// Sizes of receive buffers such that an idle connection keeps almost nothing.
///
/// The channel keeps the very first buffer for good when it may read once per event only, and every later one only while
/// `record` says that sizes do not grow. So the first one is tiny, and `record` always says that they may. Later ones
/// live as long as their bytes are wanted: a fixed middle size for commands and small messages, the large one as soon as it was filled.
struct SessionReceiveAllocator: RecvByteBufferAllocator {
    private static let first = 256
    private static let middle = 16 << 10
    private static let large = 64 << 10

    private var size = Self.first

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer { allocator.buffer(capacity: self.size) }

    /// nil: nothing is pooled.
    func nextBufferSize() -> Int? { nil }

    mutating func record(actualReadBytes count: Int) -> Bool {
        self.size = count >= Self.middle ? Self.large : Self.middle
        return true
    }
}
