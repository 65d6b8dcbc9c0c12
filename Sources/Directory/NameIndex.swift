internal import Vocabulary

/// Words by which accounts are found, in order of their octets, so that what begins with a part stands together. In pieces of a hundred
/// entries: a change copies the pieces that it touches, as in `ShardedTable`.
struct NameIndex: Sendable {
    struct Entry: Sendable, Hashable {
        let word: String
        let account: AccountID
        /// A word out of a name, and not itself one: stands behind those.
        let isPart: Bool
        /// The first eight octets: most comparisons need no more.
        private let head: UInt64

        init(_ word: String, _ account: AccountID, isPart: Bool) {
            self.word = word
            self.account = account
            self.isPart = isPart
            var head: UInt64 = 0
            var shift: UInt64 = 64
            for octet in word.utf8.prefix(8) {
                shift -= 8
                head |= UInt64(octet) << shift
            }
            self.head = head
        }

        func precedes(_ other: Entry) -> Bool {
            if self.head != other.head { return self.head < other.head }
            if self.word.utf8.lexicographicallyPrecedes(other.word.utf8) { return true }
            if other.word.utf8.lexicographicallyPrecedes(self.word.utf8) { return false }
            if self.isPart != other.isPart { return other.isPart }
            return self.account.rawValue < other.account.rawValue
        }
    }

    private final class Piece: Sendable {
        let entries: [Entry]
        init(_ entries: [Entry]) { self.entries = entries }
    }

    private static let most = 128
    /// Never empty itself; none of several is.
    private var pieces = [Piece([])]

    init() {}

    init(_ entries: [Entry]) { self.pieces = Self.cut(entries.sorted { $0.precedes($1) }) }

    /// Entries whose word begins so, in order, the word itself first; until `body` says false.
    func each(beginningWith part: String, _ body: (Entry) -> Bool) {
        let least = Entry(part, AccountID(rawValue: .min), isPart: false)
        for piece in self.pieces[self.place(of: least)...] {
            let begin = Self.firstIndex(in: piece.entries) { !$0.precedes(least) }
            for entry in piece.entries[begin...] {
                guard entry.word.utf8.starts(with: part.utf8), body(entry) else { return }
            }
        }
    }

    mutating func apply(removed: [Entry], added: [Entry]) {
        guard !removed.isEmpty || !added.isEmpty else { return }
        var changes: [Int: (removed: Set<Entry>, added: [Entry])] = [:]
        for entry in removed { changes[self.place(of: entry), default: ([], [])].removed.insert(entry) }
        for entry in added { changes[self.place(of: entry), default: ([], [])].added.append(entry) }
        var out: [Piece] = []
        out.reserveCapacity(self.pieces.count + added.count / Self.most + changes.count)
        for (index, piece) in self.pieces.enumerated() {
            if let change = changes[index] {
                let kept = Self.merged(piece.entries, change.removed, change.added.sorted { $0.precedes($1) })
                if !kept.isEmpty { out += Self.cut(kept) }
            } else {
                out.append(piece)
            }
        }
        self.pieces = out.isEmpty ? [Piece([])] : out
    }

    /// Both in order, without those that are removed.
    private static func merged(_ old: [Entry], _ removed: Set<Entry>, _ added: [Entry]) -> [Entry] {
        var out: [Entry] = []
        out.reserveCapacity(old.count + added.count)
        var next = added[...]
        for entry in old {
            while let first = next.first, first.precedes(entry) {
                out.append(first)
                next.removeFirst()
            }
            if removed.isEmpty || !removed.contains(entry) { out.append(entry) }
        }
        return out + next
    }

    /// The piece in which an entry stands or would stand: the last one that begins with it or before it.
    private func place(of entry: Entry) -> Int {
        let after = Self.firstIndex(in: self.pieces) { $0.entries.first.map { entry.precedes($0) } ?? false }
        return max(0, after - 1)
    }

    /// Where something begins to be so, in an order in which it then stays so.
    private static func firstIndex<Element>(in all: [Element], _ isSo: (Element) -> Bool) -> Int {
        var (low, high) = (0, all.count)
        while low < high {
            let middle = (low + high) / 2
            if isSo(all[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Half full, so that the next ones have room.
    private static func cut(_ entries: [Entry]) -> [Piece] {
        guard entries.count > Self.most else { return [Piece(entries)] }
        return stride(from: 0, to: entries.count, by: Self.most / 2).map { begin in
            Piece(Array(entries[begin..<min(begin + Self.most / 2, entries.count)]))
        }
    }
}
