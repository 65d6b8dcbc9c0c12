internal import NIOCore

// The end of a payload that has messages of an APPEND: for each delivery whether it is one, its internal date, its keywords, and where
// its own body is, and which message it takes the place of. Numbers of the place have a fixed width, because they are known only when the length of the record is.

extension ByteBuffer {
    /// On the number that says whether it is an APPEND's: a message goes as this one comes. Others look as they always did.
    private static let replaces: UInt8 = 4

    mutating func writeAppends(_ deliveries: [StoredDelivery]) {
        for delivery in deliveries {
            guard let facts = delivery.append else {
                self.writeInteger(UInt8(0))
                continue
            }
            self.writeInteger(UInt8(facts.place == nil ? 1 : 2) | (facts.replaces == nil ? 0 : Self.replaces))
            self.writeInteger(facts.date, endianness: .little)
            self.writeVarint(facts.keywords.count)
            for keyword in facts.keywords { self.writeCounted(keyword) }
            if let old = facts.replaces {
                self.writeMultipleIntegers(old.mailbox, old.uidValidity, old.uid, old.blob, endianness: .little)
            }
            guard let place = facts.place else { continue }
            self.writeMultipleIntegers(facts.blob, place.segment, place.offset, place.body, place.head, place.tail, endianness: .little)
        }
    }

    /// False when the bytes are none such.
    mutating func readAppends(into deliveries: inout [StoredDelivery]) -> Bool {
        for index in deliveries.indices {
            guard let first = self.readInteger(as: UInt8.self) else { return false }
            let kind = first & ~Self.replaces
            guard kind <= 2, first == kind || kind > 0 else { return false }
            if kind == 0 { continue }
            guard let date = self.readInteger(endianness: .little, as: Int64.self), let count = self.readVarint() else { return false }
            var facts = AppendFacts(date: date)
            for _ in 0..<count {
                guard let keyword = self.readCounted() else { return false }
                facts.keywords.append(keyword)
            }
            if first != kind {
                guard
                    let (mailbox, validity, uid, blob) = self.readMultipleIntegers(
                        endianness: .little, as: (Int64, Int64, Int64, Int64).self)
                else { return false }
                facts.replaces = ReplacedMessage(mailbox: mailbox, uidValidity: validity, uid: uid, blob: blob)
            }
            if kind == 2 {
                guard
                    let (blob, segment, offset, body, head, tail) = self.readMultipleIntegers(
                        endianness: .little, as: (Int64, UInt32, Int64, Int64, UInt32, UInt32).self), body >= 0
                else { return false }
                facts.blob = blob
                facts.place = BlobPlace(segment: segment, offset: offset, body: body, head: head, tail: tail)
            }
            deliveries[index].append = facts
        }
        return true
    }
}
