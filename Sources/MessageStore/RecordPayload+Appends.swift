internal import NIOCore

// The end of a payload that has messages of an APPEND: for each delivery whether it is one, its internal date, its keywords, and where
// its own body is. Numbers of the place have a fixed width, because they are known only when the length of the record is.

extension ByteBuffer {
    mutating func writeAppends(_ deliveries: [StoredDelivery]) {
        for delivery in deliveries {
            guard let facts = delivery.append else {
                self.writeInteger(UInt8(0))
                continue
            }
            self.writeInteger(UInt8(facts.place == nil ? 1 : 2))
            self.writeInteger(facts.date, endianness: .little)
            self.writeVarint(facts.keywords.count)
            for keyword in facts.keywords { self.writeCounted(keyword) }
            guard let place = facts.place else { continue }
            self.writeMultipleIntegers(facts.blob, place.segment, place.offset, place.body, place.head, place.tail, endianness: .little)
        }
    }

    /// False when the bytes are none such.
    mutating func readAppends(into deliveries: inout [StoredDelivery]) -> Bool {
        for index in deliveries.indices {
            guard let kind = self.readInteger(as: UInt8.self), kind <= 2 else { return false }
            if kind == 0 { continue }
            guard let date = self.readInteger(endianness: .little, as: Int64.self), let count = self.readVarint() else { return false }
            var facts = AppendFacts(date: date)
            for _ in 0..<count {
                guard let keyword = self.readCounted() else { return false }
                facts.keywords.append(keyword)
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
