internal import Vocabulary

/// A dictionary cut into pieces, so that a copy with a few changes costs the pieces touched and not the whole:
/// with 100,000 entries a change copies some hundred of them.
struct ShardedTable<Key: ShardKey, Value: Sendable>: Sendable {
    private final class Shard: Sendable {
        let entries: [Key: Value]
        init(_ entries: [Key: Value]) { self.entries = entries }
    }

    private static var shardCount: Int { 512 }
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

    var count: Int { self.shards.reduce(0) { $0 + $1.entries.count } }

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
