internal import Bytes
internal import Crypto
internal import NIOCore

// A segment file (numbers little-endian):
//
//   header, 128 bytes:  "POSTSEG\n" | version u16 | kind u8 | 0 u8 | number u32 | key 16 | created i64 | previous u32 | 0 u32
//                       | previous end i64 | next sequence i64 | store 16 | previous key 16 | zeros to 124 | CRC-32C u32 of the 124 before
//   records, one after the other:
//     content           body | head | tail          (head and tail: what the prefixes of all deliveries have in common)
//     trailer, 116      magic u64 | version u16 | kind u8 | 0 u8 | payload length u32 | sequence i64 | blob i64 | offset of content i64
//                       | body length i64 | head length u32 | tail length u32 | received i64
//                       | first sequence of the batch i64 | SHA-256 of body 32
//                       | CRC-32C of content u32 | CRC-32C of payload u32 | CRC-32C of the 112 before, seeded, u32
//     payload           envelope, deliveries, queue entries (RecordPayload)
//   zeros up to the end of the file where the process was killed that wrote this segment: room for the next records (decision 35)
//
// Magic and seed come from the segment's random key, and the trailer names its own place: no bytes that a peer sends, not even a copy
// of a segment, can pass for a record.

enum SegmentKind: UInt8, Sendable {
    /// Many records; all of them together, in order of segment and offset, are the log of the store.
    case log = 1
    /// One body that was too long for memory. It counts once a record of kind `.adoption` in the log names it.
    case large = 2
}

struct SegmentHeader: Sendable, Hashable {
    static let size = 128
    static let keySize = 16
    static let version: UInt16 = 1
    private static let magic: [UInt8] = Array("POSTSEG\n".utf8)

    var kind: SegmentKind
    var number: UInt32
    var key: [UInt8]
    var createdAt: Int64
    /// Log segment before this one, 0 for none, and where its good bytes end: what lies behind was answered with a refusal.
    var previous: UInt32 = 0
    var previousEnd: Int64 = 0
    /// Key of the one before, so that a damaged header does not make its records unreadable.
    var previousKey = [UInt8](repeating: 0, count: 16)
    /// Greater than every sequence before this segment.
    var nextSequence: Int64
    var store: [UInt8]

    enum Failure: Error { case tooShort, notASegment, newer(UInt16), checksum }

    func encoded() -> ByteBuffer {
        var out = ByteBuffer()
        out.writeBytes(Self.magic)
        out.writeInteger(Self.version, endianness: .little)
        out.writeInteger(self.kind.rawValue)
        out.writeInteger(UInt8(0))
        out.writeInteger(self.number, endianness: .little)
        out.writeBytes(self.key)
        out.writeInteger(self.createdAt, endianness: .little)
        out.writeInteger(self.previous, endianness: .little)
        out.writeInteger(UInt32(0))
        out.writeInteger(self.previousEnd, endianness: .little)
        out.writeInteger(self.nextSequence, endianness: .little)
        out.writeBytes(self.store)
        out.writeBytes(self.previousKey)
        out.writeRepeatingByte(0, count: Self.size - 4 - out.readableBytes)
        out.writeInteger(out.withUnsafeReadableBytes { CRC32C.checksum($0) }, endianness: .little)
        return out
    }

    init(kind: SegmentKind, number: UInt32, key: [UInt8], createdAt: Int64, nextSequence: Int64, store: [UInt8]) {
        self.kind = kind
        self.number = number
        self.key = key
        self.createdAt = createdAt
        self.nextSequence = nextSequence
        self.store = store
    }

    init(decoding bytes: ByteBuffer) throws(Failure) {
        var rest = bytes
        guard bytes.readableBytes >= Self.size else { throw .tooShort }
        guard rest.readBytes(length: 8) == Self.magic else { throw .notASegment }
        let sum = bytes.withUnsafeReadableBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[..<(Self.size - 4)])) }
        guard bytes.getInteger(at: bytes.readerIndex + Self.size - 4, endianness: .little, as: UInt32.self) == sum else { throw .checksum }
        guard let (version, kind, _, number) = rest.readMultipleIntegers(endianness: .little, as: (UInt16, UInt8, UInt8, UInt32).self)
        else { throw .tooShort }
        guard version == Self.version, let known = SegmentKind(rawValue: kind) else { throw .newer(version) }
        guard let key = rest.readBytes(length: 16),
            let (created, previous, _, previousEnd, next) = rest.readMultipleIntegers(
                endianness: .little, as: (Int64, UInt32, UInt32, Int64, Int64).self),
            let store = rest.readBytes(length: 16), let previousKey = rest.readBytes(length: 16)
        else { throw .tooShort }
        self.init(kind: known, number: number, key: key, createdAt: created, nextSequence: next, store: store)
        self.previous = previous
        self.previousEnd = previousEnd
        self.previousKey = previousKey
    }

    var keys: RecordKeys { RecordKeys(key: self.key) }
}

/// What a segment's key makes of magic and checksum.
struct RecordKeys: Sendable, Hashable {
    let magic: UInt64
    let seed: UInt32

