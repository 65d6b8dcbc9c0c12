internal import Bytes
package import MIME

/// How near a message comes to what a fuzzy search asks for, from 1 to 100. Matches themselves are exact; what counts is where the words stand
/// and how often. [RFC6203-4]
package struct SearchRelevancy: Sendable {
    private enum Place: Sendable {
        case field(MessageSummary.Text)
        /// Another field of the header.
        case header
        case body
        case anywhere
    }

    private let terms: [(place: Place, needle: ByteFinder)]

    /// nil where the program asks for nothing fuzzy.
    package init?(_ program: SearchProgram) {
        var terms: [(Place, ByteFinder)] = []
        var open: [(key: SearchKey, isFuzzy: Bool)] = [(program.key, false)]
        var isFuzzy = false
        while let (key, isWithin) = open.popLast() {
            switch key {
            case .and(let keys): open += keys.map { ($0, isWithin) }
            case .or(let a, let b): open += [(a, isWithin), (b, isWithin)]
            case .fuzzy(let key):
                isFuzzy = true
                open.append((key, true))
            default: if isWithin, let term = Self.term(key) { terms.append(term) }
            }
        }
        guard isFuzzy else { return nil }
        self.terms = terms
    }

    /// What is not there says nothing of nearness: NOT has no terms.
    private static func term(_ key: SearchKey) -> (Place, ByteFinder)? {
        func needle(_ text: String) -> ByteFinder? { text.isEmpty ? nil : ByteFinder(SearchFold.folded(text)) }
        return switch key {
        case .from(let text): needle(text).map { (.field(.from), $0) }
        case .to(let text): needle(text).map { (.field(.to), $0) }
        case .cc(let text): needle(text).map { (.field(.cc), $0) }
        case .bcc(let text): needle(text).map { (.field(.bcc), $0) }
        case .subject(let text): needle(text).map { (.field(.subject), $0) }
        case .header(_, let text): needle(text).map { (.header, $0) }
        case .body(let text): needle(text).map { (.body, $0) }
        case .text(let text): needle(text).map { (.anywhere, $0) }
        default: nil
        }
    }

    /// The summary is not enough.
    package var needsText: Bool {
        self.terms.contains { term in
            switch term.place {
            case .body, .anywhere: true
            case .field, .header: false
            }
        }
    }

    /// The mean over all that was asked for: who asks for two words wants both.
    package func score(_ summary: MessageSummary?, _ text: SearchText?) -> UInt8 {
        guard !self.terms.isEmpty else { return 100 }
        let sum = self.terms.reduce(0) { $0 + Self.score($1.place, $1.needle, summary, text) }
        return UInt8(min(100, max(1, sum / self.terms.count)))
    }

    private static func score(_ place: Place, _ needle: ByteFinder, _ summary: MessageSummary?, _ text: SearchText?) -> Int {
        switch place {
        case .field(let field): return self.score(field, needle, summary)
        case .header: return 80
        case .body: return self.score(text?.body ?? [], needle)
        case .anywhere:
            let fields: [MessageSummary.Text] = [.subject, .from]
            return max(self.score(text?.body ?? [], needle), fields.map { self.score($0, needle, summary) }.max() ?? 0)
        }
    }

    /// Of a field: all of it, its beginning, somewhere in it.
    private static func score(_ field: MessageSummary.Text, _ needle: ByteFinder, _ summary: MessageSummary?) -> Int {
        guard let summary, summary.has(field) else { return 0 }
        let value = summary.bytes(field).withUnsafeReadableBytes { bytes in
            bytes.withMemoryRebound(to: UInt8.self) { SearchFold.folded($0) }
        }
        guard let at = value.withUnsafeBytes({ needle.find(in: $0) }) else { return 0 }
        if value.count == needle.needle.count { return 100 }
        return at == 0 ? 92 : 84
    }

    /// Of a text: the more often, the nearer; soon more of it makes no difference.
    private static func score(_ text: [UInt8], _ needle: ByteFinder) -> Int {
        let found = text.withUnsafeBytes { bytes in
            var (count, position) = (0, 0)
            while count < self.mostCounted, let at = needle.find(in: bytes, from: position) {
                count += 1
                position = at + max(1, needle.needle.count)
            }
            return count
        }
        return found == 0 ? 0 : 40 + 4 * found
    }

    private static let mostCounted = 10
}
