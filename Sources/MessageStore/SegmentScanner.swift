internal import Bytes
internal import CPlatform
internal import Glibc
internal import NIOCore

/// Walks the records of a segment from some offset on. Damaged stretches are reported and stepped over: the next magic with a sound
/// trailer that names its own place is the next record. Zeros up to the end of a file are room that the writer made (decision 35): they are the end.
struct SegmentScanner {
    enum Item {
        case record(Trailer, start: Int64, end: Int64)
        /// A sound trailer whose content or payload fails its checksum.
        case damagedRecord(Trailer, start: Int64, end: Int64, what: String)
        /// Bytes that belong to no record.
        case gap(start: Int64, end: Int64)
    }

    private let handle: SegmentHandle
    private let files: Files
    /// Good bytes end here. A file that is cut off meanwhile takes it along.
    private(set) var limit: Int64
    /// Nobody said where the records end.
    private let mayEndInZeros: Bool
    private(set) var cursor: Int64
    private var window = ByteBuffer()
    private var windowStart: Int64 = 0
    private var held: Item?
    private static let step = 1 << 20

    /// `limit` nil is the file's end.
    init(_ handle: SegmentHandle, _ files: Files, from: Int64, limit: Int64?) throws(IOFailure) {
        self.handle = handle
        self.files = files
        let size = try files.size(handle.descriptor, handle.path)
        self.limit = min(limit ?? size, size)
        self.mayEndInZeros = limit == nil
        self.cursor = max(from, Int64(SegmentHeader.size))
        self.windowStart = self.cursor
    }

    /// The next record or gap; nil at the end.
    mutating func next(verifyingHash: Bool = false) throws(IOFailure) -> Item? {
        if let held = self.held {
            self.held = nil
            return held
        }
        guard self.cursor < self.limit else { return nil }
        guard let (trailer, at) = try self.findTrailer() else {
            defer { self.cursor = self.limit }
            if self.mayEndInZeros, self.isZeroToEnd { return nil }
            return .gap(start: self.cursor, end: self.limit)
        }
        let start = trailer.offset
        let end = at + Int64(Trailer.size) + Int64(trailer.payloadLength)
        let item = try self.judge(trailer, start: start, trailerAt: at, end: end, verifyingHash)
        let gapStart = self.cursor
        self.cursor = end
        self.dropBefore(end)
        guard start > gapStart else { return item }
        self.held = item
        return .gap(start: gapStart, end: start)
    }

    private mutating func judge(_ trailer: Trailer, start: Int64, trailerAt: Int64, end: Int64, _ verifyingHash: Bool) throws(IOFailure)
        -> Item
    {
        guard end <= self.limit, try self.fill(upTo: end) else {
            return .damagedRecord(trailer, start: start, end: min(end, self.limit), what: "payload-cut-off")
        }
        let payload = self.bytes(trailerAt + Int64(Trailer.size), Int(trailer.payloadLength))
        guard payload.withUnsafeReadableBytes({ CRC32C.checksum($0) }) == trailer.payloadCRC else {
            return .damagedRecord(trailer, start: start, end: end, what: "payload-checksum")
        }
        // A body in a large segment is looked at there.
        guard trailer.kind == .message else { return .record(trailer, start: start, end: end) }
        let content = self.bytes(start, Int(trailer.contentLength))
        guard content.withUnsafeReadableBytes({ CRC32C.checksum($0) }) == trailer.contentCRC else {
            return .damagedRecord(trailer, start: start, end: end, what: "content-checksum")
        }
        if verifyingHash {
            var digest = RunningDigest()
            content.withUnsafeReadableBytes { digest.body(UnsafeRawBufferPointer(rebasing: $0[..<Int(trailer.bodyLength)])) }
            guard digest.finish().sha256 == trailer.sha256 else {
                return .damagedRecord(trailer, start: start, end: end, what: "body-hash")
            }
        }
        return .record(trailer, start: start, end: end)
    }

