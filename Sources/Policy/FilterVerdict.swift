/// What becomes of one recipient.
package struct FilterFate: Sendable, Hashable {
    package struct Tag: Sendable, Hashable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Fields to put before his copy, in order.
    package internal(set) var tags: [Tag] = []
    /// The rule that decided; nil delivers.
    package internal(set) var ending: FilterRule?

    package init() {}
}

/// What the filters say of a message.
package struct FilterVerdict: Sendable, Hashable {
    /// A rule that fitted, and the places of the recipients that it is about.
    package struct Hit: Sendable, Hashable {
        package let rule: FilterRule
        package let recipients: [Int]
    }

    package internal(set) var fates: [FilterFate]
    package internal(set) var hits: [Hit] = []
    /// Not every rule was asked: the time for one message was used up.
    package internal(set) var isIncomplete = false
    /// The first rule that was not asked.
    package internal(set) var unasked: String?
    /// The message is refused for everybody, by this rule.
    package private(set) var refusal: FilterRule?

    init(fates: [FilterFate]) { self.fates = fates }

    /// DATA has one answer for all recipients. Where all are refused it is no; where some are not, theirs is delivered, and what would have been
    /// refused waits for the postmaster: it is neither lost nor sent back to somebody who may not have sent it.
    mutating func settleRefusals() {
        let refusals = self.fates.map { fate -> FilterRule? in if case .refuse? = fate.ending?.action { fate.ending } else { nil } }
        guard let first = refusals.compactMap({ $0 }).first else { return }
        if !refusals.contains(nil) {
            self.refusal = first
            return
        }
        for (index, rule) in refusals.enumerated() {
            guard var rule else { continue }
            rule.action = .hold("refused by filter \(rule.name) for this recipient only")
            self.fates[index].ending = rule
        }
    }
}
