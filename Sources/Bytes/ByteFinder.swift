internal import CPlatform

/// Looks for one sequence of bytes in many others, at the speed of memory: two of its bytes that are rare in text are compared at many
/// places at once.
package struct ByteFinder: Hashable, Sendable {
    package let needle: [UInt8]
    private let first: Int
    private let second: Int

    package init(_ needle: [UInt8]) {
        self.needle = needle
        let order = needle.indices.sorted { (Self.frequency(needle[$0]), $0) < (Self.frequency(needle[$1]), $1) }
        let rarest = order.first ?? 0
        let next = order.dropFirst().first { needle[$0] != needle[rarest] } ?? order.dropFirst().first ?? rarest
        (self.first, self.second) = (min(rarest, next), max(rarest, next))
    }

    /// Offset of its first place at or behind `start`; an empty needle is everywhere.
    package func find(in bytes: UnsafeRawBufferPointer, from start: Int = 0) -> Int? {
        guard start >= 0, start <= bytes.count, self.needle.count <= bytes.count - start else { return nil }
        guard let base = bytes.baseAddress, !self.needle.isEmpty else { return start }
        return self.needle.withUnsafeBytes { needle in
            let found = po_find_by(base + start, bytes.count - start, needle.baseAddress, needle.count, self.first, self.second)
            return found.map { UnsafeRawPointer($0) - base }
        }
    }

    package func isIn(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { self.find(in: $0) != nil } }

    /// How often a byte is met in mail that is decoded and folded: a rank, from few to many. Lead bytes of Japanese are everywhere in Japanese.
    private static func frequency(_ byte: UInt8) -> Int {
        switch byte {
        case 0x20: 10
        case 0xE3: 9
        case UInt8(ascii: "e"), UInt8(ascii: "t"), UInt8(ascii: "a"), UInt8(ascii: "o"), UInt8(ascii: "i"), UInt8(ascii: "n"): 8
        case 0x81, 0x82, 0x83: 7
        case UInt8(ascii: "s"), UInt8(ascii: "r"), UInt8(ascii: "h"), UInt8(ascii: "l"), UInt8(ascii: "d"), UInt8(ascii: "c"),
            UInt8(ascii: "u"):
            6
        case 0xE4...0xE9: 5
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: ","), UInt8(ascii: "-"), UInt8(ascii: "/"): 4
        case 0x80...0xBF: 3
        case UInt8(ascii: "0")...UInt8(ascii: "9"): 2
        default: 1
        }
    }
}
