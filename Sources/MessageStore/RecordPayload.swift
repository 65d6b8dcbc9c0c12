internal import Bytes
internal import NIOCore
internal import Vocabulary

/// Where a body lies. Offsets are never kept outside the databases and a reader's handle.
struct BlobPlace: Sendable, Hashable {
    var segment: UInt32
    /// Of the content (the body's first byte).
    var offset: Int64
    var body: Int64
    var head: UInt32
    var tail: UInt32

    var contentLength: Int64 { self.body + Int64(self.head) + Int64(self.tail) }
}

/// One delivery as the record holds it: the prefix is head + middle + tail.
struct StoredDelivery: Sendable, Hashable {
    var account: Int64
    /// 0 is INBOX.
    var mailbox: Int64
    var flags: Flags
    var middle: ByteBuffer
    /// The prefix is `middle` alone: made after the body was stored, so that it shares nothing.
    var isWhole = false
    /// Of a message that a client added: it goes into its mailbox or nowhere.
    var append: AppendFacts?

    /// Bytes of the message in its mailbox.
    func size(_ place: BlobPlace) -> Int64 { (self.isWhole ? place.body : place.contentLength) + Int64(self.middle.readableBytes) }
}

/// What an APPEND says beside the body.
struct AppendFacts: Sendable, Hashable {
    /// Internal date, Unix seconds.
    var date: Int64
    var keywords: [String] = []
    /// Of one of several messages: its own body. 0 and nil are those of the record.
    var blob: Int64 = 0
    var place: BlobPlace?
    /// Of the first message: what goes as this one comes.
    var replaces: ReplacedMessage?
}

/// A message that another one takes the place of. By all its names: in an index made anew another message may have its UID.
struct ReplacedMessage: Sendable, Hashable {
    var mailbox: Int64
    var uidValidity: Int64
    var uid: Int64
    var blob: Int64
}

struct StoredQueueRow: Sendable, Hashable {
    var id: Int64
    var draft: QueueDraft
}

/// The part of a record beside body and checksums: enough to rebuild every index from the segments alone.
struct RecordPayload: Sendable, Hashable {
    var envelope: Envelope
    var trace: String
    var deliveries: [StoredDelivery] = []
    var queue: [StoredQueueRow] = []
    /// For adoptions and redeliveries: where the content is.
    var place: BlobPlace?
    /// Key of the large segment an adoption names, so that a damaged header there can be mended; else empty.
    var key: [UInt8] = []
    /// Queue entries that this record ends.
    var finished: [Int64] = []

    private static let version: UInt8 = 1

    func encoded() -> ByteBuffer {
        var out = ByteBuffer()
        out.reserveCapacity(128 + self.deliveries.count * 48 + self.envelope.recipients.count * 40)
        out.writeInteger(Self.version)
        out.writeEnvelope(self.envelope)
        out.writeCounted(self.trace)
        out.writeVarint(self.deliveries.count)
        for delivery in self.deliveries {
            out.writeVarint(delivery.account)
            out.writeVarint(delivery.mailbox)
            out.writeVarint(delivery.flags.stored)
            // Doubled to carry one bit more.
            out.writeVarint(delivery.middle.readableBytes * 2 + (delivery.isWhole ? 1 : 0))
            out.writeImmutableBuffer(delivery.middle)
        }
        out.writeVarint(self.queue.count)
        for row in self.queue {
            out.writeVarint(row.id)
            out.writeQueueDraft(row.draft)
        }
        out.writeInteger(UInt8(self.place == nil ? 0 : 1))
        if let place = self.place {
            out.writeVarint(Int64(place.segment))
            out.writeVarint(place.offset)
            out.writeVarint(place.body)
            out.writeVarint(Int64(place.head))
            out.writeVarint(Int64(place.tail))
        }
        out.writeVarint(self.key.count)
        out.writeBytes(self.key)
        out.writeVarint(self.finished.count)
        for id in self.finished { out.writeVarint(id) }
        // Older versions stop reading here.
        if self.deliveries.contains(where: { $0.append != nil }) { out.writeAppends(self.deliveries) }
        return out
    }

    /// nil when the bytes are not such a payload (its checksum was right, so only a newer version or a defect of ours gives that).
    init?(decoding bytes: ByteBuffer) {
        var rest = bytes
        guard rest.readInteger(as: UInt8.self) == Self.version, let envelope = rest.readEnvelope(), let trace = rest.readCounted() else {
            return nil
        }
        self.envelope = envelope
        self.trace = trace
        guard let deliveries = rest.readVarint() else { return nil }
        for _ in 0..<deliveries {
            guard let account = rest.readVarint(), let mailbox = rest.readVarint(), let flags = rest.readVarint(),
                let length = rest.readVarint(),
                let middle = rest.readSlice(length: Int(clamping: length / 2))
            else { return nil }
            self.deliveries.append(
                StoredDelivery(
                    account: account, mailbox: mailbox, flags: Flags(flags), middle: middle, isWhole: length % 2 == 1))
        }
        guard let rows = rest.readVarint() else { return nil }
        for _ in 0..<rows {
            guard let id = rest.readVarint(), let draft = rest.readQueueDraft() else { return nil }
            self.queue.append(StoredQueueRow(id: id, draft: draft))
        }
        guard let hasPlace = rest.readInteger(as: UInt8.self) else { return nil }
        if hasPlace == 1 {
            guard let segment = rest.readVarint(), let offset = rest.readVarint(), let body = rest.readVarint(),
                let head = rest.readVarint(),
                let tail = rest.readVarint()
            else { return nil }
            self.place = BlobPlace(
                segment: UInt32(clamping: segment), offset: offset, body: body, head: UInt32(clamping: head), tail: UInt32(clamping: tail))
        }
        guard let keyLength = rest.readVarint(), let key = rest.readBytes(length: Int(clamping: keyLength)) else { return nil }
        self.key = key
        guard let finished = rest.readVarint() else { return nil }
        for _ in 0..<finished {
            guard let id = rest.readVarint() else { return nil }
            self.finished.append(id)
        }
        if rest.readableBytes > 0 { guard rest.readAppends(into: &self.deliveries) else { return nil } }
    }

