package import Vocabulary

// Requests that concern the selected mailbox, and their answers.

package struct SelectRequest: Sendable {
    /// UTF-8, INBOX in capitals.
    package var mailbox: String
    package var isReadOnly: Bool
    /// How the client spells the name, where that is not its normalized form.
    package var writtenName: String?
    /// What the client knows from before. [RFC7162-3.2.5]
    package var resync: Resync?
    package var mode = WireMode()

    package struct Resync: Sendable {
        package var validity: UIDValidity
        package var modSeq: ModSeq
        /// nil: all.
        package var known: UIDSet?
        /// Sequence numbers and the UIDs that they had: where they still hold, what lies below need not be told as gone.
        package var match: [(place: UInt32, uid: UID)] = []

        package init(validity: UIDValidity, modSeq: ModSeq, known: UIDSet?) {
            self.validity = validity
            self.modSeq = modSeq
            self.known = known
        }
    }

    package init(mailbox: String, isReadOnly: Bool, resync: Resync? = nil) {
        self.mailbox = mailbox
        self.isReadOnly = isReadOnly
        self.resync = resync
    }
}

/// A mailbox as SELECT tells of it. Made from counters alone: the UIDs come with `readView` when they are needed.
package struct SelectedMailbox: Sendable {
    package var mailbox: MailboxID
    /// As it was asked for, or as it is called now.
    package var name: String
    package var validity: UIDValidity
    package var uidNext: UID
    package var highestModSeq: ModSeq
    package var messages: Int
    /// MAILBOXID. [RFC8474-4.2]
    package var objectID: String
    /// Names of the keywords, in the order of their bits from 5.
    package var keywords: [String]
    package var rights: MailboxRights
    /// True where rights or the command allow no change.
    package var isReadOnly: Bool
    var usableRights: MailboxRights { self.isReadOnly ? [] : self.rights }
    /// Of a resync: what is gone and what has changed since.
    package var resync: MailboxChanges?

    package init(
        mailbox: MailboxID, name: String, validity: UIDValidity, uidNext: UID, highestModSeq: ModSeq, messages: Int, objectID: String,
        keywords: [String],
        rights: MailboxRights, isReadOnly: Bool, resync: MailboxChanges? = nil
    ) {
        self.mailbox = mailbox
        self.name = name
        self.validity = validity
        self.uidNext = uidNext
        self.highestModSeq = highestModSeq
        self.messages = messages
        self.objectID = objectID
        self.keywords = keywords
        self.rights = rights
        self.isReadOnly = isReadOnly
        self.resync = resync
    }
}

/// Rights of an identifier on a mailbox, as letters. [RFC4314-2.1]
package struct MailboxRights: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }
    package static let lookup = MailboxRights(rawValue: 1 << 0)
    package static let read = MailboxRights(rawValue: 1 << 1)
    package static let seen = MailboxRights(rawValue: 1 << 2)
    package static let write = MailboxRights(rawValue: 1 << 3)
    package static let insert = MailboxRights(rawValue: 1 << 4)
    package static let post = MailboxRights(rawValue: 1 << 5)
    package static let createChildren = MailboxRights(rawValue: 1 << 6)
    package static let deleteMailbox = MailboxRights(rawValue: 1 << 7)
    package static let deleteMessages = MailboxRights(rawValue: 1 << 8)
    package static let expunge = MailboxRights(rawValue: 1 << 9)
    package static let administer = MailboxRights(rawValue: 1 << 10)
    package static let all = MailboxRights(rawValue: (1 << 11) - 1)
}

/// What happened in a mailbox since a modseq.
package struct MailboxChanges: Sendable {
    package struct Flagged: Hashable, Sendable {
        package var uid: UID
        package var flags: Flags
        package var modSeq: ModSeq

        package init(uid: UID, flags: Flags, modSeq: ModSeq) {
            self.uid = uid
            self.flags = flags
            self.modSeq = modSeq
        }
    }

    package var modSeq: ModSeq
    package var uidNext: UID
    package var arrived: UIDSet
    package var expunged: UIDSet
    package var flagged: [Flagged]
    /// The mailbox's keywords now, where a new one came; nil where not.
    package var keywords: [String]?

    package init(
        modSeq: ModSeq, uidNext: UID, arrived: UIDSet = UIDSet(), expunged: UIDSet = UIDSet(), flagged: [Flagged] = [],
        keywords: [String]? = nil
    ) {
        self.modSeq = modSeq
        self.uidNext = uidNext
        self.arrived = arrived
        self.expunged = expunged
        self.flagged = flagged
        self.keywords = keywords
    }
}

package struct StoreRequest: Sendable {
    package enum Change: Hashable, Sendable { case add, remove, replace }
    package var uids: UIDSet
    package var change: Change
    package var flags: Flags
    package var keywords: [String]
    /// Messages with a higher modseq are left as they are. [RFC7162-3.1.3]
    package var unchangedSince: ModSeq?
    /// Flags will not be told: no messages need be answered.
    package var isSilent = false
    /// Up to where this session has read the mailbox's changes.
    package var known = ModSeq(rawValue: .max)

    package init(uids: UIDSet, change: Change, flags: Flags, keywords: [String], unchangedSince: ModSeq? = nil) {
        self.uids = uids
        self.change = change
        self.flags = flags
        self.keywords = keywords
        self.unchangedSince = unchangedSince
    }
}

package struct StoredFlags: Sendable {
    /// All that were asked for and are there, with their flags now; of a silent change none.
    package var flagged: [MailboxChanges.Flagged]
    /// Those that had changed since UNCHANGEDSINCE. [RFC7162-3.1.3]
    package var modified: UIDSet
    package var keywords: [String]?
    /// What this change gave new modseqs, but for messages that somebody else had changed since `StoreRequest.known`: their flags are news to
    /// the client, silent or not. [RFC9051-6.4.6]
    package var own: [OwnChange]

    /// - Parameter own: nil where every modseq in `flagged` that is new is of this change.
    package init(flagged: [MailboxChanges.Flagged], modified: UIDSet = UIDSet(), keywords: [String]? = nil, own: [OwnChange]? = nil) {
        self.flagged = flagged
        self.modified = modified
        self.keywords = keywords
        if let own {
            self.own = own
        } else {
            let uids = Dictionary(grouping: flagged, by: \.modSeq)
            self.own = uids.map { OwnChange(modSeq: $0.key, uids: UIDSet(ranges: $0.value.map { $0.uid.rawValue...$0.uid.rawValue })) }
        }
    }
}

package struct CopyRequest: Sendable {
    package var uids: UIDSet
    package var mailbox: String
    package var isMove: Bool

    package init(uids: UIDSet, mailbox: String, isMove: Bool) {
        self.uids = uids
        self.mailbox = mailbox
        self.isMove = isMove
    }
}

package struct CopiedMessages: Sendable {
    package var validity: UIDValidity
    package var sources: UIDSet
    package var destinations: UIDSet
    /// Of a move: the source mailbox's modseq.
    package var expungedAt: ModSeq?

    package init(validity: UIDValidity, sources: UIDSet, destinations: UIDSet, expungedAt: ModSeq? = nil) {
        self.validity = validity
        self.sources = sources
        self.destinations = destinations
        self.expungedAt = expungedAt
    }
}
