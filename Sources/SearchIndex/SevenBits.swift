/// Numbers as they stand in lists: seven bits an octet, low ones first, the top bit where more follow.
enum SevenBits {
    @inline(__always)
    static func write(_ value: UInt64, to out: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        out.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Takes one number after the other out of bytes until `take` answers false, or the rest makes no sense. True where there is no rest.
    @inline(__always)
    static func read(_ bytes: UnsafeRawBufferPointer, _ take: (UInt64) -> Bool) -> Bool {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        for byte in bytes {
            guard shift < 64 else { return false }
            value |= UInt64(byte & 0x7F) << shift
            shift += 7
            guard byte < 0x80 else { continue }
            guard take(value) else { return false }
            (value, shift) = (0, 0)
        }
        return shift == 0
    }
}
