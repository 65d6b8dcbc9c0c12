internal import Bytes
internal import NIOCore
internal import Vocabulary

/// An item with everything computed that needs no place yet; made on the caller's thread, so that the writer only copies and syncs.
struct PreparedItem: Sendable {
    var item: AcceptItem
    /// Body in memory; empty for a large one.
    var body: ByteBuffer
    var head: ByteBuffer
    var tail: ByteBuffer
    var digest: BodyDigest
    var payload: RecordPayload
    var encodedPayload: ByteBuffer
    var payloadCRC: UInt32
    var kind: RecordKind
    /// For adoptions and redeliveries.
    var blob: BlobID?
    /// Bodies of several messages that are added together: records without deliveries that are written just before this one, which names
    /// their places.
    var bodies: [PreparedItem] = []

    var recordLength: Int {
        self.body.readableBytes + self.head.readableBytes + self.tail.readableBytes + Trailer.size + self.encodedPayload.readableBytes
            + self.bodies.reduce(0) { $0 + $1.recordLength }
    }

    /// Size of a delivery as its mailbox counts it.
    func size(of delivery: StoredDelivery) -> Int64 {
        if let place = delivery.append?.place ?? self.payload.place { return delivery.size(place) }
        return Int64(
            self.body.readableBytes + self.head.readableBytes + self.tail.readableBytes + delivery.middle.readableBytes)
    }

    init(_ item: AcceptItem, body: ByteBuffer) {
        let shared = SharedPrefix(item.deliveries)
        self.item = item
        self.kind = .message
        self.body = body
        self.head = shared.head
        self.tail = shared.tail
        var running = RunningDigest()
        body.withUnsafeReadableBytes { running.body($0) }
        shared.head.withUnsafeReadableBytes { running.prefix($0) }
        shared.tail.withUnsafeReadableBytes { running.prefix($0) }
        self.digest = running.finish()
        self.payload = RecordPayload(item, shared)
        self.encodedPayload = ByteBuffer()
        self.payloadCRC = 0
        self.encode()
    }

    /// The body lies in a large segment; the record in the log only names it.
    init(adopting item: AcceptItem, blob: BlobID, place: BlobPlace, payload: RecordPayload) {
        self.item = item
        self.kind = .adoption
        self.blob = blob
        self.body = ByteBuffer()
        self.head = ByteBuffer()
        self.tail = ByteBuffer()
        self.digest = BodyDigest()
        self.payload = payload
        self.payload.place = place
        self.encodedPayload = ByteBuffer()
        self.payloadCRC = 0
        self.encode()
    }

    /// Several messages that are added together. Each of `bodies` is prepared without deliveries.
    init(adding bodies: [PreparedItem], _ deliveries: [PlannedDelivery], at time: Int64) {
        var item = AcceptItem(
            body: .memory(ByteBuffer()), envelope: Envelope(sender: nil), receivedAt: time, trace: TraceID(""), deliveries: deliveries)
        for index in item.deliveries.indices where index < bodies.count {
            let body = bodies[index]
            item.deliveries[index].append?.blob = body.blob?.rawValue ?? 0
            // Of a body in memory its length is known, its place later.
            item.deliveries[index].append?.place =
                body.payload.place ?? BlobPlace(segment: 0, offset: 0, body: Int64(body.body.readableBytes), head: 0, tail: 0)
        }
        self.init(item, body: ByteBuffer())
        self.kind = .appendGroup
        self.bodies = bodies
    }

    /// Must follow a change of `payload`.
    mutating func encode() {
        self.encodedPayload = self.payload.encoded()
        self.payloadCRC = self.encodedPayload.withUnsafeReadableBytes { CRC32C.checksum($0) }
    }
}

/// What the prefixes of all deliveries of a message have in common at their beginnings and at their ends: stored once.
struct SharedPrefix: Sendable {
    var head = ByteBuffer()
    var tail = ByteBuffer()
    var middles: [ByteBuffer] = []

    init(_ deliveries: [PlannedDelivery]) {
        guard let first = deliveries.first?.prefix else { return }
        let length = first.readableBytes
        var head = length
        var tail = length
        var shortest = length
        first.withUnsafeReadableBytes { one in
            for delivery in deliveries.dropFirst() {
                delivery.prefix.withUnsafeReadableBytes { other in
                    shortest = min(shortest, other.count)
                    head = Self.common(min(head, other.count)) { one[$0] == other[$0] }
                    tail = Self.common(min(tail, other.count)) { one[one.count - 1 - $0] == other[other.count - 1 - $0] }
                }
            }
        }
        tail = min(tail, shortest - head)
        self.head = first.getSlice(at: first.readerIndex, length: head) ?? ByteBuffer()
        self.tail = first.getSlice(at: first.writerIndex - tail, length: tail) ?? ByteBuffer()
        self.middles = deliveries.map { delivery in
            let prefix = delivery.prefix
            return prefix.getSlice(at: prefix.readerIndex + head, length: prefix.readableBytes - head - tail) ?? ByteBuffer()
        }
    }

    /// How many of the first `limit` places agree before one does not.
    private static func common(_ limit: Int, _ agree: (Int) -> Bool) -> Int {
        var count = 0
        while count < limit && agree(count) { count += 1 }
        return count
    }
}

extension RecordPayload {
    init(_ item: AcceptItem, _ shared: SharedPrefix) {
        self.init(envelope: item.envelope, trace: item.trace.text)
        self.deliveries = zip(item.deliveries, shared.middles).map { delivery, middle in
            StoredDelivery(
                account: delivery.account.rawValue, mailbox: delivery.mailbox?.rawValue ?? 0, flags: delivery.flags, middle: middle,
                append: delivery.append)
        }
        // Numbers of queue entries are given by the writer.
        self.queue = item.queue.map { StoredQueueRow(id: 0, draft: $0) }
        self.finished = item.finishes.map(\.rawValue)
    }
}
