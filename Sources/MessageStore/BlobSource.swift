internal import Bytes
internal import Glibc
internal import NIOCore

/// Reads the content of one body and proves while reading that it is the one that was accepted: the trailer behind it names body and
/// place, and its checksum covers every byte. A disk that returns other bytes, or a row that points elsewhere, is found before the
/// last byte of a wrong message leaves.
struct BlobSource: Sendable {
    let blob: Int64
    let place: BlobPlace
    let handle: SegmentHandle
    let files: Files

    struct Opening {
        var bytes: ByteBuffer
        var bodyRead: Int64
        var digest: UInt32
    }

    struct Chunk {
        var bytes: ByteBuffer
        var digest: UInt32
    }

    private var damage: StoreError {
        .damaged("\(self.handle.path): the content at \(self.place.offset) (body \(self.blob)) is damaged or not the one expected")
    }

    /// The prefix (head, middle, tail) and the beginning of the body; the whole if it fits in `limit`.
    func open(_ middle: ByteBuffer, upTo limit: Int) throws(StoreError) -> Opening {
        self.place.body <= Int64(limit) ? try self.openWhole(middle) : try self.openLong(middle, limit)
    }

    /// One read: body, head, tail and trailer lie one behind the other in the file, and are put in the order of the stream.
    private func openWhole(_ middle: ByteBuffer) throws(StoreError) -> Opening {
        let (head, tail, body) = (Int(self.place.head), Int(self.place.tail), Int(self.place.body))
        let prefix = head + middle.readableBytes + tail
        var out = ByteBuffer()
        var trailer = ByteBuffer()
        var failure: IOFailure?
        var isWhole = false
        trailer.writeWithUnsafeMutableBytes(minimumWritableBytes: Trailer.size) { trailerBytes in
            out.writeWithUnsafeMutableBytes(minimumWritableBytes: prefix + body) { raw in
                guard let base = raw.baseAddress else { return 0 }
                let parts = [
                    iovec(iov_base: base + prefix, iov_len: body), iovec(iov_base: base, iov_len: head),
                    iovec(iov_base: base + head + middle.readableBytes, iov_len: tail),
                    iovec(iov_base: trailerBytes.baseAddress, iov_len: Trailer.size),
                ]
                do throws(IOFailure) {
                    isWhole = try self.files.read(self.handle.descriptor, self.handle.path, parts, at: self.place.offset)
                } catch { failure = error }
                middle.withUnsafeReadableBytes { bytes in
                    if let from = bytes.baseAddress { (base + head).copyMemory(from: from, byteCount: bytes.count) }
                }
                return prefix + body
            }
            return Trailer.size
        }
        if let failure { throw .io(failure) }
        guard isWhole else { throw self.damage }
        let digest = out.withUnsafeReadableBytes { raw in
            var sum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[prefix...]))
            sum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[..<head]), seed: sum)
            return CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[(prefix - tail)..<prefix]), seed: sum)
        }
        guard try self.checkedTrailer(trailer).contentCRC == digest else { throw self.damage }
        return Opening(bytes: out, bodyRead: self.place.body, digest: digest)
    }

    /// The parts of a record that was read with others: body, head, tail and trailer, as they lie in the file.
    func parts(ofRecord record: ByteBuffer) throws(StoreError) -> (body: ByteBuffer, head: ByteBuffer, tail: ByteBuffer) {
        var rest = record
        guard let content = rest.readSlice(length: Int(self.place.contentLength)) else { throw self.damage }
        let digest = content.withUnsafeReadableBytes { CRC32C.checksum($0) }
        guard try self.checkedTrailer(rest).contentCRC == digest else { throw self.damage }
        var parts = content
        guard let body = parts.readSlice(length: Int(self.place.body)), let head = parts.readSlice(length: Int(self.place.head)) else {
            throw self.damage
        }
        return (body, head, parts)
    }

    private func openLong(_ middle: ByteBuffer, _ limit: Int) throws(StoreError) -> Opening {
        let ending = try self.ending()
        _ = try self.checkedTrailer(ending.trailer)
        let first = try self.chunk(at: 0, upTo: limit, digest: 0)
        var out = ByteBuffer()
        out.reserveCapacity(limit + Int(self.place.head) + Int(self.place.tail) + middle.readableBytes)
        out.writeImmutableBuffer(ending.head)
        out.writeImmutableBuffer(middle)
        out.writeImmutableBuffer(ending.tail)
        out.writeImmutableBuffer(first.bytes)
        return Opening(bytes: out, bodyRead: Int64(first.bytes.readableBytes), digest: first.digest)
    }

    /// A piece of the body. With the last one comes the comparison of the checksum.
    func chunk(at done: Int64, upTo limit: Int, digest: UInt32) throws(StoreError) -> Chunk {
        let length = Int(min(Int64(limit), self.place.body - done))
        let bytes = try StoreError.wrap { () throws(IOFailure) in
            try self.files.readBytes(self.handle.descriptor, self.handle.path, length, at: self.place.offset + done)
        }
        guard let bytes else { throw self.damage }
        var sum = bytes.withUnsafeReadableBytes { CRC32C.checksum($0, seed: digest) }
        if done + Int64(length) == self.place.body {
            let ending = try self.ending()
            let expected = try self.checkedTrailer(ending.trailer).contentCRC
            sum = ending.head.withUnsafeReadableBytes { CRC32C.checksum($0, seed: sum) }
            sum = ending.tail.withUnsafeReadableBytes { CRC32C.checksum($0, seed: sum) }
            guard sum == expected else { throw self.damage }
        }
        return Chunk(bytes: bytes, digest: sum)
    }

    /// Every byte, by the checksum alone: a gigabyte takes some tenths of a second.
    func verifyChecksum() throws(StoreError) {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
        defer { room.deallocate() }
        var done: Int64 = 0
        var sum: UInt32 = 0
        while done < self.place.contentLength {
            let piece = UnsafeMutableRawBufferPointer(rebasing: room[..<Int(min(Int64(room.count), self.place.contentLength - done))])
            let isWhole = try StoreError.wrap { () throws(IOFailure) in
                try self.files.read(self.handle.descriptor, self.handle.path, into: piece, at: self.place.offset + done)
            }
            guard isWhole else { throw self.damage }
            sum = CRC32C.checksum(UnsafeRawBufferPointer(piece), seed: sum)
            done += Int64(piece.count)
        }
        guard try self.checkedTrailer(try self.ending().trailer).contentCRC == sum else { throw self.damage }
    }

    /// Row and record agree.
    func verifyTrailer() throws(StoreError) { _ = try self.checkedTrailer(try self.ending().trailer) }

    /// Every byte, hash included.
    func verify() throws(StoreError) {
        var digest = RunningDigest()
        var done: Int64 = 0
        while done < self.place.body {
            let length = Int(min(1 << 20, self.place.body - done))
            let bytes = try StoreError.wrap { () throws(IOFailure) in
                try self.files.readBytes(self.handle.descriptor, self.handle.path, length, at: self.place.offset + done)
            }
            guard let bytes else { throw self.damage }
            bytes.withUnsafeReadableBytes { digest.body($0) }
            done += Int64(length)
        }
        let ending = try self.ending()
        ending.head.withUnsafeReadableBytes { digest.prefix($0) }
        ending.tail.withUnsafeReadableBytes { digest.prefix($0) }
        let trailer = try self.checkedTrailer(ending.trailer)
        let found = digest.finish()
        guard found.crc == trailer.contentCRC, found.sha256 == trailer.sha256 else { throw self.damage }
    }

    /// What stands behind the body, once its trailer has been found to be this body's.
    func checkedEnding() throws(StoreError) -> (head: ByteBuffer, tail: ByteBuffer) {
        let ending = try self.ending()
        _ = try self.checkedTrailer(ending.trailer)
        return (ending.head, ending.tail)
    }

    private func ending() throws(StoreError) -> (head: ByteBuffer, tail: ByteBuffer, trailer: ByteBuffer) {
        let (head, tail) = (Int(self.place.head), Int(self.place.tail))
        let read = try StoreError.wrap { () throws(IOFailure) in
            try self.files.readBytes(
                self.handle.descriptor, self.handle.path, head + tail + Trailer.size, at: self.place.offset + self.place.body)
        }
        guard var rest = read, let first = rest.readSlice(length: head), let second = rest.readSlice(length: tail) else {
            throw self.damage
        }
        return (first, second, rest)
    }

    private func checkedTrailer(_ bytes: ByteBuffer) throws(StoreError) -> Trailer {
        let trailer = bytes.withUnsafeReadableBytes { raw in try? Trailer(raw, self.handle.keys) }
        guard let trailer, trailer.blob == self.blob, trailer.offset == self.place.offset, trailer.bodyLength == self.place.body,
            trailer.headLength == self.place.head, trailer.tailLength == self.place.tail
        else { throw self.damage }
        return trailer
    }
}
