package import Bytes
package import Vocabulary

// Invariants of this target:
// 1. Values in, values out; the bytes of a message come through a closure that is given in.
// 2. An index only narrows: whatever it says, each message is asked itself, so that answers with and without it are the same.
// 3. Text and needles go through one and the same folding (`SearchFold`).
// 4. Nothing walks by recursion over what a peer has sent, but over search keys, whose depth is bounded.

/// One search key. The parser bounds depth and number; strings are already text, whatever charset they came in. [RFC9051-6.4.4]
package indirect enum SearchKey: Hashable, Sendable {
    case all
    /// All of them; what stands in parentheses, and the program as a whole.
    case and([SearchKey])
    case or(SearchKey, SearchKey)
    case not(SearchKey)
    /// The client would take near matches as well; it gets exact ones. [RFC6203-3]
    case fuzzy(SearchKey)

    /// Messages by number, UID or `$`, as they were written: see `SearchProgram.resolved`.
    case messages(MessageReference)
    /// The same, resolved.
    case uids(UIDSet)

    /// Has all of these flags. UNSEEN is `.not(.flags(.seen))`.
    case flags(Flags)
    /// A keyword by its name; one that the mailbox does not know is on no message.
    case keyword(String)
    /// NEW is `.and([.recent, .not(.flags(.seen))])`, OLD is `.not(.recent)`. [RFC3501-6.4.4]
    case recent

    case larger(Int64)
    case smaller(Int64)
    /// Internal date.
    case internalDate(DateTest)
    /// The Date field, as it is written: neither time nor zone matter.
    case sentDate(DateTest)
    /// When the message came into this mailbox. [RFC8514-4.3]
    case savedDate(DateTest)
    case savedDateSupported
    /// Internal date at least so many seconds ago. [RFC5032-2]
    case older(seconds: Int64)
    /// Internal date at most so many seconds ago. [RFC5032-2]
    case younger(seconds: Int64)
    /// Changed at or after this. [RFC7162-3.1.5]
    case modSeq(ModSeq)
    case emailID(String)
    case threadID(String)

    case from(String)
    case to(String)
    case cc(String)
    case bcc(String)
    case subject(String)
    /// Any field by its name; the empty text asks whether it is there.
    case header(name: String, String)
    case body(String)
    case text(String)
}

/// Messages as a client names them.
package enum MessageReference: Hashable, Sendable {
    /// A sequence set of message numbers: `1:3,*`.
    case sequence(String)
    /// UID and a sequence set.
    case uid(String)
    /// `$`: what the last search with SAVE found. [RFC5182-2.1]
    case saved
}

/// How a date is compared with a day.
package struct DateTest: Hashable, Sendable {
    package enum Order: Hashable, Sendable {
        case before, on
        /// On it or later.
        case since
    }

    package var order: Order
    package var day: CalendarDay

    package init(_ order: Order, _ day: CalendarDay) {
        self.order = order
        self.day = day
    }

    package func matches(_ other: CalendarDay) -> Bool {
        switch self.order {
        case .before: other < self.day
        case .on: other == self.day
        case .since: other >= self.day
        }
    }
}
