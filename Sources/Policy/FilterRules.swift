package import Text
package import Vocabulary

/// One condition of a filter rule.
package struct FilterCondition: Sendable, Hashable {
    package enum Test: Sendable, Hashable {
        case all
        /// Of the envelope; the null sender is empty text.
        case sender(Pattern)
        case recipient(Pattern)
        /// Decoded text of every field of this name, lower-case.
        case header(String, Pattern)
        /// `name: text` of every field.
        case anyHeader(Pattern)
        /// Decoded text of every text part.
        case body(Pattern)
        /// File names of parts.
        case attachment(Pattern)
        /// Media types of parts, `image/png`.
        case type(Pattern)
        case larger(Int64)
        case smaller(Int64)
        /// Who sends has logged in.
        case login
        case client(IPNetwork)
    }

    package var test: Test
    package var isNegated: Bool

    package init(_ test: Test, isNegated: Bool = false) {
        self.test = test
        self.isNegated = isNegated
    }
}

/// What a rule does with the recipients that it is about.
package enum FilterAction: Sendable, Hashable {
    /// 550 with this text.
    case refuse(String)
    /// Waits for the postmaster.
    case hold(String)
    /// To this address instead.
    case redirect(Address)
    /// A field is put before the message; later rules are asked too.
    case tag(name: String, value: String)
    /// Taken and thrown away, with a line in the log.
    case drop
    /// No later rule is asked.
    case accept
}

/// One line of the filters.
package struct FilterRule: Sendable, Hashable {
    package var name: String
    /// All must hold.
    package var conditions: [FilterCondition]
    package var action: FilterAction

    package init(_ name: String, _ conditions: [FilterCondition], _ action: FilterAction) {
        self.name = name
        self.conditions = conditions
        self.action = action
    }
}

/// What a filter may ask about a message. Answers are made when they are asked for, and kept by whoever makes them.
package protocol FilterFacts {
    var sender: Address? { get }
    var recipients: [Address] { get }
    var client: IPAddress { get }
    var hasLogin: Bool { get }
    /// Octets.
    var size: Int64 { get }
    mutating func header(_ name: String) -> [String]
    mutating func allHeaders() -> [String]
    mutating func bodies() -> [String]
    mutating func attachments() -> [String]
    mutating func types() -> [String]
    /// False when the time for this message is used up: no further text is looked through.
    mutating func mayGoOn() -> Bool
}

/// The filters: rules in order. The first that fits a recipient and is no `tag` decides about him.
package struct FilterRules: Sendable, Hashable {
    package static let maximumRules = 200
    package static let maximumConditions = 20

    package var rules: [FilterRule]

    package init(_ rules: [FilterRule] = []) { self.rules = rules }

    package var isEmpty: Bool { self.rules.isEmpty }

    /// What becomes of the message, a fate for each recipient in their order.
    package func verdict(_ facts: inout some FilterFacts) -> FilterVerdict {
        var verdict = FilterVerdict(fates: facts.recipients.map { _ in FilterFate() })
        for rule in self.rules {
            let open = verdict.fates.indices.filter { verdict.fates[$0].ending == nil }
            guard !open.isEmpty else { break }
            guard facts.mayGoOn() else {
                (verdict.isIncomplete, verdict.unasked) = (true, rule.name)
                break
            }
            let about = self.recipients(open, of: rule, facts)
            guard !about.isEmpty, Self.fits(rule, &facts) else { continue }
            verdict.hits.append(FilterVerdict.Hit(rule: rule, recipients: about))
            for index in about {
                if case .tag(let name, let value) = rule.action {
                    verdict.fates[index].tags.append(FilterFate.Tag(name: name, value: value))
                } else {
                    verdict.fates[index].ending = rule
                }
            }
        }
        verdict.settleRefusals()
        return verdict
    }

    /// Those of the recipients that the rule's recipient conditions cover.
    private func recipients(_ open: [Int], of rule: FilterRule, _ facts: some FilterFacts) -> [Int] {
        var covered = open
        for condition in rule.conditions {
            guard case .recipient(let pattern) = condition.test else { continue }
            covered = covered.filter { pattern.matches("\(facts.recipients[$0])") != condition.isNegated }
        }
        return covered
    }

    /// All conditions about the message hold. Those that cost little are asked first.
    private static func fits(_ rule: FilterRule, _ facts: inout some FilterFacts) -> Bool {
        for condition in rule.conditions where !condition.isCostly {
            if Self.holds(condition, &facts) == condition.isNegated { return false }
        }
        for condition in rule.conditions where condition.isCostly {
            if Self.holds(condition, &facts) == condition.isNegated { return false }
        }
        return true
    }

    private static func holds(_ condition: FilterCondition, _ facts: inout some FilterFacts) -> Bool {
        switch condition.test {
        case .all: true
        // Decided by recipient.
        case .recipient: !condition.isNegated
        case .sender(let pattern): pattern.matches(facts.sender.map { "\($0)" } ?? "")
        case .header(let name, let pattern): facts.header(name).contains { pattern.matches($0) }
        case .anyHeader(let pattern): facts.allHeaders().contains { pattern.matches($0) }
        case .body(let pattern): facts.bodies().contains { pattern.matches($0) }
        case .attachment(let pattern): facts.attachments().contains { pattern.matches($0) }
        case .type(let pattern): facts.types().contains { pattern.matches($0) }
        case .larger(let octets): facts.size > octets
        case .smaller(let octets): facts.size < octets
        case .login: facts.hasLogin
        case .client(let network): network.contains(facts.client)
        }
    }
}

extension FilterCondition {
    /// Text of the message must be looked through.
    package var isCostly: Bool {
        switch self.test {
        case .header, .anyHeader, .body, .attachment, .type: true
        case .all, .sender, .recipient, .larger, .smaller, .login, .client: false
        }
    }
}
