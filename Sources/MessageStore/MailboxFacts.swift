package import Vocabulary

/// A mailbox as its row and its counters say; reading it costs the same however many messages there are.
package struct MailboxFacts: Sendable, Hashable {
    package var id: MailboxID
    package var account: AccountID
    /// UTF-8, levels separated by "/"; INBOX in capitals.
    package var name: String
    package var uidValidity: UIDValidity
    package var uidNext: UID
    package var highestModSeq: ModSeq
    package var messages: Int
    /// Messages without `\Seen`.
    package var unseen: Int
    /// Messages with `\Deleted`.
    package var deleted: Int
    /// Sum of the sizes of all messages.
    package var bytes: Int64
    package var specialUse: SpecialUse
    /// Unix seconds.
    package var created: Int64

    package init(
        id: MailboxID, account: AccountID, name: String, uidValidity: UIDValidity, uidNext: UID, highestModSeq: ModSeq, messages: Int = 0,
        unseen: Int = 0, deleted: Int = 0, bytes: Int64 = 0, specialUse: SpecialUse = [], created: Int64 = 0
    ) {
        self.id = id
        self.account = account
        self.name = name
        self.uidValidity = uidValidity
        self.uidNext = uidNext
        self.highestModSeq = highestModSeq
        self.messages = messages
        self.unseen = unseen
        self.deleted = deleted
        self.bytes = bytes
        self.specialUse = specialUse
        self.created = created
    }
}

/// What a mailbox is for. Bits are stored. [RFC6154-2] [RFC8457-3]
package struct SpecialUse: OptionSet, Sendable, Hashable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
    package static let all = SpecialUse(rawValue: 1 << 0)
    package static let archive = SpecialUse(rawValue: 1 << 1)
    package static let drafts = SpecialUse(rawValue: 1 << 2)
    package static let flagged = SpecialUse(rawValue: 1 << 3)
    package static let junk = SpecialUse(rawValue: 1 << 4)
    package static let sent = SpecialUse(rawValue: 1 << 5)
    package static let trash = SpecialUse(rawValue: 1 << 6)
    package static let important = SpecialUse(rawValue: 1 << 7)
}
