/// Numbers of documents, ascending, written as what each is more than the one before.
enum DocumentList {
    /// - Parameter documents: ascending, perhaps several times the same.
    static func encoded(_ documents: [Int64]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(documents.count + 8)
        var last: Int64 = 0
        for document in documents where document > last {
            SevenBits.write(UInt64(document - last), to: &out)
            last = document
        }
        return out
    }

    /// What of the bytes makes sense.
    static func decoded(_ bytes: UnsafeRawBufferPointer) -> [Int64] {
        var out: [Int64] = []
        out.reserveCapacity(bytes.count)
        var last: Int64 = 0
        _ = SevenBits.read(bytes) { value in
            let (next, isTooMuch) = last.addingReportingOverflow(Int64(clamping: value))
            guard !isTooMuch else { return false }
            out.append(next)
            last = next
            return true
        }
        return out
    }

    /// What is in all of them; nothing where there is none.
    static func intersection(_ lists: [[Int64]]) -> [Int64] {
        let byLength = lists.sorted { $0.count < $1.count }
        guard var out = byLength.first else { return [] }
        for list in byLength.dropFirst() {
            var kept = 0
            var at = 0
            for document in out {
                while at < list.count, list[at] < document { at += 1 }
                guard at < list.count else { break }
                if list[at] == document {
                    out[kept] = document
                    kept += 1
                }
            }
            out.removeLast(out.count - kept)
        }
        return out
    }

    /// What is in any of them, each once.
    static func union(_ lists: [[Int64]]) -> [Int64] {
        if lists.count == 1, let only = lists.first { return only }
        var all = lists.flatMap { $0 }
        // Segments come one behind the other, but for bodies that were seen again.
        if !zip(all, all.dropFirst()).allSatisfy(<) {
            all.sort()
            var kept = 0
            for index in all.indices where kept == 0 || all[kept - 1] != all[index] {
                all[kept] = all[index]
                kept += 1
            }
            all.removeLast(all.count - kept)
        }
        return all
    }
}
