internal import Bytes
internal import Glibc
package import NIOCore
internal import Synchronization
package import Vocabulary

/// One opened message whose bytes are read where they are wanted: trace lines, and the body that all copies share. Holds its file open, so
/// that it can be read to the end whatever is removed meanwhile. Reading blocks.
package final class MessageContent: Sendable {
    /// Trace lines of this copy, whole lines with CRLF.
    package let prefix: ByteBuffer
    /// Bytes of the body.
    package let bodySize: Int64
    package var size: Int64 { self.bodySize + Int64(self.prefix.readableBytes) }
    package var blob: BlobID { BlobID(rawValue: self.source.blob) }
    /// Trace lines that all copies share, but for those whose trace lines are whole: before and behind those of each delivery. nil where that
    /// would have to be read.
    package let ends: (head: ByteBuffer, tail: ByteBuffer)?

    private let source: BlobSource
    /// A body of at most `small` bytes, read and checked when it was opened.
    private let whole: ByteBuffer?
    /// How far a longer one was read from its beginning without a gap, and the checksum up to there.
    private let progress = Mutex<(done: Int64, digest: UInt32)>((0, 0))

    /// Bodies up to this many bytes are read at once.
    private static let small: Int64 = 64 << 10

    init(_ message: LocatedMessage, _ source: BlobSource) throws(StoreError) {
        self.source = source
        self.bodySize = source.place.body
        if source.place.body <= Self.small {
            var bytes = try source.open(message.isWhole ? ByteBuffer() : message.middle, upTo: Int(Self.small)).bytes
            let body = bytes.getSlice(at: bytes.writerIndex - Int(source.place.body), length: Int(source.place.body)) ?? ByteBuffer()
            bytes.moveWriterIndex(to: bytes.writerIndex - Int(source.place.body))
            self.prefix = message.isWhole ? message.middle : bytes
            self.ends = Self.ends(bytes, source.place)
            self.whole = body
        } else {
            self.prefix = message.isWhole ? message.middle : try source.prefix(message.middle)
            self.ends = message.isWhole ? nil : Self.ends(self.prefix, source.place)
            self.whole = nil
        }
    }

    private static func ends(_ prefix: ByteBuffer, _ place: BlobPlace) -> (head: ByteBuffer, tail: ByteBuffer)? {
        guard let head = prefix.getSlice(at: prefix.readerIndex, length: Int(place.head)),
            let tail = prefix.getSlice(at: prefix.writerIndex - Int(place.tail), length: Int(place.tail))
        else { return nil }
        return (head, tail)
    }

    /// Bytes of the body; fewer only where the range leaves it. Who reads all of it in order is told at the end when it is not what was
    /// accepted.
    package func read(_ range: Range<Int64>) throws(StoreError) -> ByteBuffer {
        let range = range.clamped(to: 0..<self.bodySize)
        if let whole = self.whole {
            return whole.getSlice(at: whole.readerIndex + Int(range.lowerBound), length: range.count) ?? ByteBuffer()
        }
        guard !range.isEmpty else { return ByteBuffer() }
        let (done, digest) = self.progress.withLock { $0 }
        guard range.lowerBound == done else { return try self.source.bytes(range) }
        let chunk = try self.source.chunk(at: done, upTo: range.count, digest: digest)
        self.progress.withLock { $0 = (range.upperBound, chunk.digest) }
        return chunk.bytes
    }
}

extension BlobSource {
    /// Head, middle and tail of the trace lines.
    func prefix(_ middle: ByteBuffer) throws(StoreError) -> ByteBuffer {
        let ending = try self.checkedEnding()
        var out = ending.head
        out.writeImmutableBuffer(middle)
        out.writeImmutableBuffer(ending.tail)
        return out
    }

    /// Some bytes of the body, without proof.
    func bytes(_ range: Range<Int64>) throws(StoreError) -> ByteBuffer {
        let bytes = try StoreError.wrap { () throws(IOFailure) in
            try self.files.readBytes(self.handle.descriptor, self.handle.path, range.count, at: self.place.offset + range.lowerBound)
        }
        guard let bytes else { throw .damaged("\(self.handle.path): the body at \(self.place.offset) is cut short") }
        return bytes
    }
}

extension MessageStore {
    /// Opens messages, as many answers as questions, with one look into the database. Blocks: for threads that may wait for the disk.
    package func contents(of mailbox: MailboxID, _ uids: [UID]) throws(StoreError) -> [Result<MessageContent, StoreError>] {
        let located = try self.locate(mailbox, uids)
        return zip(uids, located).map { uid, found in self.result { () throws(StoreError) in try self.content(mailbox, uid, found) } }
    }

    private func content(_ mailbox: MailboxID, _ uid: UID, _ found: LocatedMessage?) throws(StoreError) -> MessageContent {
        guard let message = found else { throw .noSuchMessage }
        do throws(StoreError) {
            return try self.content(message)
        } catch {
            // Moved or removed between the row and the file: the row says which.
            guard let again = try self.locate(mailbox, [uid])[0] else { throw .noSuchMessage }
            guard again.place != message.place else { throw error }
            return try self.content(again)
        }
    }

    private func content(_ message: LocatedMessage) throws(StoreError) -> MessageContent {
        let handle = try self.parts.directory.handle(message.place.segment)
        return try MessageContent(message, BlobSource(blob: message.blob, place: message.place, handle: handle, files: self.parts.files))
    }
}
