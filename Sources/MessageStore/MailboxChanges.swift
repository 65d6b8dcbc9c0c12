package import Vocabulary

/// A message's flags after a change.
package struct ChangedFlags: Sendable, Hashable {
    package var uid: UID
    package var flags: Flags
    package var modSeq: ModSeq

    package init(uid: UID, flags: Flags, modSeq: ModSeq) {
        self.uid = uid
        self.flags = flags
        self.modSeq = modSeq
    }
}

/// What happened in a mailbox since a caller last looked.
package struct StoredChanges: Sendable, Hashable {
    /// Everything up to here is told; where the next question begins.
    package var modSeq: ModSeq
    package var uidNext: UID
    /// Messages that came and are still there.
    package var arrived = UIDSet()
    /// Messages that are gone; those that came since are left out.
    package var expunged = UIDSet()
    /// Flags as they are now, of messages that were there before, in order of MODSEQ.
    package var changed: [ChangedFlags] = []
    /// More flags changed than were asked for: ask again, from `modSeq`.
    package var isMore = false
    /// False when removals since then are forgotten: what is gone is found by comparing with `MessageStore.uids`.
    package var isWhole = true

    package init(modSeq: ModSeq, uidNext: UID) {
        self.modSeq = modSeq
        self.uidNext = uidNext
    }
}

/// What a mailbox says of one message.
package struct MessageRow: Sendable, Hashable {
    package var uid: UID
    package var flags: Flags
    package var modSeq: ModSeq
    /// Prefix and body together, bytes.
    package var size: Int64
    /// Internal date, Unix seconds.
    package var date: Int64
    /// When it came into this mailbox, Unix seconds. [RFC8514-3]
    package var saved: Int64
    /// The body, which all copies share.
    package var blob: BlobID

    package init(uid: UID, flags: Flags, modSeq: ModSeq, size: Int64, date: Int64, saved: Int64, blob: BlobID) {
        self.uid = uid
        self.flags = flags
        self.modSeq = modSeq
        self.size = size
        self.date = date
        self.saved = saved
        self.blob = blob
    }
}

/// What became of a change of flags.
package struct FlagsChanged: Sendable, Hashable {
    /// Messages that got a MODSEQ by this change.
    package struct Step: Sendable, Hashable {
        package var modSeq: ModSeq
        package var uids: UIDSet
    }

    /// Messages whose flags are other than before: one step for a transaction, in order.
    package var steps: [Step] = []
    /// As much as `FlagsTold` asked for, ascending by UID.
    package var changed: [ChangedFlags] = []
    /// All flags that stand in `changed`, or would.
    package var flags = Flags()
    /// Messages that somebody else changed after the MODSEQ that was named: they stay as they are. [RFC7162-3.1.3]
    package var modified = UIDSet()
    /// The mailbox's highest MODSEQ before; nil where other changes came between the steps.
    package var before: ModSeq?
    /// The same afterwards.
    package var modSeq: ModSeq

    package init(modSeq: ModSeq) {
        self.before = modSeq
        self.modSeq = modSeq
    }

    /// These, and a later part of the same change.
    package func followed(by later: FlagsChanged) -> FlagsChanged {
        var out = self
        out.steps += later.steps
        out.changed += later.changed
        out.flags.formUnion(later.flags)
        out.modified = out.modified.union(later.modified)
        if self.modSeq != later.before { out.before = nil }
        out.modSeq = later.modSeq
        return out
    }
}

/// What was removed, and the mailbox's highest MODSEQ afterwards.
package struct Expunged: Sendable, Hashable {
    package var uids: UIDSet
    package var modSeq: ModSeq

    package init(uids: UIDSet = UIDSet(), modSeq: ModSeq) {
        self.uids = uids
        self.modSeq = modSeq
    }
}

/// Where copies went. [RFC9051-7.1]
package struct CopyResult: Sendable {
    /// Of the destination.
    package var uidValidity: UIDValidity
    /// Those that were there, and their copies; both ascending, so that the nth belongs to the nth.
    package var sources: UIDSet
    package var copies: UIDSet
    /// Highest MODSEQ of the source after a move, else of the destination.
    package var modSeq: ModSeq
    /// A move of very many that ended half-way: what is told is moved, the rest is where it was.
    package var failure: StoreError?

    package init(uidValidity: UIDValidity, sources: UIDSet = UIDSet(), copies: UIDSet = UIDSet(), modSeq: ModSeq) {
        self.uidValidity = uidValidity
        self.sources = sources
        self.copies = copies
        self.modSeq = modSeq
    }
}

/// One message of an APPEND.
package struct AppendItem: Sendable {
    /// CRLF line ends. In memory at most `StoreOptions.inlineLimit`, else a large body.
    package var body: AcceptItem.Body
    /// System flags.
    package var flags: Flags
    /// Keywords by name; the mailbox gives them bits.
    package var keywords: [String]
    /// Unix seconds; nil is now.
    package var date: Int64?

    package init(body: AcceptItem.Body, flags: Flags = [], keywords: [String] = [], date: Int64? = nil) {
        self.body = body
        self.flags = flags
        self.keywords = keywords
        self.date = date
    }
}

package struct AppendResult: Sendable, Hashable {
    package var uidValidity: UIDValidity
    /// In the order of the items. Empty when they are on stable storage but cannot be filed now (the disk is full): they come later.
    package var uids: [UID]
    /// The message in whose place they came, and the highest MODSEQ of its mailbox then.
    package var replaced: Expunged?
    /// The mailbox's highest MODSEQ before and after, between which nothing else happened; nil where something took the place of another message, or they
    /// are not filed yet.
    package var span: ClosedRange<ModSeq>?

    package init(uidValidity: UIDValidity, uids: [UID]) {
        self.uidValidity = uidValidity
        self.uids = uids
    }
}

/// Who may do what in a mailbox. [RFC4314-2]
package struct RightsEntry: Sendable, Hashable {
    /// As clients write it; a leading "-" takes away.
    package var identifier: String
    package var rights: String

    package init(identifier: String, rights: String) {
        self.identifier = identifier
        self.rights = rights
    }
}

/// An annotation. [RFC5464-3]
package struct MetadataEntry: Sendable, Hashable {
    /// In small letters, `/private/…` or `/shared/…`.
    package var name: String
    package var value: [UInt8]

    package init(name: String, value: [UInt8]) {
        self.name = name
        self.value = value
    }
}
