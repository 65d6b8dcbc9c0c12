package import Search
package import Vocabulary

/// FETCH. Messages of `uids` that are gone are passed over. Where flags are told that were not asked for (\Seen through a body), and with
/// `mode.isCondStore`, MODSEQ stands beside them.
package struct FetchRequest: Sendable {
    /// What to fetch, in the order asked for.
    package var items: [FetchItem]
    package var uids: UIDSet
    /// Gives each UID its sequence number; empty with `mode.isUIDOnly`, where UIDFETCH is answered. [RFC9586-3]
    package var view: UIDSet
    package var changedSince: ModSeq?
    /// Of those that are told, only these places. [RFC9394-3.4]
    package var partial: ResultWindow?
    /// `VANISHED (EARLIER)` before all else: which of these UIDs, as the client wrote them, went after `changedSince`; nil without.
    /// [RFC7162-3.2.6]
    package var vanishedAmong: UIDSet?
    package var mode: WireMode

    package init(items: [FetchItem], uids: UIDSet, view: UIDSet, mode: WireMode = WireMode()) {
        self.items = items
        self.uids = uids
        self.view = view
        self.mode = mode
    }
}

/// One thing to fetch. [RFC9051-6.4.5]
package enum FetchItem: Hashable, Sendable {
    case uid, flags, internalDate, size, envelope, body, bodyStructure, modSeq
    case emailID, threadID, saveDate
    case preview(isLazy: Bool)
    case section(BodySection)
    case binary(part: [UInt32], partial: OctetRange?, isPeek: Bool)
    case binarySize(part: [UInt32])
}

/// `<first.count>` in octets. [RFC9051-6.4.5.1]
package struct OctetRange: Hashable, Sendable {
    package var first: UInt32
    package var count: UInt32

    package init(first: UInt32, count: UInt32) {
        self.first = first
        self.count = count
    }
}

/// `BODY[…]`. [RFC9051-6.4.5.1]
package struct BodySection: Hashable, Sendable {
    package enum Text: Hashable, Sendable {
        /// All of the part, or of the message.
        case all
        case header, text, mime
        /// Names as the client wrote them: they stand in the answer.
        case fields([String]), fieldsNot([String])
    }

    /// Empty: the message itself.
    package var part: [UInt32]
    package var text: Text
    package var partial: OctetRange?
    package var isPeek: Bool
    /// As it is named in the response: RFC822, RFC822.HEADER, RFC822.TEXT of RFC 3501 answer under their own names; nil for BODY[…].
    package var oldName: String?

    package init(part: [UInt32], text: Text, partial: OctetRange? = nil, isPeek: Bool, oldName: String? = nil) {
        self.part = part
        self.text = text
        self.partial = partial
        self.isPeek = isPeek
        self.oldName = oldName
    }
}
