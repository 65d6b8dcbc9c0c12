package import Vocabulary

// What flags decide by themselves: mailboxes have up to a million messages and a handful of combinations of flags.

extension SearchPlan {
    /// Some key is about flags.
    package var asksFlags: Bool { self.root.asksFlags }

    /// What the flags of a message say, if it is one of `uids` (any, where these are nil).
    package func decide(flags: Flags) -> Verdict { self.root.verdict(flags, isAmongUIDs: true) }
}

extension PlanNode {
    var asksFlags: Bool {
        switch self {
        case .facts(.flags): true
        case .always, .facts, .sent, .thread, .field, .header, .body, .text: false
        case .all(let nodes), .any(let nodes): nodes.contains(where: \.asksFlags)
        case .not(let node): node.asksFlags
        }
    }

    /// - Parameter isAmongUIDs: what is asked here holds for every message only as far as its UID is one of `uids`.
    fileprivate func verdict(_ flags: Flags, isAmongUIDs: Bool) -> SearchPlan.Verdict {
        switch self {
        case .always(let value): value ? .yes : .no
        case .facts(.flags(let wanted)): flags.isSuperset(of: wanted) ? .yes : .no
        case .facts(.uids): isAmongUIDs ? .yes : .unknown
        case .facts, .sent, .thread, .field, .header, .body, .text: .unknown
        case .all(let nodes): Self.group(nodes.map { $0.verdict(flags, isAmongUIDs: isAmongUIDs) }, decides: .no, otherwise: .yes)
        case .any(let nodes): Self.group(nodes.map { $0.verdict(flags, isAmongUIDs: false) }, decides: .yes, otherwise: .no)
        case .not(let node):
            switch node.verdict(flags, isAmongUIDs: false) {
            case .yes: .no
            case .no: .yes
            case .unknown: .unknown
            }
        }
    }

    private static func group(
        _ verdicts: [SearchPlan.Verdict], decides: SearchPlan.Verdict, otherwise: SearchPlan.Verdict
    ) -> SearchPlan.Verdict {
        verdicts.contains(decides) ? decides : verdicts.contains(.unknown) ? .unknown : otherwise
    }
}
