/// Neighbouring characters of folded text: three, or two where one of them is Japanese, Chinese or Korean. The number holds the characters
/// themselves (21 bits each), so that two pieces are equal only if their texts are.
package struct SearchPiece: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    /// Of two characters, the first bit tells them from three.
    init(_ a: UInt32, _ b: UInt32) { self.rawValue = 1 << 63 | UInt64(a) << 21 | UInt64(b) }
    init(_ a: UInt32, _ b: UInt32, _ c: UInt32) { self.rawValue = UInt64(a) << 42 | UInt64(b) << 21 | UInt64(c) }
}

/// What an index can be asked to leave out messages that cannot match. The index must hold the pieces of a message's `SearchText`, prefix
/// included.
package indirect enum SearchNarrowing: Hashable, Sendable {
    /// Messages that have all of these pieces.
    case pieces([SearchPiece])
    case and([SearchNarrowing])
    case or([SearchNarrowing])

    /// Whether a message with these pieces is left: what an index must say.
    package func allows(_ has: (SearchPiece) -> Bool) -> Bool {
        switch self {
        case .pieces(let pieces): pieces.allSatisfy(has)
        case .and(let parts): parts.allSatisfy { $0.allows(has) }
        case .or(let parts): parts.contains { $0.allows(has) }
        }
    }
}

/// Cuts folded text into pieces. Those with blanks are left out: they would double the index and narrow little.
struct PieceCutter {
    /// Gathered so far, each perhaps several times: sorted and made unique when there are many.
    private var found: [UInt64] = []
    private var limit = 1 << 16

    static func pieces(_ texts: [[UInt8]]) -> [SearchPiece] {
        var cutter = PieceCutter()
        for text in texts { text.withUnsafeBufferPointer { cutter.cut($0) } }
        cutter.makeUnique()
        return cutter.found.map(SearchPiece.init(rawValue:))
    }

    private mutating func cut(_ text: UnsafeBufferPointer<UInt8>) {
        // The two characters before; 0 where a blank is, or nothing.
        var (a, b): (UInt32, UInt32) = (0, 0)
        var index = 0
        while index < text.count {
            let scalar = Scalar(text, index)
            index += scalar.length
            let c = scalar.value <= 0x20 ? 0 : scalar.value
            if b != 0, c != 0 {
                let isDense = CharacterClass.isDense(c)
                if isDense || CharacterClass.isDense(b) {
                    self.add(SearchPiece(b, c))
                } else if a != 0, !CharacterClass.isDense(a) {
                    self.add(SearchPiece(a, b, c))
                }
            }
            (a, b) = (b, c)
        }
    }

    private mutating func add(_ piece: SearchPiece) {
        self.found.append(piece.rawValue)
        if self.found.count >= self.limit {
            self.makeUnique()
            self.limit = max(1 << 16, 2 * self.found.count)
        }
    }

    private mutating func makeUnique() {
        self.found.sort()
        var kept = 0
        for index in self.found.indices where kept == 0 || self.found[kept - 1] != self.found[index] {
            self.found[kept] = self.found[index]
            kept += 1
        }
        self.found.removeLast(self.found.count - kept)
    }
}
