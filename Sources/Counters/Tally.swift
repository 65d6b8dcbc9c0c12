/// The counters of a stretch of time, and how things stood in its worst minute.
package struct Tally: Sendable, Hashable {
    private var counts = [Int64](repeating: 0, count: Counter.slots)
    private var gauges = [Int64?](repeating: nil, count: Gauge.slots)

    package init() {}

    package subscript(_ counter: Counter) -> Int64 {
        get { self.counts[counter.rawValue] }
        set { self.counts[counter.rawValue] = newValue }
    }

    /// nil where nobody looked.
    package subscript(_ gauge: Gauge) -> Int64? {
        get { self.gauges[gauge.rawValue] }
        set { self.gauges[gauge.rawValue] = newValue }
    }

    package var isEmpty: Bool { self.counts.allSatisfy { $0 == 0 } && self.gauges.allSatisfy { $0 == nil } }

    func slot(_ index: Int) -> Int64 { self.counts.indices.contains(index) ? self.counts[index] : 0 }

    /// Saturates: a number of bytes comes from peers.
    mutating func add(_ amount: Int64, to counter: Counter) {
        let (sum, isOver) = self.counts[counter.rawValue].addingReportingOverflow(amount)
        self.counts[counter.rawValue] = isOver ? .max : sum
    }

    /// Counters are added up, of gauges the worse stays.
    package mutating func merge(_ other: Tally) {
        for index in self.counts.indices where other.counts[index] != 0 {
            let (sum, isOver) = self.counts[index].addingReportingOverflow(other.counts[index])
            self.counts[index] = isOver ? .max : sum
        }
        for gauge in Gauge.allCases {
            guard let new = other[gauge] else { continue }
            self[gauge] = self[gauge].map { gauge.worse($0, new) } ?? new
        }
    }

    // MARK: Stored form

    // A byte of format, then pairs of number and value as variable-length integers, seven bits a byte, least significant first. Numbers
    // of gauges begin at 128. What is not there is 0, or was not looked at. Unknown numbers are of a later version, and passed over.
    private static let format: UInt8 = 1
    private static let gaugeBase: UInt64 = 128

    var encoded: [UInt8] {
        var out: [UInt8] = [Self.format]
        for (index, count) in self.counts.enumerated() where count > 0 {
            Self.put(UInt64(index), &out)
            Self.put(UInt64(count), &out)
        }
        for (index, value) in self.gauges.enumerated() {
            guard let value else { continue }
            Self.put(Self.gaugeBase + UInt64(index), &out)
            Self.put(UInt64(max(0, value)), &out)
        }
        return out
    }

    /// nil for what is not of this format.
    init?(encoded: UnsafeRawBufferPointer) {
        guard encoded.first == Self.format else { return nil }
        var place = 1
        while place < encoded.count {
            guard let number = Self.take(encoded, &place), let value = Self.take(encoded, &place), let known = Int64(exactly: value) else {
                return nil
            }
            if number >= Self.gaugeBase, number < Self.gaugeBase + UInt64(Gauge.slots) {
                self.gauges[Int(number - Self.gaugeBase)] = known
            } else if number < UInt64(Counter.slots) {
                self.counts[Int(number)] = known
            }
        }
    }

    private static func put(_ value: UInt64, _ out: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        out.append(UInt8(truncatingIfNeeded: rest))
    }

    private static func take(_ bytes: UnsafeRawBufferPointer, _ place: inout Int) -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while place < bytes.count, shift < 64 {
            let byte = bytes[place]
            place += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        return nil
    }
}
