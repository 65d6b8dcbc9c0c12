internal import Vocabulary

/// A dictionary cut into pieces, so that a copy with a few changes costs the pieces touched and not the whole:
/// with 100,000 entries a change copies some fifty of them. (With a quarter of the pieces the copies were 60 % of an import's work.)
struct ShardedTable<Key: ShardKey, Value: Sendable>: Sendable {
    private final class Shard: Sendable {
        let entries: [Key: Value]
        init(_ entries: [Key: Value]) { self.entries = entries }
    }

    private static var shardCount: Int { 2048 }
    private var shards: [Shard]

    init() {
        let empty = Shard([:])
        self.shards = [Shard](repeating: empty, count: Self.shardCount)
    }

    /// For filling from nothing.
    init(_ entries: some Sequence<(Key, Value)>) {
        var pieces = [[Key: Value]](repeating: [:], count: Self.shardCount)
        for (key, value) in entries { pieces[Self.index(key)][key] = value }
        self.shards = pieces.map { Shard($0) }
    }

    subscript(key: Key) -> Value? { self.shards[Self.index(key)].entries[key] }

    func each(_ body: (Key, Value) -> Void) {
        for shard in self.shards { for (key, value) in shard.entries { body(key, value) } }
    }

    var count: Int { self.shards.reduce(0) { $0 + $1.entries.count } }

    /// What is not the same as in an older copy: only pieces that were replaced are looked at.
    func differences(from old: ShardedTable, same: (Value, Value) -> Bool) -> [(old: Value?, new: Value?)] {
        var out: [(old: Value?, new: Value?)] = []
        for (before, now) in zip(old.shards, self.shards) where before !== now {
            for (key, value) in now.entries {
                let previous = before.entries[key]
                if let previous, same(previous, value) { continue }
                out.append((previous, value))
            }
            for (key, value) in before.entries where now.entries[key] == nil { out.append((value, nil)) }
        }
        return out
    }

    /// Sets (or with nil removes) entries; later ones win.
    mutating func apply(_ changes: [(Key, Value?)]) {
        let touched = Dictionary(grouping: changes) { Self.index($0.0) }
        for (index, changes) in touched {
            var entries = self.shards[index].entries
            for (key, value) in changes { entries[key] = value }
            self.shards[index] = Shard(entries)
        }
    }

    private static func index(_ key: Key) -> Int { Int(truncatingIfNeeded: key.spread & UInt64(Self.shardCount - 1)) }
}

extension ShardedTable where Value == Int {
    var sum: Int {
        var sum = 0
        self.each { sum += $1 }
        return sum
    }
}

/// A key that says cheaply, and evenly enough, in which piece it belongs; the dictionary there hashes it once more, and well.
protocol ShardKey: Hashable, Sendable {
    var spread: UInt64 { get }
}

extension String: ShardKey {
    /// FNV-1a.
    var spread: UInt64 { self.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } }
}

extension AccountID: ShardKey {
    var spread: UInt64 { UInt64(bitPattern: self.rawValue) }
}
