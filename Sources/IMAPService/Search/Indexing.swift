internal import Database
internal import MessageStore
internal import Search
internal import SearchIndex
internal import Vocabulary

/// One search's use of an index.
struct Indexing: Sendable {
    let index: SearchIndex
    /// What the index knows: all messages up to this one.
    let through: UID?

    private let mailbox: MailboxID
    private let failed: @Sendable (DatabaseError) -> Void

    init(_ index: SearchIndex, _ mailbox: MailboxID, through: UID?, failed: @escaping @Sendable (DatabaseError) -> Void) {
        self.index = index
        self.mailbox = mailbox
        self.through = through
        self.failed = failed
    }

    /// There are messages, up to and with `last`, that it does not know: so many that it is worth while to take them in.
    func isBehind(_ last: UID) -> Bool {
        guard let through = self.through else { return true }
        return last > through && last.rawValue - through.rawValue >= UpkeepHand.indexLag / 2
    }

    /// Of the messages that the index knows those that can match.
    func known(_ narrowing: SearchNarrowing) -> UIDSet {
        guard let through = self.through else { return UIDSet() }
        do throws(DatabaseError) {
            return try self.index.candidates(narrowing, in: self.mailbox)
        } catch {
            self.failed(error)
            return UIDSet(1...through.rawValue)
        }
    }
}