    init(key: [UInt8]) {
        var hash = SHA256()
        hash.update(data: key)
        hash.update(data: Array("record".utf8))
        let (magic, seed) = hash.finalize().withUnsafeBytes {
            ($0.loadUnaligned(fromByteOffset: 0, as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        }
        self.magic = UInt64(littleEndian: magic)
        self.seed = UInt32(littleEndian: seed)
    }
}

enum RecordKind: UInt8, Sendable {
    /// Body within the record.
    case message = 1
    /// Body in a large segment, named in the payload.
    case adoption = 2
    /// Deliveries of a body that is stored already, named in the payload.
    case redelivery = 3
    /// Messages of one APPEND, all or none; their bodies are records of their own just before, named in the payload.
    case appendGroup = 4
}

struct Trailer: Sendable, Hashable {
    static let size = 116
    static let version: UInt16 = 1

    var kind: RecordKind
    var payloadLength: UInt32
    var sequence: Int64 = 0
    var blob: Int64 = 0
    var offset: Int64 = 0
    var bodyLength: Int64
    var headLength: UInt32
    var tailLength: UInt32
    var receivedAt: Int64
    var batch: Int64 = 0
    var sha256: (UInt64, UInt64, UInt64, UInt64)
    var contentCRC: UInt32
    var payloadCRC: UInt32

    var contentLength: Int64 { self.bodyLength + Int64(self.headLength) + Int64(self.tailLength) }
    var recordLength: Int64 { self.contentLength + Int64(Self.size) + Int64(self.payloadLength) }

    static func == (a: Trailer, b: Trailer) -> Bool {
        a.kind == b.kind && a.sequence == b.sequence && a.blob == b.blob && a.offset == b.offset && a.sha256 == b.sha256
            && a.recordLength == b.recordLength && a.bodyLength == b.bodyLength
    }
    func hash(into hasher: inout Hasher) { hasher.combine(self.sequence) }

    func write(to out: UnsafeMutableRawBufferPointer, _ keys: RecordKeys) {
        // SAFETY: both callers pass exactly `size` bytes; beyond them memory would be overwritten.
        precondition(out.count >= Self.size)
        func put(_ value: some FixedWidthInteger, _ at: Int) {
            out.storeBytes(of: value.littleEndian, toByteOffset: at, as: type(of: value))
        }
        put(keys.magic, 0)
        put(Self.version, 8)
        put(self.kind.rawValue, 10)
        put(UInt8(0), 11)
        put(self.payloadLength, 12)
        put(self.sequence, 16)
        put(self.blob, 24)
        put(self.offset, 32)
        put(self.bodyLength, 40)
        put(self.headLength, 48)
        put(self.tailLength, 52)
        put(self.receivedAt, 56)
        put(self.batch, 64)
        put(self.sha256.0, 72)
        put(self.sha256.1, 80)
        put(self.sha256.2, 88)
        put(self.sha256.3, 96)
        put(self.contentCRC, 104)
        put(self.payloadCRC, 108)
        put(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: out[..<112]), seed: keys.seed), 112)
    }

    enum Failure: Error { case notATrailer, newer(UInt16) }

    /// Reads and checks the 116 bytes; nothing of a trailer that fails its own checksum is believed.
    init(_ bytes: UnsafeRawBufferPointer, _ keys: RecordKeys) throws(Failure) {
        guard bytes.count >= Self.size else { throw .notATrailer }
        func get<T: FixedWidthInteger>(_ at: Int, _ type: T.Type = T.self) -> T {
            T(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: T.self))
        }
        guard get(0, UInt64.self) == keys.magic,
            get(112, UInt32.self) == CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<112]), seed: keys.seed)
        else { throw .notATrailer }
        let version = get(8, UInt16.self)
        guard version == Self.version, let kind = RecordKind(rawValue: get(10)) else { throw .newer(version) }
        self.kind = kind
        self.payloadLength = get(12)
        self.sequence = get(16)
        self.blob = get(24)
        self.offset = get(32)
        self.bodyLength = get(40)
        self.headLength = get(48)
        self.tailLength = get(52)
        self.receivedAt = get(56)
        self.batch = get(64)
        self.sha256 = (get(72), get(80), get(88), get(96))
        self.contentCRC = get(104)
        self.payloadCRC = get(108)
        guard self.offset >= 0, self.bodyLength >= 0, self.bodyLength < 1 << 40 else { throw .notATrailer }
    }

    init(
        kind: RecordKind, payloadLength: Int, bodyLength: Int64, headLength: Int, tailLength: Int, receivedAt: Int64, digest: BodyDigest,
        payloadCRC: UInt32
    ) {
        self.kind = kind
        self.payloadLength = UInt32(clamping: payloadLength)
        self.bodyLength = bodyLength
        self.headLength = UInt32(clamping: headLength)
        self.tailLength = UInt32(clamping: tailLength)
        self.receivedAt = receivedAt
        self.sha256 = digest.sha256
        self.contentCRC = digest.crc
        self.payloadCRC = payloadCRC
    }
}

/// SHA-256 of the body, and CRC-32C of the whole content.
struct BodyDigest: Sendable {
    var sha256: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var crc: UInt32 = 0
}

/// Digest of bytes that come in pieces.
struct RunningDigest {
    private var hash = SHA256()
    private var crc: UInt32 = 0

    mutating func body(_ bytes: UnsafeRawBufferPointer) {
        self.hash.update(bufferPointer: bytes)
        self.crc = CRC32C.checksum(bytes, seed: self.crc)
    }

    /// Head and tail count in the checksum only.
    mutating func prefix(_ bytes: UnsafeRawBufferPointer) { self.crc = CRC32C.checksum(bytes, seed: self.crc) }

    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 { CRC32C.checksum(bytes) }

    func finish() -> BodyDigest {
        let words = self.hash.finalize().withUnsafeBytes { raw in
            func word(_ at: Int) -> UInt64 { UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)) }
            return (word(0), word(8), word(16), word(24))
        }
        return BodyDigest(sha256: words, crc: self.crc)
    }
}
