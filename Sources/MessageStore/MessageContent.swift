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
    /// Knows which longer ones were compared with their checksums.
    private let proved: ProvedBodies
    private let isProved = Atomic(false)

    /// Bodies up to this many bytes are read at once.
    private static let small: Int64 = 64 << 10

    init(_ message: LocatedMessage, _ source: BlobSource, _ proved: ProvedBodies) throws(StoreError) {
        self.source = source
        self.proved = proved
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

    /// - Parameter record: content and trailer as they were read with those of others.
    init(_ message: LocatedMessage, _ source: BlobSource, _ proved: ProvedBodies, record: ByteBuffer) throws(StoreError) {
        let parts = try source.parts(ofRecord: record)
        self.source = source
        self.proved = proved
        self.bodySize = source.place.body
        self.ends = (parts.head, parts.tail)
        if message.isWhole || parts.head.readableBytes + parts.tail.readableBytes == 0 {
            self.prefix = message.middle
        } else {
            var prefix = parts.head
            prefix.writeImmutableBuffer(message.middle)
            prefix.writeImmutableBuffer(parts.tail)
            self.prefix = prefix
        }
        self.whole = parts.body
    }

    private static func ends(_ prefix: ByteBuffer, _ place: BlobPlace) -> (head: ByteBuffer, tail: ByteBuffer)? {
        guard let head = prefix.getSlice(at: prefix.readerIndex, length: Int(place.head)),
            let tail = prefix.getSlice(at: prefix.writerIndex - Int(place.tail), length: Int(place.tail))
        else { return nil }
        return (head, tail)
    }

    /// Compares every byte of a longer body with its checksum: whatever part of it is given out then is the one that was accepted. Once for
    /// each that opens it.
    /// - Parameter inPieces: of a client that may open it again and again for one piece after the other: not where that was done for such a one
    ///   a short while ago.
    package func prove(inPieces: Bool = false) throws(StoreError) {
        guard self.whole == nil, !self.isProved.load(ordering: .relaxed) else { return }
        if !inPieces || !self.proved.has(self.source.blob) {
            try self.source.verifyChecksum()
            if inPieces { self.proved.note(self.source.blob) }
        }
        self.isProved.store(true, ordering: .relaxed)
    }

    /// Bytes of the body; fewer only where the range leaves it. Throws `.damaged` before the first byte of a body that is not the one that was
    /// accepted.
    package func read(_ range: Range<Int64>) throws(StoreError) -> ByteBuffer {
        let range = range.clamped(to: 0..<self.bodySize)
        if let whole = self.whole {
            return whole.getSlice(at: whole.readerIndex + Int(range.lowerBound), length: range.count) ?? ByteBuffer()
        }
        guard !range.isEmpty else { return ByteBuffer() }
        try self.prove()
        return try self.source.bytes(range)
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
        var out: [Result<MessageContent, StoreError>] = []
        out.reserveCapacity(uids.count)
        while out.count < uids.count {
            let first = out.count
            let neighbours = NeighbourRead(located, from: first)
            let read = neighbours?.contents(located, self.parts.directory, self.parts.proved) ?? [nil]
            for (index, content) in zip(first..., read) {
                out.append(
                    content.map { .success($0) }
                        ?? self.result { () throws(StoreError) in try self.content(mailbox, uids[index], located[index]) })
            }
        }
        return out
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
        return try MessageContent(
            message, BlobSource(blob: message.blob, place: message.place, handle: handle, files: self.parts.files),
            self.parts.proved)
    }
}
