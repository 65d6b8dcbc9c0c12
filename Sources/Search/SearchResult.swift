package import Vocabulary

/// What a search found, and the parts of it that clients ask for. UIDs throughout; the session makes numbers of them where it must.
package struct SearchResult: Hashable, Sendable {
    /// Ascending.
    package var uids: UIDSet
    /// Highest MODSEQ of those found, where the program asked. [RFC7162-3.1.5]
    package var modSeq: ModSeq?

    package init(_ uids: UIDSet = UIDSet(), modSeq: ModSeq? = nil) {
        self.uids = uids
        self.modSeq = modSeq
    }

    package var min: UID? { self.uids.first }
    package var max: UID? { self.uids.last }
    package var count: Int { self.uids.count }

    /// PARTIAL: the results of these places, from 1; negative ones count from the end, -1 being the last. [RFC9394-3.1]
    package func partial(_ range: ResultWindow) -> UIDSet { self.uids.slice(range.places(of: self.uids.count)) }

    /// What `$` holds afterwards. [RFC9051-6.4.4.1]
    package func saved(min: Bool, max: Bool, allOrCount: Bool) -> UIDSet {
        guard min || max, !allOrCount else { return self.uids }
        var out = UIDSet()
        if min, let first = self.min { out.append(first.rawValue) }
        if max, let last = self.max { out.append(last.rawValue) }
        return out
    }
}

/// `1:100` or `-1:-100`. [RFC9394-3.1]
package struct ResultWindow: Hashable, Sendable {
    /// From 1, in any order of the two.
    package var first: UInt32
    package var last: UInt32
    package var isFromEnd: Bool

    package init(_ first: UInt32, _ last: UInt32, isFromEnd: Bool = false) {
        self.first = first
        self.last = last
        self.isFromEnd = isFromEnd
    }

    /// Places from 0 in a list of `count`.
    package func places(of count: Int) -> Range<Int> {
        let low = Int(Swift.max(1, Swift.min(self.first, self.last))) - 1
        let high = Int(Swift.max(self.first, self.last))
        let start = Swift.min(low, count)
        let end = Swift.min(Swift.max(high, start), count)
        return self.isFromEnd ? (count - end)..<(count - start) : start..<end
    }
}