    init(envelope: Envelope, trace: String) {
        self.envelope = envelope
        self.trace = trace
    }
}

// Numbers are LEB128 of non-negative Int64; texts are counted UTF-8.

extension ByteBuffer {
    mutating func writeVarint(_ value: Int) { self.writeVarint(Int64(value)) }

    mutating func writeVarint(_ value: Int64) {
        var rest = UInt64(bitPattern: max(0, value))
        while rest >= 0x80 {
            self.writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        self.writeInteger(UInt8(truncatingIfNeeded: rest))
    }

    mutating func readVarint() -> Int64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 63, let byte = self.readInteger(as: UInt8.self) {
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return Int64(bitPattern: value) }
            shift += 7
        }
        return nil
    }

    mutating func writeCounted(_ text: String) {
        self.writeVarint(text.utf8.count)
        self.writeString(text)
    }

    mutating func readCounted() -> String? {
        guard let count = self.readVarint(), count <= Int64(self.readableBytes) else { return nil }
        return self.readString(length: Int(count))
    }

    mutating func writeOptional(_ text: String?) {
        self.writeInteger(UInt8(text == nil ? 0 : 1))
        if let text { self.writeCounted(text) }
    }

    mutating func readOptional() -> String?? {
        switch self.readInteger(as: UInt8.self) {
        case 0: return .some(nil)
        case 1: return self.readCounted().map { .some($0) }
        default: return nil
        }
    }

    mutating func writeAddress(_ address: Address) {
        self.writeCounted(address.localPart)
        self.writeCounted(address.domain)
    }

    mutating func readAddress() -> Address? {
        guard let local = self.readCounted(), let domain = self.readCounted() else { return nil }
        return Address(localPart: local, domain: domain)
    }

    mutating func writeRecipient(_ recipient: Envelope.Recipient) {
        self.writeAddress(recipient.address)
        // 0 is "not said"; else one more than the bits.
        self.writeVarint(recipient.notify.map { Int($0.rawValue) + 1 } ?? 0)
        self.writeOptional(recipient.originalRecipient)
    }

    mutating func readRecipient() -> Envelope.Recipient? {
        guard let address = self.readAddress(), let notify = self.readVarint(), let original = self.readOptional() else { return nil }
        return Envelope.Recipient(
            address, notify: notify == 0 ? nil : DSNNotify(rawValue: UInt8(clamping: notify - 1)), originalRecipient: original)
    }

    mutating func writeEnvelope(_ envelope: Envelope) {
        let bits: UInt8 =
            (envelope.sender == nil ? 0 : 1) | (envelope.isEightBit ? 2 : 0) | (envelope.isInternationalized ? 4 : 0)
            | (envelope.requiresTLS ? 8 : 0) | (envelope.isTLSOptional ? 16 : 0)
        self.writeInteger(bits)
        self.writeInteger(envelope.dsnReturn?.rawValue ?? 0)
        if let sender = envelope.sender { self.writeAddress(sender) }
        self.writeOptional(envelope.envelopeID)
        self.writeVarint(envelope.recipients.count)
        for recipient in envelope.recipients { self.writeRecipient(recipient) }
    }

    mutating func readEnvelope() -> Envelope? {
        guard let (bits, dsn) = self.readMultipleIntegers(as: (UInt8, UInt8).self) else { return nil }
        var sender: Address?
        if bits & 1 != 0 {
            guard let address = self.readAddress() else { return nil }
            sender = address
        }
        guard let envelopeID = self.readOptional(), let count = self.readVarint() else { return nil }
        var envelope = Envelope(sender: sender)
        envelope.isEightBit = bits & 2 != 0
        envelope.isInternationalized = bits & 4 != 0
        envelope.requiresTLS = bits & 8 != 0
        envelope.isTLSOptional = bits & 16 != 0
        envelope.dsnReturn = DSNReturn(rawValue: dsn)
        envelope.envelopeID = envelopeID
        for _ in 0..<count {
            guard let recipient = self.readRecipient() else { return nil }
            envelope.recipients.append(recipient)
        }
        return envelope
    }

    /// On the number of a channel: a reason follows the payload. Drafts without one look as they always did.
    private static let hasReason: UInt8 = 0x80

    mutating func writeQueueDraft(_ draft: QueueDraft) {
        self.writeInteger(draft.channel.rawValue | (draft.reason.isEmpty ? 0 : Self.hasReason))
        self.writeRecipient(draft.recipient)
        self.writeCounted(draft.destination)
        self.writeVarint(draft.due)
        self.writeVarint(draft.payload.count)
        self.writeBytes(draft.payload)
        if !draft.reason.isEmpty { self.writeCounted(draft.reason) }
    }

    mutating func readQueueDraft() -> QueueDraft? {
        guard let raw = self.readInteger(as: UInt8.self), let channel = QueueDraft.Channel(rawValue: raw & ~Self.hasReason),
            let recipient = self.readRecipient(),
            let destination = self.readCounted(), let due = self.readVarint(), let length = self.readVarint(),
            let payload = self.readBytes(length: Int(clamping: length))
        else { return nil }
        var draft = QueueDraft(channel, recipient: recipient, destination: destination, due: due, payload: payload)
        if raw & Self.hasReason != 0 {
            guard let reason = self.readCounted() else { return nil }
            draft.reason = reason
        }
        return draft
    }
}
