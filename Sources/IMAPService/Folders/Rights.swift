internal import IMAPWire
internal import Vocabulary

/// Letters of rights, and what identifiers come to. [RFC4314-2.1]
extension Rights {
    private static let letters: [(letter: Character, right: Self)] = [
        ("l", .lookup), ("r", .read), ("s", .seen), ("w", .write), ("i", .insert), ("p", .post), ("k", .createChildren),
        ("x", .deleteMailbox), ("t", .deleteMessages), ("e", .expunge), ("a", .administer),
    ]

    /// nil for a letter that is no right. `c` and `d` are those of RFC 2086. [RFC4314-2.1.1]
    init?(letters text: some StringProtocol) {
        var rights: Self = []
        for letter in text {
            switch letter {
            case "c": rights.formUnion([.createChildren])
            case "d": rights.formUnion([.deleteMessages, .expunge, .deleteMailbox])
            default:
                guard let known = Self.letters.first(where: { $0.letter == letter }) else { return nil }
                rights.insert(known.right)
            }
        }
        self = rights
    }

    /// With `c` and `d` for clients of RFC 2086 where all that they stand for is there. [RFC4314-2.1.1]
    func text(withOld: Bool) -> String {
        var text = String(Self.letters.filter { self.contains($0.right) }.map(\.letter))
        if withOld {
            if self.contains(.createChildren) { text += "c" }
            if !self.isDisjoint(with: [.deleteMessages, .expunge, .deleteMailbox]) { text += "d" }
        }
        return text
    }

    /// What identifiers come to for one user: what any of them gives, without what any takes away. [RFC4314-2]
    ///
    /// - Parameter identifiers: of the user, as they are stored.
    static func effective(_ rows: [(identifier: String, rights: String)], for identifiers: [String]) -> Self {
        var (given, taken): (Self, Self) = ([], [])
        for row in rows {
            let isNegative = row.identifier.hasPrefix("-")
            let identifier = isNegative ? String(row.identifier.dropFirst()) : row.identifier
            guard identifiers.contains(identifier), let rights = Self(letters: row.rights) else { continue }
            if isNegative { taken.formUnion(rights) } else { given.formUnion(rights) }
        }
        return given.subtracting(taken)
    }
}
