// What is still to be delivered. The rows live in accept.db beside the acceptance that made them; the store writes them.
package import MessageStore
package import Vocabulary

/// One recipient of one message that is still to be delivered.
package struct QueueEntry: Sendable, Hashable {
    package var id: QueueID
    package var blob: BlobID
    package var draft: QueueDraft
    package var attempts: Int
    /// Unix seconds.
    package var acceptedAt: Int64
    /// Why it is still here, in the words of the last attempt.
    package var reason: String

    package init(id: QueueID, blob: BlobID, draft: QueueDraft, attempts: Int, acceptedAt: Int64, reason: String) {
        self.id = id
        self.blob = blob
        self.draft = draft
        self.attempts = attempts
        self.acceptedAt = acceptedAt
        self.reason = reason
    }
}
