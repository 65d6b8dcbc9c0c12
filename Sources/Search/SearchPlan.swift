package import MIME
package import Vocabulary

/// A program made ready to be asked of many messages: needles folded once, cheap keys before dear ones. It is asked with what is known of a
/// message so far; as long as that does not decide, the answer is `.unknown` and the caller brings more:
///
///     plan.decide(facts)                   the row: flags, dates, size
///     plan.decide(facts, summary)          the header as the summary has it
///     plan.decide(facts, summary, text)    everything: never unknown
package struct SearchPlan: Sendable {
    package enum Verdict: Hashable, Sendable { case yes, no, unknown }

    package struct Needs: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// Rows do not decide everything.
        package static let summary = Needs(rawValue: 1)
        package static let text = Needs(rawValue: 2)
        package static let objectIDs = Needs(rawValue: 4)
        package static let savedDate = Needs(rawValue: 8)
    }

    /// nil for a program deeper than `SearchProgram.deepest`, or one with references that were not resolved.
    package init?(_ program: SearchProgram, _ context: SearchContext) { return nil }

    package var needs: Needs { [] }

    /// Messages that can match at all, where the program says so by UIDs; nil for all.
    package var uids: UIDSet? { nil }

    /// What to ask an index first; nil where it would leave nothing out.
    package var narrowing: SearchNarrowing? { nil }

    package func decide(_ facts: SearchFacts, _ summary: MessageSummary? = nil, _ text: SearchText? = nil) -> Verdict { .unknown }
}
