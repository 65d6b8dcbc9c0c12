/// A command about names of mailboxes and what belongs to them. Names are UTF-8 NFC, INBOX in capitals; which names there may be is for the
/// backend to say. The answer is `.account` (after any number of `.piece`) or `.refused`.
package enum AccountRequest: Sendable {
    /// A `/` at the end of the name is taken off already. [RFC9051-6.3.4] [RFC6154-3]
    case create(String, specialUse: [SpecialUse])
    case delete(String)
    case rename(from: String, to: String)
    /// True subscribes, false unsubscribes.
    case subscribe(String, Bool)
    case list(ListRequest)
    case status(String, StatusItems)
    case namespace
    /// GETQUOTA of a root. [RFC9208-4.1.1]
    case quota(root: String)
    /// GETQUOTAROOT of a mailbox. [RFC9208-4.1.2]
    case quotaRoot(mailbox: String)
    /// SETQUOTA. [RFC9208-4.1.3]
    case setQuota(root: String, [QuotaLimit])
    case getACL(mailbox: String)
    case setACL(mailbox: String, identifier: String, ACLChange)
    case deleteACL(mailbox: String, identifier: String)
    case listRights(mailbox: String, identifier: String)
    case myRights(mailbox: String)
    case getMetadata(MetadataRequest)
    /// The mailbox is empty for annotations of the server; a value of nil removes. [RFC5464-4.3]
    case setMetadata(mailbox: String, [MetadataEntry])
    /// GENURLAUTH: the URLs as written, each with its mechanism. [RFC4467-7]
    case makeURLs([(url: String, mechanism: String)])
    /// URLFETCH. [RFC4467-7]
    case fetchURLs([FetchedURL])
    /// RESETKEY; nil is all mailboxes. [RFC4467-7]
    case resetKey(mailbox: String?, mechanisms: [String])
}

/// A URL of URLFETCH, and what is wanted of what it opens. [RFC5524-3.1]
package struct FetchedURL: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        /// As it is stored.
        case body
        /// Without its transfer encoding.
        case binary
    }

    package var url: String
    /// BODYPARTSTRUCTURE of the part.
    package var wantsStructure = false
    /// nil: none, or where nothing else is wanted either, the answer of before these words.
    package var content: Content?

    package init(_ url: String) { self.url = url }

    package var isExtended: Bool { self.wantsStructure || self.content != nil }
}

/// Attributes of mailboxes that say what they are for. [RFC6154-2] [RFC8457-3]
package enum SpecialUse: String, Hashable, Sendable, CaseIterable {
    case all = "\\All"
    case archive = "\\Archive"
    case drafts = "\\Drafts"
    case flagged = "\\Flagged"
    case junk = "\\Junk"
    case sent = "\\Sent"
    case trash = "\\Trash"
    case important = "\\Important"
}

/// What STATUS tells of a mailbox. [RFC9051-6.3.11]
package struct StatusItems: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }
    package static let messages = StatusItems(rawValue: 1 << 0)
    package static let uidNext = StatusItems(rawValue: 1 << 1)
    package static let uidValidity = StatusItems(rawValue: 1 << 2)
    package static let unseen = StatusItems(rawValue: 1 << 3)
    package static let deleted = StatusItems(rawValue: 1 << 4)
    package static let size = StatusItems(rawValue: 1 << 5)
    /// RFC 3501 only; always 0. [RFC3501-6.3.10]
    package static let recent = StatusItems(rawValue: 1 << 6)
    package static let highestModSeq = StatusItems(rawValue: 1 << 7)  // [RFC7162-3.1.8]
    package static let mailboxID = StatusItems(rawValue: 1 << 8)  // [RFC8474-4.3]
    package static let appendLimit = StatusItems(rawValue: 1 << 9)  // [RFC7889-3.1]
    /// Octets that expunging those marked \Deleted would give back. [RFC9208-4.1.4]
    package static let deletedStorage = StatusItems(rawValue: 1 << 10)
}

/// A resource and its limit, as in `STORAGE 512`. [RFC9208-4.2.1]
package struct QuotaLimit: Hashable, Sendable {
    /// In capitals: STORAGE (units of 1,024 octets), MESSAGE, MAILBOX, ANNOTATION-STORAGE.
    package var resource: String
    package var limit: Int64

    package init(resource: String, limit: Int64) {
        self.resource = resource
        self.limit = limit
    }
}

/// What SETACL does to an identifier's rights. [RFC4314-3.1]
package enum ACLChange: Hashable, Sendable {
    case replace(MailboxRights)
    case add(MailboxRights)
    case remove(MailboxRights)
}

/// GETMETADATA. [RFC5464-4.2]
package struct MetadataRequest: Hashable, Sendable {
    package enum Depth: Hashable, Sendable { case zero, one, infinity }

    /// Empty: annotations of the server.
    package var mailbox: String
    /// As written, for example `/private/comment`; each begins with `/private` or `/shared` and has neither wildcards nor `//`.
    package var entries: [String]
    /// Values longer than so many octets are left out, and said so by METADATA LONGENTRIES.
    package var maximumSize: Int?
    package var depth: Depth

    package init(mailbox: String, entries: [String], maximumSize: Int? = nil, depth: Depth = .zero) {
        self.mailbox = mailbox
        self.entries = entries
        self.maximumSize = maximumSize
        self.depth = depth
    }
}

package struct MetadataEntry: Hashable, Sendable {
    package var name: String
    /// nil: no value.
    package var value: [UInt8]?

    package init(name: String, value: [UInt8]?) {
        self.name = name
        self.value = value
    }
}