    /// The payload of the record that `next` answered last.
    mutating func payload(of trailer: Trailer, end: Int64) throws(IOFailure) -> RecordPayload? {
        let start = end - Int64(trailer.payloadLength)
        guard let bytes = try self.files.readBytes(self.handle.descriptor, self.handle.path, Int(trailer.payloadLength), at: start) else {
            return nil
        }
        return RecordPayload(decoding: bytes)
    }

    // MARK: Window

    /// The next sound trailer that lies behind content beginning at the cursor or later.
    private mutating func findTrailer() throws(IOFailure) -> (Trailer, at: Int64)? {
        var from = self.cursor
        while true {
            if let at = self.findMagic(from: from) {
                guard at + Int64(Trailer.size) <= self.limit, try self.fill(upTo: at + Int64(Trailer.size)) else { return nil }
                let keys = self.handle.keys
                let trailer = self.bytes(at, Trailer.size).withUnsafeReadableBytes { try? Trailer($0, keys) }
                if let trailer, trailer.offset >= self.cursor, trailer.offset + trailer.contentLength == at { return (trailer, at) }
                from = at + 1
                continue
            }
            let end = self.windowEnd
            guard end < self.limit else { return nil }
            from = max(self.cursor, end - 7)
            // Where nothing more can be had, although the file does not end there, the rest is a gap.
            guard try self.fill(upTo: min(self.limit, end + Int64(Self.step))) || self.windowEnd > end || self.limit <= end else {
                return nil
            }
        }
    }

    private var windowEnd: Int64 { self.windowStart + Int64(self.window.readableBytes) }

    private func findMagic(from: Int64) -> Int64? {
        let skip = Int(from - self.windowStart)
        guard skip >= 0, skip < self.window.readableBytes else { return nil }
        var magic = self.handle.keys.magic.littleEndian
        let found: Int? = self.window.withUnsafeReadableBytes { raw in
            guard let base = raw.baseAddress else { return nil }
            guard let hit = po_find(base + skip, raw.count - skip, &magic, 8) else { return nil }
            return hit - base
        }
        return found.map { self.windowStart + Int64($0) }
    }

    /// Makes the window reach to `end`; false when the file does not.
    private mutating func fill(upTo end: Int64) throws(IOFailure) -> Bool {
        let have = self.windowEnd
        guard end > have else { return true }
        while true {
            let length = Int(min(max(end, have + Int64(Self.step)), self.limit) - have)
            guard length > 0 else { return false }
            if let more = try self.files.readBytes(self.handle.descriptor, self.handle.path, length, at: have) {
                self.window.writeImmutableBuffer(more)
                return self.windowEnd >= end
            }
            // Shorter than it was: the writer took back what it had not used.
            let size = try self.files.size(self.handle.descriptor, self.handle.path)
            guard size < self.limit else { return false }
            self.limit = max(size, have)
        }
    }

    /// Whether nothing but zeros lies behind the cursor; the window reaches from there to the end when no trailer was found.
    private var isZeroToEnd: Bool {
        guard self.windowStart <= self.cursor, self.windowEnd >= self.limit else { return false }
        let length = Int(self.limit - self.cursor)
        guard length > 0 else { return true }
        return self.bytes(self.cursor, length).withUnsafeReadableBytes { raw in
            guard let base = raw.baseAddress else { return false }
            // All bytes equal the one before them, and the first is zero.
            return raw.first == 0 && memcmp(base, base + 1, raw.count - 1) == 0
        }
    }

    private func bytes(_ offset: Int64, _ count: Int) -> ByteBuffer {
        self.window.getSlice(at: self.window.readerIndex + Int(offset - self.windowStart), length: count) ?? ByteBuffer()
    }

    private mutating func dropBefore(_ offset: Int64) {
        let skip = Int(min(offset, self.windowEnd) - self.windowStart)
        self.window.moveReaderIndex(forwardBy: skip)
        self.windowStart += Int64(skip)
        if self.windowStart < offset {
            self.window.clear()
            self.windowStart = offset
        } else if self.window.readerIndex > 4 << 20 {
            self.window.discardReadBytes()
        }
    }
}
