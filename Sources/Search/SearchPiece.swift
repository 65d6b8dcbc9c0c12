/// Neighbouring characters of folded text: three, or two where one of them is Japanese, Chinese or Korean. The number holds the characters
/// themselves (21 bits each), so that two pieces are equal only if their texts are.
package struct SearchPiece: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// What an index can be asked to leave out messages that cannot match. The index must hold the pieces of a message's `SearchText`, prefix
/// included.
package indirect enum SearchNarrowing: Hashable, Sendable {
    /// Messages that have all of these pieces.
    case pieces([SearchPiece])
    case and([SearchNarrowing])
    case or([SearchNarrowing])
}
