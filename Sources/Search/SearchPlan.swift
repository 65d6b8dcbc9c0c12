internal import Bytes
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

    let root: PlanNode
    private let context: SearchContext

    package let needs: Needs
    /// Columns that decide as much as a summary.
    package let columns: Set<SearchColumns.Key>
    /// Some key is about fields that summaries do not have, or about all of the text: trace lines count.
    package let looksAtHeader: Bool
    /// Messages that can match at all, where the program says so by UIDs; nil for all.
    package let uids: UIDSet?
    /// What to ask an index first; nil where it would leave nothing out.
    package let narrowing: SearchNarrowing?

    /// nil for a program deeper than `SearchProgram.deepest`, or one with references that were not resolved.
    package init?(_ program: SearchProgram, _ context: SearchContext) {
        guard let root = PlanNode(program.key, context, SearchProgram.deepest) else { return nil }
        self.root = root
        self.context = context
        self.needs = root.needs
        self.columns = root.columns
        self.looksAtHeader = root.looksAtHeader
        self.uids = root.uids
        self.narrowing = root.narrowing
    }

    package func decide(_ facts: SearchFacts, _ summary: MessageSummary? = nil, _ text: SearchText? = nil) -> Verdict {
        self.decide(facts, header: summary.map { .summary($0) }, text)
    }

    /// - Parameter header: what is known of the header, from wherever.
    package func decide(_ facts: SearchFacts, header: SearchEvidence?, _ text: SearchText? = nil) -> Verdict {
        PlanEvidence(facts: facts, header: header, text: text, context: self.context).verdict(self.root)
    }

}

