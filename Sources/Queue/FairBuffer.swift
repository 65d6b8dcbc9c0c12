package import MessageStore
internal import Policy
package import Vocabulary

/// Entries of one next hop that nobody has taken yet, and whose turn it is: by priority, then one sender after the other, then one message
/// of his after the other. A mailing to ten thousand recipients gets a turn like a message to one.
package struct FairBuffer: Sendable {
    private struct Message {
        let blob: BlobID
        var entries: [StoredQueueEntry]
    }
    /// Senders of one priority, in turn. The senders' messages are in turn too.
    private struct Ring {
        var senders: [String] = []
        var messages: [String: [Message]] = [:]

        mutating func add(_ entry: StoredQueueEntry, of sender: String) {
            if self.messages[sender] == nil { self.senders.append(sender) }
            if let index = self.messages[sender]?.lastIndex(where: { $0.blob == entry.blob }) {
                self.messages[sender]?[index].entries.append(entry)
            } else {
                self.messages[sender, default: []].append(Message(blob: entry.blob, entries: [entry]))
            }
        }
    }

    private var rings: [MailPriority: Ring] = [:]
    private var turns = MailPriority.Turns()
    private var known: Set<QueueID> = []

    package init() {}

    package var count: Int { self.known.count }
    package var isEmpty: Bool { self.known.isEmpty }
    /// Messages that wait here.
    package var messages: Int { self.rings.values.reduce(0) { $0 + $1.messages.values.reduce(0) { $0 + $1.count } } }

    package func contains(_ id: QueueID) -> Bool { self.known.contains(id) }

    package mutating func add(_ entries: some Sequence<StoredQueueEntry>) {
        for entry in entries where self.known.insert(entry.id).inserted {
            let sender = entry.envelope.sender.map { "\($0)" } ?? ""
            self.rings[Self.priority(entry), default: Ring()].add(entry, of: sender)
        }
    }

    /// Recipients of the message whose turn it is, at most so many. Empty when nothing is here.
    package mutating func take(_ most: Int) -> [StoredQueueEntry] {
        guard let priority = self.turns.next(of: Set(self.rings.keys)), var ring = self.rings.removeValue(forKey: priority),
            let sender = ring.senders.first
        else { return [] }
        ring.senders.removeFirst()
        var messages = ring.messages.removeValue(forKey: sender) ?? []
        var taken: [StoredQueueEntry] = []
        if var message = messages.first {
            messages.removeFirst()
            taken = Array(message.entries.prefix(most))
            message.entries.removeFirst(taken.count)
            // The rest of it stands behind this sender's other messages.
            if !message.entries.isEmpty { messages.append(message) }
        }
        if !messages.isEmpty {
            ring.messages[sender] = messages
            ring.senders.append(sender)
        }
        if !ring.senders.isEmpty { self.rings[priority] = ring }
        self.known.subtract(taken.map(\.id))
        return taken
    }

    /// Everything, in no order; nothing is left.
    package mutating func drain() -> [StoredQueueEntry] {
        let all = self.rings.values.flatMap { $0.messages.values.flatMap { $0.flatMap(\.entries) } }
        self = FairBuffer()
        return all
    }

    /// What is known without a look at the message itself.
    private static func priority(_ entry: StoredQueueEntry) -> MailPriority {
        MailPriority(
            of: MailPriority.Facts(recipients: entry.siblings, size: entry.bodySize, isReport: entry.envelope.sender == nil))
    }
}
