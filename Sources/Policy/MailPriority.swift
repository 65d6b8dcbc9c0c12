/// Who goes first when more waits than can be sent. Numbers are stored; the smaller goes first.
package enum MailPriority: UInt8, Sendable, Hashable, CaseIterable, Comparable {
    /// The postmaster said so.
    case urgent = 1
    /// What a person waits for: short mail to few.
    case normal = 2
    /// Large, or to many.
    case later = 3
    /// Lists, reports, automatic mail: nobody sits and waits.
    case bulk = 4

    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    /// So many go out of one priority before one of any lower goes, while both wait: nobody starves.
    package static let turnsBeforeLower = 4

    package struct Facts: Sendable, Hashable {
        package var recipients: Int
        /// Bytes.
        package var size: Int64
        package var isReport: Bool
        /// Content of a Precedence field, if there is one.
        package var precedence: String?
        /// There is a List-Id or List-Post field, or Auto-Submitted says anything but `no`.
        package var isAutomatic: Bool

        package init(recipients: Int, size: Int64, isReport: Bool = false, precedence: String? = nil, isAutomatic: Bool = false) {
            self.recipients = recipients
            self.size = size
            self.isReport = isReport
            self.precedence = precedence
            self.isAutomatic = isAutomatic
        }
    }

    private static let manyRecipients = 50
    private static let largeMessage: Int64 = 5 << 20

    package init(of facts: Facts) {
        let word = facts.precedence?.lowercased() ?? ""
        if facts.isReport || facts.isAutomatic || ["bulk", "list", "junk"].contains(word) {
            self = .bulk
        } else {
            self = facts.recipients > Self.manyRecipients || facts.size > Self.largeMessage ? .later : .normal
        }
    }

    /// Whose turn it is. Keeps count of turns; a priority that has nothing loses its turns.
    package struct Turns: Sendable, Hashable {
        private var spent: [MailPriority: Int] = [:]

        package init() {}

        /// The next one of those that wait; nil when none does.
        package mutating func next(of waiting: Set<MailPriority>) -> MailPriority? {
            let order = waiting.sorted()
            for (index, priority) in order.enumerated() {
                let isLast = index == order.count - 1
                if isLast || self.spent[priority, default: 0] < MailPriority.turnsBeforeLower {
                    self.spent[priority, default: 0] += 1
                    for higher in order[..<index] { self.spent[higher] = 0 }
                    return priority
                }
            }
            return nil
        }
    }
}
