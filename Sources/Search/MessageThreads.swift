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
    private enum Kind: Sendable {
        case orderedSubject(SubjectThreader)
        case references(ReferenceThreader)
    }

    private var kind: Kind

    package init(_ algorithm: ThreadAlgorithm) {
        self.kind =
            switch algorithm {
            case .orderedSubject: .orderedSubject(SubjectThreader())
            case .references: .references(ReferenceThreader())
            }
    }

    package mutating func add(_ facts: SearchFacts, _ summary: MessageSummary) {
        let message = ThreadMessage(
            uid: facts.uid, date: summary.sentDate ?? facts.internalDate, subject: SortText.key(summary, .baseSubject),
            isReply: summary.isReplyOrForward)
        // Taken out and put back, so that it has one owner while it grows.
        switch self.kind {
        case .orderedSubject(var threader):
            self.kind = .orderedSubject(SubjectThreader())
            threader.add(message)
            self.kind = .orderedSubject(threader)
        case .references(var threader):
            self.kind = .references(ReferenceThreader())
            threader.add(message, id: summary.text(.messageID), references: summary.references)
            self.kind = .references(threader)
        }
    }

    package func threads() -> MessageThreads {
        switch self.kind {
        case .orderedSubject(let threader): threader.threads()
        case .references(let threader): threader.threads()
        }
    }
}

/// What threading looks at.
struct ThreadMessage: Sendable {
    var uid: UID
    /// Sent date, else internal date, as Unix seconds.
    var date: Int64
    /// Base subject in the form in which it is compared.
    var subject: [UInt8]
    var isReply: Bool
}
