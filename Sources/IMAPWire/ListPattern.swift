/// A pattern of LIST over names whose levels are parted by `/`: `%` stands for anything within a level, `*` for anything. [RFC9051-6.3.9]
///
/// Time grows with the product of the lengths, whatever the pattern.
package struct ListPattern: Hashable, Sendable {
    package let text: String
    private let bytes: [UInt8]

    private static let star = UInt8(ascii: "*")
    private static let percent = UInt8(ascii: "%")
    private static let separator = UInt8(ascii: "/")

    /// - Parameter text: UTF-8 NFC. INBOX at its beginning is taken in any case of letters.
    package init(_ text: String) {
        self.text = MailboxName.withCanonicalInbox(text)
        var bytes: [UInt8] = []
        for byte in self.text.utf8 {
            // Neighbouring wildcards are as one: the wider.
            if byte == Self.star || byte == Self.percent, let last = bytes.last, last == Self.star || last == Self.percent {
                if byte == Self.star { bytes[bytes.count - 1] = byte }
            } else {
                bytes.append(byte)
            }
        }
        self.bytes = bytes
    }

    package var hasWildcard: Bool { self.bytes.contains { $0 == Self.star || $0 == Self.percent } }

    package func matches(_ name: String) -> Bool {
        let name = Array(name.utf8)
        return self.reached(name).last == true
    }

    /// The shortest parent of `name` (itself not) that matches, for a name that may exist only as a parent; nil if none does.
    package func matchedParents(of name: String) -> [String] {
        let bytes = Array(name.utf8)
        let ends = bytes.indices.filter { bytes[$0] == Self.separator }
        return ends.compactMap { end in
            let parent = Array(bytes[..<end])
            return self.reached(parent).last == true ? String(decoding: parent, as: UTF8.self) : nil
        }
    }

    /// For each place of the pattern: whether it can have matched all of `name`. One pass over the name, a row of the pattern at a time.
    private func reached(_ name: [UInt8]) -> [Bool] {
        var row = [Bool](repeating: false, count: self.bytes.count + 1)
        row[0] = true
        self.skipWildcards(&row)
        for byte in name {
            var next = [Bool](repeating: false, count: row.count)
            for (at, wanted) in self.bytes.enumerated() where row[at] {
                switch wanted {
                case Self.star: next[at] = true
                case Self.percent: if byte != Self.separator { next[at] = true }
                default: if byte == wanted { next[at + 1] = true }
                }
            }
            guard next.contains(true) else { return next }
            self.skipWildcards(&next)
            row = next
        }
        return row
    }

    /// A wildcard also stands for nothing.
    private func skipWildcards(_ row: inout [Bool]) {
        for (at, wanted) in self.bytes.enumerated() where row[at] && (wanted == Self.star || wanted == Self.percent) { row[at + 1] = true }
    }
}
