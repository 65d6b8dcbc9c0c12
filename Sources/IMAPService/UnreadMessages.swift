internal import IMAPWire
internal import MessageStore
internal import Vocabulary

/// Messages of one command that could not be read: the log names the first ones and says how many there were. A list of 100,000 messages on a dying
/// disk would drown what else it has to say.
struct UnreadMessages: Sendable {
    private var count = 0
    private static let named = 5

    /// What the client is told of one of them.
    mutating func refusal(_ error: StoreError, about uid: UID, _ backend: IMAPBackend) -> IMAPRefusal {
        self.count += 1
        if self.count <= Self.named { backend.record("store-failed", [("error", "\(error)"), ("uid", "\(uid)")]) }
        return IMAPRefusal(error)
    }

    /// Those of another worker at the same command.
    mutating func add(_ others: UnreadMessages) { self.count += others.count }

    /// At the end of the command.
    func tell(_ backend: IMAPBackend) {
        guard self.count > Self.named else { return }
        backend.record("store-failed", [("error", "messages could not be read"), ("messages", "\(self.count)")])
    }
}
