internal import Bytes
package import Vocabulary

/// The name of a message's file in a Maildir: something unique, then `:2,` and a letter for each flag.
package struct MaildirName: Hashable, Sendable {
    /// Before the colon; never changes.
    package var unique: String
    package var flags: Flags
    /// Small letters: keywords of the folder, `a` the first.
    package var keywordLetters: [UInt8]

    package init(unique: String, flags: Flags, keywordLetters: [UInt8] = []) {
        self.unique = unique
        self.flags = flags
        self.keywordLetters = keywordLetters
    }

    private static let letters: [(Character, Flags)] = [
        ("D", .draft), ("F", .flagged), ("R", .answered), ("S", .seen), ("T", .deleted),
    ]

    /// nil for names that are no message's: hidden files.
    package init?(_ name: String) {
        guard !name.isEmpty, !name.hasPrefix(".") else { return nil }
        let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        self.unique = String(parts[0])
        let info = parts.count > 1 && parts[1].hasPrefix("2,") ? parts[1].dropFirst(2) : ""
        self.flags = Self.letters.reduce(into: []) { if info.contains($1.0) { $0.insert($1.1) } }
        self.keywordLetters = info.utf8.filter { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
    }

    /// In the order that the format wants.
    package var name: String {
        let flags = Self.letters.filter { self.flags.contains($0.1) }.map { String($0.0) }.joined()
        return "\(self.unique):2,\(flags)\(String(decoding: self.keywordLetters.sorted(), as: UTF8.self))"
    }

    /// The file that names a folder's keywords: a number and a name on each line, 0 for `a`.
    package static func keywords(of text: String) -> [UInt8: String] {
        var out: [UInt8: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, let number = UInt8(parts[0]), number < 26 else { continue }
            out[UInt8(ascii: "a") + number] = String(parts[1])
        }
        return out
    }
}
