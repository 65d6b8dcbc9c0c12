package import MIME
package import Vocabulary

/// How THREAD puts messages together. [RFC5256-3]
package enum ThreadAlgorithm: Hashable, Sendable { case orderedSubject, references }

/// Threads as a flat list that can be written from front to back: `(2)(3 6 (4 23)(44 7 96))` is
/// open 2 close open 3 6 open 4 23 close open 44 7 96 close close.
package struct MessageThreads: Hashable, Sendable {
    package enum Item: Hashable, Sendable {
        case open, close
        case message(UID)
    }

    package var items: [Item]

    package init(items: [Item] = []) { self.items = items }
}

/// Gathers messages, given in mailbox order, and makes threads of them.
package struct ThreadBuilder: Sendable {
    package init(_ algorithm: ThreadAlgorithm) {}

    package mutating func add(_ facts: SearchFacts, _ summary: MessageSummary) {}

    package mutating func threads() -> MessageThreads { MessageThreads() }
}
