package import Vocabulary

/// All messages of a mailbox in UID order, as POP3 needs them: 16 bytes a message.
package struct MailboxListing: Sendable {
    package struct Entry: Sendable, Hashable {
        package var uid: UID
        /// Prefix and body together, bytes.
        package var size: UInt32
        package var flags: Flags

        package init(uid: UID, size: UInt32, flags: Flags) {
            self.uid = uid
            self.size = size
            self.flags = flags
        }
    }

    package let mailbox: MailboxID
    package let uidValidity: UIDValidity
    package let uidNext: UID
    package let highestModSeq: ModSeq
    package let entries: [Entry]
    /// Sum of all sizes.
    package let bytes: Int64

    package init(mailbox: MailboxID, uidValidity: UIDValidity, uidNext: UID, highestModSeq: ModSeq, entries: [Entry], bytes: Int64) {
        self.mailbox = mailbox
        self.uidValidity = uidValidity
        self.uidNext = uidNext
        self.highestModSeq = highestModSeq
        self.entries = entries
        self.bytes = bytes
    }
}

/// What an account's mailboxes hold; exact, what was accepted but not yet filed included.
package struct AccountUsage: Sendable, Hashable {
    package var bytes: Int64
    package var messages: Int64

    package init(bytes: Int64, messages: Int64) {
        self.bytes = bytes
        self.messages = messages
    }
}
