internal import IMAPWire
internal import MIME
internal import MessageStore
internal import NIOCore

/// The octets of one section, given out piece by piece.
struct SectionStream: Sendable {
    /// Octets that will be given out: known before the first, because the literal says so.
    let size: Int64
    /// The content holds a NUL, so that it goes as literal8. [RFC3516-4.4]
    var isBinary = false

    private let content: MessageContent?
    /// What comes first.
    private var front: ByteBuffer
    private var range: Range<Int64>
    private var decoder: BinaryDecoder?
    /// Of what is decoded: left out at the beginning, and still to be given.
    private var skip: Int64
    private var left: Int64

    private static let chunk: Int64 = 64 << 10

    /// Octets as they are stored: `front`, then a range of the body; of these the part that is asked for.
    init(_ content: MessageContent?, front: ByteBuffer, _ range: Range<Int64>, _ partial: OctetRange?) {
        let total = Int64(front.readableBytes) + Int64(range.count)
        let wanted = Self.clamped(partial, total)
        var front = front
        let ofFront = min(wanted.lowerBound, Int64(front.readableBytes))
        front.moveReaderIndex(forwardBy: Int(ofFront))
        let start = range.lowerBound + (wanted.lowerBound - ofFront)
        self.content = content
        self.front = front
        self.range = start..<max(start, range.upperBound)
        self.skip = 0
        self.left = Int64(wanted.count)
        self.size = Int64(wanted.count)
    }

    /// Decoded octets: from the last mark before those that are asked for.
    init(decoding content: MessageContent, front: ByteBuffer, _ range: Range<Int64>, _ extent: BinaryExtent, _ partial: OctetRange?) {
        let wanted = Self.clamped(partial, extent.size)
        let mark = extent.mark(before: wanted.lowerBound)
        var front = front
        let ofFront = min(mark.stored, Int64(front.readableBytes))
        front.moveReaderIndex(forwardBy: Int(ofFront))
        let start = range.lowerBound + (mark.stored - ofFront)
        self.content = content
        self.front = front
        self.range = start..<max(start, range.upperBound)
        self.decoder = mark.decoder
        self.skip = wanted.lowerBound - mark.decoded
        self.left = Int64(wanted.count)
        self.size = Int64(wanted.count)
        self.isBinary = extent.isBinary
    }

    private static func clamped(_ partial: OctetRange?, _ total: Int64) -> Range<Int64> {
        guard let partial else { return 0..<total }
        let first = min(Int64(partial.first), total)
        return first..<min(first + Int64(partial.count), total)
    }

    var isDone: Bool { self.left <= 0 }

    /// Appends at most about `limit` octets.
    mutating func write(to out: inout ByteBuffer, limit: Int) throws(StoreError) {
        var room = Int64(max(limit, 1))
        while room > 0, self.left > 0 {
            var piece = try self.next()
            if self.skip > 0 {
                let dropped = min(self.skip, Int64(piece.readableBytes))
                piece.moveReaderIndex(forwardBy: Int(dropped))
                self.skip -= dropped
            }
            if Int64(piece.readableBytes) > self.left, let cut = piece.readSlice(length: Int(self.left)) { piece = cut }
            self.left -= Int64(piece.readableBytes)
            room -= Int64(piece.readableBytes)
            out.writeImmutableBuffer(piece)
        }
    }

    /// The same as an answer can hold it.
    mutating func writeAnswer(to out: inout ByteBuffer, limit: Int) throws(StoreError) {
        let start = out.writerIndex
        try self.write(to: &out, limit: limit)
        if !self.isBinary { out.replaceNULs(from: start) }
    }

    /// The next piece of output; throws when there is none though there should be.
    private mutating func next() throws(StoreError) -> ByteBuffer {
        while true {
            if let raw = try self.nextRaw() {
                guard self.decoder != nil else { return raw }
                let decoded = self.decoder?.decode(raw) ?? raw
                if decoded.readableBytes > 0 { return decoded }
            } else if var decoder = self.decoder {
                self.decoder = nil
                let rest = decoder.finish()
                if rest.readableBytes > 0 { return rest }
            } else {
                throw .damaged("a section is shorter than its size")
            }
        }
    }

    private mutating func nextRaw() throws(StoreError) -> ByteBuffer? {
        if self.front.readableBytes > 0 {
            defer { self.front = ByteBuffer() }
            return self.front
        }
        guard !self.range.isEmpty, let content = self.content else { return nil }
        let end = min(self.range.lowerBound + Self.chunk, self.range.upperBound)
        let bytes = try content.read(self.range.lowerBound..<end)
        guard bytes.readableBytes > 0 else { throw .damaged("a body is shorter than its size") }
        self.range = (self.range.lowerBound + Int64(bytes.readableBytes))..<self.range.upperBound
        return bytes
    }
}

/// One pass over a part to learn how long its decoded content is: it may be left off and gone on with.
struct BinaryMeasuring: Sendable {
    private(set) var extent: BinaryExtent
    private let place: BinaryPlace
    private var at: Int64
    private var hasBegun = false
    private(set) var isDone = false

    /// nil where nobody knows the encoding.
    init?(_ place: BinaryPlace) {
        guard let extent = BinaryExtent(place) else { return nil }
        self.extent = extent
        self.place = place
        self.at = place.range.lowerBound
    }

    /// A piece at least, and on until the turn is over.
    mutating func goOn(_ content: MessageContent, _ turn: Turn) throws(StoreError) {
        if !self.hasBegun, self.place.hasPrefix { self.extent.read(content.prefix) }
        self.hasBegun = true
        while self.at < self.place.range.upperBound {
            let piece = try content.read(self.at..<min(self.at + (64 << 10), self.place.range.upperBound))
            guard piece.readableBytes > 0 else { throw .damaged("a body is shorter than its size") }
            self.at += Int64(piece.readableBytes)
            self.extent.read(piece)
            if turn.isOver, self.at < self.place.range.upperBound { return }
        }
        self.extent.finish()
        self.isDone = true
    }
}
