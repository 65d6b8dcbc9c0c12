package import Bytes
package import Vocabulary

/// What the row of a message says of it.
package struct SearchFacts: Hashable, Sendable {
    package var uid: UID
    package var flags: Flags
    package var isRecent: Bool
    /// RFC822.SIZE: trace lines and message.
    package var size: Int64
    /// Unix seconds.
    package var internalDate: Int64
    /// Unix seconds; nil where the mailbox does not keep it.
    package var savedDate: Int64?
    package var modSeq: ModSeq
    /// As the client sees it; needed only where `SearchPlan.needs` has `.objectIDs`. [RFC8474-5.1]
    package var emailID: String?

    package init(
        uid: UID, flags: Flags, isRecent: Bool = false, size: Int64, internalDate: Int64, savedDate: Int64? = nil,
        modSeq: ModSeq = ModSeq(rawValue: 1), emailID: String? = nil
    ) {
        self.uid = uid
        self.flags = flags
        self.isRecent = isRecent
        self.size = size
        self.internalDate = internalDate
        self.savedDate = savedDate
        self.modSeq = modSeq
        self.emailID = emailID
    }
}

/// What a plan must know besides the program.
package struct SearchContext: Sendable {
    /// Unix seconds: what OLDER and YOUNGER count from.
    package var now: Int64
    /// Minutes east of UTC in which internal dates are shown to clients, and so compared with days.
    package var utcOffset: Int
    /// The mailbox keeps save dates. [RFC8514-4.3]
    package var keepsSaveDates: Bool
    /// The bit of a keyword in this mailbox, by its name in any case of letters; nil where no message can have it.
    package var keyword: @Sendable (String) -> Flags?

    package init(now: Int64, utcOffset: Int = 0, keepsSaveDates: Bool = true, keyword: @escaping @Sendable (String) -> Flags?) {
        self.now = now
        self.utcOffset = utcOffset
        self.keepsSaveDates = keepsSaveDates
        self.keyword = keyword
    }

    package func day(_ unixSeconds: Int64) -> CalendarDay {
        CalendarDay(CivilTime(unixSeconds: unixSeconds, offsetMinutes: self.utcOffset))
    }
}
