package import MIME
package import Vocabulary

/// What SORT orders by. [RFC5256-3] [RFC5957-3]
package struct SortCriterion: Hashable, Sendable {
    package enum Key: Hashable, Sendable { case arrival, cc, date, from, size, subject, to, displayFrom, displayTo }

    package var key: Key
    package var isReverse: Bool

    package init(_ key: Key, isReverse: Bool = false) {
        self.key = key
        self.isReverse = isReverse
    }
}

/// Orders messages. They are given in mailbox order, which decides between equals.
package struct SearchSorter: Sendable {
    package init(_ criteria: [SortCriterion]) {}

    /// Some criterion needs the summaries; else rows do.
    package var needsSummary: Bool { false }

    package mutating func add(_ facts: SearchFacts, _ summary: MessageSummary?) {}

    /// All that was added, in order.
    package mutating func sorted() -> [UID] { [] }
}
