internal import MessageStore
internal import Vocabulary

/// What a message of our own making is, told by its trace: ours begin with upper-case letters and digits, and each message that comes of
/// another adds a small letter. It goes with every copy, also of one that is forwarded, and nobody else can write it.
enum Lineage: Character, Sendable {
    /// To the sender, about a message of his.
    case report = "r"
    /// To the postmaster: a notification, or a question about what is held.
    case notice = "n"
    /// Sent on in the name of an account.
    case forwarded = "f"
    /// Of an account that answers by itself.
    case answer = "a"

    func trace(of parent: TraceID) -> TraceID { TraceID("\(parent.text)\(self.rawValue)") }
}

extension StoredQueueEntry {
    /// A word to the postmaster, or a copy of one. Whatever becomes of it, nobody is told or asked: he would get that as little as this.
    var isNotice: Bool { self.trace.text.contains(Lineage.notice.rawValue) }
}
