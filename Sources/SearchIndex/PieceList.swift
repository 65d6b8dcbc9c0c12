/// Pieces, ascending, written as what each is more than the one before.
enum PieceList {
    static func encoded(_ pieces: some Sequence<UInt64>) -> [UInt8] {
        var out: [UInt8] = []
        var last: UInt64 = 0
        for piece in pieces {
            SevenBits.write(piece &- last, to: &out)
            last = piece
        }
        return out
    }

    /// nil for what is cut short, or goes down.
    static func decoded(_ bytes: UnsafeRawBufferPointer) -> [UInt64]? {
        var out: [UInt64] = []
        out.reserveCapacity(bytes.count / 2)
        var last: UInt64 = 0
        let isWhole = SevenBits.read(bytes) { value in
            let (next, isTooMuch) = last.addingReportingOverflow(value)
            guard !isTooMuch else { return false }
            out.append(next)
            last = next
            return true
        }
        return isWhole ? out : nil
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
