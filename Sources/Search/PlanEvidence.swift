internal import Bytes
internal import MIME
internal import Vocabulary

/// What is known of a message, and what a plan makes of it. Depth is bounded by the plan.
struct PlanEvidence {
    let facts: SearchFacts
    let header: SearchEvidence?
    let text: SearchText?
    let context: SearchContext

    func verdict(_ node: PlanNode) -> SearchPlan.Verdict {
        switch node {
        case .always(let value): Self.verdict(value)
        case .facts(let test): Self.verdict(self.matches(test))
        case .sent(let test):
            // A message without a date was sent on no day.
            self.header.map { Self.verdict($0.sentDay.map(test.matches) ?? false) } ?? .unknown
        case .thread(let id): self.header.map { Self.verdict(($0.thread ?? self.facts.emailID.map(LoneThread.name)) == id) } ?? .unknown
        case .field(let field, let needle): self.header.map { Self.verdict($0.has(needle, in: field)) } ?? .unknown
        case .header(let name, let needle): self.text.map { Self.verdict($0.hasField(name, needle)) } ?? .unknown
        case .body(let needle): self.text.map { Self.verdict($0.hasInBody(needle)) } ?? .unknown
        case .text(let needle): self.text.map { Self.verdict($0.hasAnywhere(needle)) } ?? .unknown
        case .all(let nodes): self.group(nodes, decides: .no, otherwise: .yes)
        case .any(let nodes): self.group(nodes, decides: .yes, otherwise: .no)
        case .not(let node):
            switch self.verdict(node) {
            case .yes: .no
            case .no: .yes
            case .unknown: .unknown
            }
        }
    }

    private static func verdict(_ value: Bool) -> SearchPlan.Verdict { value ? .yes : .no }

    /// One child that decides is enough; else one that is unknown leaves the group unknown.
    private func group(_ nodes: [PlanNode], decides: SearchPlan.Verdict, otherwise: SearchPlan.Verdict) -> SearchPlan.Verdict {
        var result = otherwise
        for node in nodes {
            let verdict = self.verdict(node)
            if verdict == decides { return decides }
            if verdict == .unknown { result = .unknown }
        }
        return result
    }

    private func matches(_ test: PlanNode.FactTest) -> Bool {
        switch test {
        case .uids(let uids): uids.contains(self.facts.uid)
        case .flags(let flags): self.facts.flags.isSuperset(of: flags)
        case .recent: self.facts.isRecent
        case .larger(let size): self.facts.size > size
        case .smaller(let size): self.facts.size < size
        case .internalDate(let test): test.matches(self.context.day(self.facts.internalDate))
        case .savedDate(let test): test.matches(self.context.day(self.facts.savedDate ?? self.facts.internalDate))
        case .until(let moment): self.facts.internalDate <= moment
        case .from(let moment): self.facts.internalDate >= moment
        case .modSeq(let modSeq): self.facts.modSeq >= modSeq
        case .emailID(let id): self.facts.emailID == id
        }
    }
}
