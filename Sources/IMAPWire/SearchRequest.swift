package import Search
package import Vocabulary

/// SEARCH, SORT, THREAD and ESEARCH. [RFC9051-6.4.4] [RFC5256-3] [RFC7377-2]
package struct SearchRequest: Sendable {
    package enum Kind: Sendable, Hashable {
        case search
        case sort([SortCriterion])
        case thread(ThreadAlgorithm)
    }

    package var kind: Kind
    /// Sequence numbers and `$` stand in it as UIDs already.
    package var program: SearchProgram
    /// Messages that may be found: those of which this session has been told. Empty with `mailboxes`.
    package var view: UIDSet
    /// What the client wants to know: of a search for its smallest UID alone the rest need not be found.
    package var returns: SearchReturns
    /// Of ESEARCH IN (…): where to look; nil is the selected mailbox. [RFC7377-2.2]
    package var mailboxes: [MailboxFilter]?
    package var mode: WireMode

    package init(
        kind: Kind = .search, program: SearchProgram, view: UIDSet, returns: SearchReturns = SearchReturns(),
        mailboxes: [MailboxFilter]? = nil, mode: WireMode = WireMode()
    ) {
        self.kind = kind
        self.program = program
        self.view = view
        self.returns = returns
        self.mailboxes = mailboxes
        self.mode = mode
    }
}

/// What stands behind RETURN. [RFC4731-3.1] [RFC9394-3.1] [RFC6203-4] [RFC5267-3]
package struct SearchReturns: Hashable, Sendable {
    package struct Items: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let min = Items(rawValue: 1 << 0)
        package static let max = Items(rawValue: 1 << 1)
        package static let all = Items(rawValue: 1 << 2)
        package static let count = Items(rawValue: 1 << 3)
        package static let save = Items(rawValue: 1 << 4)
        package static let relevancy = Items(rawValue: 1 << 5)
        package static let context = Items(rawValue: 1 << 6)
        package static let update = Items(rawValue: 1 << 7)
    }

    package var items: Items
    package var partial: ResultWindow?

    package init(_ items: Items = .all, partial: ResultWindow? = nil) {
        self.items = items
        self.partial = partial
    }
}

package struct SearchAnswer: Sendable {
    /// What was found in one mailbox.
    package struct Found: Sendable {
        /// Of a search over several mailboxes: which. [RFC7377-2.1]
        package var mailbox: String?
        package var validity: UIDValidity?
        package var uids: UIDSet
        /// Relevancies from 1 to 100, in the order of the UIDs; empty where nothing fuzzy was asked. [RFC6203-4]
        package var relevancies: [UInt8] = []

        package init(uids: UIDSet, mailbox: String? = nil, validity: UIDValidity? = nil) {
            self.mailbox = mailbox
            self.validity = validity
            self.uids = uids
        }
    }

    package enum Result: Sendable {
        case found([Found])
        /// Of SORT: UIDs in order.
        case sorted([UID])
        case threads(MessageThreads)
    }

    package var result: Result
    /// Something could not be looked at; what was found elsewhere is told.
    package var warning: IMAPRefusal?
    /// Highest modseq of all found, where the program asks for modseqs. [RFC7162-3.1.5]
    package var modSeq: ModSeq?

    package init(_ result: Result, modSeq: ModSeq? = nil) {
        self.result = result
        self.modSeq = modSeq
    }
}
