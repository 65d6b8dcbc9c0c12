package import Vocabulary

/// What a client searches for.
package struct SearchProgram: Hashable, Sendable {
    /// Deepest nesting of keys that is evaluated; parsers allow less.
    package static let deepest = 100

    package var key: SearchKey

    package init(_ key: SearchKey) { self.key = key }

    /// The program with every reference to messages made a set of UIDs.
    ///
    /// - Returns: nil where `resolve` gave nil, or beyond `deepest`.
    package func resolved(_ resolve: (MessageReference) -> UIDSet?) -> SearchProgram? {
        self.key.resolved(Self.deepest, resolve).map(SearchProgram.init)
    }

    /// Some key asks for this: the caller must bring it, or may answer otherwise than usual (MODSEQ in the answer).
    package func contains(_ isWanted: (SearchKey) -> Bool) -> Bool {
        var open = [self.key]
        while let key = open.popLast() {
            if isWanted(key) { return true }
            open += key.children
        }
        return false
    }

    /// Something is asked for as it may be near, too. [RFC6203-3]
    package var isFuzzy: Bool {
        self.contains { if case .fuzzy = $0 { true } else { false } }
    }

    /// A MODSEQ key is in it, so that the answer tells the highest MODSEQ. [RFC7162-3.1.5]
    package var asksModSeq: Bool {
        self.contains { if case .modSeq = $0 { true } else { false } }
    }
}

extension SearchKey {
    fileprivate var children: [SearchKey] {
        switch self {
        case .and(let keys): keys
        case .or(let a, let b): [a, b]
        case .not(let key), .fuzzy(let key): [key]
        default: []
        }
    }

    fileprivate func resolved(_ depth: Int, _ resolve: (MessageReference) -> UIDSet?) -> SearchKey? {
        guard depth > 0 else { return nil }
        switch self {
        case .messages(let reference): return resolve(reference).map(SearchKey.uids)
        case .and(let keys):
            var out: [SearchKey] = []
            for key in keys {
                guard let key = key.resolved(depth - 1, resolve) else { return nil }
                out.append(key)
            }
            return .and(out)
        case .or(let a, let b):
            guard let a = a.resolved(depth - 1, resolve), let b = b.resolved(depth - 1, resolve) else { return nil }
            return .or(a, b)
        case .not(let key): return key.resolved(depth - 1, resolve).map(SearchKey.not)
        case .fuzzy(let key): return key.resolved(depth - 1, resolve).map(SearchKey.fuzzy)
        default: return self
        }
    }
}
