/// Pieces, ascending, written as what each is more than the one before: seven bits an octet, low ones first.
enum PieceList {
    static func encoded(_ pieces: some Sequence<UInt64>) -> [UInt8] {
        var out: [UInt8] = []
        var last: UInt64 = 0
        for piece in pieces {
            var rest = piece &- last
            last = piece
            while rest >= 0x80 {
                out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            out.append(UInt8(truncatingIfNeeded: rest))
        }
        return out
    }

    /// nil for what is cut short, or goes down.
    static func decoded(_ bytes: UnsafeRawBufferPointer) -> [UInt64]? {
        var out: [UInt64] = []
        out.reserveCapacity(bytes.count / 2)
        var (last, value, shift): (UInt64, UInt64, UInt64) = (0, 0, 0)
        for byte in bytes {
            guard shift < 64 else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            shift += 7
            guard byte < 0x80 else { continue }
            let (next, isTooMuch) = last.addingReportingOverflow(value)
            guard !isTooMuch else { return nil }
            out.append(next)
            (last, value, shift) = (next, 0, 0)
        }
        return shift == 0 ? out : nil
    }

    /// Each once, ascending.
    static func union(_ lists: [[UInt64]]) -> [UInt64] {
        var all = lists.flatMap { $0 }
        all.sort()
        var kept = 0
        for index in all.indices where kept == 0 || all[kept - 1] != all[index] {
            all[kept] = all[index]
            kept += 1
        }
        all.removeLast(all.count - kept)
        return all
    }
}
