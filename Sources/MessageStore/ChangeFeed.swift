package import Vocabulary

/// Tells after commit that a mailbox changed: a hint, not the change. Who gets it reads what is new since its own modseq.
package final class ChangeFeed: Sendable {
    /// Ends when it is dropped.
    package final class Subscription: Sendable {}

    init() {}

    /// `handler` runs on the store's thread and must return at once (hand over to a loop).
    package func subscribe(_ mailbox: MailboxID, _ handler: @escaping @Sendable (ModSeq) -> Void) -> Subscription { Subscription() }
}