/// A key as it is evaluated; children of a group come in the order of their cost.
indirect enum PlanNode: Sendable {
    case always(Bool)
    case facts(FactTest)
    case sent(DateTest)
    /// The message belongs to a conversation. [RFC8474-6]
    case thread(String)
    /// A field that the summary has.
    case field(MessageSummary.Text, ByteFinder)
    /// Any other field, by its name as it stands in `SearchText.header`.
    case header(ByteFinder, ByteFinder)
    case body(ByteFinder)
    case text(ByteFinder)
    case all([PlanNode])
    case any([PlanNode])
    case not(PlanNode)

    /// What a row decides.
    enum FactTest: Sendable {
        case uids(UIDSet)
        case flags(Flags)
        case recent
        case larger(Int64)
        case smaller(Int64)
        case internalDate(DateTest)
        case savedDate(DateTest)
        /// Internal date at or before, at or after this moment.
        case until(Int64)
        case from(Int64)
        case modSeq(ModSeq)
        case emailID(String)
    }

    init?(_ key: SearchKey, _ context: SearchContext, _ depth: Int) {
        guard depth > 0 else { return nil }
        switch key {
        case .and(let keys):
            guard let nodes = Self.nodes(keys, context, depth) else { return nil }
            self = .all(nodes)
        case .or(let a, let b):
            guard let nodes = Self.nodes([a, b], context, depth) else { return nil }
            self = .any(nodes)
        case .not(let key):
            guard let node = PlanNode(key, context, depth - 1) else { return nil }
            self = .not(node)
        case .fuzzy(let key):
            guard let node = PlanNode(key, context, depth - 1) else { return nil }
            self = node
        case .messages: return nil
        default: self = Self.leaf(key, context)
        }
    }

    private static func nodes(_ keys: [SearchKey], _ context: SearchContext, _ depth: Int) -> [PlanNode]? {
        var nodes: [PlanNode] = []
        for key in keys {
            guard let node = PlanNode(key, context, depth - 1) else { return nil }
            nodes.append(node)
        }
        return nodes.enumerated().sorted { ($0.element.cost, $0.offset) < ($1.element.cost, $1.offset) }.map(\.element)
    }

    private static func leaf(_ key: SearchKey, _ context: SearchContext) -> PlanNode {
        switch key {
        case .uids(let uids): .facts(.uids(uids))
        case .flags(let flags): .facts(.flags(flags))
        case .keyword(let name): context.keyword(name).map { .facts(.flags($0)) } ?? .always(false)
        case .recent: .facts(.recent)
        case .larger(let size): .facts(.larger(size))
        case .smaller(let size): .facts(.smaller(size))
        case .internalDate(let test): .facts(.internalDate(test))
        // A mailbox without save dates answers by its internal dates. [RFC8514-4.3]
        case .savedDate(let test): .facts(context.keepsSaveDates ? .savedDate(test) : .internalDate(test))
        case .savedDateSupported: .always(context.keepsSaveDates)
        case .older(let seconds): .facts(.until(context.moment(before: seconds)))
        case .younger(let seconds): .facts(.from(context.moment(before: seconds)))
        case .modSeq(let modSeq): .facts(.modSeq(modSeq))
        case .emailID(let id): .facts(.emailID(id))
        case .threadID(let id): .thread(id)
        case .sentDate(let test): .sent(test)
        default: self.string(key)
        }
    }

    private static func string(_ key: SearchKey) -> PlanNode {
        func needle(_ text: String) -> ByteFinder { ByteFinder(SearchFold.folded(text)) }
        switch key {
        case .from(let text): return .field(.from, needle(text))
        case .to(let text): return .field(.to, needle(text))
        case .cc(let text): return .field(.cc, needle(text))
        case .bcc(let text): return .field(.bcc, needle(text))
        case .subject(let text): return .field(.subject, needle(text))
        case .header(let name, let text):
            let name = name.asciiLowercased
            if let known = self.summaryField(name) { return .field(known, needle(text)) }
            return .header(ByteFinder([SearchFold.separator] + Array(name.utf8) + [UInt8(ascii: ":")]), needle(text))
        case .body(let text): return text.isEmpty ? .always(true) : .body(needle(text))
        case .text(let text): return text.isEmpty ? .always(true) : .text(needle(text))
        default: return .always(true)
        }
    }

    /// Fields that the summary has whole.
    private static func summaryField(_ name: String) -> MessageSummary.Text? {
        switch name {
        case "from": .from
        case "to": .to
        case "cc": .cc
        case "bcc": .bcc
        case "subject": .subject
        case "message-id": .messageIDField
        case "in-reply-to": .inReplyToField
        case "references": .referencesField
        default: nil
        }
    }

    // MARK: Facts about the node

    private var cost: Int {
        switch self {
        case .always: 0
        case .facts: 1
        case .sent: 2
        case .field, .thread: 3
        case .header: 4
        case .body: 5
        case .text: 6
        case .all(let nodes), .any(let nodes): nodes.map(\.cost).max() ?? 0
        case .not(let node): node.cost
        }
    }

    var needs: SearchPlan.Needs {
        switch self {
        case .always: []
        case .facts(.emailID): .objectIDs
        case .thread: [.objectIDs, .summary]
        case .facts(.savedDate): .savedDate
        case .facts: []
        case .sent, .field: .summary
        case .header, .body, .text: [.summary, .text]
        case .all(let nodes), .any(let nodes): nodes.reduce([]) { $0.union($1.needs) }
        case .not(let node): node.needs
        }
    }

    var looksAtHeader: Bool {
        switch self {
        case .header, .text: true
        case .always, .facts, .sent, .thread, .field, .body: false
        case .all(let nodes), .any(let nodes): nodes.contains(where: \.looksAtHeader)
        case .not(let node): node.looksAtHeader
        }
    }

    var columns: Set<SearchColumns.Key> {
        switch self {
        case .sent: [.sent]
        case .thread: [.thread]
        case .field(let field, _): [.folded(field)]
        case .always, .facts, .header, .body, .text: []
        case .all(let nodes), .any(let nodes): nodes.reduce([]) { $0.union($1.columns) }
        case .not(let node): node.columns
        }
    }

    var uids: UIDSet? {
        switch self {
        case .facts(.uids(let uids)): return uids
        case .always(false): return UIDSet()
        case .all(let nodes):
            let sets = nodes.compactMap(\.uids)
            return sets.dropFirst().reduce(sets.first) { $0?.intersection($1) }
        case .any(let nodes):
            var union = UIDSet()
            for node in nodes {
                guard let uids = node.uids else { return nil }
                union = union.union(uids)
            }
            return union
        default: return nil
        }
    }

    var narrowing: SearchNarrowing? {
        switch self {
        case .field(_, let needle), .header(_, let needle), .body(let needle), .text(let needle):
            let pieces = PieceCutter.pieces([needle.needle])
            return pieces.isEmpty ? nil : .pieces(pieces)
        case .all(let nodes):
            let parts = nodes.compactMap(\.narrowing)
            return parts.isEmpty ? nil : parts.count == 1 ? parts.first : .and(parts)
        case .any(let nodes):
            var parts: [SearchNarrowing] = []
            for node in nodes {
                guard let part = node.narrowing else { return nil }
                parts.append(part)
            }
            return parts.isEmpty ? nil : .or(parts)
        case .always, .facts, .sent, .thread, .not: return nil
        }
    }
}

extension SearchContext {
    fileprivate func moment(before seconds: Int64) -> Int64 {
        let (moment, isTooFar) = self.now.subtractingReportingOverflow(seconds)
        return isTooFar ? .min : moment
    }
}
